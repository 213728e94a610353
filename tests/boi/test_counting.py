"""Counts against a dictionary, and the facts of method section 12 (4) and (5)."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from lurm_cli.artifacts.csr import CsrPart
from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.boi.counting import Assignment, Occurrences, count_interests
from lurm_cli.boi.periods import DAY_US, Period
from lurm_cli.boi.reading import at_scale, log1p_counts, whole_life

N_ITEMS, N_INTERESTS = 12, 5
events_of_users = st.lists(
    st.lists(st.tuples(st.integers(-400, 900), st.integers(0, N_ITEMS - 1)), min_size=1, max_size=15),
    min_size=1,
    max_size=6,
)
assignments = st.lists(st.integers(-1, N_INTERESTS - 1), min_size=N_ITEMS, max_size=N_ITEMS)


def ragged(lives: list[list[tuple[int, int]]]) -> RaggedEvents:
    users = np.empty(len(lives), dtype=object)
    users[:] = [f"user {place}" for place in range(len(lives))]
    flat = [event for life in lives for event in sorted(life)]
    return RaggedEvents(
        users,
        np.cumsum([0] + [len(life) for life in lives]).astype(np.int64),
        np.array([item for _, item in flat], dtype=np.int32),
        np.array([day * DAY_US for day, _ in flat], dtype=np.int64),
    )


def cells(part: CsrPart) -> dict[tuple[str, int, int], float]:
    held = part.counts.tocoo()
    return {
        (part.users[part.row_user[row]], int(part.row_period[row]), int(column)): value
        for row, column, value in zip(held.row, held.col, held.data, strict=True)
    }


def hard(interests: list[int]) -> Assignment:
    return Assignment(np.array(interests, dtype=np.int32)[:, None], None, N_INTERESTS)


@given(events_of_users, assignments, st.sampled_from(["day", "week", "month", "season", "year", "all", "10d"]))
def test_counts_agree_with_a_dictionary(lives: list, interests: list[int], name: str) -> None:
    events, period = ragged(lives), Period(name)
    naive: Counter = Counter()
    for user, life in zip(events.users, lives, strict=True):
        for day, item in life:
            if interests[item] >= 0:
                naive[user, int(period.number(np.array([day * DAY_US]))[0]), interests[item]] += 1
    part = count_interests(events, hard(interests), period)
    assert cells(part) == naive
    assert part.counts.indices.dtype == np.int32
    rows = list(zip(part.row_user.tolist(), part.row_period.tolist(), strict=True))
    assert rows == sorted(set(rows))
    # (5) a period without behaviours has no row, and no stored row is empty.
    assert (np.diff(part.counts.indptr) > 0).all()


@given(events_of_users, assignments, st.sampled_from(["season", "year", "all"]))
def test_coarse_counts_are_sums_of_months(lives: list, interests: list[int], name: str) -> None:
    events = ragged(lives)
    summed = at_scale(count_interests(events, hard(interests), Period("month")), Period("month"), Period(name))
    assert cells(summed) == cells(count_interests(events, hard(interests), Period(name)))


def test_the_year_is_log1p_of_summed_counts_not_the_sum_of_months() -> None:
    lives = [[(day, 0) for day in range(0, 360, 2)]]
    months = count_interests(ragged(lives), hard([0] * N_ITEMS), Period("month"))
    year = log1p_counts(at_scale(months, Period("month"), Period("year")).counts)
    assert np.isclose(year[0, 0], np.log1p(180))
    assert log1p_counts(months.counts).sum() - year[0, 0] > 2
    assert whole_life(months)[0, 0] == 180


def test_soft_weights_add_up() -> None:
    top = Assignment(
        np.array([[0, 1]] * N_ITEMS, np.int32), np.array([[0.75, 0.25]] * N_ITEMS, np.float32), N_INTERESTS
    )
    part = count_interests(ragged([[(0, 0), (1, 1), (2, 2), (3, 3)]]), top, Period("month"))
    assert part.counts.dtype == np.float32
    assert part.counts.toarray()[0, :2].tolist() == [3.0, 1.0]


def plain_counts(events: RaggedEvents, assignment: Assignment, period: Period) -> CsrPart:
    """The plain way: one integer a cell, sorted by numpy.unique. What the kernel is held against."""
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


soft_assignments = st.tuples(
    st.lists(st.lists(st.integers(-1, N_INTERESTS - 1), min_size=2, max_size=2), min_size=N_ITEMS, max_size=N_ITEMS),
    st.lists(
        st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.7]), min_size=2, max_size=2), min_size=N_ITEMS, max_size=N_ITEMS
    ),
)


@given(
    events_of_users,
    assignments,
    soft_assignments,
    st.booleans(),
    st.lists(
        st.sampled_from(["day", "10d", "week", "month", "season", "year", "all"]), min_size=1, max_size=4, unique=True
    ),
)
def test_the_kernel_gives_the_arrays_of_the_plain_way_whatever_periods_are_counted_together(
    lives: list, interests: list[int], soft: tuple, softly: bool, names: list[str]
) -> None:
    events = ragged(lives)
    assignment = hard(interests)
    if softly:
        assignment = Assignment(np.array(soft[0], np.int32), np.array(soft[1], np.float32), N_INTERESTS)
    counted = dict(Occurrences.of(events, assignment).count([Period(name) for name in names]))
    assert set(counted) == {Period(name) for name in names}
    for period, found in counted.items():
        plain = plain_counts(events, assignment, period)
        for ours, theirs in [
            (found.counts.data, plain.counts.data),
            (found.counts.indices, plain.counts.indices),
            (found.counts.indptr, plain.counts.indptr),
            (found.users, plain.users),
            (found.row_user, plain.row_user),
            (found.row_period, plain.row_period),
        ]:
            assert ours.dtype == theirs.dtype and ours.tolist() == theirs.tolist()
        assert found.counts.shape == plain.counts.shape
