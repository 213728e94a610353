"""Where tasks run: in this process, in processes of this machine, or on a Dask cluster.

Stages hand over picklable, idempotent tasks and know only ``concurrent.futures.Executor``.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from lurm_cli.errors import UsageError
from lurm_cli.process import OF_A_PART, collect_seldom, keep_freed_memory
from lurm_cli.ranks import Ranks

Task = TypeVar("Task")
Result = TypeVar("Result")


class SerialExecutor(Executor):
    """Runs each task at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the task and return a finished future; its exception is raised by ``result()``."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def available_cores() -> int:
    """Cores this process may use; those of a machine are shared by the processes that torchrun starts there."""
    return max(1, len(os.sched_getaffinity(0)) // Ranks.from_environment().beside)


@dataclass(frozen=True)
class Workers:
    """An executor, and how many tasks it runs at once."""

    executor: Executor
    number: int


@contextmanager
def open_executor(workers: int, scheduler: str | None = None, light: bool = False) -> Iterator[Workers]:
    """Give the executor for ``workers`` processes, or for a Dask scheduler's address.

    This process and those it starts keep memory that a task has freed from then on (``keep_freed_memory``); the workers
    of a Dask cluster are the cluster's.

    Parameters
    ----------
    light
        All the work takes no longer than starting processes does (a second each): use threads. NumPy's loops,
        compression and the disk leave the interpreter to others, so that two of them are hardly in each other's way.

    Raises
    ------
    UsageError
        If ``workers`` is not positive, Dask is not installed, or the scheduler does not answer.
    """
    if workers < 1:
        raise UsageError(f"--workers {workers}: at least one worker is needed")
    keep_freed_memory(OF_A_PART)
    if scheduler is not None:
        with _dask_executor(scheduler) as cluster:
            yield cluster
    elif workers == 1:
        yield Workers(SerialExecutor(), 1)
    elif light:
        with ThreadPoolExecutor(workers) as threads:
            yield Workers(threads, workers)
    else:
        # Here and not above: `lurm --help` needs no processes.
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        # spawn: forking a process that already runs threads (torch, DuckDB, BLAS) may deadlock.
        pool = ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare_worker
        )
        try:
            yield Workers(pool, workers)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _prepare_worker() -> None:
    """A worker leaves Ctrl-C to its parent, and ends when the parent is killed."""
    import multiprocessing

    keep_freed_memory(OF_A_PART)
    collect_seldom()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _dask_executor(address: str) -> Iterator[Workers]:
    try:
        from distributed import Client
    except ImportError:
        raise UsageError("--scheduler needs Dask: pip install 'lurm-cli[dask]'") from None
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(f"--scheduler {address}: no scheduler answers there ({error})") from None
    with client:
        yield Workers(client.get_executor(), max(1, sum(client.ncores().values())))


def run_tasks(workers: Workers, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """Run tasks and give their results as they end; every worker has one that waits for it, and no more are held.

    The first failure is raised; the tasks not started yet are dropped.
    """
    queue = iter(tasks)
    running: set[Future[Result]] = set()
    # A serial executor works while it is handed the task: one at a time keeps its progress even.
    limit = 1 if isinstance(workers.executor, SerialExecutor) else 2 * workers.number
    try:
        while True:
            while len(running) < limit and (task := next(queue, None)) is not None:
                running.add(workers.executor.submit(function, task))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        for future in running:
            future.cancel()
