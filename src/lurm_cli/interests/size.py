"""How many interests."""

from __future__ import annotations

import numpy as np

# The paper has 10^4 to 10^5 interests for millions of items.
MOST = 100_000
_ITEMS_PER_INTEREST = 20
_LEAST = 64


def default_n_interests(n_items: int) -> int:
    """Number of interests for so many items with events (ours): one a twenty, at least 64, at most 100,000.

    Fewer than 64 items are their own interests.
    """
    return int(min(n_items, max(_LEAST, min(MOST, n_items // _ITEMS_PER_INTEREST))))


def distinct_rows(points: np.ndarray) -> int:
    """Number of different vectors: there can be no more clusters."""
    return len(np.unique(np.ascontiguousarray(points).view(f"V{points.dtype.itemsize * points.shape[1]}").ravel()))
