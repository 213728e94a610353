"""Raw logs for the tests of reading, and what became of them."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from lurm_cli.artifacts.columns import Columns
from lurm_cli.artifacts.store import Events
from lurm_cli.clock import parse_time
from lurm_cli.stages.context import Context, Outcome
from lurm_cli.stages.ingest import IngestConfig, run_ingest

HEADER = ("user", "item", "time")


def table(rows: Iterable[Sequence[object]], header: Sequence[str] = HEADER, delimiter: str = ",") -> str:
    """Rows as CSV text."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


def ingest(root: Path, *events: str, items: tuple[str, ...] = (), workers: int = 1, **options: object) -> list[Outcome]:
    """Run the stage on files of ``root``; gives the outcomes of the events and of the items."""
    config = IngestConfig(
        events=tuple(str(root / name) for name in events),
        items=tuple(str(root / name) for name in items),
        **options,
    )
    return run_ingest(Context(root, workers=workers), config, root / "events.zarr")


def lives(root: Path) -> dict[str, list[tuple[str, int]]]:
    """Each user's (item id, microseconds), as they stand in the artifacts."""
    names = Columns(root / "items.zarr", "items").read("ids")
    held: dict[str, list[tuple[str, int]]] = {}
    for bucket in Events.open(root / "events.zarr").iter_buckets():
        for number, user in enumerate(bucket.users):
            own = slice(bucket.indptr[number], bucket.indptr[number + 1])
            codes, times = bucket.items[own], bucket.times[own]
            held[user] = [(names[code], int(time)) for code, time in zip(codes, times, strict=True)]
    return held


def lives_of(rows: Iterable[tuple[str, str, str]]) -> dict[str, list[tuple[str, int]]]:
    """The same from rows of (user, item, ISO time): sorted by time, then by item."""
    held: dict[str, list[tuple[str, int]]] = {}
    for user, item, time in rows:
        held.setdefault(user, []).append((item, parse_time(time)))
    # Items are numbered in the order of their bytes.
    return {user: sorted(events, key=lambda event: (event[1], event[0].encode())) for user, events in held.items()}


def files_of(root: Path, *artifacts: str) -> dict[str, bytes]:
    """Every file of some artifacts, by its path."""
    found = [file for name in artifacts for file in (root / name).rglob("*") if file.is_file()]
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in sorted(found)}
