"""Clustering at the size of the paper (10^5 interests from 10^6 items), where comparing all with all takes hours.

Centres are put into about sqrt(k) cells, and a point is compared with the centres of the cells nearest to its own cell
only: a matrix product for each cell, so that it runs at the speed of one. How often the best centre is found is
measured (``recall``). Everything here is used from ``EXACT_PAIRS`` pairs of a point and a centre on; below, comparing
all with all takes seconds, and results are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from lurm_cli.engine import available_cores

# 2^29 pairs of 128 numbers are 1.4e11 operations: two seconds on two cores. Beyond, time is what counts.
EXACT_PAIRS = 2**29
# Share of the cells that a point is compared with, and the fewest of them.
_PROBED, _LEAST_CELLS = 0.04, 8
# Points that recall is measured with.
MEASURED = 2_000
# Lloyd's rounds: for cells, within a cell, and over all centres; these end when one gains less than 0.5 %.
_CELL_ROUNDS, _INNER_ROUNDS, _OUTER_ROUNDS = 6, 6, 8
_GAIN = 0.005
# Similarities of one block: 32 MB.
_BLOCK = 2**23


def is_large(n_points: int, n_centers: int) -> bool:
    """Whether so many points and centres are compared by cells."""
    return n_points * n_centers > EXACT_PAIRS


def cells_for(n_points: int, centers: np.ndarray) -> Cells | None:
    """Cells of these centres, if so many points are to be compared by cells."""
    return Cells.of(centers) if is_large(n_points, len(centers)) else None


@dataclass(frozen=True)
class Cells:
    """Centres by cell.

    Attributes
    ----------
    means
        float32 (n_cells, d).
    candidates
        For each cell the centres that its points are compared with, ascending.
    """

    means: np.ndarray
    candidates: list[np.ndarray]

    @classmethod
    def of(cls, centers: np.ndarray) -> Cells:
        """Cells of these centres; the same centres give the same cells."""
        n_cells = max(1, int(np.sqrt(len(centers))))
        means = lloyd(centers, n_cells, _CELL_ROUNDS, seed=0)
        cell = closest(centers, means)
        members = np.split(np.argsort(cell, kind="stable"), np.cumsum(np.bincount(cell, minlength=n_cells))[:-1])
        probed = min(n_cells, max(_LEAST_CELLS, int(_PROBED * n_cells)))
        near = np.argsort(-(means @ means.T - _half_squares(means)), axis=1, kind="stable")[:, :probed]
        return cls(means, [np.sort(np.concatenate([members[k] for k in row])) for row in near])


def lloyd(points: np.ndarray, k: int, rounds: int, seed: int, start: np.ndarray | None = None) -> np.ndarray:
    """k-means over all these points, by faiss, from random ones or from ``start``; float32 (k, d)."""
    import faiss

    engine = faiss.Kmeans(
        points.shape[1], k, niter=rounds, seed=seed, min_points_per_centroid=1, max_points_per_centroid=2**31 - 1
    )
    engine.train(np.ascontiguousarray(points), init_centroids=start)
    return np.asarray(engine.centroids, dtype=np.float32).reshape(k, -1)


def closest(points: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Nearest of a few means to each point, by distance; int64 (n,)."""
    half = _half_squares(means)
    out = np.empty(len(points), dtype=np.int64)
    step = max(1, _BLOCK // len(means))
    for start in range(0, len(points), step):
        out[start : start + step] = (points[start : start + step] @ means.T - half).argmax(axis=1)
    return out


def _half_squares(centers: np.ndarray) -> np.ndarray:
    """|c|^2 / 2: <x, c> less this grows as the distance of x and c shrinks."""
    return (centers**2).sum(axis=1) / 2


def by_cell(
    points: np.ndarray,
    centers: np.ndarray,
    metric: str,
    work: Callable[[np.ndarray, np.ndarray, np.ndarray], None],
    cells: Cells | None = None,
) -> None:
    """Compare points with their candidates, block by block.

    Parameters
    ----------
    work
        Called, from several threads, with rows (which points, int64 (b,)), candidates (which centres, ascending, int64
        (c,)) and scores (float32 (b, c): inner product for ``ip``, or minus the squared distance for ``l2``).
    cells
        Those of the centres, where several calls share them.
    """
    from threadpoolctl import threadpool_limits

    cells = cells or Cells.of(centers)
    squares = (centers**2).sum(axis=1)
    own = closest(points, cells.means)
    members = np.split(np.argsort(own, kind="stable"), np.cumsum(np.bincount(own, minlength=len(cells.means)))[:-1])

    def one_cell(rows_of_cell: np.ndarray, candidates: np.ndarray) -> None:
        held, near = centers[candidates], squares[candidates]
        step = max(1, _BLOCK // len(candidates))
        for start in range(0, len(rows_of_cell), step):
            rows = rows_of_cell[start : start + step]
            block = points[rows]
            scores = block @ held.T
            if metric == "l2":
                scores *= 2
                scores -= near
                scores -= (block**2).sum(axis=1, keepdims=True)
            work(rows, candidates, scores)

    # A block is too little for several threads, which would wait for each other; cells side by side are not.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(available_cores()) as threads:
        for _ in threads.map(one_cell, members, cells.candidates):
            pass


def nearest_by_cell(
    points: np.ndarray, centers: np.ndarray, metric: str, cells: Cells | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """``assignment.nearest``, among the centres of the nearest cells only."""
    labels = np.empty(len(points), dtype=np.int32)
    similarity = np.empty(len(points), dtype=np.float32)

    def best(rows: np.ndarray, candidates: np.ndarray, scores: np.ndarray) -> None:
        place = scores.argmax(axis=1)
        labels[rows] = candidates[place]
        similarity[rows] = scores[np.arange(len(rows)), place]

    by_cell(points, centers, metric, best, cells)
    return labels, similarity


def recall(points: np.ndarray, centers: np.ndarray, metric: str, similarity: np.ndarray) -> float:
    """Share of points (of 2,000, evenly spaced) whose assigned centre is as near as any."""
    some = np.unique(np.linspace(0, len(points) - 1, MEASURED).astype(np.int64))
    found, squares = 0, (centers**2).sum(axis=1)
    for start in range(0, len(some), 128):
        rows = some[start : start + 128]
        scores = points[rows] @ centers.T
        if metric == "l2":
            scores = 2 * scores - squares - (points[rows] ** 2).sum(axis=1, keepdims=True)
        # The two products need not round alike.
        found += int((similarity[rows] >= scores.max(axis=1) - 1e-5).sum())
    return found / len(some)


def shares(sizes: np.ndarray, k: int) -> np.ndarray:
    """k centres in proportion to the sizes of groups (largest remainders), in each as many as points at the most."""
    share = k * sizes / sizes.sum()
    wanted = np.minimum(np.floor(share).astype(int), sizes)
    order = np.argsort(-(share - wanted), kind="stable")
    while wanted.sum() < k:
        for place in order:
            if wanted.sum() == k:
                break
            wanted[place] += int(wanted[place] < sizes[place])
    return wanted


def plus_plus(points: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """k-means++ (Arthur and Vassilvitskii 2007): each next centre is a point, drawn by its squared distance so far.

    One candidate a step; scikit-learn tries log k of them, for what Lloyd's rounds make up for, and takes ten times as
    long for a thousand points.
    """
    squares = (points**2).sum(axis=1)
    chosen = np.empty(k, dtype=np.int64)
    chosen[0] = rng.integers(len(points))
    distance = np.full(len(points), np.inf, dtype=np.float32)
    for place in range(k):
        if place:
            cumulated = np.cumsum(distance, dtype=np.float64)
            drawn = np.searchsorted(cumulated, rng.random() * cumulated[-1], side="right")
            chosen[place] = min(int(drawn), len(points) - 1)
        center = points[chosen[place]]
        np.minimum(distance, np.maximum(squares - 2 * (points @ center) + squares[chosen[place]], 0), out=distance)
        distance[chosen[place]] = 0
    return points[chosen]


def two_level_start(points: np.ndarray, k: int, seed: int) -> np.ndarray:
    """k centres: sqrt(k) groups, and in each k-means++ and k-means for its share of the centres (ours).

    Returns
    -------
    numpy.ndarray
        float32 (k, d).
    """
    import faiss
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    n_groups = max(1, int(np.sqrt(k)))
    sample = np.sort(rng.choice(len(points), min(len(points), 256 * n_groups), replace=False))
    group = closest(points, lloyd(points[sample], n_groups, _CELL_ROUNDS, seed))
    sizes = np.bincount(group, minlength=n_groups)
    members = np.split(np.argsort(group, kind="stable"), np.cumsum(sizes)[:-1])
    wanted = shares(sizes, k)

    def in_group(rows: np.ndarray, count: int) -> np.ndarray:
        if count in (0, len(rows)):
            return points[rows[:count]]
        held = points[rows]
        return lloyd(held, count, _INNER_ROUNDS, seed, plus_plus(held, count, np.random.default_rng([seed, rows[0]])))

    # A group is too little for several threads, which would wait for each other; groups side by side are not.
    with (
        threadpool_limits(1, "blas"),
        ThreadPoolExecutor(available_cores(), initializer=faiss.omp_set_num_threads, initargs=(1,)) as threads,
    ):
        found = list(threads.map(in_group, members, wanted.tolist()))
    return np.concatenate([centers for centers in found if len(centers)]).astype(np.float32)


def large_kmeans(points: np.ndarray, k: int, seed: int) -> np.ndarray:
    """k-means from the two-level start, with rounds over all centres by cell; float32 (k, d)."""
    from lurm_cli.interests.assignment import cluster_means

    centers, before = two_level_start(points, k, seed), np.inf
    for _ in range(_OUTER_ROUNDS):
        labels, similarity = nearest_by_cell(points, centers, "l2")
        means, sizes = cluster_means(points, labels, k)
        empty = np.flatnonzero(sizes == 0)
        # A centre without points starts anew at one of those that are worst off.
        means[empty] = points[np.argsort(similarity, kind="stable")[: len(empty)]]
        centers, inertia = means, -float(similarity.mean(dtype=np.float64))
        if inertia > (1 - _GAIN) * before:
            break
        before = inertia
    return centers
