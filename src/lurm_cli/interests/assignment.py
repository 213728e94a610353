"""Which centre a point belongs to: hard or soft, by inner product or by distance, in blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from lurm_cli.interests import large

# Floats of one block's similarities (64 MB).
_BLOCK = 2**24


def nearest(points: np.ndarray, centers: np.ndarray, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Best centre of each point.

    Parameters
    ----------
    metric
        ``ip``: greatest inner product (HDSC); ``l2``: smallest distance (k-means).

    Returns
    -------
    labels
        int32 (n,); ties go to the lowest number.
    similarity
        float32 (n,): inner product, or minus the squared distance.
    """
    labels = np.empty(len(points), dtype=np.int32)
    similarity = np.empty(len(points), dtype=np.float32)
    for rows, scores in _scores(points, centers, metric):
        labels[rows] = scores.argmax(axis=1)
        similarity[rows] = scores.max(axis=1)
    return labels, similarity


def quick_nearest(
    points: np.ndarray, centers: np.ndarray, metric: str, cells: large.Cells | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """``nearest``; from ``large.EXACT_PAIRS`` pairs on among the centres of the nearest cells only.

    Parameters
    ----------
    cells
        Those of the centres (``large.cells_for``), where these are a block of more points: how they are compared must
        not depend on how they are cut. None: the number of these points decides.
    """
    if cells is not None or large.is_large(len(points), len(centers)):
        return large.nearest_by_cell(points, centers, metric, cells)
    return nearest(points, centers, metric)


def _scores(points: np.ndarray, centers: np.ndarray, metric: str) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of (rows, similarities to all centres)."""
    step = max(1, _BLOCK // max(1, len(centers)))
    squares = (centers**2).sum(axis=1)
    for start in range(0, len(points), step):
        block = points[start : start + step]
        scores = block @ centers.T
        if metric == "l2":
            scores = 2 * scores - squares - (block**2).sum(axis=1, keepdims=True)
        yield slice(start, start + len(block)), scores


def assign_hard(
    points: np.ndarray, centers: np.ndarray, metric: str, cells: large.Cells | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """``quick_nearest``, with label -1 for zero vectors, which say nothing of their item."""
    labels, similarity = quick_nearest(points, centers, metric, cells)
    nothing = ~points.any(axis=1)
    labels[nothing], similarity[nothing] = -1, 0
    return labels, similarity


def assign_soft(
    points: np.ndarray,
    centers: np.ndarray,
    metric: str,
    top: int = 3,
    temperature: float = 0.1,
    cells: large.Cells | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The ``top`` best centres of each point and their weights, a softmax of similarity / temperature (ours).

    Parameters
    ----------
    cells
        As in ``quick_nearest``.

    Returns
    -------
    interests
        int32 (n, top), best first; -1 for zero vectors.
    weights
        float32 (n, top); each row sums to 1.
    """
    top = min(top, len(centers))
    interests = np.empty((len(points), top), dtype=np.int32)
    weights = np.empty((len(points), top), dtype=np.float32)

    def best(rows: slice | np.ndarray, candidates: np.ndarray, scores: np.ndarray) -> None:
        order = np.argsort(-scores, axis=1, kind="stable")[:, :top]
        kept = np.take_along_axis(scores, order, axis=1) / temperature
        shares = np.exp(kept - kept[:, :1])
        interests[rows], weights[rows] = candidates[order], shares / shares.sum(axis=1, keepdims=True)

    if cells is not None or large.is_large(len(points), len(centers)):
        large.by_cell(points, centers, metric, best, cells)
    else:
        every = np.arange(len(centers), dtype=np.int32)
        for rows, scores in _scores(points, centers, metric):
            best(rows, every, scores)
    interests[~points.any(axis=1)] = -1
    return interests, weights


def cluster_means(points: np.ndarray, labels: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the points of each cluster, zeros where there are none; float32 (k, d), and sizes (k,)."""
    n = len(points)
    members = sparse.csr_matrix((np.ones(n, dtype=np.float32), (labels, np.arange(n))), shape=(k, n))
    sizes = np.bincount(labels, minlength=k)
    return (np.asarray(members @ points) / np.maximum(sizes, 1)[:, None]).astype(np.float32), sizes
