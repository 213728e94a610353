"""Ingest, next to DuckDB's own sorted copy of the same file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from harness import Bench, Contender, empty_workspace, ingest, log_folder, script, vacate

TITLE = "Ingest"
ABOUT = """`lurm ingest` reads a Parquet log in the order of time (text ids) and writes it by user and time, with codes
for items, an items table, checksums and every file forced to disk. Beside it DuckDB copies the same file sorted by user
and time into Parquet: no codes, no checks of rows, not forced to disk. DuckDB has the same memory limit (1 GB) and the
same number of threads in both."""


def measure(bench: Bench) -> None:
    bench.title, bench.about = TITLE, ABOUT
    log = log_folder(bench)
    sorted_copy = bench.work / "sorted.parquet"
    contenders = [_lurm("lurm ingest", bench, log, None)]
    if bench.before:
        contenders.append(_lurm("lurm ingest (before)", bench, log, bench.before))
    contenders.append(
        Contender(
            "DuckDB sorted copy",
            script("peers.py", "duckdb-sort", log / "events.parquet", sorted_copy),
            [sorted_copy],
            partial(vacate, sorted_copy),
            inputs=[log / "events.parquet"],
        )
    )
    found = bench.compare(contenders)
    ours, theirs = found["lurm ingest"], found["DuckDB sorted copy"]
    bench.goal("time, as a multiple of DuckDB's sorted copy", ours["seconds"] / theirs["seconds"], 1.5)
    bench.goal("peak memory, GB", ours["peak_bytes"] / 1e9, 2.0)
    for place in (sorted_copy, bench.work / "ingest-lurm-ingest", bench.work / "ingest-lurm-ingest-(before)"):
        vacate(place)


def _lurm(name: str, bench: Bench, log: Path, source: Path | None) -> Contender:
    root = bench.work / f"ingest-{name.replace(' ', '-')}"
    return Contender(name, ingest(log, root), [root], partial(empty_workspace, root), source, [log / "events.parquet"])
