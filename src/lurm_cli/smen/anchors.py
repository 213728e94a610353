"""Multi-anchor layer: a sparse bag of interests becomes M vectors (Eqs. 5-6).

alpha, the softmax over anchors, belongs to an interest, not to a user, so that the sum over a user's interests is
a sparse matrix product. Only the interests that a batch touches are ever gathered, and no anchor's alpha_ij W_j are
formed: each anchor weights the bags' entries by its share of them and adds up the same vectors.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lurm_cli.smen.batch import SparseRows

# Floats of the backward pass's (interests, anchors, dim) formed at once (32 MB).
_BLOCK = 2**23


class MultiAnchor(nn.Module):
    """Eqs. 5-6: W^e (D, H), W^a (M, H) and W^p (H, H); no biases, as printed.

    Parameters
    ----------
    n_interests, n_anchors, dim
        D, M and H.
    relu
        Whether negative parts of the sum are lost, as printed.
    n_groups, group_anchors
        The last ``n_groups`` rows of W^e are of groups of interests; the last ``group_anchors`` anchors share them, and
        the other anchors share the interests. 0: all anchors share all rows, as printed.
    """

    def __init__(
        self,
        n_interests: int,
        n_anchors: int,
        dim: int,
        relu: bool = True,
        n_groups: int = 0,
        group_anchors: int = 0,
    ) -> None:
        super().__init__()
        self.relu = relu
        self.n_interests, self.group_anchors = n_interests, group_anchors
        self.interests = nn.Parameter(torch.empty(n_interests + n_groups, dim))  # W^e
        self.anchors = nn.Parameter(torch.empty(n_anchors, dim))  # W^a
        self.key = nn.Parameter(torch.empty(dim, dim))  # W^p
        # Initialisation is ours: the paper prints none.
        nn.init.normal_(self.interests, std=dim**-0.5)
        nn.init.xavier_uniform_(self.anchors)
        nn.init.xavier_uniform_(self.key)

    def gather(self, touched: Tensor) -> Tensor:
        """W^e of some interests, (J, H); its gradient is sparse, so that a step costs J rows and not D."""
        return F.embedding(touched, self.interests, sparse=True)

    def alpha(self, vectors: Tensor, touched: Tensor | None = None) -> Tensor:
        """Share of each anchor in each interest, (J, M); a row sums to 1 (Eq. 5).

        Parameters
        ----------
        vectors
            W^e of the interests, (J, H).
        touched
            int64 (J,): their numbers; None: all of them.
        """
        keys = torch.relu(vectors) @ self.key.T  # (J, H): k_j = W^p ReLU(W^e_j)
        logits = keys @ self.anchors.T
        if self.group_anchors:
            numbers = torch.arange(len(vectors)) if touched is None else touched
            reads_groups = torch.arange(logits.shape[1]) >= logits.shape[1] - self.group_anchors
            other = (numbers >= self.n_interests)[:, None] != reads_groups
            logits = logits.masked_fill(other, float("-inf"))
        return torch.softmax(logits, dim=1)

    def forward(self, rows: SparseRows, vectors: Tensor, alpha: Tensor) -> Tensor:
        """r^i = ReLU(sum_j alpha_ij b_j W^e_j) for each row b (Eq. 6), or the sum itself; (P, M, H)."""
        summed = pool(rows, vectors, alpha)
        return torch.relu(summed) if self.relu else summed


def pool(rows: SparseRows, vectors: Tensor, alpha: Tensor) -> Tensor:
    """Sum over j of alpha_ij b_j W_j, before the ReLU.

    Parameters
    ----------
    rows
        P sparse bags over J interests.
    vectors
        (J, H).
    alpha
        (J, M).

    Returns
    -------
    Tensor
        (P, M, H).
    """
    out: Tensor = _Pool.apply(vectors, alpha, rows)
    return out


def _bags(columns: Tensor, offsets: Tensor, values: Tensor, table: Tensor) -> Tensor:
    """Sparse matrix times dense table; rows without entries give zeros."""
    return F.embedding_bag(columns, table, offsets, mode="sum", per_sample_weights=values, include_last_offset=True)


class _Pool(torch.autograd.Function):
    """``pool`` with a backward pass that goes through the transposed bags: no scatter, so it is deterministic."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, alpha: Tensor, rows: SparseRows) -> Tensor:
        ctx.save_for_backward(vectors, alpha)
        ctx.rows = rows
        n_anchors, dim = alpha.shape[1], vectors.shape[1]
        shares = alpha.T.contiguous()  # (M, J)
        out = vectors.new_empty(rows.n_rows, n_anchors, dim)
        for anchor in range(n_anchors):
            weighted = rows.values * shares[anchor][rows.columns]
            out[:, anchor] = _bags(rows.columns, rows.offsets, weighted, vectors)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        vectors, alpha = ctx.saved_tensors
        rows: SparseRows = ctx.rows
        (upstream,) = gradients  # (P, M, H)
        to_vectors, to_alpha = torch.zeros_like(vectors), torch.empty_like(alpha)
        for some in _anchor_blocks(vectors, alpha.shape[1]):
            # What each interest receives from all bags that hold it: (J, m, H).
            table = upstream[:, some].flatten(1)
            back = _bags(rows.t_rows, rows.t_offsets, rows.t_values, table).unflatten(1, (-1, vectors.shape[1]))
            to_alpha[:, some] = torch.einsum("jmh,jh->jm", back, vectors)
            to_vectors += torch.einsum("jmh,jm->jh", back, alpha[:, some])
        return to_vectors, to_alpha, None


def _anchor_blocks(vectors: Tensor, n_anchors: int) -> list[slice]:
    step = max(1, min(n_anchors, _BLOCK // max(1, vectors.numel())))
    return [slice(start, min(start + step, n_anchors)) for start in range(0, n_anchors, step)]
