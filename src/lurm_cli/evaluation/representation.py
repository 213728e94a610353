"""Reading a method's representation of the users a task asks about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.arrays import CHUNK
from lurm_cli.artifacts.columns import Columns
from lurm_cli.artifacts.manifest import Manifest, read_manifest
from lurm_cli.artifacts.store import Counts
from lurm_cli.boi.reading import log1p_counts, whole_life
from lurm_cli.errors import ArtifactError
from lurm_cli.evaluation.features import Matrix

# Users whose dense rows are read at once.
_ROWS = 8_192


def known_users(path: Path) -> np.ndarray:
    """Ids of the users an artifact represents, in the order of its rows."""
    manifest = read_manifest(path)
    if not manifest.parts:
        return Columns(path).read("ids")
    counts = Counts.open(path, manifest.kind)
    return np.concatenate([counts.users(bucket) for bucket in counts.buckets()])


def rows_of(path: Path, users: np.ndarray) -> Matrix:
    """Rows of these users, dense float32 or CSR; counts are summed over the life and then log1p (Eq. 4).

    Raises
    ------
    KeyError
        If a user is not represented.
    ArtifactError
        If a number is not finite.
    """
    manifest = read_manifest(path)
    place = {user: row for row, user in enumerate(users)}
    found = _sparse_rows(path, manifest, place) if manifest.parts else _dense_rows(path, place)
    _refuse_infinite(path, found, users)
    return found


def _sparse_rows(path: Path, manifest: Manifest, place: dict[str, int]) -> sparse.csr_matrix:
    counts = Counts.open(path, manifest.kind)
    blocks, order = [], []
    for bucket in counts.buckets():
        part = counts.bucket(bucket)
        held = [row for row, user in enumerate(part.users) if user in place]
        life = whole_life(part)[held]
        blocks.append(log1p_counts(life) if manifest.kind == "boi" else life)
        order += [place[part.users[row]] for row in held]
    _refuse_missing(path, len(order), place)
    stacked = sparse.vstack(blocks, format="csr")
    return stacked[np.argsort(order)]


def _dense_rows(path: Path, place: dict[str, int]) -> np.ndarray:
    """Rows of these users; of the others no more than a block is held."""
    columns = Columns(path)
    first, n_found = columns.read("values", 0, 1), 0
    out = np.empty((len(place), first.shape[1]), dtype=first.dtype)
    for start in range(0, columns.shape("ids")[0], CHUNK):
        # A chunk of ids is decoded as a whole.
        ids = columns.read("ids", start, start + CHUNK)
        places = np.fromiter((place.get(user, -1) for user in ids), dtype=np.int64, count=len(ids))
        for at in range(0, len(ids), _ROWS):
            kept = np.flatnonzero(places[at : at + _ROWS] >= 0)
            if len(kept):
                out[places[at + kept]] = columns.read("values", start + at, start + at + _ROWS)[kept]
                n_found += len(kept)
    _refuse_missing(path, n_found, place)
    return out


def _refuse_missing(path: Path, n_found: int, place: dict[str, int]) -> None:
    if n_found != len(place):
        raise KeyError(f"{path} lacks {len(place) - n_found} of the users asked for")


def _refuse_infinite(path: Path, rows: Matrix, users: np.ndarray) -> None:
    finite = np.isfinite(rows.data if sparse.issparse(rows) else rows)
    if not finite.all():
        first = np.flatnonzero(~finite.ravel())[0]
        row = np.searchsorted(rows.indptr, first, side="right") - 1 if sparse.issparse(rows) else first // rows.shape[1]
        raise ArtifactError(
            f"{path}: the numbers of user {users[row]!r} are not all finite (NaN or infinity); mend what wrote them"
        )
