"""Hand-made aggregates: what an analyst writes first, and hard to beat: category counts and activity statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.ragged import RaggedEvents, user_item_counts
from lurm_cli.baselines.base import Catalogue, Histories

_DAY = 86_400_000_000
# A column with more different values than this names items rather than categories.
_MOST_VALUES = 1_000


class Aggregates:
    """Log counts by the values of every category column, their log number of distinct items, and how a user is active.

    A category column is a column of the items table with 2 to 1,000 different values. Activity: events, active
    days, distinct items, life span, days since the last event, mean and spread of the gaps between active days, and
    the shares of weekdays and of six parts of the day.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {"most_values": _MOST_VALUES}

    def fit(self, histories: Histories, catalogue: Catalogue, seed: int) -> Aggregates:
        """Find the category columns and the end of the log."""
        self._n_items = len(catalogue)
        blocks = []
        for texts in catalogue.columns.values():
            values, code = np.unique(texts.astype(str), return_inverse=True)
            if 2 <= len(values) <= _MOST_VALUES:
                ones, rows = np.ones(len(code), dtype=np.int64), np.arange(len(code))
                blocks.append(sparse.csr_matrix((ones, (rows, code)), shape=(len(code), len(values))))
        self._categories = sparse.hstack(blocks, format="csr") if blocks else None
        self._end = max((int(events.times.max()) for events in histories()), default=0)
        return self

    def transform(self, events: RaggedEvents) -> np.ndarray:
        """float32 (n_users, n_columns)."""
        activity = self._activity(events)
        if self._categories is None:
            return activity.astype(np.float32)
        n_values = self._categories.shape[1]
        # One block beside the result at a time: a bucket may be large and the columns many.
        out = np.empty((len(activity), activity.shape[1] + 2 * n_values), dtype=np.float32)
        out[:, : -2 * n_values] = activity
        counts = user_item_counts(events, self._n_items)
        out[:, -2 * n_values : -n_values] = self._by_value(counts)
        counts.data[:] = 1
        out[:, -n_values:] = self._by_value(counts)
        return out

    def _by_value(self, counts: sparse.csr_matrix) -> np.ndarray:
        """ln(1 + sums over the items of each value), float32 (n_users, n_values)."""
        held = counts @ self._categories
        held.data = np.log1p(held.data).astype(np.float32)
        return np.asarray(held.toarray())

    def _activity(self, events: RaggedEvents) -> np.ndarray:
        n_users = len(events.users)
        owner = np.repeat(np.arange(n_users), np.diff(events.indptr))
        day = events.times // _DAY
        first, last = events.times[events.indptr[:-1]], events.times[events.indptr[1:] - 1]
        new_day = np.ones(len(day), dtype=bool)
        new_day[1:] = (day[1:] != day[:-1]) | (owner[1:] != owner[:-1])
        active_days = np.bincount(owner[new_day], minlength=n_users)
        distinct = np.diff(user_item_counts(events, self._n_items).indptr)
        # Gaps between active days; a user of one day has none.
        days, owners = day[new_day], owner[new_day]
        same = owners[1:] == owners[:-1]
        gaps, of = np.diff(days)[same].astype(float), owners[1:][same]
        n_gaps = np.maximum(1, np.bincount(of, minlength=n_users))
        mean = np.bincount(of, gaps, minlength=n_users) / n_gaps
        spread = np.sqrt(np.maximum(0, np.bincount(of, gaps**2, minlength=n_users) / n_gaps - mean**2))
        size = np.maximum(1, np.diff(events.indptr))
        statistics = [
            np.log1p(np.diff(events.indptr)),
            np.log1p(active_days),
            np.log1p(distinct),
            np.log1p((last - first) / _DAY),
            np.log1p((self._end - last) / _DAY),
            np.log1p(mean),
            np.log1p(spread),
        ]
        # 1970-01-01 was a Thursday; which number a weekday gets does not matter.
        parts = [(day % 7, 7), (events.times % _DAY // (4 * 3_600_000_000), 6)]
        for number, n_kinds in parts:
            table = np.bincount(owner * n_kinds + number, minlength=n_users * n_kinds).reshape(n_users, n_kinds)
            statistics += list((table / size[:, None]).T)
        return np.column_stack(statistics)
