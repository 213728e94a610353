"""Arrays written without Zarr-Python are, byte for byte, what it writes; and it reads them, and they are read alike."""

from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, BloscShuffle, Crc32cCodec

from cli.shell import files_of
from lurm_cli.artifacts import shards
from lurm_cli.artifacts.shards import CHUNK, ForeignLayoutError

LENGTHS = [0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 100]
KINDS = ["int8", "int32", "int64", "float32", "float64", "uint16", "string"]


def values_of(kind: str, length: int) -> np.ndarray:
    rng = np.random.default_rng(length)
    numbers = rng.integers(0, 100, length)
    if kind != "string":
        return numbers.astype(kind)
    out = np.empty(length, dtype=object)
    out[:] = [("", "ann", "用户", "a\0b", "x" * 300)[number % 5] for number in numbers.tolist()]
    return out


def written_by_zarr(path: Path, values: np.ndarray) -> None:
    """The layout that docs/format.md states, left to Zarr-Python."""
    text = values.dtype == object
    itemsize = 1 if text else values.dtype.itemsize
    shuffle = BloscShuffle.noshuffle if itemsize == 1 else BloscShuffle.shuffle
    array = zarr.create_array(
        store=str(path),
        shape=values.shape,
        dtype="string" if text else values.dtype,
        chunks=(CHUNK,),
        shards=(shards.shard_length(len(values)),),
        compressors=[BloscCodec(cname="zstd", clevel=3, shuffle=shuffle, typesize=itemsize), Crc32cCodec()],
        attributes={"encoding-type": "string-array" if text else "array", "encoding-version": "0.2.0"},
        config={"write_empty_chunks": True},
    )
    if len(values):
        array[:] = values.astype(np.dtypes.StringDType()) if text else values


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_bytes_are_those_of_zarr(tmp_path: Path, kind: str, length: int) -> None:
    values = values_of(kind, length)
    shards.write(tmp_path / "ours", values)
    written_by_zarr(tmp_path / "theirs", values)
    assert files_of(tmp_path / "ours") == files_of(tmp_path / "theirs")
    back = shards.read(tmp_path / "ours")
    assert back.dtype == values.dtype and back.tolist() == values.tolist()


@pytest.mark.parametrize("kind", ["int32", "string"])
def test_several_shards(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MAX_SHARD", 2 * CHUNK)
    values = values_of(kind, 5 * CHUNK + 17)
    shards.write(tmp_path / "ours", values)
    written_by_zarr(tmp_path / "theirs", values)
    assert files_of(tmp_path / "ours") == files_of(tmp_path / "theirs")
    for start, stop in [
        (0, None),
        (CHUNK - 3, 2 * CHUNK + 5),
        (4 * CHUNK, 10**9),
        (5 * CHUNK + 1, 5 * CHUNK + 3),
        (7, 7),
    ]:
        assert shards.read(tmp_path / "ours", start, stop).tolist() == values[start:stop].tolist()


def test_another_layout_is_left_to_zarr(tmp_path: Path) -> None:
    zarr.create_array(store=str(tmp_path / "plain"), shape=(10,), dtype="int32", chunks=(5,))[:] = 1
    with pytest.raises(ForeignLayoutError):
        shards.read(tmp_path / "plain")


@pytest.mark.parametrize("place", [0, 40, -1, -10])
def test_a_changed_byte_is_noticed(tmp_path: Path, place: int) -> None:
    shards.write(tmp_path / "a", values_of("int32", 1000))
    file = tmp_path / "a/c/0"
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(ForeignLayoutError):
        shards.read(tmp_path / "a")
