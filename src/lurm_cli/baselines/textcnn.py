"""TextCNN (Kim 2014) on the words of a user's last behaviours; trained on a task's labels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lurm_cli.baselines.supervised import Classifier

_HEIGHTS, _MAPS = (3, 4, 5), 100
# Kim's constraint in place of weight decay: no class's weights in the last layer are longer.
_LONGEST = 3.0


class TextCnnNetwork(nn.Module):
    """Filters of 3, 4 and 5 words, 100 maps each, greatest value over the text, drop-out, softmax layer.

    Each step begins by shortening the weights of a class that have grown beyond length 3.

    A filter over words is a sum over its positions of (weights x word vector). The products are taken once for each
    different word of the batch and then looked up, which is the same and costs a fraction on texts that repeat. Of all
    places only the one with the greatest value has a gradient: where it is is found without a tape, and only the
    products there are looked up once more with one.
    """

    def __init__(self, table: Tensor, vectors: Tensor, n_classes: int) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", table, persistent=False)
        dim = vectors.shape[1]
        self.words = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=0)
        self.filters = nn.ParameterList(nn.Parameter(torch.empty(height, dim, _MAPS)) for height in _HEIGHTS)
        for weight in self.filters:
            nn.init.uniform_(weight, -((3 / (weight.shape[0] * dim)) ** 0.5), (3 / (weight.shape[0] * dim)) ** 0.5)
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(_MAPS)) for _ in _HEIGHTS)
        self.dropout = nn.Dropout(0.5)
        self.out = nn.Linear(len(_HEIGHTS) * _MAPS, n_classes)

    def documents(self, texts: Tensor) -> Tensor:
        """All words of each user one after the other, padding at the end; int64 (B, longest)."""
        words = self.table[texts].flatten(1)
        order = (words == 0).to(torch.int8).argsort(dim=1, stable=True)
        packed = words.gather(1, order)
        return packed[:, : max(1, int((packed > 0).sum(1).max()))]

    def forward(self, texts: Tensor) -> Tensor:
        """Logits (B, n_classes) from rows of the table, (B, 50)."""
        with torch.no_grad():
            self.out.weight.renorm_(2, 0, _LONGEST)
        words = self.documents(texts)
        distinct, place = torch.unique(words, return_inverse=True)
        # Padding at place 0 has zeros, whether or not the batch has any.
        distinct, place = F.pad(distinct[distinct > 0], (1, 0)), place + int(distinct[0] > 0)
        vectors = self.words(distinct)  # (J, dim)
        pooled = [
            self._pooled(vectors, place, weight, bias) for weight, bias in zip(self.filters, self.biases, strict=True)
        ]
        logits: Tensor = self.out(self.dropout(torch.cat(pooled, 1)))
        return logits

    def _pooled(self, vectors: Tensor, place: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Greatest value of each map over the text, (B, maps); ``place`` says which vector each word has."""
        height, n_words = weight.shape[0], len(vectors)
        # Zeros before and after the text, height - 1 of them, let each word stand in each row of the filter.
        windows = F.pad(place, (height - 1, height - 1)).unfold(1, height, 1)  # (B, T + height - 1, height)
        # Products of every word with every row of the filter, (height * J, maps); word j in row k is k * J + j.
        products = torch.einsum("jd,kdm->kjm", vectors, weight).flatten(0, 1)
        index = windows + torch.arange(height) * n_words
        # A window of padding only is none: its words are a last row of products that is below all others.
        real = (windows > 0).any(-1)
        with torch.no_grad():
            held = torch.where(real[..., None], index, height * n_words)
            rows = F.pad(products, (0, 0, 0, 1), value=float("-inf"))
            values = F.embedding_bag(held.flatten(0, 1), rows, mode="sum").unflatten(0, held.shape[:2])
            best = values.max(1).indices  # (B, maps)
        chosen = index.gather(1, best[..., None].expand(-1, -1, height)).transpose(1, 2)  # (B, height, maps)
        value = products.gather(0, chosen.flatten(0, 1)).unflatten(0, chosen.shape[:2]).sum(1)
        return F.relu(value + bias) * real.any(1, keepdim=True)


def classifier() -> Classifier:
    """TextCNN, not trained yet."""
    return Classifier(TextCnnNetwork)
