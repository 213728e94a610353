"""Bag of Interests: from a user's events to counts by (period, interest). Eq. 4 without its logarithm.

Counts are stored and the logarithm is taken by the reader, after adding up to the scale it wants: the feature
of a year is log(1 + the months' counts added), not the months' features added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
        times, interests = events.times, assignment.interests.take(events.items, axis=0)
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

    def count(self, periods: Iterable[Period]) -> Iterator[tuple[Period, CsrPart]]:
        """Counts by (user, period), as ``count_interests`` has them, for several periods; the shortest come first."""
        ordered = sorted(periods, key=lambda period: period.length)
        shorter = [
            next((finer for finer in reversed(ordered[:place]) if finer.nests_in(period)), None)
            for place, period in enumerate(ordered)
        ]
        held: dict[Period, tuple[_Rows, sparse.csc_matrix]] = {}
        for place, period in enumerate(ordered):
            finer, wanted_later = shorter[place], shorter[place + 1 :]
            if finer is not None:
                rows, table = _coarsened(*held[finer], period)
            else:
                rows = _Rows.of(period, self.owner, period.number(self.times))
                table = self._by_interest(rows)
            held = {kept: tables for kept, tables in held.items() if kept in wanted_later}
            if period in wanted_later:
                held[period] = rows, table
                # Adding up works in place, and longer periods are made of the table as it is.
                table = table.copy()
            yield period, self._part(rows, table)

    def _by_interest(self, rows: _Rows) -> sparse.csc_matrix:
        """One entry an occurrence, in the order of interests and, within one, of rows and of time.

        Two transpositions, which only count and move, take half as long as sorting each row.
        """
        n = len(self.owner)
        ones = np.ones(n, dtype=np.int32) if self.weights is None else self.weights.astype(np.float64)
        indptr = np.append(rows.starts, n).astype(np.int32)
        shape = len(rows.starts), self.n_interests
        return sparse.csr_matrix((ones, self.interests.astype(np.int32, copy=False), indptr), shape=shape).tocsc()

    def _part(self, rows: _Rows, table: sparse.csc_matrix) -> CsrPart:
        """The counts of these rows, from their occurrences by interest, which are lost."""
        table.has_sorted_indices = True
        # Weights are added in float64 and in the order of time, so that the counts of a period are the same whatever
        # others are counted with it.
        table.sum_duplicates()
        counts = table.tocsr()
        if self.weights is not None:
            counts = counts.astype(np.float32)
        new_user = np.ones(len(rows.owner), dtype=bool)
        new_user[1:] = rows.owner[1:] != rows.owner[:-1]
        row_user = (np.cumsum(new_user) - 1).astype(np.int32)
        counted = rows.owner[new_user]
        users = self.users if len(counted) == len(self.users) else self.users[counted]
        return CsrPart(counts, users, row_user, rows.number)


@dataclass(frozen=True)
class _Rows:
    """The rows of a part's counts: occurrences are sorted by user and time, so that each is a run of them.

    Attributes
    ----------
    period
        What cuts time.
    starts
        int64, shape (rows,): where each begins, among the occurrences or the shorter period's rows it is made of.
    owner
        int32, shape (rows,): its user.
    number
        int32, shape (rows,): its period.
    """

    period: Period
    starts: np.ndarray
    owner: np.ndarray
    number: np.ndarray

    @classmethod
    def of(cls, period: Period, owner: np.ndarray, numbers: np.ndarray) -> _Rows:
        """Runs of the same user and period."""
        first = np.ones(len(owner), dtype=bool)
        first[1:] = (owner[1:] != owner[:-1]) | (numbers[1:] != numbers[:-1])
        starts = np.flatnonzero(first)
        return cls(period, starts, owner[starts], numbers[starts])


def _coarsened(rows: _Rows, table: sparse.csc_matrix, period: Period) -> tuple[_Rows, sparse.csc_matrix]:
    """The rows of a longer period, which these lie whole within, and their occurrences by interest."""
    longer = _Rows.of(period, rows.owner, rows.period.coarsen(rows.number, period))
    first = np.zeros(len(rows.starts), dtype=np.int32)
    first[longer.starts] = 1
    place = np.cumsum(first, dtype=np.int32) - 1
    # Copies: both are added up in place.
    arrays = table.data.copy(), place.take(table.indices), table.indptr.copy()
    return longer, sparse.csc_matrix(arrays, shape=(len(longer.starts), table.shape[1]))


def count_interests(events: RaggedEvents, assignment: Assignment, period: Period) -> CsrPart:
    """Count the interests of each user and period.

    Source: b_t of Eq. 4 before the logarithm; counts are with multiplicity. Items without an interest do not count,
    and users and periods without any counted item have no row.

    Returns
    -------
    CsrPart
        Counts of shape (rows, n_interests): int32 for hard, float32 for soft assignment.
    """
    ((_, counts),) = Occurrences.of(events, assignment).count([period])
    return counts
