"""Notes, warnings and progress bars on the terminal, all on stderr: stdout belongs to the result."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from lurm_cli.progress import Bar, Reporter

if TYPE_CHECKING:
    from rich.console import Console


def console(stream: TextIO, wide: bool = False) -> Console:
    """A rich console for one stream; each stream is plain or coloured by itself.

    Parameters
    ----------
    wide
        Let tables be as wide as they are, for a pipe or a file.
    """
    from rich.console import Console

    dumb = os.environ.get("TERM") == "dumb"
    return Console(
        file=stream,
        no_color=bool(os.environ.get("NO_COLOR")) or dumb,
        highlight=False,
        soft_wrap=True,
        width=10_000 if wide else None,
    )


class TerminalReporter(Reporter):
    """Draws on stderr; bars only where it is a terminal that can move its cursor.

    Parameters
    ----------
    quiet
        Warnings only.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.stderr = console(sys.stderr)
        self._live: Any = None

    def note(self, text: str) -> None:
        """Print a note, dimmed, unless quiet."""
        if not self.quiet:
            self._print(text, "dim")

    def warn(self, text: str) -> None:
        """Print a warning."""
        self._print(f"warning: {text}", "yellow")

    def table(self, table: Any) -> None:
        """Print a rich table, unless quiet; wider than the terminal it is folded nowhere."""
        if not self.quiet:
            console(sys.stderr, wide=not self.stderr.is_terminal).print(table)

    def _print(self, text: str, style: str) -> None:
        from rich.text import Text

        target = self._live.console if self._live is not None else self.stderr
        target.print(Text(text, style=style))

    @contextmanager
    def bar(self, title: str, total: float | None, unit: str = "") -> Iterator[Bar]:
        """A bar with count, time left and a description, gone when done."""
        movable = self.stderr.is_terminal and not self.stderr.is_dumb_terminal
        if self.quiet or not movable or self._live is not None or total == 0:
            yield Bar()
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        with Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[detail]}", style="dim"),
            console=self.stderr,
            transient=True,
        ) as progress:
            self._live = progress
            try:
                yield _RichBar(progress, progress.add_task(title, total=total, detail=""))
            finally:
                self._live = None


class _RichBar(Bar):
    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task = progress, task

    def advance(self, steps: float = 1) -> None:
        self._progress.advance(self._task, steps)

    def describe(self, text: str) -> None:
        self._progress.update(self._task, detail=text)
