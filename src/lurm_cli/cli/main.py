"""Entry point: the one place where errors become messages and exit codes."""

from __future__ import annotations

import errno
import os
import sys

from lurm_cli.errors import OF_THE_MACHINE, IncompleteError, LurmError
from lurm_cli.process import collect_seldom

_INTERRUPTED = 130
# Faults of a place, which running the same command again does not mend.
_OF_THE_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOENT)


def main() -> None:
    """Run the command line; every known error is one message on stderr and its exit code."""
    # Threads of a matrix product wait for each other by spinning, which beside other busy processes takes the time from
    # the one that is waited for. A short spin costs nothing on an idle machine. Read when torch is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    # The same of NumPy's own: 2^20 clock ticks (half a millisecond) instead of 2^26, also right after it is loaded.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    collect_seldom()
    try:
        # Loading takes a moment in which Ctrl-C may come, too.
        from lurm_cli.cli.app import app

        app()
    except LurmError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, SystemExit) as end:
        # Typer makes an exit of an interrupt, without a word.
        if isinstance(end, SystemExit) and end.code != _INTERRUPTED:
            raise
        _complain("interrupted; the same command goes on from what was committed")
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone, for example `| head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        advice = (
            "it cannot be read or written: check path and permissions, or name another place (--output, --workspace)"
            if error.errno in _OF_THE_PLACE
            else "what was committed is kept, the same command goes on from there"
        )
        _complain(f"{where}{error.strerror or error}; {advice}")
        sys.exit(IncompleteError.exit_code if error.errno in OF_THE_MACHINE else LurmError.exit_code)
    except MemoryError:
        _complain("not enough memory; try fewer --workers")
        sys.exit(1)
    except Exception as error:
        # Whatever arrives here is a fault of lurm, not of the user's.
        _complain(f"unexpected {type(error).__name__}: {error}; run again with -v for the traceback to report")
        sys.exit(1)


def _complain(message: str) -> None:
    if os.environ.get("LURM_DEBUG") == "1":
        import traceback

        traceback.print_exc()
    print(f"lurm: error: {message}", file=sys.stderr)
