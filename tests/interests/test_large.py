"""Comparing by cells, against comparing all with all."""

import numpy as np
import pytest

from lurm_cli.interests import large
from lurm_cli.interests.assignment import assign_hard, assign_soft, nearest
from lurm_cli.interests.hdsc import hdsc
from lurm_cli.interests.kmeans import kmeans
from lurm_cli.interests.quality import quality


def unit_points(n: int = 3_000, d: int = 16, groups: int = 120, noise: float = 0.25) -> np.ndarray:
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((groups, d))
    points = centers[rng.integers(0, groups, n)] + noise * rng.standard_normal((n, d))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def always_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "EXACT_PAIRS", 0)


def test_below_the_threshold_nothing_is_approximate() -> None:
    assert not large.is_large(2**15, 2**14)
    assert large.is_large(2**15 + 1, 2**14)
    # The paper's size, and the largest example with its default number of interests.
    assert large.is_large(10**6, 10**5) and not large.is_large(92_348, 4_000)


@pytest.mark.parametrize("metric", ["ip", "l2"])
def test_with_every_cell_probed_the_result_is_that_of_all_pairs(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "_LEAST_CELLS", 10**6)
    points = unit_points()
    centers = points[::30] * np.float32(0.9)
    labels, similarity = large.nearest_by_cell(points, centers, metric)
    expected, best = nearest(points, centers, metric)
    np.testing.assert_allclose(similarity, best, atol=1e-5)
    assert (labels == expected).mean() > 0.999


@pytest.mark.parametrize("metric", ["ip", "l2"])
def test_recall_is_the_share_of_points_with_their_best_centre(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "_LEAST_CELLS", 4)
    monkeypatch.setattr(large, "MEASURED", 3_000)
    points = unit_points(noise=0.5)
    centers = points[::15]
    _, similarity = large.nearest_by_cell(points, centers, metric)
    _, best = nearest(points, centers, metric)
    found = large.recall(points, centers, metric, similarity)
    assert found == pytest.approx((similarity >= best - 1e-5).mean(), abs=2e-3)
    assert 0.7 < found < 1


def test_large_kmeans_reaches_the_inertia_of_lloyd(always_large: None) -> None:
    points = unit_points()
    quick = kmeans(points, 150, seed=1)
    full = large.lloyd(points, 150, 20, seed=1)
    inertia = [quality(points, nearest(points, centers, "l2")[0], centers)["inertia"] for centers in (quick, full)]
    assert quick.shape == (150, 16) and inertia[0] < 1.02 * inertia[1]


def test_hdsc_and_assignments_are_deterministic_at_size(always_large: None) -> None:
    points = unit_points()
    points[5] = 0
    once, twice = (hdsc(points, 150, seed=3).centers for _ in range(2))
    assert once.tobytes() == twice.tobytes()
    labels, _ = assign_hard(points, once, "ip")
    interests, weights = assign_soft(points, once, "ip", top=2)
    assert labels[5] == -1 and interests[5].tolist() == [-1, -1]
    assert (np.delete(labels, 5) == np.delete(interests[:, 0], 5)).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)


def test_shares_are_proportional_and_no_group_gets_more_than_its_points() -> None:
    assert large.shares(np.array([10, 20, 70]), 10).tolist() == [1, 2, 7]
    assert large.shares(np.array([1, 1, 98]), 50).tolist() == [1, 0, 49]
    assert large.shares(np.array([2, 3]), 5).tolist() == [2, 3]


def test_plus_plus_takes_different_points_and_finds_far_groups() -> None:
    far = np.repeat(np.eye(4, dtype=np.float32) * 100, 25, axis=0)
    far += np.random.default_rng(0).standard_normal(far.shape).astype(np.float32) * np.float32(0.1)
    chosen = large.plus_plus(far, 4, np.random.default_rng(1))
    assert sorted(chosen.argmax(axis=1).tolist()) == [0, 1, 2, 3]
    assert len(np.unique(large.plus_plus(far, 60, np.random.default_rng(2)), axis=0)) == 60
