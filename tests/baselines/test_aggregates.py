"""Hand-made aggregates, worked out by hand."""

import numpy as np
import pytest

from baselines.toy import DAY, HOUR, catalogue_of, events_of, histories_of
from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines.aggregates import Aggregates

CATALOGUE = catalogue_of("a", "b", "c", kind=("tea", "milk", "tea"), same=("x", "x", "x"))


def rows_of(events: RaggedEvents, catalogue: object = CATALOGUE) -> np.ndarray:
    return Aggregates().fit(histories_of(events), catalogue, 0).transform(events)


def test_every_number_of_a_hand_made_user() -> None:
    # Day 0 is 1970-01-01. Ann: twice item 0 and once item 2 on days 10, 10 and 13, once item 1 on day 20.
    ann = [(10 * DAY + 1 * HOUR, 0), (10 * DAY + 9 * HOUR, 2), (13 * DAY + 23 * HOUR, 0), (20 * DAY + 9 * HOUR, 1)]
    # Bob's one event is the end of the log.
    bob = [(30 * DAY + 9 * HOUR, 1)]
    rows = rows_of(events_of({"ann": ann, "bob": bob}))
    weekdays = [0, 0, 0, 2 / 4, 0, 0, 2 / 4]  # days 10 and 10 leave 3 of 7, days 13 and 20 leave 6
    weekdays[3], weekdays[6] = 0.5, 0.5
    parts_of_day = [1 / 4, 0, 2 / 4, 0, 0, 1 / 4]  # four hours each
    ann_expected = [
        np.log1p(4),  # events
        np.log1p(3),  # active days
        np.log1p(3),  # distinct items
        np.log1p(10 + 8 / 24),  # life span in days
        np.log1p(10),  # days since the last event
        np.log1p(5),  # mean of the gaps 3 and 7
        np.log1p(2),  # their spread
        *weekdays,
        *parts_of_day,
        *np.log1p([1, 3]),  # milk, tea; the column of one value says nothing
        *np.log1p([1, 2]),  # distinct items of them
    ]
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows[0], ann_expected, rtol=1e-6)
    bob_expected = [*np.log1p([1, 1, 1, 0, 0, 0, 0]), 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, *np.log1p([1, 0, 1, 0])]
    np.testing.assert_allclose(rows[1], bob_expected, rtol=1e-6)


def test_gaps_do_not_reach_from_one_user_to_the_next() -> None:
    lives = {"a": [(0, 0), (2 * DAY, 0)], "b": [(100 * DAY, 0), (103 * DAY, 0)]}
    together = rows_of(events_of(lives))
    np.testing.assert_allclose(together[:, 5], np.log1p([2, 3]), rtol=1e-6)
    np.testing.assert_array_equal(together[:, 6], 0)


def test_times_before_1970_have_weekdays_and_hours_too() -> None:
    row = rows_of(events_of({"a": [(-1, 0)]}))[0]
    assert row[7:14].tolist() == [0, 0, 0, 0, 0, 0, 1]  # the day before day 0
    assert row[14:20].tolist() == [0, 0, 0, 0, 0, 1]  # its last four hours


@pytest.mark.parametrize(("n_values", "used"), [(1, False), (2, True), (1000, True), (1001, False)])
def test_a_column_of_2_to_1000_values_is_a_category(n_values: int, used: bool) -> None:
    values = tuple(f"v{k % n_values}" for k in range(1001))
    catalogue = catalogue_of(*(["w"] * 1001), kind=values)
    assert rows_of(events_of({"a": [(0, 0)]}), catalogue).shape == (1, 20 + 2 * n_values * used)


def test_without_categories_activity_is_left() -> None:
    assert rows_of(events_of({"a": [(0, 0)]}), catalogue_of("a")).shape == (1, 20)
