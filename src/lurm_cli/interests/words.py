"""How often each word stands in each interest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse


class WordCounts:
    """Words by interest, of items that come block by block.

    Memory follows what is different, not the items: 8 bytes for each (interest, word) that occurs, twice while a block
    is added, and some 150 bytes for each word. Ten million titles of eight words, half a million of them different, in
    100,000 interests take half a gigabyte at the most.

    Parameters
    ----------
    k
        Number of interests.
    """

    def __init__(self, k: int) -> None:
        self._numbers: dict[str, int] = {}
        # The last row is of items without an interest: a vocabulary is of all items.
        self._counts = sparse.csr_matrix((k + 1, 0), dtype=np.int32)

    def add(self, labels: np.ndarray, texts: Sequence[Sequence[str]]) -> None:
        """Take in the next items: interests (-1: none), (n,), and the words of each."""
        numbers, k = self._numbers, self._counts.shape[0] - 1
        words = np.array([numbers.setdefault(word, len(numbers)) for text in texts for word in text], dtype=np.int32)
        owner = np.repeat(np.where(labels >= 0, labels, k), [len(text) for text in texts])
        shape = (k + 1, len(numbers))
        # An element that is there several times is added up.
        block = sparse.csr_matrix((np.ones(len(words), dtype=np.int32), (owner, words)), shape=shape)
        self._counts.resize(shape)
        self._counts = self._counts + block

    def table(self) -> tuple[sparse.csr_matrix, list[str]]:
        """Counts, and the word of each column.

        Returns
        -------
        counts
            float32 CSR (k, words), of items with an interest.
        vocabulary
            The words of all items, most frequent first, ties in alphabetical order.
        """
        k, words = self._counts.shape[0] - 1, list(self._numbers)
        totals = np.bincount(self._counts.indices, self._counts.data, minlength=len(words)).astype(np.int64).tolist()
        order = sorted(range(len(words)), key=lambda number: (-totals[number], words[number]))
        rank = np.empty(len(words), dtype=np.int32)
        rank[order] = np.arange(len(words), dtype=np.int32)
        kept = self._counts[:k]
        counts = sparse.csr_matrix(
            (kept.data.astype(np.float32), rank[kept.indices], kept.indptr), shape=(k, max(1, len(words)))
        )
        counts.sort_indices()
        return counts, [words[number] for number in order]
