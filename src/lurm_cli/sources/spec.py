"""What the user says of raw logs, and the checks that need no reading of rows."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path

from lurm_cli.errors import UsageError

FORMATS = ("parquet", "csv", "tsv", "jsonl")
_SUFFIXES = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
_COMPRESSED = (".gz", ".zst")


@dataclass(frozen=True)
class EventSource:
    """Raw logs of events.

    Attributes
    ----------
    files
        Paths or globs.
    format
        ``auto`` (by suffix), ``parquet``, ``csv``, ``tsv`` or ``jsonl``; ``amazon2018`` is one of items alone.
    time_unit
        Of numeric times: ``auto`` (by magnitude), ``s``, ``ms``, ``us`` or ``ns`` since 1970.
    time_format
        Pattern of ``strptime`` for texts that are not ISO 8601.
    bad_rows
        ``stop`` at the first unreadable row, or ``skip`` them.
    dedupe
        Drop exact duplicates of user, item and time.
    until, since
        Drop events at or after, and those before, this time (microseconds UTC).
    """

    files: tuple[str, ...]
    format: str = "auto"
    user_col: str = "user"
    item_col: str = "item"
    time_col: str = "time"
    time_unit: str = "auto"
    time_format: str | None = None
    bad_rows: str = "stop"
    dedupe: bool = False
    until: int | None = None
    since: int | None = None


@dataclass(frozen=True)
class ItemSource:
    """A table of items.

    Attributes
    ----------
    text_cols
        Columns whose texts describe an item; empty: every column but the id and ``task_cols``.
    task_cols
        Columns kept for tasks to ask about; their texts are no words of the items, unless they stand in ``text_cols``.
    """

    files: tuple[str, ...]
    format: str = "auto"
    item_col: str = "item"
    text_cols: tuple[str, ...] = ()
    task_cols: tuple[str, ...] = ()


def expand_files(patterns: tuple[str, ...]) -> list[Path]:
    """Expand globs, in sorted order, each file once, also where links lead to it.

    Raises
    ------
    UsageError
        If a pattern matches nothing, or a file is a folder, a pipe or empty.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        path = Path(pattern)
        # A file whose name happens to hold [ or * is taken as it is.
        matches = [path] if path.exists() else sorted(Path(name) for name in glob.glob(pattern, recursive=True))
        if not matches:
            raise UsageError(f"{pattern}: no such file")
        for match in matches:
            if match.is_dir():
                raise UsageError(f"{match} is a folder; name its files, for example '{match}/*.parquet'")
            if not match.is_file():
                raise UsageError(f"{match} is a pipe, and a log is read more than once; write it to a file first")
            if match.stat().st_size == 0:
                raise UsageError(f"{match} is empty (0 bytes); expected a header and at least one row")
            found.setdefault(match.resolve(), match)
    return list(found.values())


def format_of(path: Path, declared: str) -> str:
    """Format of one file; raises UsageError if its suffix says nothing."""
    if declared != "auto":
        if declared not in FORMATS:
            raise UsageError(f"--format {declared}: known formats are {', '.join(FORMATS)}")
        return declared
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    known = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    if known is None:
        raise UsageError(f"{path}: the suffix does not tell the format; give --format {'|'.join(FORMATS)}")
    return known
