"""Run every comparison of the plan and write results, tables and report.

    python -m reproduce.run [--quick] [--only LOG ...] [--parts main ...] [--render]

Written are reproduce/results.json, docs/reproduce.md and reproduce/report.html; with --quick all three go to
build/reproduce-quick, and the log is a small generated one. Each log has a workspace of its own under
build/reproduce: what someone made in ``examples/`` with other settings or all cores is neither used nor written over.
Stages that are up to date are skipped, so what was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reproduce import document, tables
from reproduce.pairs import pairs
from reproduce.plan import LOGS, PARTS, QUICK, Log, Variant

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
LURM = Path(sys.executable).with_name("lurm")
# Exit code of a stage whose output stands there with other inputs or parameters.
_MADE_OTHERWISE = 4
SEEDS, QUICK_SEEDS = 5, 2
# Variants and lengths of one method are told apart by the steadier head; methods are compared with both.
_ONE_HEAD = ("--head", "logistic")
# Jobs side by side: each has some gigabytes at its worst.
_MOST_JOBS = 4
# What takes longest begins first, so that no core waits for it in the end.
_LONGEST = ("coles", "1anchor-1280", "random-start", "lurm", "paper", "ptum", "sumn", "doc2vec", "item2vec", "als")

Command = tuple[str, tuple[str | Path, ...]]


class Workspace:
    """A log's folder; knows how long each command took when it last had something to do."""

    def __init__(self, log: Log, folder: Path, seeds: int) -> None:
        self.log, self.folder, self.seeds = log, folder, seeds
        self.own = folder / "reproduce"
        self.own.mkdir(parents=True, exist_ok=True)
        self._times = threading.Lock()
        self._times_file = self.own / "seconds.json"
        self.seconds: dict[str, float] = {}
        if self._times_file.is_file():
            self.seconds = json.loads(self._times_file.read_text(encoding="utf-8"))

    def lurm(self, name: str, *arguments: str | Path) -> None:
        """Run a command; ``name`` is what its time is kept under."""
        words = " ".join(map(str, arguments))
        print(f"[{self.log.name}] lurm {words}", file=sys.stderr, flush=True)
        began = time.monotonic()
        code, printed = self._run(arguments)
        if code == _MADE_OTHERWISE:
            code, printed = self._run((*arguments, "--overwrite"))
        if code != 0:
            raise SystemExit(f"reproduce: `lurm {words}` ended with {code}")
        took = time.monotonic() - began
        # A stage that is up to date answers at once, and has no time of its own.
        if was_written(printed):
            with self._times:
                self.seconds[name] = round(took, 1)
                self._times_file.write_text(json.dumps(self.seconds, indent=1), encoding="utf-8")

    def _run(self, arguments: tuple[str | Path, ...]) -> tuple[int, str]:
        # Settings of the caller's own work would be no defaults.
        outside = {name: value for name, value in os.environ.items() if not name.startswith("LURM_")}
        environment = {**outside, "LURM_WORKSPACE": str(self.folder)}
        command = [str(LURM), *map(str, arguments), "--json"]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=False
        )
        return done.returncode, done.stdout

    def side_by_side(self, jobs: dict[str, list[Command]]) -> None:
        """Run jobs, each a few commands in their order, several at a time, each on cores of its own.

        Most of them compute little at a time, and gain less from a second core than from running beside another.
        """
        cores = sorted(os.sched_getaffinity(0))
        # A job has as many cores whatever else is run: the sums of a training depend on their number.
        n_lanes = min(len(cores), _MOST_JOBS)
        each = len(cores) // n_lanes
        lanes: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
        for lane in range(n_lanes):
            lanes.put(cores[lane * each : (lane + 1) * each])

        def run(job: list[Command]) -> None:
            for name, arguments in job:
                self.lurm(name, *arguments)

        # A thread's cores are those of the commands it runs.
        with ThreadPoolExecutor(n_lanes, initializer=lambda: os.sched_setaffinity(0, lanes.get())) as threads:
            try:
                running = [threads.submit(run, jobs[name]) for name in sorted(jobs, key=_by_length)]
                for job in as_completed(running):
                    job.result()
            finally:
                threads.shutdown(cancel_futures=True)

    def prepare(self) -> None:
        """What every representation starts from."""
        self.lurm("ingest", "ingest")
        self.lurm("embed-items", "embed-items")
        self.lurm("cluster", "cluster")
        self.lurm("boi", "boi")

    def train(self, parts: list[str]) -> None:
        """LURM and whatever these parts ask to be learnt, in one go: one part's last job leaves no core idle."""
        jobs: dict[str, list[Command]] = {
            "lurm": [("train-smen", ("train-smen",)), ("encode-users", ("encode-users",))],
        }
        if "main" in parts:
            names = dict.fromkeys(part for method in self.log.methods for part in method.split("+"))
            jobs |= {name: [(name, ("baseline", name))] for name in names if name not in ("lurm", "boi")}
        if "variants" in parts:
            jobs |= {variant.name: self._variant(variant) for variant in self.log.variants}
        self.side_by_side(jobs)

    def _variant(self, variant: Variant) -> list[Command]:
        folder = self.own / variant.name
        flags = [flag.format(coarse=self.log.coarse) for flag in variant.flags]
        return [
            (f"train {variant.name}", ("train-smen", *flags, "-o", folder / "smen")),
            (f"encode {variant.name}", ("encode-users", folder / "smen", "-o", folder / "users.zarr")),
        ]

    def main(self) -> Path:
        """Every competitor."""
        return self.evaluate("main", list(self.log.methods))

    def variants(self) -> Path:
        """LURM, trained otherwise."""
        own = [f"{variant.name}={self.own / variant.name / 'users.zarr'}" for variant in self.log.variants]
        return self.evaluate("variants", ["lurm", "boi", *own], *_ONE_HEAD)

    def lengths(self) -> Path:
        """The last months of a life instead of the whole."""
        assert self.log.until is not None
        methods = ["lurm", "boi"]
        for months in self.log.lengths:
            since = months_before(self.log.until, months)
            folder = self.own / f"last-{months}"
            self.lurm(f"lurm last {months}", "encode-users", "--since", since, "-o", folder / "users.zarr")
            methods.append(f"lurm-{months}m={folder / 'users.zarr'}")
            if months == 2:
                counts = ("boi", "--period", "month", "--since", since, "-o", folder / "boi.zarr")
                self.lurm("boi last 2", *counts)
                methods.append(f"boi-2m={folder / 'boi.zarr'}")
        return self.evaluate("lengths", methods, *_ONE_HEAD)

    def evaluate(self, name: str, methods: list[str], *more: str) -> Path:
        """Score; returns the folder."""
        flags = [word for method in methods for word in ("--method", method)]
        target = self.own / f"scores-{name}"
        self.lurm(f"evaluate {name}", "evaluate", *flags, *more, "--seeds", str(self.seeds), "-o", target)
        return target


def was_written(printed: str) -> bool:
    """Whether a command made anything, from what it prints with ``--json``."""
    outcomes = json.loads(printed)
    return any(outcome["state"] == "written" for outcome in (outcomes if isinstance(outcomes, list) else [outcomes]))


def _by_length(name: str) -> int:
    return _LONGEST.index(name) if name in _LONGEST else len(_LONGEST)


def months_before(date: str, months: int) -> str:
    """The first of the month so many months before the first of a month."""
    year, month, _ = map(int, date.split("-"))
    number = 12 * year + month - 1 - months
    return f"{number // 12}-{number % 12 + 1:02}-01"


def code_of_the_package() -> str:
    """Sha256 of all of lurm_cli's source."""
    digest = hashlib.sha256()
    for file in sorted((ROOT / "src" / "lurm_cli").rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def say_if_the_code_has_changed(folder: Path) -> None:
    """Fingerprints know inputs and parameters, not code: what older code made counts as up to date."""
    stamp, code = folder / "code.sha256", code_of_the_package()
    if not stamp.is_file():
        stamp.write_text(code + "\n", encoding="utf-8")
    elif stamp.read_text(encoding="utf-8").strip() != code:
        print(
            f"reproduce: lurm_cli is not as it was when {folder} was begun; what is up to date by inputs and "
            f"parameters stays. Delete {folder} to make all of it anew",
            file=sys.stderr,
        )


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold a folder while results are written into it; a run that is killed lets go of it.

    Raises
    ------
    SystemExit
        If another run holds it: two would write over each other's entries.
    """
    held = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"reproduce: another run is writing {folder}/results.json; wait for it to end") from None
        yield
    finally:
        os.close(held)


@dataclass(frozen=True)
class Output:
    """What is written of the results: themselves, a page and a report."""

    results: Path
    page: Path
    report: Path

    def read(self) -> dict[str, Any]:
        """Results of earlier runs, by log."""
        if not self.results.is_file():
            return {}
        held: dict[str, Any] = json.loads(self.results.read_text(encoding="utf-8"))
        return held

    def write(self, held: dict[str, Any]) -> None:
        """All three, anew."""
        self.results.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        blocks = tables.everything(held)
        self.page.write_text(document.to_markdown(blocks), encoding="utf-8")
        self.report.write_text(document.to_html(blocks), encoding="utf-8")


def run_log(log: Log, folder: Path, seeds: int, make_flags: list[str], parts: list[str]) -> Iterator[dict[str, Any]]:
    """All comparisons on one log; after each of them the log's entry of results.json, as far as it goes."""
    subprocess.run(
        ["make", "--no-print-directory", "data", f"LURM={LURM}", f"PYTHON={PYTHON}", *make_flags],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    workspace = Workspace(log, folder, seeds)
    workspace.prepare()
    workspace.train(parts)
    comparisons = {"main": workspace.main}
    if log.variants:
        comparisons["variants"] = workspace.variants
    if log.lengths:
        comparisons["lengths"] = workspace.lengths
    entry: dict[str, Any] = {"title": log.title, "note": log.note, "seconds": workspace.seconds}
    entry["whats"] = {variant.name: variant.what for variant in log.variants}
    for name in (name for name in comparisons if name in parts):
        results = json.loads((comparisons[name]() / "results.json").read_text(encoding="utf-8"))
        # Single scores stay in the workspace; what the tables show is in the summary.
        entry[name] = {key: value for key, value in results.items() if key != "cells"}
        entry["pairs"] = pairs(workspace.own)
        yield entry


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small generated log, for checking that all runs")
    parser.add_argument("--only", nargs="+", metavar="LOG", help="run only these logs; the others' results stay")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="run only these comparisons")
    parser.add_argument("--render", action="store_true", help="run nothing: page and report anew from results.json")
    given = parser.parse_args()
    logs = QUICK if given.quick else LOGS
    known = [log.name for log in logs]
    for name in given.only or ():
        if name not in known:
            parser.error(f"--only {name}: logs are {', '.join(known)}")
    target = ROOT / "build" / ("reproduce-quick" if given.quick else "reproduce")
    if given.quick:
        output = Output(target / "results.json", target / "reproduce.md", target / "report.html")
    else:
        here = ROOT / "reproduce"
        output = Output(here / "results.json", ROOT / "docs" / "reproduce.md", here / "report.html")
    target.mkdir(parents=True, exist_ok=True)
    with only_run(output.results.parent):
        held = output.read()
        if given.render:
            if not held:
                raise SystemExit(f"reproduce: {output.results} is not there yet; run without --render first")
            output.write(held)
            return
        say_if_the_code_has_changed(target)
        for log in logs:
            if given.only and log.name not in given.only:
                continue
            folder, flags = target / log.name, [] if log.users is None else [f"USERS={log.users}"]
            shutil.copytree(ROOT / "examples" / log.name, folder, dirs_exist_ok=True, ignore=only_sources)
            for entry in run_log(log, folder, QUICK_SEEDS if given.quick else SEEDS, flags, given.parts):
                # What was not asked for stays as it was found.
                held[log.name] = held.get(log.name, {}) | entry
                held = {name: held[name] for name in known if name in held}
                output.write(held)
        print(f"{output.page}\n{output.report}", file=sys.stderr)


def only_sources(folder: str, names: list[str]) -> list[str]:
    """What is not copied into a workspace: whatever is not a plain file of the example, such as what was made there."""
    return [name for name in names if not (Path(folder) / name).is_file()]


if __name__ == "__main__":
    main()
