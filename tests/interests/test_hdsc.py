"""Method section 12, (6) to (12)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from interests.planted import Planted, error, planted, same_groups
from lurm_cli.interests import hdsc as module
from lurm_cli.interests.assignment import nearest
from lurm_cli.interests.hdsc import hdsc, lambda_schedule, soft_threshold, subset_sizes
from lurm_cli.interests.start import initial_centers


def test_6_subsets_double_and_the_last_takes_the_remainder() -> None:
    assert subset_sizes(15 * 100, 10, 4) == [100, 200, 400, 800]
    assert subset_sizes(15 * 100 + 7, 10, 4) == [100, 200, 400, 807]
    assert subset_sizes(1000, 10, 1) == [1000]


def test_6_a_subset_has_a_point_for_every_centre_at_least() -> None:
    # T = n // 15 would be 6: fewer rounds, rather than first centres from fewer points than there are centres.
    assert subset_sizes(100, 20, 4) == [20, 80]
    assert subset_sizes(30, 20, 4) == [30]


@given(st.integers(1, 10_000), st.integers(1, 300), st.integers(1, 12))
def test_6_sizes_are_t_times_powers_of_two_and_use_every_point(n: int, k: int, m: int) -> None:
    k = min(k, n)
    sizes = subset_sizes(n, k, m)
    first = max(k, n // (2**m - 1))
    assert sum(sizes) == n
    assert 1 <= len(sizes) <= m
    assert sizes[:-1] == [first * 2**t for t in range(len(sizes) - 1)]
    assert sizes[-1] >= first * 2 ** (len(sizes) - 1)


def test_6_every_point_is_used_once(monkeypatch: pytest.MonkeyPatch) -> None:
    points, used = planted(5, 8, 333, 0.1).points, []

    def watched(subset: np.ndarray, centers: np.ndarray, metric: str) -> tuple[np.ndarray, np.ndarray]:
        used.append(subset)
        return nearest(subset, centers, metric)

    monkeypatch.setattr(module, "quick_nearest", watched)
    found = hdsc(points, 5)
    assert [len(subset) for subset in used] == found.sizes == [22, 44, 88, 179]
    together = np.concatenate(used)
    assert np.array_equal(np.unique(together, axis=0), np.unique(points, axis=0))
    assert len(together) == len(points)


values = st.floats(-3, 3, allow_nan=False)


@given(st.lists(values, min_size=1, max_size=20), st.floats(0, 3))
def test_7_the_soft_threshold_at_half_lambda_minimises_equation_1(coordinates: list[float], lam: float) -> None:
    # Both terms are sums over coordinates, so that one coordinate of the centre can be sought alone.
    x = np.array(coordinates)

    def objective(c: float) -> float:
        return lam * abs(c) + ((c - x) ** 2).mean()

    found = float(soft_threshold(x.mean(keepdims=True), lam / 2)[0])
    sought = minimize_scalar(objective, bounds=(-4, 4), method="bounded", options={"xatol": 1e-9}).x
    assert found == pytest.approx(sought, abs=1e-4)
    assert objective(found) <= objective(sought) + 1e-12


def test_7_small_coordinates_become_exact_zeros() -> None:
    shrunk = soft_threshold(np.array([0.3, -0.3, 0.1, -0.1, 0.0]), 0.1)
    assert shrunk == pytest.approx(np.array([0.2, -0.2, 0, 0, 0]))
    assert (shrunk[2:] == 0).all()


def test_8_lambda_shrinks_by_the_root_of_two_each_round() -> None:
    schedule = lambda_schedule(0.08, 5)
    assert schedule == pytest.approx([0.08 * 2 ** (-(t - 1) / 2) for t in range(1, 6)])
    assert schedule[2] == pytest.approx(0.04)
    assert hdsc(planted(3, 4, 300, 0.1).points, 3, lam1=0.08, m=3).lambdas == pytest.approx(schedule[:3])


@pytest.mark.parametrize("init", ["random", "kmeans++", "hier"])
def test_9_one_round_without_l1_is_one_lloyd_step_by_inner_product(init: str) -> None:
    points, k = planted(6, 10, 400, 0.3).points, 6
    start = initial_centers(points, k, init, np.random.default_rng(3))
    labels = (points @ start.T).argmax(axis=1)
    expected = np.stack([points[labels == j].mean(axis=0) for j in range(k)])
    found = hdsc(points, k, lam1=0, m=1, init=init, seed=3)
    assert found.centers == pytest.approx(expected, abs=1e-6)


def test_one_round_with_l1_thresholds_these_means() -> None:
    points = planted(6, 10, 400, 0.3).points
    plain, sparse = (hdsc(points, 6, lam1=lam1, m=1).centers for lam1 in (0, 0.1))
    assert sparse == pytest.approx(soft_threshold(plain, 0.05), abs=1e-6)


@pytest.fixture(scope="module")
def sparse_data() -> Planted:
    """The experiment of method section 3.3: 20 centres with 50 of 2,000 coordinates."""
    return planted(20, 2000, 6000, 0.02, n_nonzero=50)


def test_10_sparse_centres_are_recovered_and_l1_brings_them_closer(sparse_data: Planted) -> None:
    plain, sparse = (hdsc(sparse_data.points, 20, lam1=lam1) for lam1 in (0.0, 0.01))
    for found in (plain, sparse):
        labels, _ = nearest(sparse_data.points, found.centers, "ip")
        assert same_groups(labels, sparse_data.labels)
    # Delta of a mean of 160 points (the last subset's 3,200 over 20 centres): sigma sqrt(2000 / 160) = .07.
    assert error(plain.centers, sparse_data.centers) == pytest.approx(0.075, abs=0.005)
    assert error(sparse.centers, sparse_data.centers) == pytest.approx(0.034, abs=0.005)
    # A coordinate that is only noise, N(0, sigma^2 / 160), is erased if it is below lambda_4 / 2 = .00177, 1.118 of
    # its standard deviations: 73.6 % of them, and 1,950 of 2,000 coordinates are of that kind.
    assert (sparse.centers == 0).mean() == pytest.approx(0.736 * 1950 / 2000, abs=0.01)
    assert (plain.centers == 0).mean() == 0


def delta_max(rho: float, sigma: float, k: int) -> float:
    """The greatest error of the start that the theory allows (HDSC; method section 3.2)."""
    return (1 - rho) / 2 - sigma * np.sqrt(5 * np.log(3 * k))


def test_12_the_hierarchical_start_meets_the_condition_of_the_theory(sparse_data: Planted) -> None:
    # The formula against its published number (Table 1 prints .474 for a slightly smaller rho).
    assert delta_max(0.05, 0.002, 2) == pytest.approx(0.469, abs=5e-4)
    products = sparse_data.centers @ sparse_data.centers.T
    rho = products[~np.eye(20, dtype=bool)].max()
    start = initial_centers(sparse_data.points, 20, "hier", np.random.default_rng(0))
    assert error(start, sparse_data.centers) < delta_max(rho, 0.02, 20)


def test_11_an_empty_cluster_keeps_its_centre(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    points = np.abs(rng.normal(size=(200, 3))).astype(np.float32)
    start = np.array([[1, 0, 0], [-1, -1, -1], [0, 1, 0]], dtype=np.float32)  # nothing lies towards the second
    monkeypatch.setattr(module, "initial_centers", lambda *_: start.copy())
    found = hdsc(points, 3, lam1=0.01)
    assert found.empty == [1, 1, 1, 1]
    assert found.centers[1].tolist() == [-1, -1, -1]
    assert np.isfinite(found.centers).all()
    assert (found.centers[[0, 2]] != start[[0, 2]]).all()


def test_a_centre_that_l1_would_erase_keeps_its_plain_mean() -> None:
    points = planted(4, 6, 200, 0.1).points
    erased, plain = (hdsc(points, 4, lam1=lam1, m=1).centers for lam1 in (100.0, 0.0))
    assert erased == pytest.approx(plain, abs=1e-6)


def test_normalized_centres_have_unit_length_and_published_ones_do_not() -> None:
    points = planted(4, 6, 400, 0.3).points
    scaled, plain = (hdsc(points, 4, normalize_centers=flag).centers for flag in (True, False))
    assert np.linalg.norm(scaled, axis=1) == pytest.approx(np.ones(4), abs=1e-6)
    assert np.abs(np.linalg.norm(plain, axis=1) - 1).max() > 0.01


def test_equal_seeds_give_equal_bytes_and_others_do_not() -> None:
    points = planted(8, 16, 500, 0.3).points
    first, second, other = (hdsc(points, 8, seed=seed).centers.tobytes() for seed in (1, 1, 2))
    assert first == second
    assert first != other
