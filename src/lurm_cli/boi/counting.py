"""Bag of Interests: from a user's events to counts by (period, interest). Eq. 4 without its logarithm.

Counts are stored and the logarithm is taken by the reader, after adding up to the scale it wants: the feature
of a year is log(1 + the months' counts added), not the months' features added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.csr import CsrPart
from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.boi.periods import Period


@dataclass(frozen=True)
class Assignment:
    """Which interests each item belongs to.

    Attributes
    ----------
    interests
        int32, shape (n_items, top): interest numbers; -1 where the item has none.
    weights
        float32, shape (n_items, top), for soft assignment; None for hard (top = 1, weight 1).
    n_interests
        Number of interests, D.
    """

    interests: np.ndarray
    weights: np.ndarray | None
    n_interests: int


def count_interests(events: RaggedEvents, assignment: Assignment, period: Period) -> CsrPart:
    """Count the interests of each user and period.

    Source: b_t of Eq. 4 before the logarithm; counts are with multiplicity. Items without an interest do not count,
    and users and periods without any counted item have no row.

    Returns
    -------
    CsrPart
        Counts of shape (rows, n_interests): int32 for hard, float32 for soft assignment.
    """
    n_users = len(events.users)
    users = np.repeat(np.arange(n_users, dtype=np.int64), np.diff(events.indptr))
    periods = period.number(events.times)
    interests = assignment.interests[events.items]
    top = interests.shape[1]
    users, periods, interests = np.repeat(users, top), np.repeat(periods, top), interests.ravel()
    counted = interests >= 0
    weights = None
    if assignment.weights is not None:
        weights = assignment.weights[events.items].ravel()
        counted &= weights > 0
        weights = weights[counted]
    users, periods, interests = users[counted], periods[counted], interests[counted]

    # One integer a cell, in the order of the rows (user, period) and, within one, of the interests.
    low = int(periods.min()) if len(periods) else 0
    n_periods = (int(periods.max()) - low + 1) if len(periods) else 1
    row_key = users * n_periods + (periods.astype(np.int64) - low)
    cell = row_key * assignment.n_interests + interests
    if weights is None:
        cells, data = np.unique(cell, return_counts=True)
        data = data.astype(np.int32)
    else:
        cells, place = np.unique(cell, return_inverse=True)
        data = np.bincount(place, weights=weights, minlength=len(cells)).astype(np.float32)
    rows, row_of = np.unique(cells // assignment.n_interests, return_inverse=True)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row_of, minlength=len(rows)))])
    counts = sparse.csr_matrix(
        (data, (cells % assignment.n_interests).astype(np.int32), indptr.astype(np.int32)),
        shape=(len(rows), assignment.n_interests),
    )
    counts.has_sorted_indices = True
    row_user = rows // n_periods
    kept, row_user = np.unique(row_user, return_inverse=True)
    return CsrPart(counts, events.users[kept], row_user.astype(np.int32), (rows % n_periods + low).astype(np.int32))
