"""How many interests."""

from __future__ import annotations

import hashlib

import numpy as np

# The paper has 10^4 to 10^5 interests for millions of items.
MOST = 100_000
_ITEMS_PER_INTEREST = 20
# Below so many, merging items loses what they say about users and saves nothing: on MovieLens-1M (3,706 films) AUC fell
# from 84 to 80 with 1,000 interests and to 77 with 185; on Complete Journey 10,000 are no better than 3,000.
_LEAST = 4_000


def default_n_interests(n_items: int) -> int:
    """Number of interests for so many items with events (ours): one for twenty, at least 4,000, at most 100,000.

    Up to 4,000 items are their own interests.
    """
    return int(min(n_items, max(_LEAST, min(MOST, n_items // _ITEMS_PER_INTEREST))))


def most_from_sample(n_points: int) -> int:
    """Most interests that are learnt by default from so many points (ours): the paper's 10^5 have ten points each."""
    return max(_LEAST, n_points // 10)


def distinct_rows(points: np.ndarray, some: np.ndarray | None = None) -> int:
    """Number of different vectors: there can be no more clusters.

    Parameters
    ----------
    some
        bool, one a vector: those that are looked at; None: all.
    """
    rows = range(len(points)) if some is None else np.flatnonzero(some)
    # By a digest of 128 bits each: sorting vectors would copy them.
    return len({hashlib.blake2b(points[row].tobytes(), digest_size=16).digest() for row in rows})
