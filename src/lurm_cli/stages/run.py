"""``lurm run``: all stages in order; what is up to date is skipped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from lurm_cli.errors import OutputExistsError
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
