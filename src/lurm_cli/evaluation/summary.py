"""From single scores to what a table shows: means, spreads, paired differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from lurm_cli.evaluation.metrics import corrected_interval
from lurm_cli.evaluation.protocol import TEST_SHARE

METRICS = ("auc", "acc")


def summarize(cells: list[dict[str, Any]], reference: str) -> dict[str, Any]:
    """Mean and standard deviation over the splits, by head, method and task, and of the mean over tasks.

    Parameters
    ----------
    cells
        One a (task, method): ``task``, ``method``, ``scores`` (of ``protocol.Score``).
    reference
        The method that paired differences are taken to.

    Returns
    -------
    dict
        ``{head: {method: {task or "mean": {auc: [mean, sd], acc: [mean, sd], "difference": [mean, low, high]}}}}``;
        all in percent; sd, low and high are None for a single split; the difference is the method's AUC minus the
        reference's over the same splits, with its 95 % corrected resampled interval.
    """
    table: dict[tuple[str, str, str], dict[str, np.ndarray]] = {}
    heads: dict[str, None] = {}
    for cell in cells:
        for head in dict.fromkeys(score["head"] for score in cell["scores"]):
            own = sorted((s for s in cell["scores"] if s["head"] == head), key=lambda s: s["seed"])
            table[head, cell["method"], cell["task"]] = {
                metric: 100 * np.array([score[metric] for score in own]) for metric in METRICS
            }
            heads[head] = None
    methods = list(dict.fromkeys(cell["method"] for cell in cells))
    tasks = list(dict.fromkeys(cell["task"] for cell in cells))
    for head in heads:
        for method in methods:
            table[head, method, "mean"] = {
                metric: np.mean([table[head, method, task][metric] for task in tasks], axis=0) for metric in METRICS
            }
    return {
        head: {
            method: {
                task: _entry(table[head, method, task], table.get((head, reference, task)), method == reference)
                for task in [*tasks, "mean"]
            }
            for method in methods
        }
        for head in heads
    }


def _entry(own: dict[str, np.ndarray], reference: dict[str, np.ndarray] | None, is_reference: bool) -> dict[str, Any]:
    held: dict[str, Any] = {metric: [_mean(own[metric]), _sd(own[metric])] for metric in METRICS}
    if reference is not None and not is_reference:
        difference = own["auc"] - reference["auc"]
        low, high = corrected_interval(difference, TEST_SHARE)
        held["difference"] = [_mean(difference), *(None if np.isnan(x) else round(x, 4) for x in (low, high))]
    return held


def _mean(values: np.ndarray) -> float:
    return round(float(np.mean(values)), 4)


def _sd(values: np.ndarray) -> float | None:
    """Spread over the splits; a single one has none."""
    return round(float(np.std(values, ddof=1)), 4) if len(values) > 1 else None


def spread(sd: float | None, gap: str = "") -> str:
    """A spread as tables write it behind its mean: ``±1.2``, or nothing."""
    return "" if sd is None else f"{gap}±{gap}{sd:.1f}"
