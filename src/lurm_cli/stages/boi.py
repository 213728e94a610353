"""``lurm boi``: count each user's interests by period (Eq. 4 before its logarithm); one artifact a period."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.manifest import Manifest
from lurm_cli.clock import format_time
from lurm_cli.errors import UsageError
from lurm_cli.stages.context import (
    Context,
    Outcome,
    cut_time,
    earliest,
    items_beside,
    later_knowledge,
    refuse_other_items,
    same_items,
    settled,
)
from lurm_cli.stages.options import option

if TYPE_CHECKING:
    import numpy as np

    from lurm_cli.artifacts.store import Events
    from lurm_cli.boi.counting import Assignment


@dataclass(frozen=True)
class BoiConfig:
    """Options of ``lurm boi``."""

    period: tuple[str, ...] = option(
        (), "day, week, month, season, year, all, or Nd; repeatable", shown="month, and year or season by the span"
    )
    until: str | None = option(None, "use only events before this time", shown="until in lurm.toml, else no cut")
    since: str | None = option(None, "use only events at or after this time", shown="whole life", shared=False)


@dataclass(frozen=True)
class _Task:
    """Count one part of the events for every period at once.

    Attributes
    ----------
    items
        Catalogue of the events where the interests are of another one; None: of the same.
    """

    events: Path
    interests: Path
    items: Path | None
    fingerprints: tuple[str, str]
    part: str
    since: int | None
    until: int | None
    outputs: tuple[tuple[str, Path], ...]


def run_boi(
    context: Context, events: Path, interests: Path, config: BoiConfig, outputs: dict[str, Path] | None = None
) -> list[Outcome]:
    """Count interests by period.

    Interests that were made before the log was ingested anew stay good: items are found by their ids, and those that
    are new are not counted.

    Parameters
    ----------
    outputs
        Place of each period's artifact; by default ``boi-PERIOD.zarr`` in the workspace.

    Returns
    -------
    list of Outcome
        One a period, in the order asked for.
    """
    event_manifest, event_ref = context.input(events, "events")
    interest_manifest, interest_ref = context.input(interests, "interests")
    since, until = cut_time(config.since, "since"), earliest(cut_time(config.until), event_manifest.until)
    if since is not None and until is not None and since >= until:
        raise UsageError(f"--since {config.since} does not lie before the cut, {format_time(until)}")
    references, items = [event_ref, interest_ref], None
    if not same_items(event_manifest, interest_manifest):
        items = items_beside(events)
        item_manifest, item_ref = context.input(items, "items")
        refuse_other_items((events, event_manifest), (items, item_manifest))
        references.append(item_ref)
    periods = _periods(config, event_manifest, until, context)
    outcomes: dict[str, Outcome] = {}
    drafts: dict[str, tuple[Path, Manifest]] = {}
    for name in periods:
        target = (outputs or {}).get(name, context.root / f"boi-{name}.zarr")
        parameters = {"period": name} | ({} if since is None else {"since": format_time(since)})
        draft = Manifest("boi", "boi", parameters, tuple(references), until=until)
        outcome = settled(context, target, draft)
        if outcome is None:
            drafts[name] = (target, draft)
        else:
            outcomes[name] = outcome
    if drafts:
        if items is not None:
            _say_what_is_new(context, items, interests)
        sources = events, interests, items
        outcomes |= _build(context, sources, event_manifest, interest_manifest, (since, until), drafts)
    return [outcomes[name] for name in periods]


def _say_what_is_new(context: Context, items: Path, interests: Path) -> None:
    from lurm_cli.artifacts.columns import Columns

    catalogue = Columns(items, "items")
    is_new = _places(items, interests) < 0
    n_events = int(catalogue.read("n_events")[is_new].sum())
    context.reporter.note(
        f"{interests} is of an earlier catalogue: items are found by their ids; {int(is_new.sum()):,} are new, and "
        f"their {n_events:,} events are not counted"
    )


def _places(items: Path, interests: Path) -> np.ndarray:
    """Where each item of a catalogue stands among those that the interests were made of, int64; -1: nowhere."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from lurm_cli.artifacts.columns import Columns

    wanted, known = Columns(items, "items").read("ids"), Columns(interests, "interests").read("ids")
    found = pc.index_in(pa.array(wanted.tolist()), value_set=pa.array(known.tolist()))
    return np.asarray(pc.fill_null(found, -1)).astype(np.int64)


def _periods(config: BoiConfig, events: Manifest, until: int | None, context: Context) -> list[str]:
    from lurm_cli.boi.periods import Period, default_scales

    if config.period:
        return list(dict.fromkeys(Period.parse(name).name for name in config.period))
    first, last = events.facts["first_time"], events.facts["last_time"]
    chosen = [period.name for period in default_scales(first, min(last, until) if until is not None else last)]
    span = f"{format_time(first)[:10]} to {format_time(last)[:10]}"
    context.reporter.note(f"periods: {' and '.join(chosen)}, as the events span {span} (--period changes this)")
    return chosen


def _build(
    context: Context,
    sources: tuple[Path, Path, Path | None],
    event_manifest: Manifest,
    interest_manifest: Manifest,
    window: tuple[int | None, int | None],
    drafts: dict[str, tuple[Path, Manifest]],
) -> dict[str, Outcome]:
    from lurm_cli.artifacts.parts import split_part_name
    from lurm_cli.engine import run_tasks

    since, until = window
    first_year = -math.inf if since is None else int(format_time(since)[:4])
    last_year = math.inf if until is None else int(format_time(until - 1)[:4])
    names = [n for n in event_manifest.parts if first_year <= split_part_name(n)[0] <= last_year]
    with ExitStack() as stack:
        builds = {name: stack.enter_context(Build(*drafts[name])) for name in drafts}
        missing: dict[str, list[tuple[str, Path]]] = {}
        for period, build in builds.items():
            for part in build.missing_parts(names):
                missing.setdefault(part, []).append((period, build.folder))
        fingerprints = event_manifest.fingerprint, interest_manifest.fingerprint
        tasks = [
            _Task(*sources, fingerprints, part, since, until, tuple(outputs))
            for part, outputs in sorted(missing.items())
        ]
        with (
            context.workers_for(len(tasks), event_manifest.facts["n_events"]) as workers,
            context.reporter.bar("counting " + ", ".join(drafts), len(tasks), "parts") as bar,
        ):
            for _ in run_tasks(workers, _count_part, tasks):
                bar.advance()
        outcomes = {}
        for period, build in builds.items():
            outcomes[period] = _finish(build, drafts[period][0], event_manifest, interest_manifest, window)
    return outcomes


def _finish(
    build: Build, target: Path, events: Manifest, interests: Manifest, window: tuple[int | None, int | None]
) -> Outcome:
    from lurm_cli.artifacts.arrays import array_shape
    from lurm_cli.artifacts.parts import PARTS, part_rows
    from lurm_cli.errors import LurmError

    folders = sorted((build.folder / PARTS).glob("[!.]*"))
    if not folders:
        raise LurmError(
            f"{target}: no event before the cut has an item with an interest, so there is nothing to count; "
            "check `until`, and that items have text or vectors"
        )
    rows = sum(part_rows(folder) for folder in folders)
    # A user of several years counts in each; of one bucket the largest year bounds from below.
    users: dict[str, int] = {}
    for folder in folders:
        bucket = folder.name.split("-")[1]
        users[bucket] = max(users.get(bucket, 0), array_shape(folder / "users")[0])
    first, (since, until) = events.facts["first_time"], window
    facts = {
        "n_users_at_least": sum(users.values()),
        "first_time": first if since is None else max(first, since),
        "last_time": earliest(events.facts["last_time"], until),
        # Counts follow from the interests, too, which may have been learnt from later events.
        **later_knowledge(until, interests),
    }
    manifest = build.finish(shape=(rows, interests.facts["n_interests"]), facts=facts)
    return Outcome(target, manifest, "written")


@lru_cache(maxsize=1)
def _events(events: Path, fingerprint: str) -> Events:
    """The table of parts, kept from one part to the next: checking it takes a time of all parts."""
    from lurm_cli.artifacts.store import Events

    return Events.open(events)


@lru_cache(maxsize=1)
def _assignment(interests: Path, items: Path | None, fingerprints: tuple[str, str]) -> Assignment:
    """Item to interests; kept by a worker from one part to the next."""
    from lurm_cli.artifacts.columns import Columns
    from lurm_cli.boi.counting import Assignment

    columns = Columns(interests, "interests")
    held = columns.read("item_interest")
    weights = columns.read("item_weight") if "item_weight" in columns.names() else None
    found = Assignment(held.reshape(len(held), -1), weights, columns.manifest.facts["n_interests"])
    return found if items is None else found.of_items(_places(items, interests))


def _count_part(task: _Task) -> None:
    from lurm_cli.artifacts.csr import write_csr_part
    from lurm_cli.boi.counting import Occurrences
    from lurm_cli.boi.periods import Period

    events = _events(task.events, task.fingerprints[0]).part(task.part).between(task.since, task.until)
    occurrences = Occurrences.of(events, _assignment(task.interests, task.items, task.fingerprints))
    folders = {Period(period): folder for period, folder in task.outputs}
    for period, counted in occurrences.count(folders):
        if counted.counts.nnz:
            write_csr_part(folders[period], task.part, counted)
