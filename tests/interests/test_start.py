"""Where clustering begins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interests.planted import error, planted
from lurm_cli.errors import UsageError
from lurm_cli.interests import start as module
from lurm_cli.interests.start import initial_centers

METHODS = ["auto", "hier", "kmeans++", "random"]


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(0, 60), st.sampled_from(METHODS), st.integers(0, 9))
def test_there_are_as_many_finite_centres_as_asked_for(k: int, more: int, method: str, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(k + more, 3)).astype(np.float32)
    centers = initial_centers(points, k, method, np.random.default_rng(seed))
    assert centers.shape == (k, 3)
    assert np.isfinite(centers).all()


@pytest.mark.parametrize("method", ["random", "kmeans++"])
def test_these_starts_are_points_of_the_data_each_once(method: str) -> None:
    points = planted(5, 4, 200, 0.2).points
    centers = initial_centers(points, 30, method, np.random.default_rng(0))
    held = {point.tobytes() for point in points}
    assert {center.tobytes() for center in centers} <= held
    assert len(np.unique(centers, axis=0)) == 30


@pytest.mark.parametrize("method", ["hier", "kmeans++"])
def test_well_separated_groups_are_each_found_at_once(method: str) -> None:
    data = planted(10, 20, 1000, 0.01)
    assert error(initial_centers(data.points, 10, method, np.random.default_rng(0)), data.centers) < 0.1


def test_many_centres_begin_in_coarse_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FLAT_CENTERS", 8)
    data = planted(40, 30, 1200, 0.01)
    centers = initial_centers(data.points, 40, "kmeans++", np.random.default_rng(0))
    held = {point.tobytes() for point in data.points}
    assert {center.tobytes() for center in centers} <= held
    assert len(np.unique(centers, axis=0)) == 40
    # Groups take their share of the centres, so that most of the planted ones are met.
    nearest = np.linalg.norm(centers[:, None] - data.centers[None], axis=2).argmin(axis=1)
    assert len(set(nearest.tolist())) >= 30


def test_points_that_tie_still_give_all_centres() -> None:
    # Three places only: hierarchical clustering cannot cut them into four groups.
    points = np.repeat(np.eye(3, dtype=np.float32), 50, axis=0)
    centers = initial_centers(points, 4, "hier", np.random.default_rng(0))
    assert centers.shape == (4, 3)
    assert {tuple(center) for center in centers.tolist()} == {(1, 0, 0), (0, 1, 0), (0, 0, 1)}


def test_more_centres_than_hierarchical_clustering_can_hold_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WARD_POINTS", 20)
    points = planted(5, 4, 100, 0.2).points
    with pytest.raises(UsageError, match="at most 20 interests, not 30; use --init auto"):
        initial_centers(points, 30, "hier", np.random.default_rng(0))
    assert len(initial_centers(points, 30, "auto", np.random.default_rng(0))) == 30
