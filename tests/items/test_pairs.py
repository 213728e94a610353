"""Method section 12 (2): pairs of one user, strictly less than beta apart, of two different items."""

from itertools import combinations
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lurm_cli.boi.periods import DAY_US
from lurm_cli.items import pairs
from lurm_cli.items.pairs import PairSampler

PER_USER = 3  # items of each user's own, so that a pair tells whose it is
Life = list[tuple[int, int]]  # (time, item of the user's own)


def sampler_of(lives: list[Life], beta_days: float = 5.0, unusable: frozenset[int] = frozenset()) -> PairSampler:
    lives = [sorted(life) for life in lives]
    items = np.array([PER_USER * user + item for user, life in enumerate(lives) for _, item in life], dtype=np.int32)
    times = np.array([time for life in lives for time, _ in life], dtype=np.int64)
    usable = np.array([item not in unusable for item in range(PER_USER * len(lives))])
    indptr = np.cumsum([0] + [len(life) for life in lives])
    return PairSampler(indptr, items, times, usable, beta_days)


def admissible(life: Life, user: int, beta: int, unusable: frozenset[int]) -> set[frozenset[int]]:
    """Pairs of two items, by the definition."""
    events = [(time, PER_USER * user + item) for time, item in life]
    return {
        frozenset([one, other])
        for (before, one), (after, other) in combinations(events, 2)
        if abs(after - before) < beta and one != other and not {one, other} & unusable
    }


# Times in quarters of a day around the limit, so that "exactly beta" is common.
lives = st.lists(
    st.lists(st.tuples(st.integers(-40, 40).map(lambda q: q * DAY_US // 4), st.integers(0, PER_USER - 1)), max_size=12),
    min_size=1,
    max_size=6,
)


@given(lives, st.sampled_from([0.25, 1.0, 5.0]), st.frozensets(st.integers(0, 17), max_size=6), st.integers(0, 99))
def test_2_every_pair_is_admissible_and_every_user_gives_one_at_most(
    lives: list[Life], beta_days: float, unusable: frozenset[int], seed: int
) -> None:
    sampler = sampler_of(lives, beta_days, unusable)
    allowed = [admissible(life, user, int(beta_days * DAY_US), unusable) for user, life in enumerate(lives)]
    assert sampler.users.tolist() == [user for user, pairs in enumerate(allowed) if pairs]
    left, right = sampler.draw(100, np.random.default_rng(seed))
    owners = (left // PER_USER).tolist()
    assert len(set(owners)) == len(owners)
    for user, pair in zip(owners, zip(left.tolist(), right.tolist(), strict=True), strict=True):
        assert frozenset(pair) in allowed[user]


@pytest.mark.parametrize(("gap", "n_users"), [(5 * DAY_US - 1, 1), (5 * DAY_US, 0), (5 * DAY_US + 1, 0)])
def test_2_exactly_five_days_apart_is_no_pair(gap: int, n_users: int) -> None:
    assert len(sampler_of([[(0, 0), (gap, 1)]]).users) == n_users


def test_2_an_item_never_pairs_with_itself() -> None:
    # Of the ten pairs of this user's events only four hold two items.
    sampler = sampler_of([[(0, 0), (1, 0), (2, 0), (3, 0), (4, 1)]])
    for seed in range(50):
        left, right = sampler.draw(1, np.random.default_rng(seed))
        assert {int(left[0]), int(right[0])} == {0, 1}
    assert len(sampler_of([[(0, 0), (1, 0)]]).users) == 0


def test_pairs_of_a_user_are_equally_likely_in_both_directions() -> None:
    sampler = sampler_of([[(0, 0), (DAY_US, 1), (2 * DAY_US, 2)]])
    rng, seen = np.random.default_rng(0), np.zeros((3, 3))
    for _ in range(6000):
        left, right = sampler.draw(1, rng)
        seen[left[0], right[0]] += 1
    # Six ordered pairs, 1,000 each: five standard deviations are 144.
    assert np.abs(seen[~np.eye(3, dtype=bool)] - 1000).max() < 144


def test_users_are_drawn_whatever_the_number_of_their_pairs() -> None:
    busy = [(step, step % 3) for step in range(60)]
    sampler, rng = sampler_of([busy, [(0, 0), (1, 1)]]), np.random.default_rng(0)
    owners = [int(sampler.draw(1, rng)[0][0]) // PER_USER for _ in range(2000)]
    assert abs(sum(owners) - 1000) < 112  # five standard deviations


def test_many_users_over_decades_do_not_run_into_each_other() -> None:
    # (users times microseconds) exceeds 64 bits here.
    n_users, decades = 40_000, 40 * 365 * DAY_US
    indptr, items = 3 * np.arange(n_users + 1), np.tile([0, 1, 2], n_users)
    times = np.tile([0, decades, decades + DAY_US], n_users)
    sampler = PairSampler(indptr, items, times, np.ones(3, dtype=bool))
    assert len(sampler.users) == n_users
    assert set(sampler.n_pairs.tolist()) == {1}
    left, right = sampler.draw(n_users, np.random.default_rng(0))
    assert len(left) == n_users
    assert set((left + right).tolist()) == {3}


def test_a_log_without_pairs() -> None:
    empty = PairSampler(np.array([0]), np.empty(0, np.int32), np.empty(0, np.int64), np.ones(3, dtype=bool))
    assert len(empty.users) == 0


@given(lives, st.integers(1, 9))
def test_blocks_of_events_do_not_change_the_pairs(lives: list[Life], block: int) -> None:
    whole = sampler_of(lives)
    with mock.patch.object(pairs, "_BLOCK", block):
        by_block = sampler_of(lives)
    for name in ("items", "running", "first_pair", "n_pairs", "users"):
        assert getattr(by_block, name).tolist() == getattr(whole, name).tolist()
