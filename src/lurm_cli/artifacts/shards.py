"""One-dimensional arrays as Zarr v3 lays them out: ``zarr.json`` and shards, written and read without Zarr-Python.

A part is some six small arrays, and an artifact thousands of parts; Zarr-Python's event loop, array objects and codec
pipeline take 5 ms an array, several times what compressing it takes, and its import a quarter of a second a process.
The bytes are those that it writes (a test compares them); whatever is not exactly of this layout is left to it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numcodecs import blosc
from numcodecs.vlen import VLenUTF8

CHUNK = 65_536
MAX_SHARD = 2**24
STRING = "string"

# Several Blosc threads append their blocks in the order in which they finish: the bytes would differ run by run.
blosc.use_threads = False

_TEXTS = VLenUTF8()


class ForeignLayoutError(Exception):
    """The array is not of this layout, or not whole: for Zarr-Python to read, or to say what is wrong."""


def shard_length(n: int) -> int:
    """Elements of one shard: whole chunks, 2^24 elements at the most."""
    return min(MAX_SHARD, max(1, -(-n // CHUNK)) * CHUNK)


def metadata(n: int, kind: str) -> str:
    """Text of ``zarr.json``.

    Parameters
    ----------
    kind
        Zarr's name of a number type (``int32``), or ``string``.
    """
    return _metadata_of(kind).replace('"LENGTH"', str(n)).replace('"SHARD"', str(shard_length(n)))


@lru_cache
def _metadata_of(kind: str) -> str:
    """``metadata`` with words for the two numbers in it."""
    text = kind == STRING
    itemsize = 1 if text else np.dtype(kind).itemsize
    blosc_settings = {
        "typesize": itemsize,
        "cname": "zstd",
        "clevel": 3,
        "shuffle": "noshuffle" if itemsize == 1 else "shuffle",
        "blocksize": 0,
    }
    little: dict[str, Any] = {"name": "bytes"}
    if itemsize > 1:
        little["configuration"] = {"endian": "little"}
    checked = {"name": "crc32c"}
    sharding = {
        "chunk_shape": [CHUNK],
        "codecs": [
            {"name": "vlen-utf8", "configuration": {}} if text else little,
            {"name": "blosc", "configuration": blosc_settings},
            checked,
        ],
        "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, checked],
        "index_location": "end",
    }
    held = {
        "shape": ["LENGTH"],
        "data_type": kind,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": ["SHARD"]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": "" if text else 0.0 if np.dtype(kind).kind == "f" else 0,
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "attributes": {"encoding-type": "string-array" if text else "array", "encoding-version": "0.2.0"},
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }
    return json.dumps(held, indent=2)


def write(path: Path, values: np.ndarray) -> None:
    """Write numbers, or an object array of ``str``, as a new array at ``path``."""
    kind = STRING if values.dtype == object else values.dtype.name
    path.mkdir(parents=True)
    (path / "zarr.json").write_text(metadata(len(values), kind), encoding="utf-8")
    if not len(values):
        return
    (path / "c").mkdir()
    size = shard_length(len(values))
    for start in range(0, len(values), size):
        (path / "c" / str(start // size)).write_bytes(_encoded_shard(values[start : start + size], size // CHUNK))


def _encoded_shard(values: np.ndarray, n_chunks: int) -> bytes:
    chunks = [encoded_chunk(values[start : start + CHUNK]) for start in range(0, len(values), CHUNK)]
    return b"".join([*chunks, encoded_index([len(chunk) for chunk in chunks], n_chunks)])


def encoded_chunk(values: np.ndarray) -> bytes:
    """Bytes of one chunk: up to ``CHUNK`` elements, compressed, and their checksum."""
    return _checked(_compressed(values))


def encoded_index(lengths: list[int], n_chunks: int) -> bytes:
    """What ends a shard of ``n_chunks`` chunks: where each of those that are there begins, and its bytes."""
    # A chunk that is not there has offset and length 2^64 - 1.
    index = np.full((n_chunks, 2), 2**64 - 1, dtype="<u8")
    index[: len(lengths), 0] = np.cumsum([0, *lengths[:-1]])
    index[: len(lengths), 1] = lengths
    return _checked(index.tobytes())


def _compressed(values: np.ndarray) -> bytes:
    """One chunk; what a last one lacks is filled with zeros or empty texts."""
    missing = CHUNK - len(values)
    if values.dtype == object:
        # The number of texts, then each with its length before it: an empty one is four zeros.
        encoded = bytearray(_TEXTS.encode(values))
        encoded[:4] = CHUNK.to_bytes(4, "little")
        return bytes(blosc.compress(encoded + bytes(4 * missing), b"zstd", 3, blosc.NOSHUFFLE, 0, 1))
    itemsize = values.dtype.itemsize
    shuffle = blosc.NOSHUFFLE if itemsize == 1 else blosc.SHUFFLE
    plain = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    if missing:
        plain = np.concatenate([plain, np.zeros(missing, dtype=plain.dtype)])
    return bytes(blosc.compress(plain, b"zstd", 3, shuffle, 0, itemsize))


def _checked(content: bytes) -> bytes:
    return content + google_crc32c.value(content).to_bytes(4, "little")


def read(path: Path, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Elements ``start:stop``; texts as an object array.

    Raises
    ------
    ForeignLayoutError
        If the array is of another layout, or anything of it is missing or damaged.
    """
    n, kind = _length_and_kind(path)
    stop = n if stop is None else min(stop, n)
    try:
        out = np.empty(max(0, stop - start), dtype=object if kind == STRING else np.dtype(kind))
        size = shard_length(n)
        for first in range(start // size * size, stop, size):
            _read_shard(path / "c" / str(first // size), first, start, stop, size // CHUNK, out)
        return out
    except (OSError, ValueError, RuntimeError) as error:
        raise ForeignLayoutError(path) from error


def length(path: Path) -> int:
    """Number of elements, from the metadata; raises ForeignLayoutError as ``read`` does."""
    return _length_and_kind(path)[0]


def _length_and_kind(path: Path) -> tuple[int, str]:
    try:
        text = (path / "zarr.json").read_text(encoding="utf-8")
        held = json.loads(text)
        (n,), kind = held["shape"], held["data_type"]
        if metadata(n, kind) == text:
            return n, kind
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ForeignLayoutError(path) from error
    raise ForeignLayoutError(path)


def _read_shard(file: Path, first: int, start: int, stop: int, n_chunks: int, out: np.ndarray) -> None:
    """Fill ``out`` (elements ``start:stop`` of the array) from the shard whose first element is ``first``."""
    with file.open("rb") as stream:
        stream.seek(-(16 * n_chunks + 4), 2)
        index = np.frombuffer(_unchecked(stream.read()), dtype="<u8").reshape(n_chunks, 2)
        for number in range(max(0, start - first) // CHUNK, min(n_chunks, -(-(stop - first) // CHUNK))):
            offset, nbytes = (int(part) for part in index[number])
            stream.seek(offset)
            content = _unchecked(stream.read(nbytes))
            begin = first + number * CHUNK
            low, high = max(start, begin), min(stop, begin + CHUNK)
            _decode(content, low - begin, out[low - start : high - start])


def _decode(content: memoryview, skipped: int, target: np.ndarray) -> None:
    """Elements of one chunk from ``skipped`` on, into ``target``."""
    if target.dtype == object:
        encoded = bytearray(blosc.decompress(content))
        # No more texts are made than are wanted.
        encoded[:4] = (skipped + len(target)).to_bytes(4, "little")
        target[:] = _TEXTS.decode(encoded)[skipped:]
    elif len(target) == CHUNK:
        blosc.decompress(content, target)
    else:
        target[:] = np.frombuffer(blosc.decompress(content), dtype=target.dtype)[skipped : skipped + len(target)]


def _unchecked(content: bytes) -> memoryview:
    if len(content) < 4 or google_crc32c.value(content[:-4]) != int.from_bytes(content[-4:], "little"):
        raise ValueError("the checksum differs")
    return memoryview(content)[:-4]
