"""What ends a command from outside: an interrupt at any moment, and faults of the file system."""

import errno
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from cli.shell import here

INTERRUPTED = "interrupted; the same command goes on from what was committed\n"
# Ctrl-C while typer is being imported.
WHILE_LOADING = """
import sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
from lurm_cli.cli.main import main
main()
"""


def test_an_interrupt_is_one_line_and_code_130(tmp_path: Path) -> None:
    (tmp_path / "lurm.toml").touch()
    with mock.patch("lurm_cli.stages.status.run_status", side_effect=KeyboardInterrupt):
        assert here(tmp_path, "status").refused(130) == INTERRUPTED


def test_an_interrupt_while_modules_are_loaded_is_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", WHILE_LOADING], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 130
    assert done.stderr == f"lurm: error: {INTERRUPTED}"


@pytest.mark.parametrize(
    ("number", "code", "advice"),
    [
        (errno.EACCES, 1, "it cannot be read or written: check path and permissions"),
        (errno.EROFS, 1, "it cannot be read or written: check path and permissions"),
        (errno.ENOTDIR, 1, "it cannot be read or written: check path and permissions"),
        (errno.ENOSPC, 5, "what was committed is kept, the same command goes on from there"),
        (errno.EIO, 5, "what was committed is kept, the same command goes on from there"),
    ],
)
def test_a_fault_of_the_file_system_comes_with_advice_that_helps(
    tmp_path: Path, number: int, code: int, advice: str
) -> None:
    (tmp_path / "lurm.toml").touch()
    with mock.patch("lurm_cli.stages.status.run_status", side_effect=OSError(number, "reason", "place")):
        assert here(tmp_path, "status").refused(code).startswith(f"place: reason; {advice}")
