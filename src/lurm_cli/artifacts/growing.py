"""Root arrays that are too large to be held: written block by block, with the bytes of ``write_columns``."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from lurm_cli.artifacts import shards
from lurm_cli.artifacts.arrays import DENSE_ROWS, create_matrix, write_rows
from lurm_cli.artifacts.shards import CHUNK


class GrowingArray:
    """An array at ``path`` whose rows are appended in their order, in blocks of any length.

    No more than one chunk of rows is kept back. What a killed run has left of the array is replaced.

    Parameters
    ----------
    shape
        Final shape: (n,) for numbers or texts, (n, columns) for a dense matrix.
    dtype
        Type of its numbers, or ``object`` for texts.

    Raises
    ------
    ValueError
        On leaving the ``with`` block, if there are more or fewer rows than ``shape`` says.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: Any) -> None:
        shutil.rmtree(path, ignore_errors=True)
        self._n_rows, self._path = shape[0], path
        self._held = np.empty((0, *shape[1:]), dtype=dtype)
        self._written = 0
        self._target: _Vector | _Matrix = (
            _Vector(path, shape[0], np.dtype(dtype)) if len(shape) == 1 else _Matrix(path, (shape[0], shape[1]), dtype)
        )

    def append(self, rows: np.ndarray) -> None:
        """Write the next rows."""
        rows = np.concatenate([self._held, rows]) if len(self._held) else rows
        whole = len(rows) // self._target.step * self._target.step
        if self._written + len(rows) == self._n_rows:
            whole = len(rows)
        if whole:
            self._target.write(self._written, rows[:whole].astype(self._held.dtype, copy=False))
            self._written += whole
        # A copy: a view would keep the whole block alive.
        self._held = rows[whole:].astype(self._held.dtype, copy=True)

    def __enter__(self) -> GrowingArray:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        rows = self._written + len(self._held)
        if kind is None and rows != self._n_rows:
            raise ValueError(f"{self._path} got {rows:,} rows instead of {self._n_rows:,}")


class _Matrix:
    """A dense matrix, filled by whole chunks."""

    step = DENSE_ROWS

    def __init__(self, path: Path, shape: tuple[int, int], dtype: Any) -> None:
        self.path = path
        create_matrix(path, shape, dtype)

    def write(self, start: int, rows: np.ndarray) -> None:
        write_rows(self.path, start, rows)


class _Vector:
    """A one-dimensional array, filled chunk by chunk: the index of a shard stands at its end."""

    step = CHUNK

    def __init__(self, path: Path, n: int, dtype: np.dtype) -> None:
        self.path, self.n = path, n
        self.shard = shards.shard_length(n)
        self.lengths: list[int] = []
        path.mkdir(parents=True)
        kind = shards.STRING if dtype.kind == "O" else dtype.name
        (path / "zarr.json").write_text(shards.metadata(n, kind), encoding="utf-8")
        if n:
            (path / "c").mkdir()

    def write(self, start: int, rows: np.ndarray) -> None:
        for first in range(0, len(rows), CHUNK):
            chunk = rows[first : first + CHUNK]
            self._write_chunk(start + first, start + first + len(chunk), shards.encoded_chunk(chunk))

    def _write_chunk(self, start: int, stop: int, content: bytes) -> None:
        with (self.path / "c" / str(start // self.shard)).open("ab") as stream:
            stream.write(content)
            self.lengths.append(len(content))
            if stop % self.shard == 0 or stop == self.n:
                stream.write(shards.encoded_index(self.lengths, self.shard // CHUNK))
                self.lengths = []
