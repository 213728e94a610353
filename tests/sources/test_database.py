"""What DuckDB's errors mean for the user."""

from pathlib import Path

import duckdb
import pytest

from lurm_cli.sources.database import bytes_of, database, in_order, threads_that_fit, translated


def test_a_full_disk_is_gone_on_from_and_a_memory_limit_is_to_be_raised() -> None:
    full = translated(OSError("IO Error: Could not write file: No space left on device"))
    assert full.exit_code == 5 and "free some and run again" in str(full)
    limited = translated(MemoryError("Out of Memory Error: could not allocate block of size 256.0 KiB"))
    assert limited.exit_code == 1 and "raise --memory-limit" in str(limited)


@pytest.mark.parametrize("text", ["Disk quota exceeded", "Input/output error", "Out of disk space"])
def test_what_the_disk_does_is_no_fault_of_the_file(text: str) -> None:
    assert translated(OSError(f"IO Error: Could not write: {text}")).exit_code == 5


def test_ctrl_c_within_a_query_is_ctrl_c(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        translated(duckdb.InterruptException("INTERRUPT Error: Interrupted!"))
    with pytest.raises(KeyboardInterrupt), database(tmp_path, 1, "1GB"):
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="another"), database(tmp_path, 1, "1GB"):
        raise RuntimeError("another")


@pytest.mark.parametrize(
    ("size", "n_bytes"), [("953.6 MiB", 999_922_073), ("1.0 GiB", 2**30), ("512.0 KiB", 2**19), ("12 bytes", 12)]
)
def test_sizes_are_read_as_duckdb_shows_them(size: str, n_bytes: int) -> None:
    assert bytes_of(size) == n_bytes


def test_threads_have_room_for_their_buffers(tmp_path: Path) -> None:
    with database(tmp_path, 16, "1GB") as connection:

        def threads() -> int:
            return connection.execute("SELECT current_setting('threads')").fetchone()[0]

        with threads_that_fit(connection, 2**27):
            assert threads() == 3
        with threads_that_fit(connection, 2**20):
            assert threads() == 16
        with threads_that_fit(connection, 2**40):
            assert threads() == 1
        assert threads() == 16


def test_rows_come_in_order_only_while_it_is_asked_for(tmp_path: Path) -> None:
    with database(tmp_path, 1, "1GB") as connection:

        def setting() -> bool:
            return connection.execute("SELECT current_setting('preserve_insertion_order')").fetchone()[0]

        with in_order(connection):
            assert setting()
        assert not setting()
