"""TruncatedSVD of TF-IDF: latent semantic analysis of what users chose."""

from __future__ import annotations

from typing import Any

import numpy as np

from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines.base import Catalogue, Histories
from lurm_cli.baselines.tfidf import TfIdf
from lurm_cli.decomposition import first_rows, principal_directions


class Svd:
    """Scikit-learn's TruncatedSVD over the TF-IDF rows, learnt from the first 100,000 users.

    Parameters
    ----------
    dim
        Components.
    """

    def __init__(self, dim: int = 128) -> None:
        self._dim, self._tfidf = dim, TfIdf()
        self.parameters: dict[str, Any] = {"dim": dim, **self._tfidf.parameters}

    def fit(self, histories: Histories, catalogue: Catalogue, seed: int) -> Svd:
        """Decompose the users' TF-IDF rows."""
        self._tfidf.fit(histories, catalogue, seed)
        rows = first_rows(self._tfidf.transform(events) for events in histories())
        self._directions, _ = principal_directions(rows, self._dim, seed)
        return self

    def transform(self, events: RaggedEvents) -> np.ndarray:
        """float32 (n_users, dim)."""
        rows = self._tfidf.transform(events)
        # One word or one user has nothing to be decomposed into.
        projected = rows @ self._directions if self._directions.shape[1] else rows.toarray()
        return np.asarray(projected, dtype=np.float32)
