"""DuckDB as a bounded tool: memory limit, spilling to a folder, errors as messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lurm_cli.errors import IncompleteError, LurmError, UsageError

# A disk that is full, or at its quota, or fails.
_FULL_DISK = ("no space left", "out of disk", "failed to offload", "disk quota exceeded", "input/output error")


def quoted(text: object) -> str:
    """An SQL string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def name(text: str) -> str:
    """An SQL identifier."""
    return '"' + text.replace('"', '""') + '"'


@contextmanager
def database(scratch: Path, threads: int, memory_limit: str) -> Iterator[Any]:
    """A connection that spills into ``scratch``, knows UTC only, and keeps no row order unless asked."""
    import duckdb

    connection = duckdb.connect()
    try:
        connection.execute(f"SET threads = {int(threads)}")
        try:
            connection.execute(f"SET memory_limit = {quoted(memory_limit)}")
        except duckdb.Error:
            raise UsageError(f"--memory-limit {memory_limit}: expected a size, such as 500MB or 4GB") from None
        connection.execute(f"SET temp_directory = {quoted(scratch / 'spill')}")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    except duckdb.Error as error:
        raise translated(error) from error
    except RuntimeError as error:
        _refuse_interruption(error)
        raise
    finally:
        connection.close()


@contextmanager
def in_order(connection: Any) -> Iterator[None]:
    """Let rows come as they stand in the file, which costs memory and threads; the setting is of all cursors."""
    connection.execute("SET preserve_insertion_order = true")
    try:
        yield
    finally:
        connection.execute("SET preserve_insertion_order = false")


@contextmanager
def threads_that_fit(connection: Any, bytes_each: int) -> Iterator[None]:
    """Let so few threads work, each with so much memory, that they take half of the memory limit at the most."""
    threads, limit = connection.execute("SELECT current_setting('threads'), current_setting('memory_limit')").fetchone()
    connection.execute(f"SET threads = {max(1, min(int(threads), bytes_of(limit) // 2 // bytes_each))}")
    try:
        yield
    finally:
        connection.execute(f"SET threads = {int(threads)}")


def bytes_of(size: str) -> int:
    """A size as DuckDB shows it: ``953.6 MiB``."""
    number, unit = size.split()
    return int(float(number) * 1024 ** ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB").index(unit))


def _refuse_interruption(error: Exception) -> None:
    """Ctrl-C within a query is an error of its own there."""
    if "interrupted" in str(error).lower():
        raise KeyboardInterrupt from None


def translated(error: Exception, file: Path | None = None) -> LurmError:
    """The user's message for an error of DuckDB; raises KeyboardInterrupt where it was interrupted."""
    _refuse_interruption(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[0][:300] if lines else type(error).__name__
    lowered = str(error).lower()
    if any(sign in lowered for sign in _FULL_DISK):
        return IncompleteError(
            f"no room on the disk for temporary files while reading ({reason}); free some and run again"
        )
    if "out of memory" in lowered:
        return LurmError(f"reading ran out of its memory limit ({reason}); raise --memory-limit")
    where = f"{file}: " if file else ""
    if "reached an invalid state" in lowered:
        # What DuckDB's reader says where some lines end with LF and others with CR LF, or a CR stands alone.
        return UsageError(f"{where}line ends are mixed (LF, CR LF or a lone CR); write the file with one kind of them")
    return UsageError(f"{where}cannot be read: {reason}")
