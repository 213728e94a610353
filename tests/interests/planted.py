"""Points around known centres, for the tests of clustering."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Planted:
    """``points`` (n, d) = ``centers`` (k, d) at ``labels`` (n,), and noise."""

    points: np.ndarray
    labels: np.ndarray
    centers: np.ndarray


def planted(k: int, d: int, n: int, sigma: float, n_nonzero: int | None = None, seed: int = 0) -> Planted:
    """Spherical Gaussians around centres of unit length, each with ``n_nonzero`` non-zero coordinates."""
    rng = np.random.default_rng(seed)
    centers = np.zeros((k, d))
    for center in centers:
        place = rng.choice(d, n_nonzero or d, replace=False)
        center[place] = rng.normal(size=len(place))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    labels = np.arange(n) % k
    points = centers[labels] + sigma * rng.normal(size=(n, d))
    return Planted(points.astype(np.float32), labels, centers)


def error(found: np.ndarray, centers: np.ndarray) -> float:
    """Delta: the greatest distance of a true centre to the one found for it, each found one used once."""
    from scipy.optimize import linear_sum_assignment

    distances = np.linalg.norm(centers[:, None] - found[None], axis=2)
    return float(distances[linear_sum_assignment(distances)].max())


def same_groups(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two labellings differ by the names of the groups only."""
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
