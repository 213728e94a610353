"""What a stage tells the person who waits: notes, warnings and progress bars.

Stages know only the ``Reporter`` interface. The command line passes one that draws on the terminal
(``cli/terminal.py``); Python callers and tests pass none and get silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Bar:
    """One running progress bar; this base class draws nothing."""

    def advance(self, steps: float = 1) -> None:
        """Move the bar on by ``steps`` units of its total."""

    def describe(self, text: str) -> None:
        """Show ``text`` (a loss, a rate) behind the bar."""


class Reporter:
    """Receives what a stage has to say; this base class drops it all."""

    def note(self, text: str) -> None:
        """Say what was decided or done, for example a default chosen from the data."""

    def warn(self, text: str) -> None:
        """Say what the user should look at although the stage goes on."""

    def table(self, table: Any) -> None:
        """Show a finished ``rich.table.Table``."""

    @contextmanager
    def bar(self, title: str, total: float | None, unit: str = "") -> Iterator[Bar]:
        """Show progress while the block runs; ``total=None`` where the end is not known."""
        yield Bar()


SILENT = Reporter()
