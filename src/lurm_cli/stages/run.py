"""``lurm run``: all stages in order; what is up to date is skipped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from lurm_cli.errors import OutputExistsError, UsageError
from lurm_cli.stages.context import Context, Outcome

# One stage of the chain: its command, and a function that runs it.
Step = tuple[str, Callable[[Context], list[Outcome]]]


def run_all(context: Context, steps: list[Step]) -> list[Outcome]:
    """Run stages in order, saying which of them begins.

    With ``overwrite`` only those are replaced that were made from other inputs or with other parameters; what is up
    to date stays.
    """
    careful = dataclasses.replace(context, overwrite=False)
    outcomes: list[Outcome] = []
    for number, (name, step) in enumerate(steps, 1):
        context.reporter.note(f"[{number}/{len(steps)}] {name}")
        try:
            done = step(careful)
        except OutputExistsError as error:
            if not context.overwrite:
                raise OutputExistsError(
                    f"{error}\nFor the whole chain: `lurm run --overwrite` replaces what is out of date, and only that"
                ) from None
            done = step(context)
        outcomes += done
    return outcomes


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
