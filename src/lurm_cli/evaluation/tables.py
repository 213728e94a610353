"""The scores as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lurm_cli.evaluation.heads import HEAD_NAMES
from lurm_cli.evaluation.labels import class_shares
from lurm_cli.evaluation.summary import spread

if TYPE_CHECKING:
    from rich.table import Table


def score_tables(results: dict[str, Any]) -> list[Table]:
    """A table a head (AUC and ACC, mean ± sd over the splits), and one of the tasks."""
    return [*(_scores(head, summary, results) for head, summary in results["summary"].items()), _tasks(results)]


def _scores(head: str, summary: dict[str, Any], results: dict[str, Any]) -> Table:
    from rich.table import Table
    from rich.text import Text

    places = [*(task["name"] for task in results["tasks"]), "mean"]
    table = Table(
        title=f"AUC % ({HEAD_NAMES.get(head, head)}), mean ± sd over {results['seeds']} splits; last: accuracy",
        title_justify="left",
        header_style="",
        box=None,
        pad_edge=False,
    )
    table.add_column("", no_wrap=True)
    for place in [*places, "acc"]:
        # As it is: brackets in a name are no markup.
        table.add_column(Text(place), justify="right", no_wrap=True)
    best = {place: max(entry[place]["auc"][0] for entry in summary.values()) for place in places}
    for method, entry in summary.items():
        cells = [
            Text(
                f"{entry[place]['auc'][0]:.1f}{spread(entry[place]['auc'][1])}",
                style="bold" if entry[place]["auc"][0] == best[place] else "",
            )
            for place in places
        ]
        table.add_row(Text(method), *cells, f"{entry['mean']['acc'][0]:.1f}")
    return table


def _tasks(results: dict[str, Any]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="tasks", title_justify="left", header_style="", box=None, pad_edge=False)
    for name in ("", "users", "classes", "largest class %"):
        table.add_column(name, justify="left" if name in ("", "classes") else "right", no_wrap=True)
    for task in results["tasks"]:
        shares = ", ".join(f"{name} {share:.0f}" for name, share in class_shares(task))
        table.add_row(Text(task["name"]), f"{task['n']:,}", Text(shares), f"{100 * task['majority']:.1f}")
    return table
