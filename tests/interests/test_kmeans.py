"""k-means, and how many interests there can be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interests.planted import error, planted, same_groups
from lurm_cli.interests.assignment import cluster_means, nearest
from lurm_cli.interests.kmeans import kmeans
from lurm_cli.interests.quality import quality
from lurm_cli.interests.size import default_n_interests, distinct_rows, most_from_sample


def test_planted_groups_are_found() -> None:
    data = planted(8, 16, 800, 0.02)
    centers = kmeans(data.points, 8)
    assert same_groups(nearest(data.points, centers, "l2")[0], data.labels)
    assert error(centers, data.centers) < 0.03


def test_the_result_is_a_fixed_point_of_lloyd() -> None:
    points = planted(5, 4, 300, 0.3).points
    centers = kmeans(points, 5, iterations=200)
    means, _ = cluster_means(points, nearest(points, centers, "l2")[0], 5)
    assert centers == pytest.approx(means, abs=1e-4)


def test_as_many_centres_as_distinct_points_are_these_points() -> None:
    distinct = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    points = distinct[np.arange(60) % 12]
    centers = kmeans(points, 12)
    assert np.sort(centers, axis=0) == pytest.approx(np.sort(distinct, axis=0), abs=1e-6)
    labels, _ = nearest(points, centers, "l2")
    found = quality(points, labels, centers)
    assert found["inertia"] == pytest.approx(0, abs=1e-6)
    assert (found["empty"], found["median_size"]) == (0, 5)


def test_equal_seeds_give_equal_bytes() -> None:
    points = planted(8, 16, 500, 0.3).points
    assert kmeans(points, 8, seed=1).tobytes() == kmeans(points, 8, seed=1).tobytes()


@pytest.mark.parametrize(
    ("n_items", "expected"),
    [(1, 1), (3_999, 3_999), (4_000, 4_000), (60_000, 4_000), (100_000, 5_000), (2_000_000, 100_000), (10**8, 100_000)],
)
def test_the_default_is_an_interest_for_twenty_items_within_bounds(n_items: int, expected: int) -> None:
    assert default_n_interests(n_items) == expected


@pytest.mark.parametrize(("n_points", "most"), [(100, 4_000), (50_000, 5_000), (1_000_000, 100_000)])
def test_a_sample_gives_an_interest_for_ten_points_by_default(n_points: int, most: int) -> None:
    assert most_from_sample(n_points) == most


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_equal_vectors_count_once(rows: list[tuple[int, int]]) -> None:
    points = np.array(rows, dtype=np.float32)
    assert distinct_rows(points) == len(set(rows))
    some = np.arange(len(rows)) % 2 == 0
    assert distinct_rows(points, some) == len(set(rows[::2]))


def test_quality_by_hand() -> None:
    points = np.array([[1, 0], [3, 0], [0, 1], [0, 0]], np.float32)
    centers = np.array([[2, 0], [0, 1], [9, 9]], np.float32)
    assert quality(points, np.array([0, 0, 1, -1]), centers) == {
        "inertia": round(2 / 3, 6),
        "empty": 1,
        "largest": round(2 / 3, 6),
        "median_size": 1.0,
        "without_vector": 1,
    }
