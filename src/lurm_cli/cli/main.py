"""Entry point: the application, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

from lurm_cli import __version__
from lurm_cli.cli import scores, stages, workbench
from lurm_cli.errors import LurmError

app = typer.Typer(
    name="lurm",
    help="Universal user representations from raw behaviour logs (LURM): "
    "ingest, embed-items, cluster, boi, train-smen, encode-users, evaluate.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"lurm {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version)] = False,
) -> None:
    pass


stages.register(app)
scores.register(app)
workbench.register(app)


def main() -> None:
    """Run the command line; every known error is one message on stderr and its exit code."""
    # Threads of a matrix product wait for each other by spinning, which beside other busy processes takes the time from
    # the one that is waited for. A short spin costs nothing on an idle machine. Read when torch is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    try:
        app()
    except LurmError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _complain("interrupted; the same command goes on from what was committed")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone, for example `| head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _complain(f"{where}{error.strerror or error}; what was committed is kept, the same command goes on from there")
        sys.exit(1)
    except MemoryError:
        _complain("not enough memory; try fewer --workers")
        sys.exit(1)
    except Exception as error:
        # Whatever arrives here is a fault of lurm, not of the user's.
        _complain(f"unexpected {type(error).__name__}: {error}; run again with -v for the traceback to report")
        sys.exit(1)


def _complain(message: str) -> None:
    if os.environ.get("LURM_DEBUG") == "1":
        traceback.print_exc()
    print(f"lurm: error: {message}", file=sys.stderr)
