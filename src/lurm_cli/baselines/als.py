"""ALS: implicit-feedback matrix factorisation (Hu, Koren, Volinsky 2008), with the package implicit."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.ragged import RaggedEvents, user_item_counts
from lurm_cli.baselines.base import Catalogue, Histories

# Factors are learnt from so many users at the most; everyone is solved against them.
_MOST_USERS = 200_000


class Als:
    """Factors of users against items; confidence is 1 + alpha * log(1 + count).

    Parameters
    ----------
    dim
        Factors.
    """

    def __init__(self, dim: int = 128, alpha: float = 10.0, regularization: float = 1.0, iterations: int = 15) -> None:
        self.parameters: dict[str, Any] = {
            "dim": dim,
            "alpha": alpha,
            "regularization": regularization,
            "iterations": iterations,
        }

    def fit(self, histories: Histories, catalogue: Catalogue, seed: int) -> Als:
        """Factorise the counts of users by items."""
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        self._n_items = len(catalogue)
        rows: list[sparse.csr_matrix] = []
        for events in histories():
            rows.append(self._confidence(events))
            if sum(block.shape[0] for block in rows) >= _MOST_USERS:
                break
        held = self.parameters
        # The package parallelises over rows; threads of the matrix products within would only disturb it.
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=held["dim"],
                regularization=held["regularization"],
                iterations=held["iterations"],
                random_state=seed,
            )
            model.fit(sparse.vstack(rows, format="csr"), show_progress=False)
        self.items = np.asarray(model.item_factors, dtype=np.float64)  # (n_items, dim)
        self._gram = self.items.T @ self.items + held["regularization"] * np.eye(held["dim"])
        return self

    def _confidence(self, events: RaggedEvents) -> sparse.csr_matrix:
        counts = user_item_counts(events, self._n_items).astype(np.float32)
        counts.data = np.log1p(counts.data) * self.parameters["alpha"]
        counts.data += 1
        return counts

    def transform(self, events: RaggedEvents) -> np.ndarray:
        """float32 (n_users, dim): the least-squares solution of each user, given the items' factors."""
        confidence = self._confidence(events)
        out = np.empty((confidence.shape[0], self.items.shape[1]), dtype=np.float32)
        for user, (begin, end) in enumerate(zip(confidence.indptr[:-1], confidence.indptr[1:], strict=True)):
            chosen = self.items[confidence.indices[begin:end]]
            weight = confidence.data[begin:end].astype(np.float64)
            left = self._gram + (chosen.T * (weight - 1)) @ chosen
            out[user] = np.linalg.solve(left, chosen.T @ weight)
        return out
