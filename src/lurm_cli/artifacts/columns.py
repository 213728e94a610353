"""Artifacts made of named arrays at the root: items, item embeddings, interests, user representations."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lurm_cli.artifacts.arrays import array_shape, read_array, write_matrix, write_strings, write_vector
from lurm_cli.artifacts.manifest import Manifest, read_manifest
from lurm_cli.artifacts.seal import check_files


def write_columns(folder: Path, columns: dict[str, np.ndarray]) -> None:
    """Write each array: texts (object or str), vectors and matrices, in the layout of ``arrays``.

    What a killed run has left of them is replaced.
    """
    for name, values in columns.items():
        shutil.rmtree(folder / name, ignore_errors=True)
        if values.dtype.kind in "OUT":
            write_strings(folder / name, values)
        elif values.ndim == 1:
            write_vector(folder / name, values)
        else:
            write_matrix(folder / name, values)


class Columns:
    """A complete artifact of named root arrays, read by name and slice.

    Raises
    ------
    ArtifactError
        On opening: if it is missing, of another kind, or its metadata were changed. On reading: if a chunk is
        missing or damaged.
    """

    def __init__(self, path: Path, kind: str | tuple[str, ...] | None = None) -> None:
        self.path = path
        self.manifest: Manifest = read_manifest(path, kind)
        check_files(path, self.manifest.files)

    def names(self) -> list[str]:
        """Names of the root arrays."""
        return sorted({name.split("/")[0] for name in self.manifest.files})

    def read(self, name: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Rows ``start:stop`` of one array; texts as an object array."""
        return read_array(self.path / name, start, stop)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one array, from its metadata."""
        return array_shape(self.path / name)

    def blocks(self, rows: int, *names: str) -> Iterator[tuple[np.ndarray, ...]]:
        """The same ``rows`` rows of several arrays of one length at a time, first to last."""
        for start in range(0, self.shape(names[0])[0], rows):
            yield tuple(self.read(name, start, start + rows) for name in names)
