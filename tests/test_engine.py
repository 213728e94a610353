"""Where tasks run."""

import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lurm_cli.engine import open_executor, run_tasks


def test_all_workers_are_at_work_however_many() -> None:
    meeting = threading.Barrier(12)

    def come_together(number: int) -> int:
        meeting.wait(timeout=30)
        return number

    with open_executor(12, light=True) as workers:
        assert sorted(run_tasks(workers, come_together, range(24))) == list(range(24))


def test_no_more_tasks_are_held_than_keep_the_workers_busy() -> None:
    begun = []

    def tasks() -> Iterator[int]:
        for number in range(100):
            begun.append(number)
            yield number

    with open_executor(1) as workers:
        results = run_tasks(workers, lambda number: number, tasks())
        assert next(results) == 0 and begun == [0]
    held = threading.Event()
    with open_executor(2, light=True) as workers:
        results = run_tasks(workers, lambda number: number == 0 or held.wait(30), tasks())
        begun.clear()
        assert next(results)
        assert len(begun) <= 5
        held.set()
        assert len(list(results)) == 99


LETS_WORKERS_WAIT = """
import os, time
from lurm_cli.engine import open_executor
if __name__ == "__main__":
    with open_executor(2) as workers:
        found = {workers.executor.submit(os.getpid).result() for _ in range(50)}
        print(*found, flush=True)
        workers.executor.submit(time.sleep, 600).result()
"""


def test_worker_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text(LETS_WORKERS_WAIT)
    command = [sys.executable, tmp_path / "waits.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as parent:
        assert parent.stdout is not None
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        assert workers and all(Path(f"/proc/{pid}").exists() for pid in workers)
        parent.kill()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


# Twelve turns of 12 MB are 2,900 pages each where every turn's memory is cleared anew.
_TURNS = """
import resource, sys
import numpy as np

faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
began = 0
for turn in range(12):
    held = [np.ones(375_000) for _ in range(4)]
    del held
    began = began or faults()
open(path, "w").write(str(faults() - began))
"""
_IN_WORKERS = """
import sys
from lurm_cli.engine import open_executor

if __name__ == "__main__":
    with open_executor(int(sys.argv[1])) as workers:
        workers.executor.submit(exec, sys.argv[2], {"path": sys.argv[3]}).result()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have other rules")
@pytest.mark.parametrize("workers", [1, 2])
def test_arrays_of_the_next_part_take_the_memory_of_the_last(workers: int, tmp_path: Path) -> None:
    def pages(*command: str) -> int:
        counted = tmp_path / "counted"
        subprocess.run([sys.executable, "-c", *command, str(counted)], check=True)
        return int(counted.read_text())

    by_default = pages("import sys; exec(sys.argv[1], {'path': sys.argv[2]})", _TURNS)
    if by_default < 10_000:
        pytest.skip("large pages are cleared at once here")
    assert pages(_IN_WORKERS, str(workers), _TURNS) * 4 < by_default
