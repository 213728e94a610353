"""Where clustering begins: hierarchical, k-means++ or random centres."""

from __future__ import annotations

import numpy as np

from lurm_cli.errors import UsageError
from lurm_cli.interests.assignment import cluster_means, nearest
from lurm_cli.interests.large import is_large, two_level_start

# Ward's method holds all distances: 20,000 points take 1.6 GB.
_WARD_POINTS = 20_000
# Beyond so many centres, k-means++ starts from coarse groups.
_FLAT_CENTERS = 256


def initial_centers(points: np.ndarray, k: int, init: str, rng: np.random.Generator) -> np.ndarray:
    """Start of HDSC and k-means.

    Parameters
    ----------
    init
        ``hier``: Ward's clustering of ceil(5 k ln n) random points, as HDSC prints it (linkage ours); ``kmeans++``;
        ``random``: k points; ``auto``: ``hier`` while that many points are there and fit in memory, else ``kmeans++``;
        this is k-means in two levels where comparing all points with all centres would take minutes (``large``).

    Returns
    -------
    numpy.ndarray
        float32 (k, d).

    Raises
    ------
    UsageError
        If ``hier`` is asked for more centres than points can be clustered hierarchically.
    """
    n = len(points)
    sample_size = int(np.ceil(5 * k * np.log(max(n, 2))))
    if init == "auto":
        init = "hier" if sample_size <= min(n, _WARD_POINTS) else "kmeans++"
    if init == "random":
        return points[np.sort(rng.choice(n, k, replace=False))].copy()
    if init == "hier":
        if k > _WARD_POINTS:
            raise UsageError(
                f"hierarchical clustering starts at most {_WARD_POINTS:,} interests, not {k:,}; use --init auto"
            )
        return _hierarchical(points[np.sort(rng.choice(n, min(sample_size, n, _WARD_POINTS), replace=False))], k)
    return _plus_plus(points, k, rng)


def _hierarchical(points: np.ndarray, k: int) -> np.ndarray:
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(points) <= k:
        return points.copy()
    labels = fcluster(linkage(points, "ward"), k, criterion="maxclust") - 1
    means, sizes = cluster_means(points, labels.astype(np.int32), k)
    return means[sizes > 0] if (sizes > 0).all() else _fill(means, sizes, points)


def _fill(centers: np.ndarray, sizes: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Ties can give fewer groups than asked for: points far from their centre become the missing centres."""
    empty = np.flatnonzero(sizes == 0)
    filled = centers[sizes > 0]
    _, similarity = nearest(points, filled, "l2")
    centers[empty] = points[np.argsort(similarity, kind="stable")[: len(empty)]]
    return centers


def _plus_plus(points: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """k-means++, for many centres within coarse groups: k rounds over all points would cost k n d (ours)."""
    from sklearn.cluster import kmeans_plusplus

    seed = int(rng.integers(2**31))
    if is_large(len(points), k):
        return two_level_start(points, k, seed)
    if k <= _FLAT_CENTERS:
        sample = points
        if len(points) > 30 * k:
            sample = points[np.sort(rng.choice(len(points), 30 * k, replace=False))]
        centers, _ = kmeans_plusplus(sample, k, random_state=seed)
        return np.asarray(centers, dtype=np.float32)
    n_coarse = int(np.sqrt(k))
    coarse, _ = kmeans_plusplus(
        points[np.sort(rng.choice(len(points), min(len(points), 50 * n_coarse), replace=False))],
        n_coarse,
        random_state=seed,
    )
    group, _ = nearest(points, coarse, "l2")
    sizes = np.bincount(group, minlength=n_coarse)
    # Largest remainders: centres in proportion to the points, as many as points at the most.
    share = k * sizes / sizes.sum()
    wanted = np.minimum(np.floor(share).astype(int), sizes)
    for place in np.argsort(-(share - wanted), kind="stable"):
        if wanted.sum() == k:
            break
        wanted[place] += int(wanted[place] < sizes[place])
    order = np.argsort(group, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    found = []
    for number in range(n_coarse):
        members = points[order[bounds[number] : bounds[number + 1]]]
        if wanted[number]:
            chosen, _ = kmeans_plusplus(members, int(wanted[number]), random_state=seed)
            found.append(chosen)
    return np.concatenate(found).astype(np.float32)
