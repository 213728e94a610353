"""Where tasks run."""

import threading
from collections.abc import Iterator

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
