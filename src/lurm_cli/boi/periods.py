"""Calendar arithmetic: from a time to the number of its period, and back.

A period number counts whole periods from the one that holds 1970-01-01 (UTC), which is number 0. Weeks begin on
Monday (ISO 8601); a season is a calendar quarter; ``Nd`` are blocks of N days from 1970-01-01; ``all`` is one
period without bounds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lurm_cli.errors import UsageError

DAY_US = 86_400_000_000
_MONTHS = {"month": 1, "season": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}
# 1970-01-01 was a Thursday: the week of number 0 began three days before.
_DAY_SHIFT = {"week": 3}
# Of each kind, those that are whole unions of it; what sums exactly to what.
_NESTS = {"month": ("season", "year"), "season": ("year",), "day": ("week", "month", "season", "year")}


@dataclass(frozen=True)
class Period:
    """A way to cut time: ``day``, ``week``, ``month``, ``season``, ``year``, ``all`` or ``Nd``."""

    name: str

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read a period's name; raises UsageError naming what is allowed."""
        name = text.strip().lower()
        if name in _MONTHS or name in _DAYS or name == "all":
            return cls(name)
        if re.fullmatch(r"[1-9]\d{0,4}d", name):
            return cls("day" if name == "1d" else name)
        raise UsageError(
            f"period {text!r} is not known; use day, week, month, season (calendar quarter), year, all, "
            "or a number of days such as 10d"
        )

    @property
    def _n_days(self) -> int:
        return _DAYS[self.name] if self.name in _DAYS else int(self.name[:-1])

    def number(self, times: np.ndarray) -> np.ndarray:
        """Period number of each time.

        Parameters
        ----------
        times
            int64 microseconds UTC.

        Returns
        -------
        numpy.ndarray
            int32, same shape.
        """
        if self.name == "all":
            return np.zeros(np.shape(times), dtype=np.int32)
        if self.name in _MONTHS:
            return _from_days(np.asarray(times), _MONTHS[self.name])
        days = np.asarray(times) // DAY_US + _DAY_SHIFT.get(self.name, 0)
        return (days // self._n_days).astype(np.int32)

    def start(self, numbers: np.ndarray) -> np.ndarray:
        """First moment of each period, int64 microseconds UTC; raises ValueError for ``all``, which has none."""
        if self.name == "all":
            raise ValueError("the period 'all' has no start")
        numbers = np.asarray(numbers).astype(np.int64)
        if self.name in _MONTHS:
            months = (numbers * _MONTHS[self.name]).astype("datetime64[M]")
            return months.astype("datetime64[us]").astype(np.int64)
        return (numbers * self._n_days - _DAY_SHIFT.get(self.name, 0)) * DAY_US

    @property
    def length(self) -> float:
        """Microseconds of the period of number 0; infinite for ``all``."""
        first, end = (0, math.inf) if self.name == "all" else self.start(np.array([0, 1]))
        return float(end - first)

    def label(self, number: int) -> str:
        """A period as a person writes it: 2017-03, 2017-Q1, 2017-W09, 2017, 2017-03-05, 2017-03-05+10d."""
        if self.name == "all":
            return "all"
        moment = np.datetime64(int(self.start(np.array(number))), "us")
        if self.name == "year":
            return str(moment.astype("datetime64[Y]"))
        if self.name == "month":
            return str(moment.astype("datetime64[M]"))
        if self.name == "season":
            return f"{moment.astype('datetime64[Y]')}-Q{int(number) % 4 + 1}"
        day = moment.astype("datetime64[D]")
        if self.name == "week":
            year, week, _ = day.astype(object).isocalendar()
            return f"{year}-W{week:02d}"
        return str(day) if self.name == "day" else f"{day}+{self.name}"

    def coarsen(self, numbers: np.ndarray, coarse: Period) -> np.ndarray:
        """The number, in ``coarse``, of the period that holds each of these; int32.

        Raises
        ------
        UsageError
            If periods of this kind do not lie whole within those of ``coarse`` (a week may span two months).
        """
        if coarse == self:
            return np.asarray(numbers, dtype=np.int32)
        if coarse.name == "all":
            return np.zeros(np.shape(numbers), dtype=np.int32)
        if not self.nests_in(coarse):
            raise UsageError(f"periods of a {self.name} do not lie whole within a {coarse.name}")
        return _by_table(np.asarray(numbers), lambda held: coarse.number(self.start(held)))

    def nests_in(self, coarse: Period) -> bool:
        """Whether every period of this kind lies whole within one of ``coarse``."""
        if coarse == self or coarse.name == "all":
            return True
        if coarse.name.endswith("d") and self.name in ("day",):
            return True
        if coarse.name.endswith("d") and self.name.endswith("d"):
            return coarse._n_days % self._n_days == 0
        return coarse.name in _NESTS.get(self.name, ())

    def aligned(self, time: int) -> bool:
        """Whether a period begins exactly at this time (microseconds UTC)."""
        if self.name == "all":
            return False
        return int(self.start(self.number(np.array([time])))[0]) == time


def _from_days(times: np.ndarray, months: int) -> np.ndarray:
    """Number of the block of so many months that holds each time."""

    def calendar(days: np.ndarray) -> np.ndarray:
        return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) // months

    return _by_table(times // DAY_US, calendar)


def _by_table(values: np.ndarray, rule: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """What a rule of the calendar makes of whole numbers, int32.

    It is asked once a number from the least to the greatest, not once a value, unless the values are fewer.
    """
    if not values.size:
        return np.zeros(values.shape, dtype=np.int32)
    first, last = int(values.min()), int(values.max())
    if last - first >= values.size:
        return rule(values).astype(np.int32)
    table = rule(np.arange(first, last + 1)).astype(np.int32)
    return table.take(values - first)


def default_scales(first: int, last: int) -> list[Period]:
    """The two scales for a log of this span: month + year for more than 400 days, else month + season.

    Source: the paper uses month and year over five years (section 3.2); the rule for shorter logs is ours.
    """
    coarse = "year" if last - first > 400 * DAY_US else "season"
    return [Period("month"), Period(coarse)]
