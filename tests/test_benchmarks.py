"""The benchmarks run from end to end, at a size that says nothing about speed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "benchmarks" / "run.py"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["boi", "embed", "ingest", "startup"])
def test_a_benchmark_compares_and_cleans_up(name: str, tmp_path: Path) -> None:
    work, results = tmp_path / "work", tmp_path / "results"
    command = [sys.executable, str(RUN), name, "--sizes", "20k", "--work", str(work), "--results", str(results)]
    # Twice, so that the second run finds the data and the outputs of the first.
    for _ in range(2):
        subprocess.run([*command, "--repeats", "2"], check=True)
        told = json.loads((results / f"{name}-20k.json").read_text())
        assert told["n_events"] == 20_000
        assert all(len(row["runs"]) == 2 and row["seconds"] > 0 and row["peak_bytes"] > 0 for row in told["rows"])
        assert told["goals"]
        assert not list(work.rglob(".discarded"))
