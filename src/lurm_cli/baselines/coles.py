"""CoLES: contrastive learning for event sequences with self-supervision (Babaev et al. 2022).

A GRU reads single events; random slices of one user's life are to lie close together, slices of others apart. This is
what pytorch-lifestream's users have; its recipe, written compactly: five slices a user, contrastive loss with margin
0.5 over all positive pairs and the hardest five negatives of each slice, on vectors of unit length.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines.base import Catalogue, Histories
from lurm_cli.baselines.network import train
from lurm_cli.baselines.recent import of_first_users, recent_items, recent_times
from lurm_cli.recurrence import last_state, packing

_USERS_AT_ONCE = 256
_MOST_VALUES = 20_000
# Steps after which more users are worth more than more epochs of them.
_MOST_STEPS = 1_200


class ColesNetwork(nn.Module):
    """Each event is the embeddings of its item and of its categories, and its time; a GRU's last state is the user.

    Parameters
    ----------
    codes
        int64 (n_items + 1, n_columns): number of each column's value, 0 for padding and for values not seen.
    """

    def __init__(self, codes: Tensor, dim: int) -> None:
        super().__init__()
        self.codes: Tensor
        self.register_buffer("codes", codes, persistent=False)
        sizes = (codes.max(0).values + 1).tolist()
        widths = [min(64, max(4, round(2 * size**0.5))) for size in sizes]
        self.embeddings = nn.ModuleList(
            nn.Embedding(size, width, padding_idx=0) for size, width in zip(sizes, widths, strict=True)
        )
        self.gru = nn.GRU(sum(widths) + 3, dim, batch_first=True)

    def forward(self, items: Tensor, times: Tensor) -> Tensor:
        """(B, dim) from item code + 1 and microseconds, both (B, T), padded with 0 at the end; unit length."""
        lengths = (items > 0).sum(1).clamp_min(1)
        codes = self.codes[items]
        parts = [table(codes[..., k]) for k, table in enumerate(self.embeddings)]
        gap = torch.zeros_like(times)
        gap[:, 1:] = (times[:, 1:] - times[:, :-1]).clamp_min(0)
        days = gap.double() / 86_400e6
        phase = (times % (7 * 86_400_000_000)).double() * (2 * torch.pi / (7 * 86_400e6))
        parts.append(torch.stack([torch.log1p(days), torch.sin(phase), torch.cos(phase)], dim=2).float())
        return F.normalize(self._last_state(torch.cat(parts, 2), lengths), dim=1)

    def _last_state(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The GRU's state after each sequence's last event, (B, dim)."""
        place, sizes = packing(lengths, x.shape[1])
        states = last_state(self.gru, x.flatten(0, 1)[place], torch.arange(len(place)), sizes)
        return states[torch.argsort(place[: sizes[0]])]


def slices(
    items: np.ndarray, times: np.ndarray, shortest: int, longest: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One random run of consecutive events of each user, ``shortest`` to ``longest`` long where the life allows."""
    size = (items > 0).sum(1)
    most = np.minimum(size, longest)
    length = rng.integers(np.minimum(shortest, most), most + 1)
    start = rng.integers(0, size - length + 1)
    column = np.arange(int(length.max()))[None]
    place = np.minimum(start[:, None] + column, items.shape[1] - 1)
    held = column < length[:, None]
    rows = np.arange(len(items))[:, None]
    return np.where(held, items[rows, place], 0), np.where(held, times[rows, place], 0)


def contrastive_loss(vectors: Tensor, owner: Tensor, margin: float = 0.5, hardest: int = 5) -> Tensor:
    """Squared distances of pairs of one owner, and (margin - distance)^2 of each vector's nearest strangers."""
    distance = (2 - 2 * vectors @ vectors.T).clamp_min(1e-12).sqrt()
    same = owner[:, None] == owner[None]
    upper = torch.triu(same, diagonal=1)
    positive = distance[upper].square()
    strangers = distance.masked_fill(same, float("inf"))
    near = strangers.topk(min(hardest, len(vectors) - 1), dim=1, largest=False).values
    negative = (margin - near).clamp_min(0).square()
    return (positive.sum() + negative.sum()) / (positive.numel() + negative.numel())


class Coles:
    """State of the GRU after the last 500 events.

    Parameters
    ----------
    dim
        Width of the GRU.
    """

    def __init__(self, dim: int = 256, epochs: int = 30, batch_size: int = 64) -> None:
        self.parameters: dict[str, Any] = {
            "dim": dim,
            "epochs": epochs,
            "batch_size": batch_size,
            "lr": 1e-3,
            "slices": 5,
            "shortest": 10,
            "longest": 100,
            "recent": 500,
        }

    def fit(self, histories: Histories, catalogue: Catalogue, seed: int) -> Coles:
        """Learn to tell users by slices of their lives."""
        held = self.parameters
        items = of_first_users(histories, lambda events: recent_items(events, held["recent"]))
        times = of_first_users(histories, lambda events: recent_times(events, held["recent"]))
        usable = (items > 0).sum(1) >= 2
        codes = torch.from_numpy(_codes(catalogue, items))
        items, times = items[usable], times[usable]
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.network = ColesNetwork(codes, held["dim"])

            def loss(users: np.ndarray, rng: np.random.Generator) -> Tensor:
                # All slices go through the layer at once: it waits for each step, however few sequences run.
                owner = np.tile(np.arange(len(users)), held["slices"])
                chosen = users[owner]
                view = slices(items[chosen], times[chosen], held["shortest"], held["longest"], rng)
                return contrastive_loss(self.network(*map(torch.from_numpy, view)), torch.from_numpy(owner))

            if len(items) >= 2:
                train(
                    self.network,
                    loss,
                    len(items),
                    seed,
                    batch_size=held["batch_size"],
                    epochs=held["epochs"],
                    most_steps=_MOST_STEPS,
                    lr=held["lr"],
                    patience=3,
                )
        self.network.eval()
        return self

    def transform(self, events: RaggedEvents) -> np.ndarray:
        """float32 (n_users, dim)."""
        items, times = recent_items(events, self.parameters["recent"]), recent_times(events, self.parameters["recent"])
        out = []
        with torch.no_grad():
            for start in range(0, len(items), _USERS_AT_ONCE):
                some = slice(start, start + _USERS_AT_ONCE)
                out.append(self.network(torch.from_numpy(items[some]), torch.from_numpy(times[some])).numpy())
        return np.concatenate(out)


def _codes(catalogue: Catalogue, items: np.ndarray) -> np.ndarray:
    """Numbers of items and of their categories' values, the most frequent ones; int64 (n_items + 1, n_columns)."""
    seen = np.bincount(items[items > 0] - 1, minlength=len(catalogue))
    columns = [np.arange(len(catalogue))]
    for texts in catalogue.columns.values():
        columns.append(np.unique(texts.astype(str), return_inverse=True)[1])
    out = np.zeros((len(catalogue) + 1, len(columns)), dtype=np.int64)
    for place, values in enumerate(columns):
        weight = np.bincount(values, weights=seen)
        ranked = np.argsort(-weight, kind="stable")[:_MOST_VALUES]
        number = np.zeros(len(weight), dtype=np.int64)
        number[ranked[weight[ranked] > 0]] = np.arange(1, int((weight[ranked] > 0).sum()) + 1)
        out[1:, place] = number[values]
    return out
