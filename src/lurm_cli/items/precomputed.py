"""Vectors made elsewhere: any text or image encoder, plugged in by item id."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from lurm_cli.errors import UsageError


def read_vectors(path: Path, item_ids: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read vectors and put them in the order of the items.

    Parameters
    ----------
    path
        ``.npz`` with ``ids`` and ``vectors``; ``.npy`` with the ids, a line each, in ``PATH.ids.txt``; or ``.parquet``
        whose first column is the id, followed by one list column or by numeric columns.

    Returns
    -------
    vectors
        float32 (n_items, d); zeros where the file has no vector.
    found
        bool (n_items,).

    Raises
    ------
    UsageError
        If the file is missing, of another form, has an id twice, or lacks a vector, or holds NaN or infinity.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file of vectors")
    try:
        ids, vectors = {".npz": _npz, ".npy": _npy, ".parquet": _parquet}[path.suffix.lower()](path)
    except KeyError:
        raise UsageError(f"{path}: vectors are read from .npz, .npy or .parquet") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} cannot be read as vectors: {str(error).splitlines()[0]}") from None
    if vectors.ndim != 2 or len(ids) != len(vectors):
        raise UsageError(
            f"{path}: expected one row a vector and one id a row, found {vectors.shape} and {len(ids)} ids"
        )
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        raise UsageError(f"{path}, row {wrong[0] + 1} (id {ids[wrong[0]]!r}): the vector holds NaN or infinity")
    row_of: dict[str, int] = {}
    for row, name in enumerate(ids):
        if row_of.setdefault(name, row) != row:
            raise UsageError(f"{path}, row {row + 1}: the id {name!r} stands in row {row_of[name] + 1}, too")
    rows = np.array([row_of.get(name, -1) for name in item_ids])
    found = rows >= 0
    if not found.any():
        raise UsageError(f"{path}: none of its {len(ids)} ids, such as {ids[:2]}, is an item, such as {item_ids[:2]}")
    out = np.zeros((len(item_ids), vectors.shape[1]), dtype=np.float32)
    out[found] = vectors[rows[found]]
    return out, found


def ids_beside(path: Path) -> Path | None:
    """Where the ids of a file of vectors stand, if not in it."""
    return path.with_name(path.name + ".ids.txt") if path.suffix.lower() == ".npy" else None


def _npz(path: Path) -> tuple[list[str], np.ndarray]:
    with path.open("rb") as stream:
        held = np.load(stream, allow_pickle=False)
        if isinstance(held, np.ndarray):
            raise ValueError("it is a single array, as in .npy; expected the arrays ids and vectors")
        missing = {"ids", "vectors"} - set(held.files)
        if missing:
            raise ValueError(f"it has no array {' and no '.join(sorted(missing))}; it holds {', '.join(held.files)}")
        return [str(name) for name in held["ids"]], np.asarray(held["vectors"], dtype=np.float32)


def _npy(path: Path) -> tuple[list[str], np.ndarray]:
    sidecar = ids_beside(path)
    if sidecar is None or not sidecar.is_file():
        raise ValueError(f"the ids are expected in {sidecar}, one a line")
    return sidecar.read_text(encoding="utf-8").splitlines(), np.load(path, allow_pickle=False).astype(np.float32)


def _parquet(path: Path) -> tuple[list[str], np.ndarray]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    ids = [str(name) for name in table.column(0).to_pylist()]
    column = table.column(1) if table.num_columns == 2 else None
    if column is not None and isinstance(column.type, (pa.ListType, pa.LargeListType, pa.FixedSizeListType)):
        if column.null_count:
            row = int(column.is_null().to_numpy().argmax())
            raise UsageError(f"{path}, row {row + 1} (id {ids[row]!r}): there is no vector")
        return ids, np.array(column.to_pylist(), dtype=np.float32)
    return ids, np.stack([c.to_numpy().astype(np.float32) for c in table.columns[1:]], axis=1)
