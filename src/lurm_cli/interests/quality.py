"""One line on how good the clustering is."""

from __future__ import annotations

from typing import Any

import numpy as np


def quality(points: np.ndarray, labels: np.ndarray, centers: np.ndarray) -> dict[str, Any]:
    """Inertia and cluster sizes.

    Returns
    -------
    dict
        ``inertia``: mean squared distance to the centre, over items with a vector; ``empty``: interests without an
        item; ``largest``: share of the items in the largest one; ``median_size``; ``without_vector``: items without
        an interest.
    """
    held = labels >= 0
    sizes = np.bincount(labels[held], minlength=len(centers))
    total, chosen = 0.0, np.flatnonzero(held)
    for start in range(0, len(chosen), 65_536):
        some = chosen[start : start + 65_536]
        total += float(((points[some] - centers[labels[some]]) ** 2).sum())
    n = max(1, len(chosen))
    return {
        "inertia": round(total / n, 6),
        "empty": int((sizes == 0).sum()),
        "largest": round(float(sizes.max()) / n, 6),
        "median_size": float(np.median(sizes)),
        "without_vector": int((~held).sum()),
    }
