"""Counting interests by period, next to the ways of Polars, DuckDB and pandas with SciPy."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from harness import Bench, Contender, empty_workspace, lurm, run, script, told, vacate, with_interests

TITLE = "Bag of Interests"
ABOUT = """`lurm boi --period month --period year` reads the ingested events and writes the CSR counts of both periods,
compressed, with checksums, forced to disk. The others begin with what is easiest for them: one Parquet file with
integers for users and items, sorted by user and time, and an array from item to interest; they group by (user, period,
interest), take the year from the months, and save the CSR arrays as they are (NumPy files, not compressed). One process
each, all cores, what it reads in the system's cache. The number and the sum of the counts have to be the same for
all."""
PERIODS = ("month", "year")
PEERS = {"Polars": "polars-boi", "DuckDB": "duckdb-boi", "pandas + SciPy": "pandas-boi"}


def measure(bench: Bench) -> None:
    bench.title, bench.about = TITLE, ABOUT
    root, interest = with_interests(bench)
    prepared = bench.work / "boi"
    prepared.mkdir(exist_ok=True)
    if not (prepared / "codes.parquet").is_file():
        run(script("prepare.py", "codes", root / "events.zarr", prepared / "codes.parquet"))
    contenders = [_lurm("lurm boi", root, prepared, None, PERIODS)]
    if bench.before:
        contenders.append(_lurm("lurm boi (before)", root, prepared, bench.before, PERIODS))
    for name, peer in PEERS.items():
        out = prepared / peer
        codes = prepared / "codes.parquet"
        command = script("peers.py", peer, codes, interest, out)
        contenders.append(Contender(name, command, [out], partial(_folder, out), inputs=[codes]))
    found = bench.compare(contenders)
    ours_by_period = {
        period: [_nnz(prepared / "out-lurm-boi" / f"boi-{period}.zarr"), bench.n_events] for period in PERIODS
    }
    for name, peer in PEERS.items():
        theirs = told(script("prepare.py", "totals", prepared / peer))
        if theirs != ours_by_period:
            raise RuntimeError(f"{name} counts otherwise: {theirs}, lurm boi {ours_by_period}")
    four = _lurm("lurm boi, four periods", root, prepared, None, ("month", "year", "season", "week"))
    four_periods = bench.compare([four])["lurm boi, four periods"]

    ours = found["lurm boi"]
    best = min((found[name] for name in PEERS), key=lambda row: row["seconds"])
    faster = best["seconds"] / ours["seconds"]
    bench.goal(f"times faster than the best of the others ({best['what']})", faster, 3, least=True)
    bench.goal("peak memory, GB", ours["peak_bytes"] / 1e9, 1.0)
    nnz = [ours_by_period[period][0] for period in PERIODS]
    bench.goal("bytes on disk a non-zero count", ours["disk_bytes"] / sum(nnz), 3.0)
    bench.goal("four periods in one pass, as a multiple of two", four_periods["seconds"] / ours["seconds"], 2.0)
    bench.facts = {"nnz": dict(zip(PERIODS, nnz, strict=True))}
    for contender in [*contenders, four]:
        for place in contender.outputs:
            vacate(place)


def _nnz(counts: Path) -> int:
    return int(json.loads((counts / "zarr.json").read_text())["attributes"]["lurm"]["nnz"])


def _lurm(name: str, root: Path, prepared: Path, source: Path | None, periods: tuple[str, ...]) -> Contender:
    out = prepared / f"out-{name.replace(' ', '-')}"
    arguments = [argument for period in periods for argument in ("--period", period)]
    command = lurm("boi", root / "interests.zarr", "--events", root / "events.zarr", *arguments, "-w", out)
    return Contender(name, command, [out], partial(empty_workspace, out), source, [root / "events.zarr"])


def _folder(root: Path) -> None:
    vacate(root).mkdir()
