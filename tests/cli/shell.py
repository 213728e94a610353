"""The installed command, as a person at a shell uses it; and folders compared byte by byte."""

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from lurm_cli.cli.main import main

LURM = Path(sys.executable).with_name("lurm")


@dataclass(frozen=True)
class Done:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    def wrote(self) -> list[str]:
        """The lines of stdout of a command that must have succeeded."""
        assert self.code == 0, self.err
        assert "Traceback" not in self.err
        return self.out.splitlines()

    def refused(self, code: int) -> str:
        """The one message of a command that must have failed with this exit code."""
        assert self.code == code, (self.code, self.out, self.err)
        assert self.err.count("lurm: error: ") == 1, self.err
        assert "Traceback" not in self.err
        assert "unexpected" not in self.err  # a fault of lurm's own
        assert self.out == ""
        return self.err.split("lurm: error: ", 1)[1]


def clean_environment(**variables: str) -> dict[str, str]:
    """The environment without settings of the person who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LURM_")}
    return {**kept, **variables}


def lurm(root: Path, *arguments: object, stdin: str = "", **variables: str) -> Done:
    """Run the command in a folder, as a process of its own."""
    done = subprocess.run(
        [str(LURM), *map(str, arguments)],
        cwd=root,
        input=stdin,
        env=clean_environment(**variables),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def here(root: Path, *arguments: object, **variables: str) -> Done:
    """The same within this process, where a test needs it many times: modules are imported once."""
    out, err = io.StringIO(), io.StringIO()
    before = Path.cwd()
    os.chdir(root)
    try:
        with (
            mock.patch.object(sys, "argv", ["lurm", *map(str, arguments)]),
            mock.patch.dict(os.environ, clean_environment(**variables), clear=True),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                main()
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
    finally:
        os.chdir(before)
    return Done(code, out.getvalue(), err.getvalue())


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()
    }


def assert_same_bytes(first: Path, second: Path) -> None:
    """Two folders hold the same files with the same bytes; names those that differ."""
    held, other = files_of(first), files_of(second)
    assert held, f"{first} holds no file"
    assert sorted(held) == sorted(other)
    assert [name for name in held if held[name] != other[name]] == []


def flip(file: Path, at: int) -> bytes:
    """Change one byte; gives the sound bytes, to be put back."""
    sound = file.read_bytes()
    file.write_bytes(sound[:at] + bytes([sound[at] ^ 0xFF]) + sound[at + 1 :])
    return sound
