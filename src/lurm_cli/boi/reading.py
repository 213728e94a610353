"""Reading counts at a scale: adding up periods, and Eq. 4's logarithm."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.csr import CsrPart
from lurm_cli.artifacts.store import sum_rows
from lurm_cli.boi.periods import Period


def at_scale(part: CsrPart, stored: Period, wanted: Period) -> CsrPart:
    """Counts of the wanted, coarser periods: sums of the stored ones."""
    if stored == wanted:
        return part
    return sum_rows(CsrPart(part.counts, part.users, part.row_user, stored.coarsen(part.row_period, wanted)))


def whole_life(part: CsrPart) -> sparse.csr_matrix:
    """Counts of each user's whole life, CSR of shape (n_users, n_interests)."""
    n_users = len(part.users)
    gather = sparse.csr_matrix(
        (
            np.ones(len(part.row_user), dtype=part.counts.dtype),
            (part.row_user, np.arange(len(part.row_user))),
        ),
        shape=(n_users, part.counts.shape[0]),
    )
    return sparse.csr_matrix(gather @ part.counts)


def log1p_counts(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """b = log(1 + count), natural logarithm, float32 (Eq. 4)."""
    out = counts.astype(np.float32)
    np.log1p(out.data, out=out.data)
    return out
