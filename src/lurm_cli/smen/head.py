"""Projection head for the contrastive loss only (Eqs. 8-9); it is not part of the representation."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ProjectionHead(nn.Module):
    """v = a([W1_i r_i]), h = W2 a(v + mix(v)), where mix lets the anchors speak to each other through W3 (M, M).

    The activation is ReLU: the paper leaves it undefined and points to SimCLR. No biases, as printed.
    """

    def __init__(self, n_anchors: int, dim: int) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.empty(n_anchors, dim, dim))  # W^{h1}_i
        self.mix = nn.Parameter(torch.empty(n_anchors, n_anchors))  # W^{h3}
        self.out = nn.Parameter(torch.empty(n_anchors * dim, n_anchors * dim))  # W^{h2}
        for matrix in (*self.anchor, self.mix, self.out):
            nn.init.xavier_uniform_(matrix)

    def forward(self, representation: Tensor) -> Tensor:
        """From (S, M, H) to (S, M * H)."""
        v = torch.relu(torch.einsum("smk,mhk->smh", representation, self.anchor))
        mixed = torch.einsum("an,snh->sah", self.mix, v)  # row i of the matrix r1(v) is anchor i's slice
        return torch.relu(v + mixed).flatten(1) @ self.out.T
