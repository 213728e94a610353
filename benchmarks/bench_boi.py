"""Counting interests by period, next to the ways of Polars, DuckDB and pandas with SciPy."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from harness import Bench, Contender, empty, ingested, lurm, run, script

TITLE = "Bag of Interests"
ABOUT = """`lurm boi --period month --period year` reads the ingested events and writes the CSR counts of both periods,
compressed, with checksums, forced to disk. The others begin with what is easiest for them: one Parquet file with
integers for users and items, sorted by user and time, and an array from item to interest; they group by (user, period,
interest), take the year from the months, and save the CSR arrays as they are (NumPy files, not compressed). One process
each, all cores."""
PERIODS = ("month", "year")
PEERS = {"Polars": "polars-boi", "DuckDB": "duckdb-boi", "pandas + SciPy": "pandas-boi"}


def measure(bench: Bench) -> None:
    bench.title, bench.about = TITLE, ABOUT
    root = ingested(bench)
    prepared = bench.work / "boi"
    if not (prepared / "codes.parquet").is_file():
        prepared.mkdir(exist_ok=True)
        run(script("prepare.py", "interests", bench.work / "log" / "items.parquet", root, prepared / "interest.npy"))
        run(script("prepare.py", "codes", root / "events.zarr", prepared / "codes.parquet"))
    contenders = [_lurm("lurm boi", root, prepared, None, PERIODS)]
    if bench.before:
        contenders.append(_lurm("lurm boi (before)", root, prepared, bench.before, PERIODS))
    for name, peer in PEERS.items():
        # pandas holds everything several times over.
        if name.startswith("pandas") and bench.n_events > 20_000_000:
            continue
        out = prepared / peer
        command = script("peers.py", peer, prepared / "codes.parquet", prepared / "interest.npy", out)
        contenders.append(Contender(name, command, [out], partial(_folder, out)))
    found = bench.compare(contenders)
    four = _lurm("lurm boi, four periods", root, prepared, None, ("month", "year", "season", "week"))
    four_periods = bench.compare([four])["lurm boi, four periods"]

    ours = found["lurm boi"]
    best = min((found[name] for name in PEERS if name in found), key=lambda row: row["seconds"])
    faster = best["seconds"] / ours["seconds"]
    bench.goal(f"times faster than the best of the others ({best['what']})", faster, 3, least=True)
    bench.goal("peak memory, GB", ours["peak_bytes"] / 1e9, 1.0)
    nnz = [_nnz(prepared / "out-lurm-boi" / f"boi-{period}.zarr") for period in PERIODS]
    bench.goal("bytes on disk a non-zero count", ours["disk_bytes"] / sum(nnz), 3.0)
    bench.goal("four periods in one pass, as a multiple of two", four_periods["seconds"] / ours["seconds"], 2.0)
    bench.facts = {"nnz": dict(zip(PERIODS, nnz, strict=True))}
    for contender in [*contenders, four]:
        for place in contender.outputs:
            empty(place)


def _nnz(counts: Path) -> int:
    return int(json.loads((counts / "zarr.json").read_text())["attributes"]["lurm"]["nnz"])


def _lurm(name: str, root: Path, prepared: Path, source: Path | None, periods: tuple[str, ...]) -> Contender:
    out = prepared / f"out-{name.replace(' ', '-')}"
    arguments = [argument for period in periods for argument in ("--period", period)]
    command = lurm("boi", root / "interests.zarr", "--events", root / "events.zarr", *arguments, "-w", out)
    return Contender(name, command, [out], partial(_workspace, out), source)


def _workspace(root: Path) -> None:
    _folder(root)
    (root / "lurm.toml").touch()


def _folder(root: Path) -> None:
    empty(root).mkdir()
