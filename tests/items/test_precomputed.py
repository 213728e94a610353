"""Vectors made elsewhere are found by item id, or the error says what is wrong with the file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lurm_cli.errors import UsageError
from lurm_cli.items.precomputed import read_vectors

IDS = ["cup", "tea", "咖啡"]
VALUES = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32)


def npz(folder: Path, ids: list[str], values: np.ndarray) -> Path:
    np.savez(folder / "v.npz", ids=np.array(ids), vectors=values)
    return folder / "v.npz"


def npy(folder: Path, ids: list[str], values: np.ndarray) -> Path:
    np.save(folder / "v.npy", values)
    (folder / "v.npy.ids.txt").write_text("".join(f"{name}\n" for name in ids), encoding="utf-8")
    return folder / "v.npy"


def parquet_of_lists(folder: Path, ids: list[str], values: np.ndarray) -> Path:
    pq.write_table(pa.table({"id": ids, "vector": values.tolist()}), folder / "v.parquet")
    return folder / "v.parquet"


def parquet_of_columns(folder: Path, ids: list[str], values: np.ndarray) -> Path:
    columns = {f"x{k}": values[:, k] for k in range(values.shape[1])}
    pq.write_table(pa.table({"id": ids, **columns}), folder / "v.parquet")
    return folder / "v.parquet"


def parquet_of(kind: Callable[[pa.DataType], pa.DataType]) -> "Writer":
    """A list column of another Arrow type."""

    def write(folder: Path, ids: list[str], values: np.ndarray) -> Path:
        column = pa.array(values.tolist(), kind(pa.float64()))
        pq.write_table(pa.table({"id": ids, "vector": column}), folder / "v.parquet")
        return folder / "v.parquet"

    return write


parquet_of_large_lists, parquet_of_fixed_lists = parquet_of(pa.large_list), parquet_of(lambda of: pa.list_(of, 2))
Writer = Callable[[Path, list[str], np.ndarray], Path]
every_form = pytest.mark.parametrize(
    "write", [npz, npy, parquet_of_lists, parquet_of_large_lists, parquet_of_fixed_lists, parquet_of_columns]
)


@every_form
def test_rows_go_to_their_items_whatever_their_order(tmp_path: Path, write: Writer) -> None:
    order = [2, 0, 1]
    path = write(tmp_path, [IDS[row] for row in order], VALUES[order])
    vectors, found = read_vectors(path, IDS)
    assert vectors.dtype == np.float32
    assert vectors.tolist() == VALUES.tolist()
    assert found.all()


@every_form
def test_items_without_a_vector_get_zeros_and_unknown_ids_are_left_out(tmp_path: Path, write: Writer) -> None:
    path = write(tmp_path, ["unknown", "tea"], VALUES[:2])
    vectors, found = read_vectors(path, IDS)
    assert vectors.tolist() == [[0, 0], [3, 4], [0, 0]]
    assert found.tolist() == [False, True, False]


@every_form
def test_no_common_id_is_an_error_that_shows_both_kinds(tmp_path: Path, write: Writer) -> None:
    path = write(tmp_path, ["1", "2"], VALUES[:2])
    with pytest.raises(UsageError, match=r"none of its 2 ids, such as \['1', '2'\], is an item, such as \['cup', "):
        read_vectors(path, IDS)


@every_form
def test_not_a_number_is_named_by_row_and_id(tmp_path: Path, write: Writer) -> None:
    values = VALUES.copy()
    values[1, 1] = np.inf
    path = write(tmp_path, IDS, values)
    with pytest.raises(UsageError, match=r"row 2 \(id 'tea'\): the vector holds NaN or infinity"):
        read_vectors(path, IDS)


@pytest.mark.parametrize(
    ("ids", "values", "shape"),
    [(IDS, VALUES[:2], r"\(2, 2\) and 3 ids"), (IDS[:2], VALUES[0], r"\(2,\) and 2 ids")],
)
@pytest.mark.parametrize("write", [npz, npy])
def test_a_wrong_shape_is_shown(tmp_path: Path, write: Writer, ids: list[str], values: np.ndarray, shape: str) -> None:
    path = write(tmp_path, ids, values)
    with pytest.raises(UsageError, match=rf"expected one row a vector and one id a row, found {shape}"):
        read_vectors(path, IDS)


def test_an_archive_needs_both_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", names=np.array(IDS), vectors=VALUES)
    with pytest.raises(UsageError, match="it has no array ids; it holds names, vectors"):
        read_vectors(tmp_path / "v.npz", IDS)


def test_a_single_array_is_no_archive_whatever_its_suffix(tmp_path: Path) -> None:
    with (tmp_path / "v.npz").open("wb") as stream:
        np.save(stream, VALUES)
    with pytest.raises(UsageError, match="it is a single array"):
        read_vectors(tmp_path / "v.npz", IDS)


def test_a_single_array_needs_its_ids_beside_it(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", VALUES)
    with pytest.raises(UsageError, match=r"the ids are expected in .*v\.npy\.ids\.txt, one a line"):
        read_vectors(tmp_path / "v.npy", IDS)


def test_lists_of_unequal_length(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["tea", "cup"], "vector": [[1.0, 2.0], [1.0]]}), tmp_path / "v.parquet")
    with pytest.raises(UsageError, match=r"v\.parquet cannot be read as vectors"):
        read_vectors(tmp_path / "v.parquet", IDS)


@every_form
def test_an_id_that_stands_twice_is_named(tmp_path: Path, write: Writer) -> None:
    path = write(tmp_path, ["tea", "cup", "tea"], VALUES)
    with pytest.raises(UsageError, match=r"row 3: the id 'tea' stands in row 1, too"):
        read_vectors(path, IDS)


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float32()), pa.list_(pa.float32(), 2)])
def test_a_missing_vector_is_named_by_row_and_id(tmp_path: Path, kind: pa.DataType) -> None:
    vectors = pa.array([[1.0, 2.0], None], kind)
    pq.write_table(pa.table({"id": ["cup", "tea"], "vector": vectors}), tmp_path / "v.parquet")
    with pytest.raises(UsageError, match=r"row 2 \(id 'tea'\): there is no vector"):
        read_vectors(tmp_path / "v.parquet", IDS)


def test_a_missing_number_is_named_by_row_and_id(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["cup", "tea"], "x": [1, None], "y": [1, 2]}), tmp_path / "v.parquet")
    with pytest.raises(UsageError, match=r"row 2 \(id 'tea'\): the vector holds NaN"):
        read_vectors(tmp_path / "v.parquet", IDS)


@pytest.mark.parametrize("suffix", ["npz", "npy", "parquet"])
@pytest.mark.parametrize("kept", [0, 40])
def test_a_truncated_file_is_named(tmp_path: Path, suffix: str, kept: int) -> None:
    path = {"npz": npz, "npy": npy, "parquet": parquet_of_lists}[suffix](tmp_path, IDS, VALUES)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UsageError, match=rf"v\.{suffix} cannot be read as vectors"):
        read_vectors(path, IDS)


def test_pickled_objects_are_not_opened(tmp_path: Path) -> None:
    # Unpickling runs code that the file holds.
    np.savez(tmp_path / "v.npz", ids=np.array(IDS, dtype=object), vectors=VALUES)
    with pytest.raises(UsageError, match="allow_pickle=False"):
        read_vectors(tmp_path / "v.npz", IDS)


def test_missing_files_and_other_suffixes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.npz: no such file"):
        read_vectors(tmp_path / "absent.npz", IDS)
    (tmp_path / "v.txt").write_text("tea 1 2")
    with pytest.raises(UsageError, match=r"read from \.npz, \.npy or \.parquet"):
        read_vectors(tmp_path / "v.txt", IDS)
