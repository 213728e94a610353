"""Which interest an item belongs to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lurm_cli.interests import assignment as module
from lurm_cli.interests.assignment import assign_hard, assign_soft, cluster_means, nearest

seeds, metrics = st.integers(0, 10_000), st.sampled_from(["ip", "l2"])


def drawn(seed: int, n: int = 30, k: int = 7, d: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)).astype(np.float32), rng.normal(size=(k, d)).astype(np.float32)


@given(seeds)
def test_the_nearest_centre_by_both_measures(seed: int) -> None:
    points, centers = drawn(seed)
    labels, similarity = nearest(points, centers, "ip")
    products = points @ centers.T
    assert labels.tolist() == products.argmax(axis=1).tolist()
    assert similarity == pytest.approx(products.max(axis=1), abs=1e-5)
    labels, similarity = nearest(points, centers, "l2")
    distances = ((points[:, None] - centers[None]) ** 2).sum(axis=2)
    assert labels.tolist() == distances.argmin(axis=1).tolist()
    assert similarity == pytest.approx(-distances.min(axis=1), abs=1e-4)


def test_inner_products_prefer_the_longer_centre_and_distances_do_not() -> None:
    points, centers = np.array([[1, 0]], np.float32), np.array([[1, 0], [3, 1]], np.float32)
    assert nearest(points, centers, "ip")[0].tolist() == [1]
    assert nearest(points, centers, "l2")[0].tolist() == [0]


def test_ties_go_to_the_lowest_number() -> None:
    points, centers = np.array([[1, 1]], np.float32), np.array([[0, 1], [1, 0], [0, 1]], np.float32)
    for metric in ("ip", "l2"):
        assert nearest(points, centers, metric)[0].tolist() == [0]
        assert assign_soft(points, centers, metric)[0].tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("block", [1, 7 * 4, 7 * 30, 2**24])
def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    points, centers = drawn(0)
    expected, (interests, weights) = nearest(points, centers, "l2"), assign_soft(points, centers, "l2")
    monkeypatch.setattr(module, "_BLOCK", block)
    assert nearest(points, centers, "l2")[0].tolist() == expected[0].tolist()
    assert nearest(points, centers, "l2")[1] == pytest.approx(expected[1], abs=1e-5)
    assert assign_soft(points, centers, "l2")[0].tolist() == interests.tolist()
    assert assign_soft(points, centers, "l2")[1] == pytest.approx(weights, abs=1e-5)


@given(seeds, metrics, st.integers(1, 9), st.floats(1e-3, 10))
def test_soft_weights_are_a_falling_softmax_that_sums_to_one(
    seed: int, metric: str, top: int, temperature: float
) -> None:
    points, centers = drawn(seed)
    interests, weights = assign_soft(points, centers, metric, top, temperature)
    assert interests.shape == weights.shape == (30, min(top, 7))
    assert weights.sum(axis=1) == pytest.approx(np.ones(30), abs=1e-5)
    assert (np.diff(weights, axis=1) <= 0).all()
    assert interests[:, 0].tolist() == assign_hard(points, centers, metric)[0].tolist()
    assert all(len(set(row)) == len(row) for row in interests.tolist())


def test_soft_weights_by_hand() -> None:
    points, centers = np.array([[1, 0]], np.float32), np.array([[0.5, 0], [1, 0], [-1, 0]], np.float32)
    interests, weights = assign_soft(points, centers, "ip", top=2, temperature=0.5)
    assert interests.tolist() == [[1, 0]]
    # exp(1 / .5) against exp(.5 / .5)
    assert weights[0] == pytest.approx(np.array([np.e, 1]) / (np.e + 1), abs=1e-6)


def test_a_low_temperature_is_a_hard_assignment() -> None:
    points, centers = drawn(1)
    _, weights = assign_soft(points, centers, "ip", temperature=1e-4)
    assert weights[:, 0] == pytest.approx(np.ones(30))


@pytest.mark.parametrize("metric", ["ip", "l2"])
def test_zero_vectors_have_no_interest(metric: str) -> None:
    points, centers = drawn(2)
    points[[3, 11]] = 0
    labels, similarity = assign_hard(points, centers, metric)
    assert np.flatnonzero(labels == -1).tolist() == [3, 11]
    assert similarity[[3, 11]].tolist() == [0, 0]
    interests, _ = assign_soft(points, centers, metric)
    assert np.flatnonzero((interests == -1).all(axis=1)).tolist() == [3, 11]
    assert (np.delete(interests, [3, 11], axis=0) >= 0).all()


@given(seeds)
def test_means_of_the_members_and_zeros_without_any(seed: int) -> None:
    points, _ = drawn(seed)
    labels = np.random.default_rng(seed).integers(0, 5, 30)
    labels[labels == 2] = 1
    means, sizes = cluster_means(points, labels, 5)
    assert sizes.tolist() == [int((labels == j).sum()) for j in range(5)]
    for j in range(5):
        expected = points[labels == j].mean(axis=0) if sizes[j] else np.zeros(4)
        assert means[j] == pytest.approx(expected, abs=1e-5)
