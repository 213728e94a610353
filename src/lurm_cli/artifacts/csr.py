"""Partitioned CSR: sparse counts, one row a (user, period), one part a (year of the events, bucket of users).

Each part is a plain AnnData ``csr_matrix`` group with three arrays beside it: ``users`` (ids, sorted),
``row_user`` (position in ``users``) and ``row_period`` (see ``boi/periods.py``). A period that spans a new year,
or a period without bounds, has a row in each year's part; rows of one user and period add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.arrays import read_array, write_strings, write_vector
from lurm_cli.artifacts.parts import PARTS, commit_part, part_attributes
from lurm_cli.errors import ArtifactError


@dataclass(frozen=True)
class CsrPart:
    """Counts of one part.

    Attributes
    ----------
    counts
        CSR, shape (rows, n_interests); int32 counts, float32 for soft assignment; indices sorted and unique.
    users
        Ids of the part's users, sorted by their UTF-8 bytes.
    row_user
        int32, shape (rows,): position in ``users``.
    row_period
        int32, shape (rows,): period number. Rows are sorted by user, then period.
    """

    counts: sparse.csr_matrix
    users: np.ndarray
    row_user: np.ndarray
    row_period: np.ndarray


def write_csr_part(partial: Path, name: str, part: CsrPart) -> None:
    """Commit one part of a partitioned CSR artifact."""
    counts = part.counts

    def write(folder: Path) -> None:
        write_vector(folder / "data", counts.data)
        write_vector(folder / "indices", counts.indices.astype(np.int32, copy=False))
        write_vector(folder / "indptr", counts.indptr.astype(np.int64, copy=False))
        write_strings(folder / "users", part.users)
        write_vector(folder / "row_user", part.row_user.astype(np.int32, copy=False))
        write_vector(folder / "row_period", part.row_period.astype(np.int32, copy=False))

    attributes = {
        "encoding-type": "csr_matrix",
        "encoding-version": "0.1.0",
        "shape": [int(n) for n in counts.shape],
    }
    commit_part(partial, name, write, rows=counts.shape[0], nnz=counts.nnz, attributes=attributes)


def read_csr_users(artifact: Path, name: str, crc: int | None) -> np.ndarray:
    """Ids of a part's users alone; raises ArtifactError if a file is missing or damaged."""
    part = artifact / PARTS / name
    part_attributes(part, crc)
    return read_array(part / "users")


def read_csr_part(artifact: Path, name: str, crc: int | None) -> CsrPart:
    """Read one part whole.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged, or the arrays do not fit each other.
    """
    part = artifact / PARTS / name
    shape = tuple(part_attributes(part, crc)["shape"])
    indptr = read_array(part / "indptr")
    indices = read_array(part / "indices")
    data = read_array(part / "data")
    if len(indptr) != shape[0] + 1 or len(indices) != len(data) or indptr[-1] != len(indices):
        raise ArtifactError(f"{part}: indptr, indices and data do not fit the shape {shape}; rebuild the artifact")
    # 64-bit indptr would make scipy widen the indices; a part never holds 2^31 values.
    counts = sparse.csr_matrix((data, indices, indptr.astype(np.int32)), shape=shape, copy=False)
    counts.has_sorted_indices = True
    return CsrPart(counts, read_array(part / "users"), read_array(part / "row_user"), read_array(part / "row_period"))
