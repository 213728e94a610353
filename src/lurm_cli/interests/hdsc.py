"""HDSC: single-pass clustering with sparse centres (Yi, Zhang, Wang, Jin, Jain, ICML 2014, Algorithm 1).

The data are split into disjoint subsets of doubling size; each is used once, to assign its points to the centres
found so far and to replace these by soft-thresholded means. What the publication leaves open (docs/method.md,
Interests): T follows from n and m, the last subset takes the remainder, an empty cluster keeps its centre, and a
centre thresholded to zero keeps its plain mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lurm_cli.interests.assignment import cluster_means, quick_nearest
from lurm_cli.interests.start import initial_centers


@dataclass
class HdscResult:
    """Centres and what happened on the way.

    Attributes
    ----------
    centers
        float32 (k, d).
    sizes
        Points of each subset.
    lambdas
        l1 weight of each round.
    empty
        Clusters without a point in each round.
    """

    centers: np.ndarray
    sizes: list[int]
    lambdas: list[float]
    empty: list[int] = field(default_factory=list)


def subset_sizes(n: int, k: int, m: int) -> list[int]:
    """T, 2T, 4T, ... for m rounds, with T = max(k, n // (2^m - 1)); the last takes the remainder.

    Where n does not suffice for m subsets of that size, there are fewer.
    """
    first = max(min(k, n), n // (2**m - 1))
    sizes: list[int] = []
    while len(sizes) < m and sum(sizes) + first * 2 ** len(sizes) <= n:
        sizes.append(first * 2 ** len(sizes))
    sizes[-1] += n - sum(sizes)
    return sizes


def soft_threshold(values: np.ndarray, threshold: float) -> np.ndarray:
    """Minimiser of lambda |c|_1 + mean ||c - x||^2 for threshold = lambda / 2 (HDSC, Eqs. 1-2)."""
    return values - np.sign(values) * np.minimum(np.abs(values), threshold)


def lambda_schedule(first: float, rounds: int) -> list[float]:
    """lambda_t = lambda_1 / sqrt(2)^(t - 1)."""
    return [first * 2 ** (-t / 2) for t in range(rounds)]


def hdsc(
    points: np.ndarray,
    k: int,
    *,
    lam1: float = 0.01,
    m: int = 4,
    init: str = "auto",
    normalize_centers: bool = False,
    seed: int = 0,
) -> HdscResult:
    """Find k centres in one pass.

    Parameters
    ----------
    points
        float32 (n, d), rows of unit length, n >= k.
    lam1
        l1 weight of the first round; 0: plain means.
    m
        Rounds.
    init
        As in ``initial_centers``.
    normalize_centers
        Scale centres to unit length after each round; off as published, where the inner product prefers longer ones.
    """
    rng = np.random.default_rng(seed)
    centers = initial_centers(points, k, init, rng).astype(np.float32)
    sizes = subset_sizes(len(points), k, m)
    result = HdscResult(centers, sizes, lambda_schedule(lam1, len(sizes)))
    order, start = rng.permutation(len(points)), 0
    for size, lam in zip(sizes, result.lambdas, strict=True):
        subset = points[np.sort(order[start : start + size])]
        start += size
        labels, _ = quick_nearest(subset, centers, "ip")
        means, counts = cluster_means(subset, labels, k)
        sparse = soft_threshold(means, lam / 2)
        vanished = ~sparse.any(axis=1)
        sparse[vanished] = means[vanished]
        centers = np.where((counts > 0)[:, None], sparse, centers).astype(np.float32)
        if normalize_centers:
            centers /= np.maximum(np.linalg.norm(centers, axis=1, keepdims=True), 1e-12)
        result.empty.append(int((counts == 0).sum()))
    result.centers = centers
    return result
