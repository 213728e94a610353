"""Item texts as words: tokens, vocabulary, truncation."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

_TAG = re.compile(r"<[^<>]*>")
_WORD = re.compile(r"\w+", re.UNICODE)


def tokenize(text: str) -> list[str]:
    """Lower-case words and numbers of a text; HTML tags and entities are taken out first."""
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub(" ", text))
    return _WORD.findall(text.lower())


@dataclass(frozen=True)
class EncodedTexts:
    """Texts as word numbers.

    Attributes
    ----------
    indptr
        int64 (n_texts + 1,).
    words
        int32: word numbers, in the order of the text; words outside the vocabulary are left out.
    vocabulary
        The words, most frequent first, ties in alphabetical order.
    """

    indptr: np.ndarray
    words: np.ndarray
    vocabulary: list[str]

    def lengths(self) -> np.ndarray:
        """Words of each text."""
        return np.diff(self.indptr)

    def truncated(self, length: int) -> EncodedTexts:
        """The first ``length`` words of each text."""
        sizes = self.lengths()
        position = np.arange(len(self.words)) - np.repeat(self.indptr[:-1], sizes)
        indptr = np.concatenate([[0], np.cumsum(np.minimum(sizes, length))]).astype(np.int64)
        return EncodedTexts(indptr, self.words[position < length], self.vocabulary)


def encode_texts(texts: Sequence[Sequence[str]], min_count: int = 1) -> EncodedTexts:
    """Number the words of tokenized texts; words rarer than ``min_count`` are dropped."""
    counts = Counter(word for text in texts for word in text)
    vocabulary = sorted((w for w, n in counts.items() if n >= min_count), key=lambda w: (-counts[w], w))
    number = {word: place for place, word in enumerate(vocabulary)}
    kept = [[number[word] for word in text if word in number] for text in texts]
    indptr = np.concatenate([[0], np.cumsum([len(text) for text in kept])]).astype(np.int64)
    return EncodedTexts(indptr, np.array([w for text in kept for w in text], dtype=np.int32), vocabulary)


def join_columns(columns: Iterable[Sequence[str]]) -> list[str]:
    """One text an item from several columns."""
    return [" ".join(part for part in row if part) for row in zip(*columns, strict=True)]


def truncation_length(lengths: np.ndarray, coverage: float = 0.95) -> int:
    """Tr: the shortest length that ``coverage`` of the texts do not exceed (section 4.4, Tab. 1 of the paper)."""
    filled = np.sort(lengths[lengths > 0])
    return int(filled[int(np.ceil(coverage * len(filled))) - 1]) if len(filled) else 1
