"""``lurm run``: all stages in order; what is up to date is skipped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lurm_cli.artifacts.manifest import read_manifest
from lurm_cli.errors import OutputExistsError, UsageError
from lurm_cli.stages.context import Context, Outcome

# One stage of the chain: its command, and a function that runs it.
Step = tuple[str, Callable[[Context], list[Outcome]]]
WOULD_WRITE = "would be written"


def run_all(context: Context, steps: list[Step]) -> list[Outcome]:
    """Run stages in order, saying which of them begins.

    With ``overwrite`` only those are replaced that were made from other inputs or with other parameters; what is up
    to date stays. On a dry run the stages after the first that would write are not called: their inputs are not those
    that they would find, or not there at all.

    Returns
    -------
    list of Outcome
        Of the stages that were called.
    """
    outcomes: list[Outcome] = []
    for number, (name, step) in enumerate(steps, 1):
        title = f"[{number}/{len(steps)}] {name}"
        if not context.dry_run:
            context.reporter.note(title)
        if not any(outcome.state == WOULD_WRITE for outcome in outcomes):
            done = _run(context, step)
            state = WOULD_WRITE if any(outcome.state == WOULD_WRITE for outcome in done) else done[-1].state
            outcomes += done
        if context.dry_run:
            context.reporter.note(f"{title}: {state}")
    return outcomes


def _run(context: Context, step: Callable[[Context], list[Outcome]]) -> list[Outcome]:
    try:
        return step(dataclasses.replace(context, overwrite=False))
    except OutputExistsError as error:
        if not context.overwrite:
            raise OutputExistsError(
                f"{error}\nFor the whole chain: `lurm run --overwrite` replaces what is out of date, and only that"
            ) from None
        return step(context)


def check_cut(tasks: list[Any], until: int | None) -> None:
    """Refuse before the first stage what ``evaluate`` would refuse after the last one.

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
