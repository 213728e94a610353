"""Single Zarr v3 arrays, in the one layout of this project.

One-dimensional arrays: chunks of 65,536 elements inside one shard (at most 2^24 elements a shard), Blosc
zstd-3, then crc32c. Dense matrices: chunks of 2,048 whole rows, crc32c, not compressed (float noise does not
shrink). Every write covers whole shards: Zarr-Python rewrites a shard as a whole, so that two writers of one
shard would lose data without an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lurm_cli.artifacts import shards
from lurm_cli.artifacts.shards import CHUNK, STRING
from lurm_cli.errors import ArtifactError

if TYPE_CHECKING:
    import zarr

DENSE_ROWS = 2_048


def _create(path: Path, shape: tuple[int, ...], dtype: Any, encoding: str, **layout: Any) -> None:
    import zarr

    zarr.create_array(
        store=str(path),
        shape=shape,
        dtype=dtype,
        attributes={"encoding-type": encoding, "encoding-version": "0.2.0"},
        # A chunk of zeros that is left out could not be told from a lost one.
        config={"write_empty_chunks": True},
        **layout,
    )


def write_vector(path: Path, values: np.ndarray) -> None:
    """Write a one-dimensional numeric array."""
    shards.write(path, values)


def write_strings(path: Path, values: Sequence[str] | np.ndarray) -> None:
    """Write a one-dimensional array of texts (variable-length UTF-8)."""
    shards.write(path, np.asarray(values, dtype=object))


def create_matrix(path: Path, shape: tuple[int, int], dtype: Any = np.float32) -> None:
    """Create an empty dense matrix, to be filled by blocks of whole chunks (``write_rows``)."""
    from zarr.codecs import Crc32cCodec

    _create(path, shape, dtype, "array", chunks=(DENSE_ROWS, max(1, shape[1])), compressors=[Crc32cCodec()])


def create_texts(path: Path, length: int) -> None:
    """Create an empty text array of plain chunks (no shard), to be filled by blocks of ``CHUNK`` rows."""
    from zarr.codecs import BloscCodec, BloscShuffle, Crc32cCodec

    compressors = [BloscCodec(cname="zstd", clevel=3, shuffle=BloscShuffle.noshuffle, typesize=1), Crc32cCodec()]
    _create(path, (length,), STRING, "string-array", chunks=(CHUNK,), compressors=compressors)


def write_rows(path: Path, start: int, rows: np.ndarray) -> None:
    """Fill rows ``start`` onwards; both ends must lie on chunk borders or at the end of the array."""
    import zarr

    array = zarr.open_array(str(path), mode="r+").with_config({"write_empty_chunks": True})
    stop, step = start + len(rows), array.chunks[0]
    if start % step or (stop % step and stop != array.shape[0]):
        raise ValueError(f"rows {start}:{stop} of {path} do not cover whole chunks of {step}")
    if len(rows):
        array[start:stop] = rows


def write_matrix(path: Path, values: np.ndarray) -> None:
    """Write a dense matrix in one go."""
    create_matrix(path, (values.shape[0], values.shape[1]), values.dtype)
    write_rows(path, 0, values)


def chunk_files(path: Path, start: int = 0, stop: int | None = None) -> list[Path]:
    """The chunk (or shard) files that hold rows ``start:stop`` of the array at ``path``."""
    array = _open(path)
    shape, grid = array.shape, array.shards or array.chunks
    stop = shape[0] if stop is None else min(stop, shape[0])
    if 0 in shape or stop <= start:
        return []
    rows = range(start // grid[0], -(-stop // grid[0]))
    rest = [range(-(-n // g)) for n, g in zip(shape[1:], grid[1:], strict=True)]
    return [path / "c" / "/".join(map(str, place)) for place in product(rows, *rest)]


def read_array(path: Path, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Read rows ``start:stop``; texts come as an object array of ``str``.

    Raises
    ------
    ArtifactError
        If a chunk is missing or does not match its checksum; the message names the file.
    """
    try:
        return shards.read(path, start, stop)
    except shards.ForeignLayoutError:
        pass
    array = _open(path)
    stop = array.shape[0] if stop is None else min(stop, array.shape[0])
    for file in chunk_files(path, start, stop):
        if not file.is_file():
            raise ArtifactError(f"{file} is missing; rebuild the artifact (its stage with --overwrite)")
    try:
        values = np.asarray(array[start:stop])
    except Exception as error:
        raise ArtifactError(
            f"{_damaged_file(path, start, stop)} is damaged ({_first_line(error)}); "
            "rebuild the artifact (its stage with --overwrite) or restore a copy"
        ) from error
    return values.astype(object) if isinstance(values.dtype, np.dtypes.StringDType) else values


def array_shape(path: Path) -> tuple[int, ...]:
    """Shape of the array at ``path``, from its metadata."""
    try:
        return (shards.length(path),)
    except shards.ForeignLayoutError:
        return tuple(_open(path).shape)


def _open(path: Path) -> zarr.Array[Any]:
    if not (path / "zarr.json").is_file():
        raise ArtifactError(f"{path / 'zarr.json'} is missing; rebuild the artifact (its stage with --overwrite)")
    import zarr

    try:
        return zarr.open_array(str(path), mode="r")
    except Exception as error:
        raise ArtifactError(f"{path / 'zarr.json'} is damaged ({_first_line(error)})") from error


def _damaged_file(path: Path, start: int, stop: int) -> Path:
    """Find, chunk by chunk, the first file that cannot be read."""
    array = _open(path)
    step = (array.shards or array.chunks)[0]
    for begin in range(start // step * step, stop, step):
        try:
            array[begin : min(begin + step, stop)]
        except Exception:
            return chunk_files(path, begin, begin + 1)[0]
    return path


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__
