"""Calendar arithmetic against Python's own calendar."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lurm_cli.boi.periods import DAY_US, Period, default_scales
from lurm_cli.clock import format_time, parse_time
from lurm_cli.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAMES = ["day", "week", "month", "season", "year", "10d"]
moments = st.datetimes(datetime(1900, 1, 1), datetime(2099, 12, 31)).map(lambda m: m.replace(tzinfo=UTC))


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@given(moments)
def test_numbers_agree_with_the_calendar(moment: datetime) -> None:
    time = np.array([microseconds(moment)])
    months = (moment.year - 1970) * 12 + moment.month - 1
    days = (moment - EPOCH) // timedelta(days=1)
    expected = {"day": days, "month": months, "season": months // 3, "year": moment.year - 1970, "10d": days // 10}
    for name, number in expected.items():
        assert Period(name).number(time)[0] == number
    year, week, _ = moment.isocalendar()
    assert Period("week").label(int(Period("week").number(time)[0])) == f"{year}-W{week:02d}"


@given(moments, st.sampled_from(NAMES))
def test_a_time_lies_within_its_period(moment: datetime, name: str) -> None:
    period, time = Period(name), microseconds(moment)
    number = period.number(np.array([time]))
    assert period.start(number)[0] <= time < period.start(number + 1)[0]
    assert period.aligned(int(period.start(number)[0]))


@given(
    st.lists(moments, max_size=3),
    st.lists(st.integers(0, 40), max_size=60),
    st.sampled_from(NAMES),
    st.sampled_from([*NAMES, "all"]),
)
def test_coarsening_agrees_with_numbering_where_periods_nest(
    anywhere: list[datetime], days: list[int], fine: str, coarse: str
) -> None:
    # Far apart, or many within weeks: numbers are looked up one by one or in a table.
    start = microseconds(anywhere[0]) if len(anywhere) == 1 else 0
    times = np.array([microseconds(moment) for moment in anywhere] + [start + day * DAY_US for day in days], np.int64)
    if Period(fine).nests_in(Period(coarse)):
        coarsened = Period(fine).coarsen(Period(fine).number(times), Period(coarse))
        assert coarsened.dtype == np.int32
        assert coarsened.tolist() == [int(Period(coarse).number(np.array([time]))[0]) for time in times]


def test_a_week_does_not_nest_in_a_month() -> None:
    with pytest.raises(UsageError, match="week do not lie whole within a month"):
        Period("week").coarsen(np.array([0]), Period("month"))


@pytest.mark.parametrize(
    ("name", "label"), [("month", "2017-03"), ("season", "2017-Q1"), ("year", "2017"), ("all", "all")]
)
def test_labels(name: str, label: str) -> None:
    period = Period(name)
    assert period.label(int(period.number(np.array([parse_time("2017-03-05")]))[0])) == label


@pytest.mark.parametrize("text", ["fortnight", "0d", "-3d", "", "d"])
def test_an_unknown_period_names_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError, match="month, season"):
        Period.parse(text)


def test_default_scales_follow_the_span() -> None:
    assert [p.name for p in default_scales(0, 300 * DAY_US)] == ["month", "season"]
    assert [p.name for p in default_scales(0, 5 * 365 * DAY_US)] == ["month", "year"]


@given(moments)
def test_times_survive_being_written(moment: datetime) -> None:
    assert parse_time(format_time(microseconds(moment))) == microseconds(moment)
