"""Groups of neighbouring interests."""

import numpy as np
import pytest

from lurm_cli.interests.groups import default_n_groups, group_interests


@pytest.mark.parametrize(("n_interests", "groups"), [(10, 0), (64, 0), (100, 40), (4_000, 253), (100_000, 1_265)])
def test_number_of_groups_follows_from_the_number_of_interests(n_interests: int, groups: int) -> None:
    assert default_n_groups(n_interests, 2 * n_interests) == groups


def test_interests_that_are_single_items_have_no_groups() -> None:
    assert default_n_groups(3_706, 3_706) == 0
    assert default_n_groups(4_000, 7_999) == 0


def directions(n_kinds: int, of_each: int) -> np.ndarray:
    """Interests around a few axes, of several lengths."""
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.eye(n_kinds, 8), of_each, axis=0) + 0.02 * rng.normal(size=(n_kinds * of_each, 8))
    return (kinds * rng.uniform(0.3, 1, (len(kinds), 1))).astype(np.float32)


def test_planted_kinds_are_found_whatever_the_length_of_the_centres() -> None:
    groups = group_interests(directions(5, 7), np.ones(35), 5, seed=0)
    assert groups.dtype == np.int32
    assert len(set(groups.tolist())) == 5
    assert all(len(set(groups[k : k + 7].tolist())) == 1 for k in range(0, 35, 7))


def test_every_group_has_a_member_and_interests_without_items_have_a_group() -> None:
    centers, sizes = directions(3, 4), np.ones(12)
    centers[5], sizes[5] = 0, 0
    groups = group_interests(centers, sizes, 30, seed=0)
    assert sorted(set(groups.tolist())) == list(range(groups.max() + 1))
    assert groups.max() + 1 == 11  # no more groups than different centres


def test_the_same_seed_gives_the_same_groups() -> None:
    centers = np.random.default_rng(1).normal(size=(200, 8)).astype(np.float32)
    np.testing.assert_array_equal(*(group_interests(centers, np.ones(200), 20, seed=3) for _ in range(2)))
