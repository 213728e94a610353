"""SUMN: self-supervised multi-hop memory network over behaviour texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines.base import Catalogue, Histories
from lurm_cli.baselines.network import looked_up, masked_softmax, train
from lurm_cli.baselines.recent import RECENT, item_words, of_first_users

_USERS_AT_ONCE = 512
# The loss falls slowly: a few thousand users need all of these steps, of many users they are a few passes.
_MOST_STEPS, _PATIENCE = 1_500, 10


class SumnNetwork(nn.Module):
    """Behaviours are means of word vectors, read by several hops of attention from one learnt query.

    Each hop's state predicts, through one shared decoder, the words of behaviours the network has not read.
    """

    def __init__(self, table: Tensor, n_words: int, dim: int = 256, hops: int = 5, decoder: int = 512) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", table, persistent=False)  # (n_texts + 1, longest)
        self.hops = hops
        self.words = nn.Embedding(n_words + 1, dim, padding_idx=0)
        nn.init.xavier_uniform_(self.words.weight)
        with torch.no_grad():
            self.words.weight[0] = 0
        self.behaviour = nn.Linear(dim, dim)
        self.key, self.value = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)
        self.key_norm, self.value_norm, self.state_norm = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.start = nn.Parameter(torch.empty(1, dim))
        nn.init.xavier_uniform_(self.start)
        self.decoder = nn.Sequential(nn.Dropout(0.1), nn.Linear(dim, decoder), nn.ReLU(), nn.Linear(decoder, n_words))

    def read(self, texts: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of behaviours, (B, T, dim), from rows of the table, (B, T); padding has the value zero."""
        distinct, place = torch.unique(texts, return_inverse=True)
        words = self.table[distinct]  # (J, longest)
        size = (words > 0).sum(1, keepdim=True).clamp_min(1)
        mean = self.words(words).sum(1) / size
        x = F.relu(self.behaviour(mean))
        keys, values = self.key_norm(self.key(x)), self.value_norm(self.value(x))
        return looked_up(keys, place), looked_up(values, place) * self.mask(texts)[..., None]

    def mask(self, texts: Tensor) -> Tensor:
        """Which behaviours are real: those with a first word."""
        return self.table[texts, 0] > 0

    def forward(self, texts: Tensor) -> list[Tensor]:
        """The state after each hop, (B, dim) each."""
        keys, values = self.read(texts)
        mask = self.mask(texts)
        state = self.start.expand(len(texts), -1)
        query, states = state, []
        for _ in range(self.hops):
            weights = masked_softmax(torch.einsum("btd,bd->bt", keys, query), mask)
            state = state + torch.einsum("bt,btd->bd", weights, values)
            query = self.state_norm(state)
            states.append(query)
        return states


def target_words(table: np.ndarray, texts: np.ndarray, n_words: int) -> np.ndarray:
    """Uniform distribution over the distinct words of each row's texts; float32 (B, n_words), rows sum to 1 or 0."""
    words = table[texts].reshape(len(texts), -1)
    out = np.zeros((len(texts), n_words + 1), dtype=np.float32)
    np.put_along_axis(out, words, 1.0, axis=1)
    out = out[:, 1:]
    return out / np.maximum(out.sum(1, keepdims=True), 1)


def halves(texts: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Split each user's behaviours at random into two disjoint sets, the first not smaller; both padded with 0."""
    real = texts > 0
    rank = np.argsort(np.argsort(np.where(real, rng.random(texts.shape), 2.0), axis=1), axis=1)
    first = rank < (real.sum(1, keepdims=True) + 1) // 2
    return np.where(first & real, texts, 0), np.where(~first & real, texts, 0)


class Sumn:
    """Last hop's state over the last 50 behaviours.

    Parameters
    ----------
    dim, hops
        Width and number of reads, 256 and 5 in its release.
    """

    def __init__(self, dim: int = 256, hops: int = 5, epochs: int = 300, batch_size: int = 128) -> None:
        self.parameters: dict[str, Any] = {
            "dim": dim,
            "hops": hops,
            "epochs": epochs,
            "batch_size": batch_size,
            "lr": 1e-3,
            "recent": RECENT,
            "max_words": 20_000,
        }

    def fit(self, histories: Histories, catalogue: Catalogue, seed: int) -> Sumn:
        """Learn to predict the words of one half of a user's behaviours from the other half."""
        held = self.parameters
        self.words = words = item_words(catalogue, histories, held["max_words"])
        n_words = len(words.vocabulary)
        texts = of_first_users(histories, words.recent_texts)
        texts = texts[(texts > 0).sum(1) >= 2]  # one behaviour leaves nothing to predict
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.network = SumnNetwork(torch.from_numpy(words.table), n_words, held["dim"], held["hops"])

            def loss(users: np.ndarray, rng: np.random.Generator) -> Tensor:
                read, rest = halves(texts[users], rng)
                target = torch.from_numpy(target_words(words.table, rest, n_words))
                states = self.network(torch.from_numpy(read))
                logs = [F.log_softmax(self.network.decoder(state), dim=1) for state in states]
                return -torch.stack([(target * log).sum(1).mean() for log in logs]).mean()

            if len(texts):
                train(
                    self.network,
                    loss,
                    len(texts),
                    seed,
                    batch_size=held["batch_size"],
                    epochs=held["epochs"],
                    most_steps=_MOST_STEPS,
                    lr=held["lr"],
                    patience=_PATIENCE,
                )
        self.network.eval()
        return self

    def transform(self, events: RaggedEvents) -> np.ndarray:
        """float32 (n_users, dim)."""
        texts = torch.from_numpy(self.words.recent_texts(events))
        with torch.no_grad():
            return np.concatenate([self.network(part)[-1].numpy() for part in texts.split(_USERS_AT_ONCE)])
