"""Arrays written block by block have the bytes of arrays written at once."""

from pathlib import Path

import numpy as np
import pytest

from cli.shell import files_of
from lurm_cli.artifacts import shards
from lurm_cli.artifacts.arrays import DENSE_ROWS
from lurm_cli.artifacts.columns import write_columns
from lurm_cli.artifacts.growing import GrowingArray
from lurm_cli.artifacts.shards import CHUNK


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 100, shape)


def texts(n: int) -> np.ndarray:
    return np.array([("", "ann", "用户")[number % 3] + str(number) for number in range(n)], dtype=object)


def assert_grown_as_written(folder: Path, values: np.ndarray, block: int) -> None:
    write_columns(folder / "at once", {"values": values})
    with GrowingArray(folder / "by block", values.shape, values.dtype) as grown:
        for start in range(0, len(values), block):
            grown.append(values[start : start + block])
    assert files_of(folder / "by block") == files_of(folder / "at once/values")


@pytest.mark.parametrize("block", [1000, CHUNK - 1, CHUNK, CHUNK + 1, 10**7])
@pytest.mark.parametrize("length", [0, 999, CHUNK, 2 * CHUNK + 100])
def test_vectors_and_texts(tmp_path: Path, length: int, block: int) -> None:
    for name, values in {"int32": numbers(length).astype(np.int32), "texts": texts(length)}.items():
        assert_grown_as_written(tmp_path / name, values, block)


@pytest.mark.parametrize("block", [700, DENSE_ROWS, 5000, 10**7])
@pytest.mark.parametrize("length", [999, 2 * DENSE_ROWS, 3 * DENSE_ROWS + 5])
def test_matrices(tmp_path: Path, length: int, block: int) -> None:
    assert_grown_as_written(tmp_path, numbers(length, 3).astype(np.float32), block)


@pytest.mark.parametrize("block", [CHUNK - 7, 3 * CHUNK])
def test_several_shards(tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MAX_SHARD", 2 * CHUNK)
    assert_grown_as_written(tmp_path, numbers(5 * CHUNK + 17).astype(np.int32), block)


def test_what_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    half = GrowingArray(tmp_path / "values", (2 * CHUNK,), np.int32)
    half.append(np.ones(CHUNK, dtype=np.int32))
    with GrowingArray(tmp_path / "values", (3,), np.int32) as grown:
        grown.append(np.arange(3, dtype=np.int32))
    assert shards.read(tmp_path / "values").tolist() == [0, 1, 2]


@pytest.mark.parametrize("n_rows", [2, 4])
def test_rows_that_are_missing_or_too_many_are_an_error(tmp_path: Path, n_rows: int) -> None:
    with (
        pytest.raises(ValueError, match=f"got {n_rows} rows instead of 3"),
        GrowingArray(tmp_path / "values", (3,), np.int32) as grown,
    ):
        grown.append(np.zeros(n_rows, dtype=np.int32))
