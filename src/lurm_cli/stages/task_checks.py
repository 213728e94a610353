"""Refusing tasks that could not be scored, before the work that their scores need is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lurm_cli.artifacts.manifest import read_manifest
from lurm_cli.errors import UsageError


def check_cut(tasks: list[Any], until: int | None) -> None:
    """Refuse a task whose window representations with this cut would know.

    Raises
    ------
    UsageError
        If a preference task's window begins before the cut.
    """
    from lurm_cli.clock import format_time

    since = [task.since for task in tasks if task.since is not None]
    if since and (until is None or until > min(since)):
        first = format_time(min(since))
        raise UsageError(
            f"lurm.toml: a task asks about the time from {first}, but representations would see events "
            f"{'to the end of the log' if until is None else f'up to {format_time(until)}'}; set until = {first}"
        )


def check_labels(tasks: list[Any]) -> None:
    """Refuse before the first stage a profile task whose table, or a column of it, is not there.

    Raises
    ------
    UsageError
        Naming the task.
    """
    from lurm_cli.sources.labels import check_label_columns

    for task in tasks:
        if task.labels is not None:
            try:
                check_label_columns(task.labels, task.user_col, task.label_col)
            except UsageError as error:
                raise UsageError(f"lurm.toml, task {task.name}: {error}") from None


def check_item_columns(tasks: list[Any], items: Path) -> None:
    """Refuse before anything is learnt a preference task that asks about a column the items do not have.

    Raises
    ------
    UsageError
        Naming the task and the columns there are.
    """
    from lurm_cli.evaluation.tasks import number_of_column

    columns = read_manifest(items, "items").facts["text_columns"]
    for task in tasks:
        if task.kind == "preference":
            try:
                number_of_column(task, columns)
            except UsageError as error:
                raise UsageError(f"lurm.toml, {error}") from None
