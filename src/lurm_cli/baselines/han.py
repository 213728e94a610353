"""HAN (Yang et al. 2016): words to behaviours to a user, with attention at both levels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lurm_cli.baselines.network import Attention, looked_up
from lurm_cli.baselines.supervised import Classifier
from lurm_cli.recurrence import both_ways, packing

_HIDDEN, _ATTENTION, _DROPOUT = 50, 100, 0.3


class Level(nn.Module):
    """Drop-out, a GRU in both directions over sequences, then additive attention.

    What is dropped of a row is dropped wherever it occurs in the batch (ours), so that a word is drawn for, and
    multiplied by the layer's input weights, once.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(_DROPOUT)
        self.gru = nn.GRU(dim, _HIDDEN, bidirectional=True)
        self.attention = Attention(2 * _HIDDEN, _ATTENTION)

    def forward(self, rows: Tensor, index: Tensor, lengths: Tensor) -> Tensor:
        """(B, 100) from the rows that sequences are of, (n, dim), and which they are, (B, T), padded at the end.

        Padding is neither read nor attended to; a sequence of none has zeros.
        """
        place, sizes = packing(lengths.clamp_min(1), index.shape[1])
        states = both_ways(self.gru, self.dropout(rows), index.flatten()[place], sizes)
        padded = states.new_zeros(index.numel(), 2 * _HIDDEN).index_copy(0, place, states)
        mask = torch.arange(index.shape[1])[None] < lengths[:, None]
        out: Tensor = self.attention(padded.unflatten(0, index.shape), mask)
        return out


class HanNetwork(nn.Module):
    """A text is read once a batch, however many items have it and however many users chose them."""

    def __init__(self, table: Tensor, vectors: Tensor, n_classes: int) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", table, persistent=False)
        self.words = nn.Parameter(vectors)
        self.behaviour, self.user = Level(vectors.shape[1]), Level(2 * _HIDDEN)
        self.dropout = nn.Dropout(_DROPOUT)
        self.out = nn.Linear(2 * _HIDDEN, n_classes)

    def forward(self, texts: Tensor) -> Tensor:
        """Logits (B, n_classes) from rows of the table, (B, 50)."""
        distinct, place = torch.unique(texts, return_inverse=True)
        words = self.table[distinct]
        used, word = torch.unique(words, return_inverse=True)
        behaviours = self.behaviour(looked_up(self.words, used), word, (words > 0).sum(1))
        users = self.user(behaviours, place, (texts > 0).sum(1))
        logits: Tensor = self.out(self.dropout(users))
        return logits


def classifier() -> Classifier:
    """HAN, not trained yet."""
    return Classifier(HanNetwork)
