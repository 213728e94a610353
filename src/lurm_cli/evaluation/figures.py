"""Figures of the report, as SVG text: no files beside the report, sharp at any size."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

# Okabe and Ito's palette, told apart by most colour-blind readers.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999", "#000000", "#F0E442")


def _figure(width: float, height: float) -> tuple[Any, Any]:
    figure, (axes,) = _figures(width, height, 1)
    return figure, axes


def _figures(width: float, height: float, columns: int) -> tuple[Any, Any]:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    row = figure.subplots(1, columns, squeeze=False)[0]
    for axes in row:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, row


def _svg(figure: Any) -> str:
    import warnings

    import matplotlib

    stream = io.StringIO()
    # Fixed ids and no date: the same results give the same report. Names stay text: the reader's browser has letters
    # that Matplotlib's font lacks, so its warning of missing ones is of no use.
    with matplotlib.rc_context({"svg.hashsalt": "lurm", "svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]


def auc_bars(summary: dict[str, Any], tasks: list[str]) -> str:
    """AUC of every method on every task, with standard deviations as error bars."""
    methods = list(summary)
    places = [*tasks, "mean"]
    figure, axes = _figure(max(7.0, 1.2 * len(places) + 1.5), 3.6)
    width = 0.8 / len(methods)
    lowest = 100.0
    for number, method in enumerate(methods):
        mean = np.array([summary[method][place]["auc"][0] for place in places])
        sd = np.array([summary[method][place]["auc"][1] or 0.0 for place in places])
        lowest = min(lowest, float((mean - sd).min()))
        axes.bar(
            np.arange(len(places)) + (number - (len(methods) - 1) / 2) * width,
            mean,
            width * 0.92,
            yerr=sd,
            label=method,
            color=_COLORS[number % len(_COLORS)],
            error_kw={"elinewidth": 0.8},
        )
    axes.axhline(50, color="#444444", linewidth=0.8, linestyle=":")
    axes.set_ylim(max(0.0, min(48.0, lowest - 2)), None)
    # Two dollar signs would make a formula of what stands between them.
    axes.set_xticks(range(len(places)), [place.replace("$", r"\$") for place in places])
    axes.set_ylabel("AUC, %")
    axes.legend(ncols=min(len(methods), 8), loc="upper center", bbox_to_anchor=(0.5, -0.1), frameon=False, fontsize=8)
    return _svg(figure)


def training_curve(log: Path) -> str | None:
    """Loss of each step and of each validation; None where the log holds no step."""
    steps, losses, at, validation = [], [], [], []
    for line in log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "loss" in entry:
            steps.append(entry["step"])
            losses.append(entry["loss"])
        else:
            at.append(entry["step"])
            validation.append(entry["validation_loss"])
    if not steps:
        return None
    figure, axes = _figure(7.0, 3.0)
    axes.plot(steps, losses, color=_COLORS[4], linewidth=0.9, label="training, a step")
    if at:
        axes.plot(at, validation, color=_COLORS[5], marker="o", markersize=3, label="held-out users")
    axes.set_xlabel("step")
    axes.set_ylabel("contrastive loss")
    axes.legend(frameon=False)
    return _svg(figure)


def interest_sizes(sizes: np.ndarray) -> str:
    """Items of each interest, from the largest to the smallest."""
    figure, axes = _figure(7.0, 3.0)
    ranked = np.sort(sizes)[::-1]
    axes.plot(np.arange(1, len(ranked) + 1), np.maximum(ranked, 0.5), color=_COLORS[0])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("rank of the interest")
    axes.set_ylabel("items")
    return _svg(figure)


def length_curves(months: list[int], curves: dict[str, dict[str, list[list[float]]]]) -> str:
    """Scores against the length of input (Figure 3 of the paper), with standard deviations as error bars.

    Parameters
    ----------
    months
        Lengths, ascending.
    curves
        By metric (``auc``, ``acc``) and task, [mean, sd] at each length, percent.
    """
    figure, pair = _figures(10.0, 3.8, len(curves))
    for axes, (metric, tasks) in zip(pair, curves.items(), strict=True):
        for number, (task, points) in enumerate(tasks.items()):
            mean, sd = np.array([(mean, sd or 0.0) for mean, sd in points]).T
            color = _COLORS[number % len(_COLORS)]
            axes.errorbar(months, mean, sd, label=task, color=color, marker="o", markersize=3.5, elinewidth=0.8)
        axes.set_xscale("log")
        axes.set_xticks(months, [str(k) for k in months], minor=False)
        axes.minorticks_off()
        axes.set_xlabel("months of input")
        axes.set_ylabel(f"{metric.upper()}, %")
    n_tasks = max(len(tasks) for tasks in curves.values())
    handles = pair[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=min(n_tasks, 8), frameon=False, fontsize=8)
    return _svg(figure)
