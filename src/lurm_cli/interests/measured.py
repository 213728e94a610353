"""Recall of the assignment by cells, measured on items that come block by block."""

from __future__ import annotations

import numpy as np

from lurm_cli.interests.large import MEASURED, recall
from lurm_cli.interests.sample import Ranked


class MeasuredRecall:
    """Keeps 2,000 items with a vector, evenly spaced, and says how many of them have their best centre.

    Parameters
    ----------
    n_with_vector
        Items with a vector, of all blocks together: zero vectors have no interest to be found.
    """

    def __init__(self, n_with_vector: int) -> None:
        self._wanted = Ranked(np.linspace(0, n_with_vector - 1, MEASURED).astype(np.int64))
        self._vectors: list[np.ndarray] = []
        self._similarity: list[np.ndarray] = []

    def add(self, vectors: np.ndarray, labels: np.ndarray, similarity: np.ndarray) -> None:
        """Take in the next items: vectors (n, d), interests (-1: none) and similarities to these, both (n,)."""
        rows = self._wanted.rows(labels >= 0)
        self._vectors.append(vectors[rows])
        self._similarity.append(similarity[rows])

    def share(self, centers: np.ndarray, metric: str) -> float:
        """``large.recall`` of the items kept."""
        return recall(np.concatenate(self._vectors), centers, metric, np.concatenate(self._similarity))
