"""item2vec: skip-gram over users' sequences of items (Barkan and Koenigstein 2016); a user is the mean of its items."""

from __future__ import annotations

from typing import Any

import numpy as np

from lurm_cli.artifacts.ragged import RaggedEvents, user_item_counts
from lurm_cli.baselines.base import Catalogue, Histories

_RARE = 5
# Gensim drops what a sentence has beyond so many words, so that longer lives are several sentences.
_LONGEST = 10_000


class Item2Vec:
    """Gensim's Word2Vec with items as words and users as sentences.

    Items that fewer than five events name are left out, unless that would leave none.

    Parameters
    ----------
    dim
        Numbers an item, and so a user.
    """

    def __init__(self, dim: int = 128, window: int = 10, epochs: int = 5) -> None:
        self.parameters: dict[str, Any] = {"dim": dim, "window": window, "epochs": epochs, "min_count": _RARE}

    def fit(self, histories: Histories, catalogue: Catalogue, seed: int) -> Item2Vec:
        """Learn the items' vectors."""
        from gensim.models import Word2Vec

        seen = np.zeros(len(catalogue), dtype=np.int64)
        for events in histories():
            seen += np.bincount(events.items, minlength=len(catalogue))
        held = self.parameters
        model = Word2Vec(
            sentences=_Sentences(histories),
            vector_size=held["dim"],
            window=held["window"],
            epochs=held["epochs"],
            min_count=_RARE if (seen >= _RARE).any() else 1,
            sg=1,
            seed=seed,
            workers=1,
            hashfxn=int,
        )
        # Zeros for items that are left out.
        self.items = np.zeros((len(catalogue), held["dim"]), dtype=np.float32)
        self.items[[int(item) for item in model.wv.index_to_key]] = model.wv.vectors
        self._known = self.items.any(axis=1)
        return self

    def transform(self, events: RaggedEvents) -> np.ndarray:
        """float32 (n_users, dim): mean over a user's events; zeros for a user of rare items only."""
        counts = user_item_counts(events, len(self.items)).astype(np.float32)
        n_known = counts @ self._known.astype(np.float32)
        return np.asarray(counts @ self.items / np.maximum(n_known, 1)[:, None], dtype=np.float32)


class _Sentences:
    """Users' items as texts of numbers, bucket by bucket; can be gone through again."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories

    def __iter__(self) -> Any:
        for events in self._histories():
            for begin, end in zip(events.indptr[:-1], events.indptr[1:], strict=True):
                for start in range(begin, end, _LONGEST):
                    yield [str(item) for item in events.items[start : min(start + _LONGEST, end)].tolist()]
