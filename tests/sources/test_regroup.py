"""The order of a bucket's events, against the plain way."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lurm_cli.sources.regroup import default_buckets, event_order

# Few values, so that users share moments; and times so far apart that they do not fit beside a user's number.
times = st.one_of(st.integers(-3, 3), st.sampled_from([-(2**61), 2**61, 10**15]))


@given(st.lists(st.tuples(st.integers(0, 4), times, st.integers(0, 3)), max_size=40))
def test_events_are_sorted_by_user_time_and_item(events: list[tuple[int, int, int]]) -> None:
    uid, time, code = (np.array([event[k] for event in events], dtype=np.int64) for k in range(3))
    order = event_order(uid.astype(np.int32), time, code.astype(np.int32))
    plain = np.lexsort((code, time, uid))
    assert [events[place] for place in order] == [events[place] for place in plain]


def test_buckets_double_until_none_has_more_than_four_million_events() -> None:
    sizes = {1: 1, 65_535: 1, 65_536: 8, 10**7: 8, 2**25: 8, 2**25 + 1: 16, 10**8: 32, 10**9: 256}
    assert {n_events: default_buckets(n_events) for n_events in sizes} == sizes
