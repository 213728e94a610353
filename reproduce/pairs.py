"""Comparisons to another reference than LURM: the method as printed, and two scales without a third.

``lurm evaluate`` keeps differences to one method. Its single scores are of the same users and splits in each comparison
of a log, so that any two methods can be set against each other, over comparisons too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lurm_cli.evaluation.summary import summarize
from reproduce.claims import HEAD

# Variants that others are set against.
_PRINTED, _TWO_SCALES = "paper", "two-scales"


def pairs(scores: Path) -> dict[str, dict[str, list[float | None]]]:
    """Differences in mean AUC to each of the references that were scored.

    Parameters
    ----------
    scores
        Folder with ``scores-main`` and ``scores-variants``, as far as they are there.

    Returns
    -------
    dict
        ``{reference: {method: [mean, low, high]}}`` in points, the method's AUC minus the reference's, with its 95 %
        corrected interval; logistic head.
    """
    main, variants = _results(scores / "scores-main"), _results(scores / "scores-variants")
    found = {}
    if main is not None and variants is not None and main["tasks"] == variants["tasks"]:
        # Of other users, splits would be other ones, too.
        own = [cell for cell in variants["cells"] if cell["method"] == _PRINTED]
        found[_PRINTED] = _differences([*main["cells"], *own], _PRINTED)
    if variants is not None:
        found[_TWO_SCALES] = _differences(variants["cells"], _TWO_SCALES)
    return {reference: differences for reference, differences in found.items() if differences}


def _results(folder: Path) -> dict[str, Any] | None:
    file = folder / "results.json"
    if not file.is_file():
        return None
    held: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return held


def _differences(cells: list[dict[str, Any]], reference: str) -> dict[str, list[float | None]]:
    if not any(cell["method"] == reference for cell in cells):
        return {}
    of_head = [{**cell, "scores": [score for score in cell["scores"] if score["head"] == HEAD]} for cell in cells]
    summary = summarize(of_head, reference)[HEAD]
    return {
        method: entries["mean"]["difference"] for method, entries in summary.items() if "difference" in entries["mean"]
    }
