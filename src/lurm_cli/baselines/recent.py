"""What methods with short input see: the last behaviours of a user, and the words of each item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines.base import Catalogue, Histories
from lurm_cli.items.text import encode_texts, truncation_length

# The paper limits its competitors to so many behaviours; the last ones are taken.
RECENT = 50
# Users a network learns from at the most; everyone is described.
MOST_USERS = 200_000


def of_first_users(histories: Histories, what: Callable[[RaggedEvents], np.ndarray]) -> np.ndarray:
    """What networks learn from: rows of ``MOST_USERS`` users; no more are read."""
    rows: list[np.ndarray] = []
    n_users = 0
    for events in histories():
        rows.append(what(events)[: MOST_USERS - n_users])
        n_users += len(rows[-1])
        if n_users == MOST_USERS:
            break
    return np.concatenate(rows)


def recent_items(events: RaggedEvents, n: int = RECENT) -> np.ndarray:
    """The last items of each user, oldest first: item code + 1, padded with 0 at the end; int64 (n_users, n)."""
    return _recent(events, events.items.astype(np.int64) + 1, n)


def recent_times(events: RaggedEvents, n: int = RECENT) -> np.ndarray:
    """Times of ``recent_items``, microseconds UTC, padded with 0; int64 (n_users, n)."""
    return _recent(events, events.times, n)


def _recent(events: RaggedEvents, values: np.ndarray, n: int) -> np.ndarray:
    end = events.indptr[1:]
    begin = np.maximum(events.indptr[:-1], end - n)
    size = end - begin
    place = np.arange(n)[None, :]
    held = place < size[:, None]
    out = np.zeros((len(size), n), dtype=np.int64)
    out[held] = values[(begin[:, None] + place)[held]]
    return out


@dataclass(frozen=True)
class ItemWords:
    """Words of the items as a table that networks index.

    Items of the same words cannot be told from each other by them: they are one text, which a network reads once.

    Attributes
    ----------
    table
        int64 (n_texts + 1, longest text): word number + 1, padded with 0; row 0 is padding, each other row is
        different (one of them may hold no word).
    of_item
        int64 (n_items + 1,): the row of item code + 1; 0 stands at 0.
    seen
        bool (n_items,): items that stand in some user's life before the cut.
    vocabulary
        The words; number k stands at ``vocabulary[k]``.
    """

    table: np.ndarray
    of_item: np.ndarray
    seen: np.ndarray
    vocabulary: list[str]

    def recent_texts(self, events: RaggedEvents) -> np.ndarray:
        """The texts of ``recent_items``: rows of ``table``, padded with 0 at the end; int64 (n_users, 50)."""
        return self.of_item[recent_items(events)]


def item_words(catalogue: Catalogue, histories: Histories, most_words: int = 100_000, longest: int = 35) -> ItemWords:
    """Number the words of items that stand in some user's life before the cut.

    Texts are cut where 95 % of them end, and at ``longest`` words at the latest (35 on Amazon in the paper).
    """
    seen = np.zeros(len(catalogue), dtype=bool)
    for events in histories():
        seen[events.items] = True
    frequency = Counter(word for words, is_seen in zip(catalogue.words, seen, strict=True) if is_seen for word in words)
    known = {word for word, _ in sorted(frequency.items(), key=lambda pair: (-pair[1], pair[0]))[:most_words]}
    texts = encode_texts([[word for word in words if word in known] for words in catalogue.words])
    lengths = texts.lengths()
    texts = texts.truncated(min(longest, truncation_length(lengths[seen] if seen.any() else lengths)))
    sizes = texts.lengths()
    by_item = np.zeros((len(sizes), max(1, int(sizes.max(initial=0)))), dtype=np.int64)
    row = np.repeat(np.arange(len(sizes)), sizes)
    by_item[row, np.arange(len(texts.words)) - texts.indptr[row]] = texts.words.astype(np.int64) + 1
    distinct, text = np.unique(by_item, axis=0, return_inverse=True)
    table = np.vstack([np.zeros((1, by_item.shape[1]), dtype=np.int64), distinct])
    return ItemWords(table, np.concatenate([[0], text.reshape(-1) + 1]), seen, texts.vocabulary)


def word_vectors(words: ItemWords, dim: int, seed: int) -> np.ndarray:
    """word2vec over texts of items seen before the cut, a start for a network's words: float32 (n_words + 1, dim).

    Row 0 is zeros.
    """
    from lurm_cli.items.text import EncodedTexts
    from lurm_cli.items.word2vec import Word2VecOptions, fit_word2vec

    texts = words.table[words.of_item[1:][words.seen]]
    sizes = (texts > 0).sum(1)
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    encoded = EncodedTexts(indptr, (texts[texts > 0] - 1).astype(np.int32), words.vocabulary)
    vectors = fit_word2vec(encoded, Word2VecOptions(dim), seed)
    return np.vstack([np.zeros((1, dim), dtype=np.float32), vectors])
