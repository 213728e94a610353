"""Write docs/cli.md: what ``lurm --help`` and ``lurm COMMAND --help`` print.

``python docs/generate_cli.py`` writes the file; with ``--check`` it writes nothing and ends with code 1 where the file
differs from what the installed command prints.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).with_name("cli.md")
# Help is wrapped to the terminal and coloured for it; these make it the same everywhere.
TERMINAL = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
INTRODUCTION = """\
# Command line reference

The help of `lurm` and of each of its commands. This file is generated: `python docs/generate_cli.py` writes it and
`python docs/generate_cli.py --check` compares it with the installed command.

A stage's own options, and `seed`, `workers` and `scheduler`, can also be set in `lurm.toml`, in the table named after
the command, or in the environment as `LURM_` and the option's name in capitals: `--batch-size` is `batch_size` there
and `LURM_BATCH_SIZE` here. A flag goes before the environment, the environment before `lurm.toml`, and `lurm.toml`
before the default. Input artifacts (such as `--events` of `lurm boi`, but not `--users` of `lurm evaluate`) are named
on the command line only. `--until` and `--since` of `lurm ingest` and `--since` of `lurm boi` are exceptions: only
their flag and their own table count. A variable counts for every command that has an option of this name, and so for
several stages of one `lurm run`; what is to differ between them stands in their tables. `LURM_WORKSPACE` is the folder
that `--workspace` names.
"""


def installed_command() -> str:
    """Path of ``lurm``: the one beside this interpreter, else the first on the search path."""
    beside = Path(sys.executable).with_name("lurm")
    found = str(beside) if beside.is_file() else shutil.which("lurm")
    if found is None:
        sys.exit("generate_cli.py: lurm is not installed; `make env` installs it")
    return found


def help_of(command: str, *arguments: str) -> str:
    """What a command prints for ``--help``, without blanks at the ends of lines."""
    # Settings of the caller's workspace must not show through.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LURM_")}
    done = subprocess.run(
        [command, *arguments, "--help"],
        env=environment | TERMINAL,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def command_names(root_help: str) -> list[str]:
    """Commands, in the order in which the root help lists them."""
    _, _, listed = root_help.partition("\nCommands:\n")
    # A summary that is wrapped goes on further to the right than the names stand.
    lines = [line for line in listed.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    names = [line.split()[0] for line in lines]
    if not names:
        sys.exit("generate_cli.py: `lurm --help` lists no commands")
    return names


def reference() -> str:
    """The whole text of docs/cli.md."""
    command = installed_command()
    root = help_of(command)
    sections = [("lurm", root)]
    sections += [(f"lurm {name}", help_of(command, name)) for name in command_names(root)]
    return INTRODUCTION + "".join(f"\n## {title}\n\n```text\n{text}\n```\n" for title, text in sections)


def main() -> None:
    """Write the reference, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare, write nothing; code 1 where the file differs")
    check = parser.parse_args().check
    wanted = reference()
    found = TARGET.read_text(encoding="utf-8") if TARGET.is_file() else ""
    if not check:
        TARGET.write_text(wanted, encoding="utf-8")
        return
    if found != wanted:
        lines = difflib.unified_diff(
            found.splitlines(), wanted.splitlines(), "docs/cli.md", "lurm --help", n=1, lineterm=""
        )
        print("\n".join(lines), file=sys.stderr)
        sys.exit("docs/cli.md is out of date; `python docs/generate_cli.py` writes it anew")


if __name__ == "__main__":
    main()
