"""Measuring processes, and keeping what was measured.

Every figure is that of a whole process, start-up included: its wall time, and its greatest resident memory with that
of all its children. What is compared runs in the same run, on the same data, in turn. A benchmark is a file
``bench_NAME.py`` here with a function ``measure(bench: Bench) -> None``; ``run.py`` finds it by its name, and what it
reports ends in ``results/NAME-SIZE.json``, from which ``render.py`` makes ``docs/benchmarks.md``.

This module and the benchmark files import nothing heavy: a child begins with the memory of its parent.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
_PAGE = os.sysconf("SC_PAGE_SIZE")
_DISCARDED = ".discarded"
_VERSIONS = (
    "lurm-cli",
    "numpy",
    "scipy",
    "zarr",
    "pyarrow",
    "duckdb",
    "polars",
    "pandas",
    "scikit-learn",
    "gensim",
    "faiss-cpu",
    "torch",
)


@dataclass(frozen=True)
class Cost:
    """What one process took: seconds of wall time, bytes of resident memory at its greatest."""

    seconds: float
    peak: int


def _tree(root: int) -> list[int]:
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                queue += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
        except OSError:
            continue
    return found


def _resident(root: int) -> int:
    total = 0
    for pid in _tree(root):
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
        except (OSError, IndexError):
            continue
    return total


def _variables(source: Path | None = None) -> dict[str, str]:
    """The environment of a child; settings of the caller's own work would be no defaults."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("LURM_")}
    return dict(outside, PYTHONPATH=str(source or HERE.parent / "src"))


def told(command: Sequence[str]) -> Any:
    """What a command, which is not measured, prints as JSON."""
    return json.loads(subprocess.run(command, env=_variables(), check=True, stdout=subprocess.PIPE).stdout)


def run(command: Sequence[str], source: Path | None = None, log: Path | None = None) -> Cost:
    """Run a command to its end.

    Memory: the operating system's account of the child (wait4), or, where several processes were at work at once, the
    greatest sum over the tree, looked at every 20 ms. Pages that processes share count in each.

    Parameters
    ----------
    source
        Folder that the command takes ``lurm_cli`` from; by default the one beside this folder.

    Raises
    ------
    RuntimeError
        If the command fails; its output is shown.
    """
    environment = _variables(source)
    greatest, ended = 0, threading.Event()
    with log.open("w+") if log else tempfile.TemporaryFile("w+") as stream:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=environment)

        def watch() -> None:
            nonlocal greatest
            while not ended.wait(0.02):
                greatest = max(greatest, _resident(child.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        finally:
            seconds = time.perf_counter() - began
            ended.set()
            watcher.join()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            stream.seek(0)
            shown = stream.read()[-2000:]
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {child.returncode}\n{shown}")
    return Cost(seconds, max(greatest, usage.ru_maxrss * 1024))


def lurm(*arguments: object) -> list[str]:
    """The command line of ``lurm``."""
    return [sys.executable, "-c", "from lurm_cli.cli.main import main; main()", *map(str, arguments)]


def script(name: str, *arguments: object) -> list[str]:
    """The command line of a script of this folder."""
    return [sys.executable, str(HERE / name), *map(str, arguments)]


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """All files in these folders (or these files)."""
    for path in paths:
        yield from (file for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())


def disk(*paths: Path) -> int:
    """Bytes of all files in these folders (or of these files)."""
    return sum(file.stat().st_size for file in _files(paths))


def vacate(path: Path) -> Path:
    """The folder (or the place of a file), with nothing there.

    What stood there is put aside until the end of all benchmarks (``delete_discarded``): ext4 without a journal passes
    over inodes that were deleted in the last minutes one by one, so that right after such a deletion making a file
    takes up to three times as long, and a run that makes thousands of them a fifth longer.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        aside = path.parent / _DISCARDED
        aside.mkdir(exist_ok=True)
        path.rename(aside / f"{path.name}-{time.time_ns()}")
    return path


def warm(*paths: Path) -> None:
    """Read what a run is about to read: one that took much memory before has pushed it out of the system's cache."""
    for file in _files(paths):
        with file.open("rb") as stream:
            while stream.read(1 << 24):
                pass


def delete_discarded(work: Path) -> None:
    """Delete what ``vacate`` has put aside below this folder."""
    for aside in list(work.rglob(_DISCARDED)):
        # One that lay within another is gone already.
        shutil.rmtree(aside, ignore_errors=True)


@dataclass
class Contender:
    """One of those that are compared.

    Attributes
    ----------
    prepare
        Called before each run, not timed: clears the place of the output, say.
    outputs
        What the run leaves on disk.
    source
        Another checkout's ``src``, for a before and after in one run.
    inputs
        What the run reads, and finds in the system's cache.
    """

    name: str
    command: list[str]
    outputs: list[Path] = field(default_factory=list)
    prepare: Callable[[], Any] = lambda: None
    source: Path | None = None
    inputs: list[Path] = field(default_factory=list)


@dataclass
class Bench:
    """One benchmark at one size: where it works, and what it found.

    Attributes
    ----------
    work
        Folder for data and artifacts of this size; kept from run to run.
    before
        ``src`` of another checkout, to be measured beside this one; None: do not.
    """

    name: str
    size: str
    n_events: int
    work: Path
    repeats: int
    before: Path | None = None
    repeats_were_asked_for: bool = False
    title: str = ""
    about: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    goals: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def usual_repeats(self, number: int) -> None:
        """So many runs of each, unless the command line says otherwise."""
        if not self.repeats_were_asked_for:
            self.repeats = number

    def compare(self, contenders: Sequence[Contender], events: int | None = None) -> dict[str, dict[str, Any]]:
        """Run all in turn, as often as ``repeats`` says, and keep the medians; rows by name."""
        costs: dict[str, list[Cost]] = {}
        held: dict[str, int] = {}
        for _ in range(self.repeats):
            for contender in contenders:
                contender.prepare()
                warm(*contender.inputs)
                cost = run(contender.command, contender.source, self.work / f"{self.name}.log")
                print(
                    f"  {self.name} {self.size}: {contender.name}: {cost.seconds:.2f} s, {cost.peak / 1e6:,.0f} MB",
                    file=sys.stderr,
                    flush=True,
                )
                costs.setdefault(contender.name, []).append(cost)
                held[contender.name] = disk(*contender.outputs)
        found = {}
        for name, all_costs in costs.items():
            seconds = statistics.median(cost.seconds for cost in all_costs)
            found[name] = {
                "what": name,
                "seconds": round(seconds, 3),
                "events_per_second": round((events or self.n_events) / seconds),
                "peak_bytes": max(cost.peak for cost in all_costs),
                "disk_bytes": held[name],
                "runs": [round(cost.seconds, 3) for cost in all_costs],
            }
        self.rows += found.values()
        return found

    def goal(self, text: str, value: float, limit: float, *, least: bool = False) -> None:
        """State a goal and what was reached: at most ``limit``, or at least."""
        met = value >= limit if least else value <= limit
        self.goals.append(
            {"goal": text, "value": round(value, 3), "limit": limit, "sense": ">=" if least else "<=", "met": met}
        )
        print(f"  {self.name} {self.size}: {text}: {value:.3g} (goal {limit:g})", file=sys.stderr, flush=True)

    def save(self, folder: Path) -> Path:
        """Write the JSON file of this benchmark and size."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.name}-{self.size}.json"
        held = {
            "name": self.name,
            "title": self.title,
            "about": " ".join(self.about.split()),
            "size": self.size,
            "n_events": self.n_events,
            "repeats": self.repeats,
            "rows": self.rows,
            "goals": self.goals,
            "facts": self.facts,
            "environment": environment(),
        }
        file.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
        return file


def parse_size(text: str) -> int:
    """10M is 10,000,000; k and G likewise."""
    factor = {"k": 10**3, "M": 10**6, "G": 10**9}.get(text[-1:])
    return int(float(text[:-1]) * factor) if factor else int(text)


def environment() -> dict[str, Any]:
    """Cores, memory, versions and the day: what a figure depends on."""
    versions = {"python": platform.python_version()}
    for name in _VERSIONS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * _PAGE,
        "system": platform.system(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": versions,
    }


def options(description: str) -> argparse.ArgumentParser:
    """Options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--sizes", nargs="+", default=["1M", "10M"], help="numbers of events, such as 1M 10M 100M")
    parser.add_argument("--work", type=Path, default=HERE.parent / "build/bench", help="folder for data")
    parser.add_argument("--repeats", type=int, help="runs of each; by default 3, and 1 from 100M events on")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the JSON files")
    parser.add_argument("--before", type=Path, help="src folder of another checkout, to be measured beside this one")
    return parser


def log_folder(bench: Bench) -> Path:
    """The generated log of the bench's size."""
    folder = bench.work / "log"
    if not (folder / "events.parquet").is_file():
        run(script("generate.py", bench.size, folder))
    return folder


def ingest(log: Path, root: Path) -> list[str]:
    """The command that ingests a generated log into a workspace."""
    return lurm("ingest", log / "events.parquet", "--items", log / "items.parquet", "--text-col", "title", "-w", root)


def empty_workspace(root: Path) -> None:
    """A workspace with nothing in it."""
    vacate(root).mkdir()
    (root / "lurm.toml").touch()


def ingested(bench: Bench) -> Path:
    """A workspace with the log ingested."""
    root = bench.work / "workspace"
    log = log_folder(bench)
    root.mkdir(parents=True, exist_ok=True)
    (root / "lurm.toml").touch()
    run(ingest(log, root), log=bench.work / "ingest.log")
    return root


def with_interests(bench: Bench) -> tuple[Path, Path]:
    """The same with interests that were not learnt; and the array from item to interest, for the others."""
    root, array = ingested(bench), bench.work / "interest.npy"
    if not (root / "interests.zarr").is_dir() or not array.is_file():
        vacate(root / "interests.zarr")
        run(script("prepare.py", "interests", bench.work / "log" / "items.parquet", root, array))
    return root, array
