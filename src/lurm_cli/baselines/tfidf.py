"""TF-IDF over the words of a user's items: scikit-learn's formula, streamed over users."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.ragged import RaggedEvents, user_item_counts
from lurm_cli.baselines.base import Catalogue, Histories


class TfIdf:
    """A user's document is all words of all behaviours; tf is raw, idf smooth, rows have unit length.

    Parameters
    ----------
    max_features
        Keep so many words, the most frequent ones by users.
    """

    def __init__(self, max_features: int = 100_000) -> None:
        self.parameters: dict[str, Any] = {"max_features": max_features}
        self._max_features = max_features

    def fit(self, histories: Histories, catalogue: Catalogue, seed: int) -> TfIdf:
        """Number the words and count in how many users' documents each stands."""
        vocabulary = sorted({word for words in catalogue.words for word in words})
        number = {word: place for place, word in enumerate(vocabulary)}
        sizes = [len(words) for words in catalogue.words]
        columns = np.fromiter((number[w] for words in catalogue.words for w in words), dtype=np.int32)
        self._words = sparse.csr_matrix(
            (np.ones(len(columns), dtype=np.int64), columns, np.concatenate([[0], np.cumsum(sizes)])),
            shape=(len(catalogue), len(vocabulary)),
        )
        self._words.sum_duplicates()
        holders, n_users = np.zeros(len(vocabulary), dtype=np.int64), 0
        for events in histories():
            holders += np.bincount(self._counts(events).indices, minlength=len(vocabulary))
            n_users += len(events.users)
        # Words that stand in nobody's document before the cut are not known yet.
        ranked = np.argsort(-holders, kind="stable")[: self._max_features]
        kept = np.sort(ranked[holders[ranked] > 0])
        self.vocabulary = [vocabulary[place] for place in kept]
        self._words = sparse.csr_matrix(self._words[:, kept])
        self.idf = np.log((1 + n_users) / (1 + holders[kept])) + 1
        return self

    def _counts(self, events: RaggedEvents) -> sparse.csr_matrix:
        return sparse.csr_matrix(user_item_counts(events, self._words.shape[0]) @ self._words)

    def transform(self, events: RaggedEvents) -> sparse.csr_matrix:
        """CSR float32 (n_users, n_words), rows of unit length."""
        weighted = self._counts(events).astype(np.float64) @ sparse.diags(self.idf)
        length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        out = sparse.csr_matrix(sparse.diags(1 / np.maximum(length, 1e-300)) @ weighted, dtype=np.float32)
        out.sort_indices()
        return out
