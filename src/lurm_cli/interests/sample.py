"""The items that interests are learnt from, out of more than fit in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lurm_cli.artifacts.columns import Columns
from lurm_cli.errors import LurmError

# Items read at a time while those to be learnt from are looked for: 32 MB of 128 numbers each.
_BLOCK = 65_536


@dataclass(frozen=True)
class Census:
    """How many items there are.

    Attributes
    ----------
    n_items
        All items.
    n_with_vector
        Those whose vector is not zero.
    n_usable
        Those of them that have events before the cut: what can be learnt from.
    """

    n_items: int
    n_with_vector: int
    n_usable: int


class Ranked:
    """Rows given by their rank among those that count, found in one pass over blocks of rows.

    Parameters
    ----------
    ranks
        Ascending; a rank may stand several times.
    """

    def __init__(self, ranks: np.ndarray) -> None:
        self._ranks, self._passed = ranks, 0

    def rows(self, counts: np.ndarray) -> np.ndarray:
        """Rows wanted of the next block; ``counts``, bool (n,), says which of its rows count."""
        places = np.flatnonzero(counts)
        low, high = np.searchsorted(self._ranks, [self._passed, self._passed + len(places)])
        found = places[self._ranks[low:high] - self._passed]
        self._passed += len(places)
        return found


def census(embeddings: Columns, block: int = _BLOCK) -> Census:
    """Count items, ``block`` of them at a time.

    Raises
    ------
    LurmError
        If a vector holds NaN or infinity.
    """
    n_items = n_with_vector = n_usable = 0
    for vectors, n_events in embeddings.blocks(block, "values", "n_events"):
        if not np.isfinite(vectors).all():
            raise LurmError(f"{embeddings.path} holds NaN or infinity; run `lurm embed-items --overwrite`")
        has_vector = vectors.any(axis=1)
        n_items += len(vectors)
        n_with_vector += int(has_vector.sum())
        n_usable += int((has_vector & (n_events > 0)).sum())
    return Census(n_items, n_with_vector, n_usable)


def learning_sample(
    embeddings: Columns, counted: Census, n_most: int, rng: np.random.Generator, block: int = _BLOCK
) -> np.ndarray:
    """Vectors of all items that can be learnt from, or of ``n_most`` random ones, in the order of the items.

    Beside them a block is held, and 8 bytes an item while ranks are drawn from more than ``n_most``.

    Returns
    -------
    numpy.ndarray
        float32 (n, d).
    """
    ranks = np.arange(min(counted.n_usable, n_most))
    if counted.n_usable > n_most:
        ranks = np.sort(rng.choice(counted.n_usable, n_most, replace=False))
    wanted, filled = Ranked(ranks), 0
    points = np.empty((len(ranks), embeddings.shape("values")[1]), dtype=np.float32)
    for vectors, n_events in embeddings.blocks(block, "values", "n_events"):
        chosen = wanted.rows(vectors.any(axis=1) & (n_events > 0))
        points[filled : filled + len(chosen)] = vectors[chosen]
        filled += len(chosen)
    return points
