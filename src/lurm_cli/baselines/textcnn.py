"""TextCNN (Kim 2014) on the words of a user's last behaviours; trained on a task's labels (method section 7.3)."""

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
    different word of the batch and then looked up, which is the same and costs a fraction on texts that repeat.
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

    def documents(self, items: Tensor) -> Tensor:
        """All words of each user one after the other, padding at the end; int64 (B, longest)."""
        words = self.table[items].flatten(1)
        order = (words == 0).to(torch.int8).argsort(dim=1, stable=True)
        packed = words.gather(1, order)
        return packed[:, : max(1, int((packed > 0).sum(1).max()))]

    def forward(self, items: Tensor) -> Tensor:
        """Logits (B, n_classes) from item code + 1, (B, 50)."""
        with torch.no_grad():
            self.out.weight.renorm_(2, 0, _LONGEST)
        words = self.documents(items)
        distinct, place = torch.unique(words, return_inverse=True)
        vectors = self.words(distinct)  # (J, dim)
        pooled = [
            self._pooled(vectors, place, words, weight, bias)
            for weight, bias in zip(self.filters, self.biases, strict=True)
        ]
        logits: Tensor = self.out(self.dropout(torch.cat(pooled, 1)))
        return logits

    def _pooled(self, vectors: Tensor, place: Tensor, words: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        height, n_words = weight.shape[0], len(vectors)
        # Products of every word with every row of the filter, (height * J, maps); word j in row k is k * J + j.
        products = torch.einsum("jd,kdm->kjm", vectors, weight).flatten(0, 1)
        # Zeros before and after the text, height - 1 of them, let each word stand in each row of the filter.
        pad = height - 1
        edge = n_words * height
        products = torch.cat([products, products.new_zeros(1, products.shape[1])])
        padded = F.pad(place, (pad, pad), value=-1)
        padded = torch.where(F.pad(words, (pad, pad)) > 0, padded, -1)
        windows = padded.unfold(1, height, 1)  # (B, T + pad, height)
        index = torch.where(windows >= 0, windows + torch.arange(height) * n_words, edge)
        size = index.shape[:2]
        summed = F.embedding_bag(index.flatten(0, 1), products, mode="sum").unflatten(0, size)
        # A window of padding only is none.
        real = (windows >= 0).any(-1, keepdim=True)
        out = F.relu(summed + bias).masked_fill(~real, 0.0)
        return out.amax(1)


def classifier() -> Classifier:
    """TextCNN, not trained yet."""
    return Classifier(TextCnnNetwork, epochs=10)
