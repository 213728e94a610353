"""What the encoder eats: sparse bags laid out as packed sequences, one layout a scale.

A batch of S sequences becomes, for each scale, the non-empty periods as sparse rows, and for each of them its
place in the packed time-major layout of ``torch.nn.utils.rnn.PackedSequence`` (longest sequence first). Periods
without behaviours are places that no row fills (b = 0, so r = 0); periods past a sequence's end do not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from lurm_cli.boi.periods import Period


@dataclass(frozen=True)
class SparseRows:
    """P sparse bags over J touched interests, by rows and by columns.

    Attributes
    ----------
    columns, offsets, values
        int64 (nnz,), int64 (P + 1,), float32 (nnz,): the bags as CSR.
    t_rows, t_offsets, t_values
        int64 (nnz,), int64 (J + 1,), float32 (nnz,): the same, transposed.
    """

    columns: Tensor
    offsets: Tensor
    values: Tensor
    t_rows: Tensor
    t_offsets: Tensor
    t_values: Tensor

    @property
    def n_rows(self) -> int:
        """P."""
        return len(self.offsets) - 1

    @classmethod
    def from_csr(cls, bags: sparse.csr_matrix) -> SparseRows:
        """From a scipy matrix of shape (P, J)."""
        transposed = sparse.csr_matrix(bags.T)
        return cls(*_tensors(bags), *_tensors(transposed))


def _tensors(matrix: sparse.csr_matrix) -> tuple[Tensor, Tensor, Tensor]:
    return (
        torch.from_numpy(matrix.indices.astype(np.int64)),
        torch.from_numpy(matrix.indptr.astype(np.int64)),
        torch.from_numpy(matrix.data.astype(np.float32, copy=False)),
    )


@dataclass(frozen=True)
class ScaleBatch:
    """The sequences of a batch at one scale.

    Attributes
    ----------
    rows
        The P non-empty periods.
    place
        int64 (P,): position of each in the packed layout.
    batch_sizes
        int64 (T,): sequences that are still running at each step; sums to the packed length.
    restore
        int64 (S,): position of each sequence in the order of falling length.
    """

    rows: SparseRows
    place: Tensor
    batch_sizes: Tensor
    restore: Tensor


@dataclass(frozen=True)
class Batch:
    """S sequences at every scale, over the interests they touch.

    Attributes
    ----------
    touched
        int64 (J,): the interests and groups, ascending; columns of every scale's rows.
    scales
        From fine to coarse.
    """

    touched: Tensor
    scales: tuple[ScaleBatch, ...]


@dataclass(frozen=True)
class Sequences:
    """Sequences of periods before they become tensors.

    Attributes
    ----------
    counts
        CSR (rows, D): counts of the non-empty finest periods.
    sequence
        int64 (rows,): which sequence a row belongs to, ascending.
    period
        int64 (rows,): its finest period number, ascending within a sequence.
    first, last
        int64 (S,): the sequence's bounds, finest period numbers, both included.
    """

    counts: sparse.csr_matrix
    sequence: np.ndarray
    period: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def among(self, numbers: np.ndarray) -> Sequences:
        """Some of the sequences, given ascending; they are numbered anew."""
        place = np.full(len(self.first), -1, dtype=np.int64)
        place[numbers] = np.arange(len(numbers))
        sequence = place[self.sequence]
        kept = sequence >= 0
        return Sequences(self.counts[kept], sequence[kept], self.period[kept], self.first[numbers], self.last[numbers])


Scaling = Literal["none", "unit", "root"]


@dataclass(frozen=True)
class InputLaw:
    """From counts to the numbers that enter the anchors.

    Attributes
    ----------
    weights
        float32 (C,) or None: factor of each column, for example its idf (ours); None: 1, as in the paper.
    scaling
        What a period's bag b is divided by: nothing (paper), its length |b|, or the root of its length, which keeps
        something of how much there was (both ours).
    drop_empty
        Leave out periods without behaviours instead of keeping them as zeros (ours).
    groups
        int32 (D,) or None: the group of each interest. A bag then has C = D + G columns: the interests, and after them
        the groups, whose counts are the sums of their interests' (ours); None: C = D, as in the paper.
    """

    weights: np.ndarray | None = None
    scaling: Scaling = "none"
    drop_empty: bool = False
    groups: np.ndarray | None = None

    def columns(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Counts of the interests, and of their groups beside them: CSR (rows, C)."""
        if self.groups is None:
            return counts
        return sparse.hstack([counts, counts @ self._members.astype(counts.dtype, copy=False)], format="csr")

    @cached_property
    def _members(self) -> sparse.csr_matrix:
        """Which interest is in which group, CSR (D, G) of ones."""
        assert self.groups is not None
        n_interests = len(self.groups)
        return sparse.csr_matrix((np.ones(n_interests, dtype=np.int32), (np.arange(n_interests), self.groups)))

    def apply(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Eq. 4's logarithm of each column's count, then the options.

        Interests and groups are scaled each by their own length, so that neither drowns the other: the interests as
        ``scaling`` says, the groups by the root of theirs, for how much there was of everything stands in them.
        """
        held = self.columns(counts)
        data = np.log1p(held.data.astype(np.float32))
        if self.weights is not None:
            data *= self.weights[held.indices]
        if self.scaling != "none":
            level = np.repeat(2 * np.arange(held.shape[0]), np.diff(held.indptr)) + (held.indices >= counts.shape[1])
            # Not reduceat, which takes an empty row for its neighbour.
            squares = np.bincount(level, data**2, minlength=2 * held.shape[0])
            power = np.tile([0.5 if self.scaling == "unit" else 0.25, 0.25], held.shape[0])
            data /= (np.maximum(squares, 1e-12) ** power)[level].astype(np.float32)
        return sparse.csr_matrix((data, held.indices, held.indptr), shape=held.shape)


def make_batch(sequences: Sequences, finest: Period, scales: list[Period], law: InputLaw) -> Batch:
    """Lay out sequences for the encoder.

    Coarser scales are counts added up and then log1p (Eq. 4), not sums of the finer features.
    """
    found = [_at_scale(sequences, finest, scale) for scale in scales]
    bags = [law.apply(counts) for counts, _, _ in found]
    # A coarser scale has the columns of the finest: its counts are sums.
    is_touched = np.zeros(bags[0].shape[1], dtype=bool)
    is_touched[bags[0].indices] = True
    touched = np.flatnonzero(is_touched)
    number = np.zeros(len(is_touched), dtype=np.int32)
    number[touched] = np.arange(len(touched), dtype=np.int32)
    built = []
    for scale, bag, (_, sequence, period) in zip(scales, bags, found, strict=True):
        first, last = finest.coarsen(sequences.first, scale), finest.coarsen(sequences.last, scale)
        rows = sparse.csr_matrix((bag.data, number[bag.indices], bag.indptr), shape=(bag.shape[0], len(touched)))
        if law.drop_empty:
            lengths = np.bincount(sequence, minlength=len(first))
            step = np.arange(len(sequence)) - (np.cumsum(lengths) - lengths)[sequence]
        else:
            lengths = (last - first + 1).astype(np.int64)
            step = period - first[sequence]
        built.append(_pack(rows, sequence, step, lengths))
    return Batch(torch.from_numpy(touched), tuple(built))


def _at_scale(sequences: Sequences, finest: Period, scale: Period) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    """Counts, sequence and period number of the non-empty periods at one scale."""
    if scale == finest:
        return sequences.counts, sequences.sequence, sequences.period
    period = finest.coarsen(sequences.period, scale).astype(np.int64)
    first = np.ones(len(period), dtype=bool)
    first[1:] = (sequences.sequence[1:] != sequences.sequence[:-1]) | (period[1:] != period[:-1])
    group = np.cumsum(first) - 1
    gather = sparse.csr_matrix(
        (np.ones(len(group), dtype=sequences.counts.dtype), (group, np.arange(len(group)))),
        shape=(int(first.sum()), len(group)),
    )
    return sparse.csr_matrix(gather @ sequences.counts), sequences.sequence[first], period[first]


def _pack(bags: sparse.csr_matrix, sequence: np.ndarray, step: np.ndarray, lengths: np.ndarray) -> ScaleBatch:
    order = np.argsort(-lengths, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    # Sequences running at step t: those longer than t.
    batch_sizes = len(lengths) - np.searchsorted(np.sort(lengths), np.arange(lengths.max()), side="right")
    start = np.concatenate([[0], np.cumsum(batch_sizes)])
    place = start[step] + rank[sequence]
    return ScaleBatch(
        SparseRows.from_csr(bags),
        torch.from_numpy(place.astype(np.int64)),
        torch.from_numpy(batch_sizes.astype(np.int64)),
        torch.from_numpy(rank),
    )
