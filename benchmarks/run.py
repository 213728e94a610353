"""Run the benchmarks, one JSON file a benchmark and size, then write ``docs/benchmarks.md`` from all of them.

    python benchmarks/run.py [NAME...] [--sizes 1M 10M] [--before OTHER/src]

A benchmark is a file ``bench_NAME.py`` beside this one, with a function ``measure(bench)``.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys

from harness import HERE, RESULTS, Bench, delete_discarded, options, parse_size, script, told


def names() -> list[str]:
    """Benchmarks there are."""
    return sorted(file.stem.removeprefix("bench_") for file in HERE.glob("bench_*.py"))


def main() -> None:
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"which ones; by default all: {', '.join(names())}")
    given = parser.parse_args()
    unknown = set(given.names) - set(names())
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    try:
        for size in given.sizes:
            for name in given.names or names():
                measure(name, size, given)
    finally:
        delete_discarded(given.work)
    if given.results == RESULTS:
        write_page()


def measure(name: str, size: str, given: argparse.Namespace) -> None:
    """Run one benchmark at one size, and keep what it found."""
    n_events = parse_size(size)
    repeats = given.repeats or (1 if n_events >= 100_000_000 else 3)
    work = (given.work / size).resolve()
    work.mkdir(parents=True, exist_ok=True)
    before = given.before.resolve() if given.before else None
    bench = Bench(name, size, n_events, work, repeats, before, given.repeats is not None)
    importlib.import_module(f"bench_{name}").measure(bench)
    if bench.rows:
        print(bench.save(given.results))
    else:
        print(f"  {name} {size}: is not measured at this size", file=sys.stderr)


def write_page() -> None:
    """What the machine can do, and the page of all results."""
    roof = told(script("machine.py"))
    (RESULTS / "machine.txt").write_text(
        f"A product of float32 matrices runs at {roof['flops'] / 1e9:.0f} GFlop/s, a copy in memory at "
        f"{roof['bandwidth'] / 1e9:.0f} GB/s (`benchmarks/machine.py`).\n",
        encoding="utf-8",
    )
    subprocess.run(script("render.py"), check=True)


if __name__ == "__main__":
    main()
