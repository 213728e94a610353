"""k-means with faiss."""

from __future__ import annotations

import numpy as np

from lurm_cli.interests.large import is_large, large_kmeans
from lurm_cli.interests.start import initial_centers


def kmeans(points: np.ndarray, k: int, *, iterations: int = 20, seed: int = 0) -> np.ndarray:
    """Lloyd's iterations from a k-means++ start; from ``large.EXACT_PAIRS`` pairs on, ``large.large_kmeans``.

    Parameters
    ----------
    points
        float32 (n, d), n >= k.

    Returns
    -------
    numpy.ndarray
        float32 (k, d).
    """
    if is_large(len(points), k):
        return large_kmeans(points, k, seed)
    import faiss

    start = initial_centers(points, k, "kmeans++", np.random.default_rng(seed))
    # All points are used, and few points a centre are no reason for a warning.
    engine = faiss.Kmeans(
        points.shape[1], k, niter=iterations, seed=seed, min_points_per_centroid=1, max_points_per_centroid=2**31 - 1
    )
    engine.train(np.ascontiguousarray(points), init_centroids=start)
    return np.asarray(engine.centroids, dtype=np.float32).reshape(k, -1)
