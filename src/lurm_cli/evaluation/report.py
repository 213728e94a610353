"""``report.html``: one file that needs nothing beside it: tables with spread, bars, curve, interest sizes."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from lurm_cli.evaluation.figures import auc_bars, interest_sizes, training_curve
from lurm_cli.evaluation.heads import HEAD_NAMES
from lurm_cli.evaluation.labels import class_shares
from lurm_cli.evaluation.summary import spread

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c1c1c; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td.best { font-weight: 700; } td.mean, th.mean { background: #f4f6f8; }
small { color: #666; } svg { max-width: 100%; height: auto; }
code { font-size: .85em; overflow-wrap: anywhere; }
"""


def write_report(results: dict[str, Any], file: Path, training: Path | None, sizes: np.ndarray | None) -> None:
    """Write the report of ``results.json``.

    Parameters
    ----------
    training
        ``training.jsonl`` of the encoder, for its curve.
    sizes
        int64 (n_interests,): items of each interest.
    """
    tasks = [task["name"] for task in results["tasks"]]
    parts = ["<h1>User representations, scored</h1>", _lead(results), "<h2>Tasks</h2>", _tasks(results["tasks"])]
    for head, summary in results["summary"].items():
        title = escape(HEAD_NAMES.get(head, head).capitalize())
        parts += [f"<h2>{title}: AUC</h2>", _scores(summary, tasks, "auc")]
        parts += [auc_bars(summary, tasks)]
        parts += [
            f"<h2>{title}: accuracy</h2>",
            _scores(summary, tasks, "acc"),
        ]
        if len(summary) > 1:
            parts += [f"<h2>AUC minus that of {escape(results['reference'])}</h2>", _differences(summary, tasks)]
    curve = training_curve(training) if training is not None else None
    if curve is not None:
        parts += ["<h2>Training of the encoder</h2>", curve]
    if sizes is not None:
        parts += ["<h2>Items of each interest</h2>", interest_sizes(sizes)]
    parts += ["<h2>Where the numbers come from</h2>", _origin(results)]
    file.write_text(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>lurm: scores</title><style>{_STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n",
        encoding="utf-8",
    )


def _lead(results: dict[str, Any]) -> str:
    seeds = results["seeds"]
    return (
        f"<p>{len(results['methods'])} methods on {len(results['tasks'])} tasks, {seeds} random split"
        f"{'' if seeds == 1 else 's'} of the users into 80 % training and 20 % test, the same for every method. The "
        "classifiers settle scaling, penalty and when to stop inside the training users. Figures are percent, mean ± "
        "standard deviation over the splits; AUC of several classes is the macro average of one against the rest.</p>"
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    cells = "".join(f"<th>{name}</th>" for name in head)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def _tasks(tasks: list[dict[str, Any]]) -> str:
    rows = []
    for task in tasks:
        shares = ", ".join(f"{escape(name)} {share:.0f} %" for name, share in class_shares(task))
        window = f"{task['since']} to {task['until'] or 'the end'}" if task["since"] else ""
        cells = [task["name"], task["kind"], f"{task['n']:,}", f"{100 * task['majority']:.1f}", window]
        rows.append([*(f"<td>{escape(cell)}</td>" for cell in cells), f"<td>{shares}</td>"])
    return _table(["task", "kind", "users", "largest class, %", "window", "classes"], rows)


def _scores(summary: dict[str, Any], tasks: list[str], metric: str) -> str:
    places = [*tasks, "mean"]
    best = {place: max(summary[method][place][metric][0] for method in summary) for place in places}
    rows = []
    for method, entry in summary.items():
        row = [f"<td>{escape(method)}</td>"]
        for place in places:
            mean, sd = entry[place][metric]
            names = [n for n, on in (("best", mean == best[place]), ("mean", place == "mean")) if on]
            row.append(f'<td class="{" ".join(names)}">{mean:.1f} <small>{spread(sd, " ").strip()}</small></td>')
        rows.append(row)
    return _table(["method", *map(escape, places)], rows)


def _differences(summary: dict[str, Any], tasks: list[str]) -> str:
    rows = []
    for method, entry in summary.items():
        if "difference" in entry["mean"]:
            rows.append(
                [f"<td>{escape(method)}</td>", *(_difference(entry[p]["difference"]) for p in (*tasks, "mean"))]
            )
    note = (
        "<p><small>Over the same splits, with a 95 % interval that allows for the users the splits share "
        "(Nadeau and Bengio's corrected resampled t).</small></p>"
    )
    return _table(["method", *map(escape, tasks), "mean"], rows) + note


def _difference(values: list[float | None]) -> str:
    mean, low, high = values
    bounds = "" if low is None else f" <small>{low:+.1f} to {high:+.1f}</small>"
    return f"<td>{mean:+.1f}{bounds}</td>"


def _origin(results: dict[str, Any]) -> str:
    rows = [
        [
            f"<td>{escape(method['name'])}</td>",
            f"<td>{method['dim']:,}</td>",
            f"<td>{escape(', '.join(str(until or 'no cut') for until in method['until']))}</td>",
            f"<td><code>{escape(', '.join(fingerprint[:12] for fingerprint in method['fingerprints']))}</code></td>",
        ]
        for method in results["methods"]
    ]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return (
        _table(["method", "numbers a user", "knows events before", "fingerprint"], rows) + f"<p>{escape(versions)}</p>"
    )
