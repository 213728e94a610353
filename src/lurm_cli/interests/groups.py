"""Groups of neighbouring interests: a coarser set of interests above the first (ours).

Thousands of interests tell users apart in fine detail, but of most of them a user has one behaviour or none. What
somebody does with a wider kind of goods shows only in sums over neighbours: the logarithm of a sum (Eq. 4) cannot be
had from the logarithms of its parts.
"""

from __future__ import annotations

import numpy as np

from lurm_cli.interests.assignment import assign_hard
from lurm_cli.interests.kmeans import kmeans

# Up to so many interests, groups would hold two of them or fewer.
_LEAST = 64
# Where interests are hardly more than the items themselves, each is known well enough by itself: on MovieLens-1M (3,706
# films, each an interest) groups by title and genre cost 0.5 points of AUC.
_ITEMS_PER_INTEREST = 2


def default_n_groups(n_interests: int, n_items: int) -> int:
    """Number of groups: four times the root of the interests, so 253 for 4,000 and 1,265 for 100,000.

    None where interests are few, or hold fewer than two items with events on average.
    """
    if n_interests <= _LEAST or n_items < _ITEMS_PER_INTEREST * n_interests:
        return 0
    return round(4 * n_interests**0.5)


def group_interests(centers: np.ndarray, sizes: np.ndarray, n_groups: int, seed: int) -> np.ndarray:
    """Group interests by the direction of their centres, with k-means.

    Parameters
    ----------
    centers
        float32 (D, d).
    sizes
        Items of each interest, (D,); groups are made for those that have any.
    n_groups
        Wanted; there are fewer where centres coincide.

    Returns
    -------
    numpy.ndarray
        int32 (D,): the group of each interest, 0..G-1; every group has a member.
    """
    lengths = np.linalg.norm(centers, axis=1, keepdims=True)
    directions = np.ascontiguousarray(centers / np.maximum(lengths, 1e-12), dtype=np.float32)
    used = directions[sizes > 0]
    distinct = np.unique(used, axis=0)
    means = distinct if len(distinct) <= n_groups else kmeans(used, n_groups, iterations=20, seed=seed)
    nearest, _ = assign_hard(directions, means, "l2")
    # A centre of zeros, of an interest without items, goes with the first.
    return np.unique(np.maximum(nearest, 0), return_inverse=True)[1].astype(np.int32).ravel()
