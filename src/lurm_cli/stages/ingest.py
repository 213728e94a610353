"""``lurm ingest``: raw logs become ``events.zarr`` (ragged, by user, sorted by time) and ``items.zarr``."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lurm_cli.artifacts.build import Build, up_to_date
from lurm_cli.artifacts.manifest import InputRef, Manifest
from lurm_cli.artifacts.whole import write_whole
from lurm_cli.clock import format_time
from lurm_cli.errors import UsageError
from lurm_cli.stages.context import Context, Outcome, content_hash, cut_time, items_beside
from lurm_cli.stages.options import flag, option

if TYPE_CHECKING:
    from lurm_cli.sources.regroup import BucketTask, Regrouped
    from lurm_cli.sources.spec import EventSource, ItemSource

AMAZON2018 = "amazon2018"


@dataclass(frozen=True)
class IngestConfig:
    """Options of ``lurm ingest``."""

    events: tuple[str, ...] = option((), "files or globs of events", paths=True)
    items: tuple[str, ...] = option((), "items table, any number of files or globs", paths=True)
    user_col: str = option("user", "column of the user id")
    item_col: str = option("item", "column of the item id, in the events")
    time_col: str = option("time", "column of the time")
    items_id_col: str | None = option(None, "column of the item id, in the items table", shown="as --item-col")
    text_col: tuple[str, ...] = option((), "column of the items table that describes an item", shown="all of them")
    task_col: tuple[str, ...] = option((), "column of the items table that tasks ask about, kept out of the words")
    format: Literal["auto", "parquet", "csv", "tsv", "jsonl", "amazon2018"] = option(
        "auto", "format of the events; amazon2018: files of reviews, it settles the columns of events and items"
    )
    items_format: Literal["auto", "parquet", "csv", "tsv", "jsonl", "amazon2018"] = option(
        "auto", "format of the items table"
    )
    time_unit: Literal["auto", "s", "ms", "us", "ns"] = option("auto", "unit of numeric times")
    time_format: str | None = option(None, "pattern of times that are not ISO 8601, such as %m/%d/%Y", shown="none")
    bad_rows: Literal["stop", "skip"] = option("stop", "what to do with rows that cannot be read")
    dedupe: bool = option(False, "drop exact duplicates of user, item and time")
    until: str | None = option(
        None, "leave out events at or after this time, also as labels", shown="keep all", shared=False
    )
    since: str | None = option(
        None, "leave out events before this time, such as those of a wrong clock", shown="keep all", shared=False
    )
    memory_limit: str = option("1GB", "memory for sorting and joining")
    buckets: int | None = option(None, "parts a year is cut into", minimum=1, maximum=65_536, shown="by the size")


# What changes the bytes; the rest says where to read and how much memory to take.
_PARAMETERS = (
    "user_col",
    "item_col",
    "time_col",
    "items_id_col",
    "text_col",
    "time_unit",
    "time_format",
    "bad_rows",
    "dedupe",
    "buckets",
)


def run_ingest(context: Context, config: IngestConfig, target: Path) -> list[Outcome]:
    """Read raw logs.

    Parameters
    ----------
    target
        Place of the events; the items stand beside it, as ``items.zarr`` (for another name of the events,
        ``NAME-items.zarr``).

    Returns
    -------
    list of Outcome
        Of the events, then of the items.
    """
    from lurm_cli.sources.spec import EventSource, ItemSource, expand_files

    if not config.events:
        raise UsageError(
            "no events to read; name files, as in `lurm ingest events.parquet --items items.csv`, "
            "or set events under [ingest] in lurm.toml"
        )
    until, since = cut_time(config.until), cut_time(config.since, "since")
    if since is not None and until is not None and since >= until:
        raise UsageError(f"--since {config.since} does not lie before --until {config.until}")
    config = _with_format(config)
    source = EventSource(
        config.events,
        "jsonl" if config.format == AMAZON2018 else config.format,
        config.user_col,
        config.item_col,
        config.time_col,
        config.time_unit,
        config.time_format,
        config.bad_rows,
        config.dedupe,
        until,
        since,
    )
    items_col = config.items_id_col or config.item_col
    texts, kept = config.text_col, config.task_col
    catalogue = ItemSource(config.items, config.items_format, items_col, texts, kept) if config.items else None
    files = expand_files(source.files)
    item_files = expand_files(catalogue.files) if catalogue else []
    inputs = _references(context, files, item_files)
    parameters = {name: _json(getattr(config, name)) for name in _PARAMETERS}
    if config.items_format == AMAZON2018:
        parameters["items_format"] = AMAZON2018  # the one format in which texts are changed
    if since is not None:
        parameters["since"] = format_time(since)
    if config.task_col:  # left out where there is none: what was made before this option existed stays up to date
        parameters["task_col"] = list(config.task_col)
    items_target = items_beside(target)
    drafts = {
        "events": (target, Manifest("events", "ingest", parameters, inputs, until=until)),
        "items": (items_target, Manifest("items", "ingest", parameters, inputs, until=until)),
    }
    found = [up_to_date(place, draft, context.overwrite) for place, draft in drafts.values()]
    state = "up to date" if None not in found else "would be written" if context.dry_run else None
    if state is None:
        found = list(_build(context, source, catalogue, drafts, config.memory_limit))
        state = "written"
    return [
        Outcome(place, manifest or draft, state)
        for (place, draft), manifest in zip(drafts.values(), found, strict=True)
    ]


def _with_format(config: IngestConfig) -> IngestConfig:
    """The config with what the format ``amazon2018`` settles.

    Raises
    ------
    UsageError
        If an option says otherwise.
    """
    from lurm_cli.sources import amazon2018

    if config.format == AMAZON2018:
        for name, value in amazon2018.REVIEWS.items():
            default = IngestConfig.__dataclass_fields__[name].default
            if getattr(config, name) not in (default, value):
                raise UsageError(
                    f"{flag(name)} {getattr(config, name)}: --format amazon2018 settles it, as {value}; leave it out, "
                    "or read the files with --format jsonl"
                )
        config = dataclasses.replace(config, **amazon2018.REVIEWS, items_format=_items_format(config))
    if config.items and config.items_format == AMAZON2018:
        texts = config.text_col or amazon2018.TEXTS
        kept = config.task_col or amazon2018.FOR_TASKS
        config = dataclasses.replace(config, items_id_col="asin", text_col=texts, task_col=kept)
    return config


def _items_format(config: IngestConfig) -> Any:
    return AMAZON2018 if config.items and config.items_format == "auto" else config.items_format


def _json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _references(context: Context, events: Sequence[Path], items: Sequence[Path]) -> tuple[InputRef, ...]:
    """References to the raw files, by content: neither their order nor their times matter."""
    hashes = _Hashes(context.root / ".lurm" / "hashes.json")
    references = [
        InputRef(context.recorded(path), f"raw {kind}", hashes.of(path))
        for kind, paths in (("events", events), ("items", items))
        for path in paths
    ]
    if not context.dry_run:
        hashes.save()
    return tuple(sorted(references, key=lambda entry: (entry.kind, entry.fingerprint, entry.path)))


class _Hashes:
    """Sha256 of raw files, remembered by path, size and time, so that an up-to-date ingest answers at once."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            self.held: dict[str, list[Any]] = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.held = {}
        self.changed = False

    def of(self, path: Path) -> str:
        from lurm_cli.sources.compressed import refuse_truncated

        stat = path.stat()
        key, stamp = str(path.absolute()), [stat.st_size, stat.st_mtime_ns]
        known = self.held.get(key)
        if known is not None and known[:2] == stamp:
            return str(known[2])
        refuse_truncated(path)
        digest = content_hash(path)
        self.held[key] = [*stamp, digest]
        self.changed = True
        return digest

    def save(self) -> None:
        if self.changed:
            # What cannot be remembered is read again: a workspace may be for reading only.
            with suppress(OSError):
                write_whole(self.file, json.dumps(self.held))


def _build(
    context: Context,
    source: EventSource,
    catalogue: ItemSource | None,
    drafts: dict[str, tuple[Path, Manifest]],
    memory_limit: str,
) -> tuple[Manifest, Manifest]:
    from lurm_cli.engine import run_tasks
    from lurm_cli.sources.regroup import regroup

    events_target = drafts["events"][0]
    rejects = events_target.with_name(f"{events_target.name.removesuffix('.zarr')}-rejects.csv")
    config = drafts["events"][1].parameters
    with Build(*drafts["items"]) as items, Build(*drafts["events"]) as events:
        scratch = events_target.with_name(f".{events_target.name}.scratch")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            with context.reporter.bar("reading", None):
                found = regroup(
                    source,
                    catalogue,
                    scratch,
                    threads=context.workers,
                    memory_limit=memory_limit,
                    n_buckets=config["buckets"],
                    rejects=rejects if source.bad_rows == "skip" else None,
                    reporter=context.reporter,
                )
            if not found.rejected:
                # Those of an earlier log stand there no longer.
                rejects.unlink(missing_ok=True)
            item_ids = {"item_ids": _write_items(found, items.folder)}
            tasks = found.tasks()
            write = partial(_write_bucket, partial_folder=events.folder)
            with (
                context.workers_for(len(tasks), found.n_events) as workers,
                context.reporter.bar("sorting by user", len(tasks), "buckets") as bar,
            ):
                for _ in run_tasks(workers, write, tasks):
                    bar.advance()
            _report(context, found, rejects, catalogue is not None)
            # Items first: whoever sees the events finds the items they point to.
            item_manifest = items.finish(shape=(found.n_items,), facts=_item_facts(found) | item_ids)
            facts = _event_facts(found) | item_ids
            event_manifest = events.finish(shape=(found.n_users, found.n_items), facts=facts)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return event_manifest, item_manifest


def _write_bucket(task: BucketTask, partial_folder: Path) -> None:
    import numpy as np

    from lurm_cli.artifacts.parts import PARTS, part_name
    from lurm_cli.artifacts.ragged import RaggedEvents, write_ragged_part

    for part in task.load():
        name = part_name(part.year, part.bucket)
        if (partial_folder / PARTS / name).is_dir():
            continue  # committed before the last run was killed, and read whole when this one began
        users = np.empty(len(part.users), dtype=object)
        users[:] = part.users
        write_ragged_part(partial_folder, name, RaggedEvents(users, part.indptr, part.items, part.times))


def _write_items(found: Regrouped, folder: Path) -> str:
    """Write the table of items; returns the sha256 of their ids, in the order of the codes."""
    import hashlib

    import numpy as np

    from lurm_cli.artifacts.growing import GrowingArray

    for left_over in folder.glob("*/"):
        shutil.rmtree(left_over)
    texts = [f"text_{number}" for number in range(len(found.text_columns))]
    kinds = {"ids": object, "in_table": np.int8, "n_events": np.int64, **dict.fromkeys(texts, object)}
    digest = hashlib.sha256()
    with ExitStack() as opened:
        columns = {
            key: opened.enter_context(GrowingArray(folder / key, (found.n_items,), kind)) for key, kind in kinds.items()
        }
        for batch in found.items():
            digest.update("".join(f"{len(name)}:{name}" for name in batch["ids"]).encode())
            held = batch | dict(zip(texts, batch["texts"], strict=True))
            for key, kind in kinds.items():
                columns[key].append(np.array(held[key], dtype=kind))
    return digest.hexdigest()


def _event_facts(found: Regrouped) -> dict[str, Any]:
    return {
        "n_events": found.n_events,
        "n_users": found.n_users,
        "n_buckets": found.n_buckets,
        "first_time": found.first_time,
        "last_time": found.last_time,
        "rejected": found.rejected,
        "duplicates_removed": found.duplicates_removed,
        "dropped_after": found.dropped_until,
        "dropped_before": found.dropped_since,
        "events_without_item_row": found.events_without_item_row,
    }


def _item_facts(found: Regrouped) -> dict[str, Any]:
    return {
        "n_items": found.n_items,
        "text_columns": list(found.text_columns),
        "word_columns": list(found.word_columns),
        "items_without_events": found.items_without_events,
    }


def _report(context: Context, found: Regrouped, rejects: Path, has_catalogue: bool) -> None:
    note, warn = context.reporter.note, context.reporter.warn
    span = f"{format_time(found.first_time)[:10]} to {format_time(found.last_time)[:10]}"
    note(f"{found.n_events:,} events of {found.n_users:,} users with {found.n_items:,} items, {span}")
    if found.rejected:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in found.rejected.items())
        warn(f"left out unreadable rows: {reasons}; they stand in {rejects}")
    if found.duplicates_removed:
        note(f"dropped {found.duplicates_removed:,} exact duplicates")
    if found.dropped_until:
        note(f"dropped {found.dropped_until:,} events at or after the cut")
    if found.dropped_since:
        note(f"dropped {found.dropped_since:,} events before --since")
    if has_catalogue and found.events_without_item_row:
        warn(f"{found.events_without_item_row:,} events have an item that is not in the items table; they are kept")
