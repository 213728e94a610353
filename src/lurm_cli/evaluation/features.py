"""A representation as the heads see it: rows of the task's users, in one or several blocks of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import sparse

# Dense float32 or CSR.
Matrix: TypeAlias = Any
Scaling = Literal["column", "global", "row"]
SCALINGS: tuple[Scaling, ...] = ("column", "global", "row")
# Columns whose variance, and rows whose length, is taken at once.
_COLUMNS, _ROWS = 64, 8_192


@dataclass(frozen=True)
class Features:
    """Blocks of columns over the same users; one for a method, several for a concatenation such as lurm+aggregates.

    Attributes
    ----------
    blocks
        Dense float32 or CSR, each (n, d_k).
    """

    blocks: tuple[Matrix, ...]

    @property
    def dim(self) -> int:
        """Columns of all blocks."""
        return sum(block.shape[1] for block in self.blocks)

    @property
    def is_sparse(self) -> bool:
        """Whether any block is."""
        return any(sparse.issparse(block) for block in self.blocks)


class Scaler:
    """Scale features by what the training rows say; a CSR block is scaled but never shifted, so it stays sparse.

    ``column``: each column to unit variance (and, dense, zero mean). ``global``: one factor for a whole block, which
    keeps what its columns' sizes say. ``row``: each user to unit length, then as ``global``. Afterwards every block
    has rows of mean square length 1, so that a penalty means the same for every method and the blocks of a
    concatenation weigh the same.

    Raises
    ------
    ValueError
        If the scaling is not known.
    """

    def __init__(self, scaling: Scaling) -> None:
        if scaling not in SCALINGS:
            raise ValueError(f"scaling {scaling!r} is not one of {', '.join(SCALINGS)}")
        self.scaling = scaling
        self._fitted: list[tuple[np.ndarray | None, np.ndarray | float]] = []

    def fit(self, features: Features, rows: np.ndarray) -> Scaler:
        """Learn shifts and factors from the training rows."""
        self._fitted = [self._fit(_lengthened(block[rows], self.scaling)) for block in features.blocks]
        return self

    def _fit(self, block: Matrix) -> tuple[np.ndarray | None, np.ndarray | float]:
        if sparse.issparse(block):
            held: Any = block
            square = np.asarray(held.multiply(held).mean(axis=0)).ravel()
            mean = np.asarray(held.mean(axis=0)).ravel()
            variance, shift = square - mean**2, None
        else:
            mean = block.mean(axis=0, dtype=np.float64)
            variance = _variance(block)
            square, shift = variance, mean.astype(np.float32)
        if self.scaling == "column":
            factor = np.where(variance > 1e-12, 1 / np.sqrt(np.maximum(variance, 1e-12)), 0.0)
            size = float(np.sqrt((square * factor**2).sum()))
            return shift, (factor / max(size, 1e-12)).astype(np.float32)
        return shift, float(1 / max(np.sqrt(square.sum()), 1e-12))

    def transform(self, features: Features, rows: np.ndarray) -> Matrix:
        """The scaled features of some rows, as one matrix: CSR if any block is, else float32."""
        parts: list[Matrix] = []
        for block, (shift, factor) in zip(features.blocks, self._fitted, strict=True):
            part = _lengthened(block[rows], self.scaling)
            if sparse.issparse(part):
                held: Any = part
                parts.append(held @ sparse.diags(factor) if isinstance(factor, np.ndarray) else held * factor)
            else:
                # The rows are a copy already, which may be most of the memory there is.
                part -= shift
                part *= factor
                parts.append(part.astype(np.float32, copy=False))
        if len(parts) == 1:
            return sparse.csr_matrix(parts[0], dtype=np.float32) if sparse.issparse(parts[0]) else parts[0]
        if any(sparse.issparse(part) for part in parts):
            return sparse.hstack(parts, format="csr", dtype=np.float32)
        return np.hstack(parts)


def _variance(block: np.ndarray) -> np.ndarray:
    """Variance of each column, float64 (d,), some columns at a time: deviations in float64 take twice the block."""
    n_parts = max(1, block.shape[1] // _COLUMNS)
    return np.concatenate([part.var(axis=0, dtype=np.float64) for part in np.array_split(block, n_parts, axis=1)])


def _lengthened(block: Matrix, scaling: Scaling) -> Matrix:
    """Rows of unit length for ``row``, else as they are; a row of zeros stays one. A dense block is overwritten."""
    if scaling != "row":
        return block
    if sparse.issparse(block):
        held: Any = block
        length = np.sqrt(np.asarray(held.multiply(held).sum(axis=1)).ravel())
        return sparse.csr_matrix(sparse.diags(1 / np.maximum(length, 1e-12)) @ held)
    for rows in np.array_split(block, max(1, len(block) // _ROWS)):
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return block
