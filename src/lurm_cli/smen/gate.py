"""Multi-scale aggregation: a learned gate mixes what two granularities say (Eq. 7)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ScaleGate(nn.Module):
    """r = s * fine + (1 - s) * coarse with s = sigmoid(W_i [fine; coarse] + c_i), one layer an anchor.

    Parameters
    ----------
    n_anchors, dim
        M and H.
    """

    def __init__(self, n_anchors: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_anchors, 2 * dim, dim))
        self.bias = nn.Parameter(torch.zeros(n_anchors, dim))
        for matrix in self.weight:
            nn.init.xavier_uniform_(matrix)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """Mix two (S, M, H) into one."""
        both = torch.cat([fine, coarse], dim=2)  # (S, M, 2H)
        switch = torch.sigmoid(torch.einsum("smk,mkh->smh", both, self.weight) + self.bias)
        return switch * fine + (1 - switch) * coarse
