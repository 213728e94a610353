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
from lurm_cli.baselines.recent import RECENT, item_words, word_vectors

_USERS_AT_ONCE = 256
_BATCH, _EPOCHS, _MOST_STEPS, _PATIENCE = 64, 20, 300, 3
# Three times the usual step: at 1e-3 so few steps leave both far from where they would end on film titles.
_LR = 3e-3


class RecentTexts:
    """The input of a supervised method, in place of a representation: the texts of each user's last 50 items.

    ``extras`` go into the artifact beside the rows: ``text_words`` (n_texts + 1, longest) and ``word_vectors``
    (n_words + 1, dim), from which the method starts on every task.
    """

    def __init__(self, word_dim: int = 128) -> None:
        self.parameters: dict[str, Any] = {"word_dim": word_dim, "recent": RECENT}

    def fit(self, histories: Histories, catalogue: Catalogue, seed: int) -> RecentTexts:
        """Number the words, and learn their vectors with word2vec."""
        self._words = item_words(catalogue, histories)
        vectors = word_vectors(self._words, self.parameters["word_dim"], seed)
        self.extras = {"text_words": self._words.table.astype(np.int32), "word_vectors": vectors}
        return self

    def transform(self, events: RaggedEvents) -> np.ndarray:
        """float32 (n_users, 50): rows of ``text_words``, padded with 0 at the end."""
        texts = self._words.recent_texts(events)
        assert texts.max(initial=0) < 2**24  # whole numbers up to here are exact in float32
        return texts.astype(np.float32)


class Classifier:
    """Train a network end to end on one task's training users.

    Parameters
    ----------
    build
        Makes the network from the table of the texts' words, the word vectors and the number of classes.

    Notes
    -----
    A task with few labels needs more passes over them than one with many (ours): 20 at most, and so few, but two,
    that they take no more than 300 steps of 64 users.
    """

    def __init__(self, build: Callable[[Tensor, Tensor, int], nn.Module]) -> None:
        self._build = build

    def fit(
        self, texts: np.ndarray, y: np.ndarray, text_words: np.ndarray, word_vectors: np.ndarray, seed: int
    ) -> Classifier:
        """Learn from rows of ``RecentTexts`` and classes 0..K-1; a tenth of the rows decides when to stop."""
        users = torch.from_numpy(texts.astype(np.int64))
        target = torch.from_numpy(y)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            words = torch.from_numpy(text_words.astype(np.int64))
            # A copy: what a network learns of its words must not reach the next split.
            self.network = self._build(words, torch.tensor(word_vectors), int(y.max()) + 1)

            def loss(rows: np.ndarray, rng: np.random.Generator) -> Tensor:
                chosen = torch.from_numpy(rows)
                return F.cross_entropy(self.network(users[chosen]), target[chosen])

            train(
                self.network,
                loss,
                len(y),
                seed,
                batch_size=_BATCH,
                epochs=_EPOCHS,
                most_steps=_MOST_STEPS,
                lr=_LR,
                patience=_PATIENCE,
            )
        self.network.eval()
        return self

    def predict_proba(self, texts: np.ndarray) -> np.ndarray:
        """float64 (n, K)."""
        users = torch.from_numpy(texts.astype(np.int64))
        with torch.no_grad():
            logits = torch.cat([self.network(part) for part in users.split(_USERS_AT_ONCE)])
        return torch.softmax(logits.double(), dim=1).numpy()
