"""Reading a method's representation of the users a task asks about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.columns import Columns
from lurm_cli.artifacts.manifest import read_manifest
from lurm_cli.artifacts.store import Counts
from lurm_cli.boi.reading import log1p_counts, whole_life
from lurm_cli.evaluation.features import Matrix

# Users whose dense rows are read at once.
_ROWS = 8_192


def known_users(path: Path) -> np.ndarray:
    """Ids of the users an artifact represents, in the order of its rows."""
    manifest = read_manifest(path)
    if not manifest.parts:
        return Columns(path).read("ids")
    counts = Counts.open(path, manifest.kind)
    return np.concatenate([counts.bucket(bucket).users for bucket in counts.buckets()])


def rows_of(path: Path, users: np.ndarray) -> Matrix:
    """Rows of these users, dense float32 or CSR; counts are summed over the life and then log1p (Eq. 4).

    Raises
    ------
    KeyError
        If a user is not represented.
    """
    manifest = read_manifest(path)
    place = {user: row for row, user in enumerate(users)}
    if not manifest.parts:
        return _dense_rows(Columns(path), users)
    counts = Counts.open(path, manifest.kind)
    blocks, order = [], []
    for bucket in counts.buckets():
        part = counts.bucket(bucket)
        held = [row for row, user in enumerate(part.users) if user in place]
        life = whole_life(part)[held]
        blocks.append(log1p_counts(life) if manifest.kind == "boi" else life)
        order += [place[part.users[row]] for row in held]
    if len(order) != len(users):
        raise KeyError(f"{path} lacks {len(users) - len(order)} of the users asked for")
    stacked = sparse.vstack(blocks, format="csr")
    return stacked[np.argsort(order)]


def _dense_rows(columns: Columns, users: np.ndarray) -> np.ndarray:
    """Rows of these users, read block by block: all of them beside those that are wanted would be twice the memory."""
    number = {user: row for row, user in enumerate(columns.read("ids"))}
    wanted = np.array([number[user] for user in users], dtype=np.int64)
    order = np.argsort(wanted, kind="stable")
    wanted, start = wanted[order], 0
    first = columns.read("values", 0, 1)
    out = np.empty((len(users), first.shape[1]), dtype=first.dtype)
    for (values,) in columns.blocks(_ROWS, "values"):
        low, high = np.searchsorted(wanted, [start, start + len(values)])
        out[order[low:high]] = values[wanted[low:high] - start]
        start += len(values)
    return out
