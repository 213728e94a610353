"""One line on how good the clustering is."""

from __future__ import annotations

from typing import Any

import numpy as np

# Items whose distances are added up at once, in float32.
_BLOCK = 65_536


class Quality:
    """Inertia and cluster sizes, of items that come block by block.

    Distances are added up in groups of the same items however these are cut into blocks, so that the figures do not
    depend on it; for this, up to 65,536 vectors are kept.

    Parameters
    ----------
    centers
        float32 (k, d).
    """

    def __init__(self, centers: np.ndarray) -> None:
        self.sizes = np.zeros(len(centers), dtype=np.int64)
        self._centers, self._n_items, self._total = centers, 0, 0.0
        self._points = np.empty((0, centers.shape[1]), dtype=centers.dtype)
        self._labels = np.empty(0, dtype=np.int32)

    def add(self, points: np.ndarray, labels: np.ndarray) -> None:
        """Take in the next items: vectors (n, d), and interests (n,), -1: none."""
        self._n_items += len(labels)
        held = np.flatnonzero(labels >= 0)
        self.sizes += np.bincount(labels[held], minlength=len(self.sizes))
        done = 0
        while len(self._labels) + len(held) - done >= _BLOCK:
            some = held[done : done + _BLOCK - len(self._labels)]
            self._total += self._squares(*self._with_kept(points[some], labels[some]))
            self._points, self._labels = self._points[:0], self._labels[:0]
            done += len(some)
        self._points, self._labels = self._with_kept(points[held[done:]], labels[held[done:]])

    def _with_kept(self, points: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not len(self._labels):
            return points, labels
        return np.concatenate([self._points, points]), np.concatenate([self._labels, labels])

    def _squares(self, points: np.ndarray, labels: np.ndarray) -> float:
        return float(((points - self._centers[labels]) ** 2).sum())

    def figures(self) -> dict[str, Any]:
        """What was found.

        Returns
        -------
        dict
            ``inertia``: mean squared distance to the centre, over items with a vector; ``empty``: interests without
            an item; ``largest``: share of the items in the largest one; ``median_size``; ``without_vector``: items
            without an interest.
        """
        n_held = int(self.sizes.sum())
        total = self._total + self._squares(self._points, self._labels)
        return {
            "inertia": round(total / max(1, n_held), 6),
            "empty": int((self.sizes == 0).sum()),
            "largest": round(float(self.sizes.max()) / max(1, n_held), 6),
            "median_size": float(np.median(self.sizes)),
            "without_vector": self._n_items - n_held,
        }


def quality(points: np.ndarray, labels: np.ndarray, centers: np.ndarray) -> dict[str, Any]:
    """``Quality.figures`` of all items at once."""
    found = Quality(centers)
    found.add(points, labels)
    return found.figures()
