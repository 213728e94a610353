"""HAN (Yang et al. 2016): words to behaviours to a user, with attention at both levels (method section 7.4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lurm_cli.baselines.network import Attention, looked_up
from lurm_cli.baselines.supervised import Classifier

_HIDDEN, _ATTENTION = 50, 100


class Level(nn.Module):
    """A GRU in both directions over a padded sequence, then additive attention."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gru = nn.GRU(dim, _HIDDEN, batch_first=True, bidirectional=True)
        self.attention = Attention(2 * _HIDDEN, _ATTENTION)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, 100) from (B, T, dim); padding is neither read nor attended to; zeros for a sequence of none."""
        packed = pack_padded_sequence(x, lengths.clamp_min(1), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        mask = torch.arange(states.shape[1])[None] < lengths[:, None]
        out: Tensor = self.attention(states, mask)
        return out


class HanNetwork(nn.Module):
    """A text is read once a batch, however many items have it and however many users chose them."""

    def __init__(self, table: Tensor, vectors: Tensor, n_classes: int) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", table, persistent=False)
        self.words = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=0)
        self.behaviour, self.user = Level(vectors.shape[1]), Level(2 * _HIDDEN)
        self.dropout = nn.Dropout(0.3)
        self.out = nn.Linear(2 * _HIDDEN, n_classes)

    def forward(self, texts: Tensor) -> Tensor:
        """Logits (B, n_classes) from rows of the table, (B, 50)."""
        distinct, place = torch.unique(texts, return_inverse=True)
        words = self.table[distinct]
        behaviours = self.behaviour(self.dropout(self.words(words)), (words > 0).sum(1))
        users = self.user(looked_up(self.dropout(behaviours), place), (texts > 0).sum(1))
        logits: Tensor = self.out(self.dropout(users))
        return logits


def classifier() -> Classifier:
    """HAN, not trained yet."""
    return Classifier(HanNetwork)
