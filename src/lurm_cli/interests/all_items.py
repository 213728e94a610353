"""All items, of which one block is held at a time: their interests, and what these are like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lurm_cli.artifacts.columns import Columns
from lurm_cli.artifacts.growing import GrowingArray
from lurm_cli.interests.central import CentralItems
from lurm_cli.interests.item_arrays import AssignmentLaw, ItemArrays
from lurm_cli.interests.measured import MeasuredRecall
from lurm_cli.interests.naming import Naming, Texts
from lurm_cli.interests.quality import Quality
from lurm_cli.interests.sample import Census
from lurm_cli.progress import Bar

_IDS_AT_ONCE = 65_536


@dataclass(frozen=True)
class InterestsFound:
    """What is known of D interests once every item has its own.

    Attributes
    ----------
    labels
        A readable name of each.
    sizes
        Items of each, int64 (D,).
    nearest_items
        Codes of the three most similar items of each, int32 (D, 3); -1: there are fewer.
    figures
        Those of ``Quality``, and ``recall`` where items were compared with the nearest cells only.
    """

    labels: list[str]
    sizes: np.ndarray
    nearest_items: np.ndarray
    figures: dict[str, Any]


def assign_items(
    embeddings: Columns,
    counted: Census,
    centers: np.ndarray,
    law: AssignmentLaw,
    texts: Texts | None,
    folder: Path,
    block: int,
    bar: Bar,
) -> InterestsFound:
    """Assign every item, and write ``ids`` and the arrays of ``ItemArrays`` to ``folder``.

    Parameters
    ----------
    embeddings
        An ``item_embeddings.zarr``, read ``block`` items at a time.
    counted
        ``census`` of it.
    centers
        float32 (D, d).
    texts
        As in ``Naming``.
    bar
        Advances by items.
    """
    quality, central = Quality(centers), CentralItems(len(centers))
    naming, measured = Naming(len(centers), texts), MeasuredRecall(counted.n_with_vector)
    with ItemArrays(folder, centers, law, counted.n_items) as arrays:
        for (vectors,) in embeddings.blocks(block, "values"):
            labels, similarity = arrays.add(vectors)
            quality.add(vectors, labels)
            central.add(labels, similarity)
            measured.add(vectors, labels, similarity)
            naming.add(labels)
            bar.advance(len(labels))
    figures = quality.figures()
    if arrays.cells is not None:
        figures["recall"] = measured.share(centers, law.metric)
    names = naming.names(central.codes(), lambda codes: copy_ids(embeddings, folder, codes))
    return InterestsFound(names, quality.sizes, central.codes(), figures)


def copy_ids(embeddings: Columns, folder: Path, wanted: np.ndarray) -> dict[int, str]:
    """Write ``ids`` to ``folder``; returns those of the items ``wanted``, codes in ascending order."""
    found: dict[int, str] = {}
    start = 0
    with GrowingArray(folder / "ids", embeddings.shape("ids"), object) as written:
        for (ids,) in embeddings.blocks(_IDS_AT_ONCE, "ids"):
            written.append(ids)
            low, high = np.searchsorted(wanted, [start, start + len(ids)])
            found |= {code: str(ids[code - start]) for code in wanted[low:high].tolist()}
            start += len(ids)
    return found
