"""Counts against a dictionary, and the facts of method section 12 (4) and (5)."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lurm_cli.artifacts.csr import CsrPart
from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.boi.counting import Assignment, count_interests
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


@settings(deadline=None)
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


@settings(deadline=None)
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
