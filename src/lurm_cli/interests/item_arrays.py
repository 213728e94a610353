"""The interest of every item, found and written block by block."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from lurm_cli.artifacts.growing import GrowingArray
from lurm_cli.interests.assignment import assign_hard, assign_soft
from lurm_cli.interests.large import cells_for


@dataclass(frozen=True)
class AssignmentLaw:
    """How an item finds its interest.

    Attributes
    ----------
    metric
        ``ip`` or ``l2``, as in ``assignment.nearest``.
    top
        Soft assignment: interests an item; None: hard assignment.
    temperature
        Soft assignment: as in ``assignment.assign_soft``.
    """

    metric: str
    top: int | None = None
    temperature: float = 0.1


class ItemArrays:
    """The arrays ``item_interest``, ``item_similarity`` and, with soft assignment, ``item_weight``.

    Parameters
    ----------
    folder
        Where they are written.
    centers
        float32 (D, d).
    n_items
        All items; whether they are compared with the nearest cells only depends on it, and not on the blocks.
    """

    def __init__(self, folder: Path, centers: np.ndarray, law: AssignmentLaw, n_items: int) -> None:
        self.centers, self.law = centers, law
        self.cells = cells_for(n_items, centers)
        self._stack = ExitStack()
        top = None if law.top is None else min(law.top, len(centers))
        self._similarity = self._growing(folder / "item_similarity", (n_items,), np.float32)
        if top is None:
            self._interest = self._growing(folder / "item_interest", (n_items,), np.int32)
        else:
            self._interest = self._growing(folder / "item_interest", (n_items, top), np.int32)
            self._weight = self._growing(folder / "item_weight", (n_items, top), np.float32)

    def _growing(self, path: Path, shape: tuple[int, ...], dtype: type) -> GrowingArray:
        return self._stack.enter_context(GrowingArray(path, shape, dtype))

    def add(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Assign the next items, vectors (n, d); returns ``assign_hard`` of them."""
        labels, similarity = assign_hard(vectors, self.centers, self.law.metric, self.cells)
        self._similarity.append(similarity)
        if self.law.top is None:
            self._interest.append(labels)
        else:
            interests, weights = assign_soft(
                vectors, self.centers, self.law.metric, self.law.top, self.law.temperature, self.cells
            )
            self._interest.append(interests)
            self._weight.append(weights)
        return labels, similarity

    def __enter__(self) -> ItemArrays:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
