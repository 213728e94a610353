"""TruncatedSVD of TF-IDF: latent semantic analysis of what users chose."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines.base import Catalogue, Histories
from lurm_cli.baselines.tfidf import TfIdf

# The decomposition is learnt from so many users at the most; everyone is projected.
_MOST_USERS = 200_000


class Svd:
    """Scikit-learn's TruncatedSVD over the TF-IDF rows.

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
        from sklearn.decomposition import TruncatedSVD

        self._tfidf.fit(histories, catalogue, seed)
        rows: list[sparse.csr_matrix] = []
        for events in histories():
            rows.append(self._tfidf.transform(events))
            if sum(block.shape[0] for block in rows) >= _MOST_USERS:
                break
        matrix = sparse.vstack(rows, format="csr")
        self._svd: TruncatedSVD | None = None
        if matrix.shape[1] > 1:
            n_components = max(1, min(self._dim, min(matrix.shape) - 1))
            # A single user leaves no variance to explain; what share is explained is not used.
            with np.errstate(invalid="ignore"):
                self._svd = TruncatedSVD(n_components, random_state=seed).fit(matrix)
        return self

    def transform(self, events: RaggedEvents) -> np.ndarray:
        """float32 (n_users, dim)."""
        rows = self._tfidf.transform(events)
        # One word has nothing to be decomposed into.
        return np.asarray(rows.toarray() if self._svd is None else self._svd.transform(rows), dtype=np.float32)
