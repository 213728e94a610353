"""Item texts as words: tokens, vocabulary, truncation."""

from __future__ import annotations

import html
import itertools
import re
from array import array
from collections import defaultdict
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


def encode_texts(texts: Iterable[Sequence[str]], min_count: int = 1, taught: np.ndarray | None = None) -> EncodedTexts:
    """Number the words of tokenized texts, which are gone through once.

    Parameters
    ----------
    min_count
        Words that occur fewer times in all texts are dropped.
    taught
        bool, one a text: words that occur in none of these texts are dropped, too.
    """
    # First in the order in which they occur, so that no text is held.
    number: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    held, sizes = array("i"), array("q")
    for text in texts:
        held.extend([number[word] for word in text])
        sizes.append(len(text))
    words, lengths = np.array(held, dtype=np.int32), np.array(sizes, dtype=np.int64)
    counts = np.bincount(words, minlength=len(number))
    kept = counts >= min_count
    if taught is not None:
        kept &= np.bincount(words[np.repeat(taught, lengths)], minlength=len(number)) > 0
    places, names = np.flatnonzero(kept), list(number)
    order = sorted(places.tolist(), key=lambda place: (-counts[place], names[place]))
    renumbered = np.full(len(number), -1, dtype=np.int32)
    renumbered[order] = np.arange(len(order), dtype=np.int32)
    words = renumbered[words]
    before = np.concatenate([[0], np.cumsum(words >= 0)])
    indptr = before[np.concatenate([[0], np.cumsum(lengths)])].astype(np.int64)
    return EncodedTexts(indptr, words[words >= 0], [names[place] for place in order])


def join_columns(columns: Iterable[Sequence[str]]) -> list[str]:
    """One text an item from several columns."""
    return [" ".join(part for part in row if part) for row in zip(*columns, strict=True)]


def truncation_length(lengths: np.ndarray, coverage: float = 0.95) -> int:
    """Tr: the shortest length that ``coverage`` of the texts do not exceed (section 4.4, Tab. 1 of the paper)."""
    filled = np.sort(lengths[lengths > 0])
    return int(filled[int(np.ceil(coverage * len(filled))) - 1]) if len(filled) else 1
