"""The items that are nearest to the centre of their interest."""

from __future__ import annotations

import numpy as np


class CentralItems:
    """The ``n`` most similar items of each of ``k`` interests, of items that come block by block."""

    def __init__(self, k: int, n: int = 3) -> None:
        self._codes = np.full((k, n), -1, dtype=np.int32)
        # As wide as any similarity that comes, so that ties stay ties.
        self._similarity = np.zeros((k, n))
        self._passed = 0

    def add(self, labels: np.ndarray, similarity: np.ndarray) -> None:
        """Take in the next items: their interests (-1: none), and how similar they are to these, both (n,)."""
        k, n = self._codes.shape
        best = np.flatnonzero(self._codes.ravel() >= 0)
        items = np.flatnonzero(labels >= 0)
        owner = np.concatenate([best // n, labels[items]])
        codes = np.concatenate([self._codes.ravel()[best], self._passed + items])
        similarities = np.concatenate([self._similarity.ravel()[best], similarity[items]])
        order = np.lexsort((codes, -similarities, owner))
        owner = owner[order]
        sizes = np.bincount(owner, minlength=k)
        rank = np.arange(len(order)) - (np.cumsum(sizes) - sizes)[owner]
        kept = rank < n
        place = owner[kept], rank[kept]
        self._codes[place], self._similarity[place] = codes[order[kept]], similarities[order[kept]]
        self._passed += len(labels)

    def codes(self) -> np.ndarray:
        """Item codes, best first, ties by number; int32 (k, n), -1 where there are fewer."""
        return self._codes


def nearest_items(labels: np.ndarray, similarity: np.ndarray, k: int, n: int = 3) -> np.ndarray:
    """``CentralItems`` of all items at once; int32 (k, n)."""
    central = CentralItems(k, n)
    central.add(labels, similarity)
    return central.codes()
