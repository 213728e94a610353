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

    def of_items(self, places: np.ndarray) -> Assignment:
        """The same for another catalogue, whose items stand here at these places; at -1: an item without interest."""
        known = places >= 0
        interests = np.where(known[:, None], self.interests[places], -1).astype(np.int32)
        weights = None if self.weights is None else self.weights[places]
        return Assignment(interests, weights, self.n_interests)


@dataclass(frozen=True)
class Occurrences:
    """The interests that events stand for, in the order of the events; counted once for each period.

    Attributes
    ----------
    users
        Ids of the users, as in the events.
    owner
        int32, shape (n,): user of each occurrence, ascending.
    times
        int64, shape (n,): microseconds UTC, ascending within a user.
    interests
        int32, shape (n,).
    weights
        float32, shape (n,), for soft assignment; None for hard.
    n_interests
        Number of interests, D.
    """

    users: np.ndarray
    owner: np.ndarray
    times: np.ndarray
    interests: np.ndarray
    weights: np.ndarray | None
    n_interests: int

    @classmethod
    def of(cls, events: RaggedEvents, assignment: Assignment) -> Occurrences:
        """What counts of these events: items without an interest are left out."""
        owner = np.repeat(np.arange(len(events.users), dtype=np.int32), np.diff(events.indptr))
        times, interests = events.times, assignment.interests[events.items]
        top = interests.shape[1]
        if top > 1:
            owner, times = np.repeat(owner, top), np.repeat(times, top)
        interests = interests.ravel()
        counted, weights = interests >= 0, None
        if assignment.weights is not None:
            weights = assignment.weights[events.items].ravel()
            counted &= weights > 0
        if not counted.all():
            owner, times, interests = owner[counted], times[counted], interests[counted]
            weights = None if weights is None else weights[counted]
        return cls(events.users, owner, times, interests, weights, assignment.n_interests)

    def count(self, period: Period) -> CsrPart:
        """Counts by (user, period), as ``count_interests`` has them."""
        n, periods = len(self.owner), period.number(self.times)
        # Events are sorted by user and time, so that the rows are runs: only within a run is there anything to sort.
        first = np.ones(n, dtype=bool)
        first[1:] = (self.owner[1:] != self.owner[:-1]) | (periods[1:] != periods[:-1])
        starts = np.flatnonzero(first)
        indptr = np.append(starts, n).astype(np.int32)
        counts = self._hard_counts(indptr) if self.weights is None else self._soft_counts(indptr, self.weights)
        owner = self.owner[starts]
        new_user = np.ones(len(owner), dtype=bool)
        new_user[1:] = owner[1:] != owner[:-1]
        row_user = (np.cumsum(new_user) - 1).astype(np.int32)
        return CsrPart(counts, self.users[owner[new_user]], row_user, periods[starts])

    def _hard_counts(self, indptr: np.ndarray) -> sparse.csr_matrix:
        """Runs as rows of ones, which SciPy then sorts and adds up, each by itself, in place."""
        ones = np.ones(len(self.owner), dtype=np.int32)
        shape = (len(indptr) - 1, self.n_interests)
        counts = sparse.csr_matrix((ones, self.interests.astype(np.int32), indptr), shape=shape)
        counts.sum_duplicates()
        return counts

    def _soft_counts(self, indptr: np.ndarray, weights: np.ndarray) -> sparse.csr_matrix:
        """The same with weights, which are added up in float64 and in the order of the events."""
        row = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        # One integer a cell, in the order of the rows and, within one, of the interests.
        bits = max(1, self.n_interests - 1).bit_length()
        cell = (row << bits) | self.interests
        order = np.argsort(cell, kind="stable")
        cell = cell[order]
        new = np.ones(len(cell), dtype=bool)
        new[1:] = cell[1:] != cell[:-1]
        places = np.flatnonzero(new)
        data = np.bincount(np.cumsum(new) - 1, weights=weights[order], minlength=len(places)).astype(np.float32)
        indices = (cell[places] & ((1 << bits) - 1)).astype(np.int32)
        # Sorting moves no cell out of its run, so that a row begins where its run does.
        rows = np.append(np.searchsorted(places, indptr[:-1]), len(places)).astype(np.int32)
        counts = sparse.csr_matrix((data, indices, rows), shape=(len(indptr) - 1, self.n_interests))
        counts.has_sorted_indices = True
        return counts


def count_interests(events: RaggedEvents, assignment: Assignment, period: Period) -> CsrPart:
    """Count the interests of each user and period.

    Source: b_t of Eq. 4 before the logarithm; counts are with multiplicity. Items without an interest do not count,
    and users and periods without any counted item have no row.

    Returns
    -------
    CsrPart
        Counts of shape (rows, n_interests): int32 for hard, float32 for soft assignment.
    """
    return Occurrences.of(events, assignment).count(period)
