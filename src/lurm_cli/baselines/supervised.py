"""What competitors that are trained on a task's labels share: their input, and how they are trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines.base import Catalogue, Histories
from lurm_cli.baselines.network import train
from lurm_cli.baselines.recent import RECENT, ItemWords, item_words, recent_items, word_vectors

_USERS_AT_ONCE = 256


class RecentTexts:
    """The input of a supervised method, in place of a representation: the last 50 items of each user.

    ``extras`` go into the artifact beside the rows: ``item_words`` (n_items + 1, longest) and ``word_vectors``
    (n_words + 1, dim), from which the method starts on every task.
    """

    def __init__(self, word_dim: int = 128) -> None:
        self.parameters: dict[str, Any] = {"word_dim": word_dim, "recent": RECENT}

    def fit(self, histories: Histories, catalogue: Catalogue, seed: int) -> RecentTexts:
        """Number the words, and learn their vectors with word2vec."""
        words: ItemWords = item_words(catalogue, histories)
        vectors = word_vectors(words, self.parameters["word_dim"], seed)
        self.extras = {"item_words": words.table.astype(np.int32), "word_vectors": vectors}
        return self

    def transform(self, events: RaggedEvents) -> np.ndarray:
        """float32 (n_users, 50): item code + 1, padded with 0 at the end."""
        items = recent_items(events)
        assert items.max(initial=0) < 2**24  # whole numbers up to here are exact in float32
        return items.astype(np.float32)


class Classifier:
    """Train a network end to end on one task's training users.

    Parameters
    ----------
    build
        Makes the network from the table of item words, the word vectors and the number of classes.
    """

    def __init__(self, build: Callable[[Tensor, Tensor, int], nn.Module], epochs: int, batch_size: int = 64) -> None:
        self._build, self._epochs, self._batch_size = build, epochs, batch_size

    def fit(
        self, items: np.ndarray, y: np.ndarray, item_words: np.ndarray, word_vectors: np.ndarray, seed: int
    ) -> Classifier:
        """Learn from rows of ``RecentTexts`` and classes 0..K-1; a tenth of the rows decides when to stop."""
        users = torch.from_numpy(items.astype(np.int64))
        target = torch.from_numpy(y)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            words = torch.from_numpy(item_words.astype(np.int64))
            self.network = self._build(words, torch.from_numpy(word_vectors), int(y.max()) + 1)

            def loss(rows: np.ndarray, rng: np.random.Generator) -> Tensor:
                chosen = torch.from_numpy(rows)
                return F.cross_entropy(self.network(users[chosen]), target[chosen])

            train(self.network, loss, len(y), seed, batch_size=self._batch_size, epochs=self._epochs, patience=2)
        self.network.eval()
        return self

    def predict_proba(self, items: np.ndarray) -> np.ndarray:
        """float64 (n, K)."""
        users = torch.from_numpy(items.astype(np.int64))
        with torch.no_grad():
            logits = torch.cat([self.network(part) for part in users.split(_USERS_AT_ONCE)])
        return torch.softmax(logits.double(), dim=1).numpy()
