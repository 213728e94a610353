"""What representations are scored on: the ``[[tasks]]`` of lurm.toml."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lurm_cli.clock import format_time, parse_time
from lurm_cli.errors import UsageError

_KINDS = ("profile", "preference")
# What tables call the mean over tasks.
MEAN = "mean"


@dataclass(frozen=True)
class Task:
    """One question about users.

    Attributes
    ----------
    name
        Heading in the tables.
    kind
        ``profile``: classes from a table of users; ``preference``: who chooses a category within a window.
    labels, user_col, label_col
        Profile: the table and its columns.
    column, values
        Preference: column of the items table and what it has to be; ``*`` and ``?`` stand for any text, case does
        not matter.
    since, until
        Preference: the window ``since <= time < until``, microseconds UTC; None: to the end of the log.
    positive_share
        Preference: drop negatives at random until positives have this share (the paper's tasks have about 0.3);
        None: as they are.
    """

    name: str
    kind: str
    labels: Path | None = None
    user_col: str = "user"
    label_col: str = "label"
    column: str = ""
    values: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    positive_share: float | None = None

    def to_json(self) -> dict[str, Any]:
        """What defines the task, without where its table lies; times as text."""
        held = {name: value for name, value in dataclasses.asdict(self).items() if name != "labels"}
        for name in ("since", "until"):
            held[name] = None if held[name] is None else format_time(held[name])
        return {**held, "values": list(self.values)}


def parse_tasks(settings: dict[str, Any], root: Path, wanted: tuple[str, ...] = ()) -> list[Task]:
    """Read and check the tasks of lurm.toml.

    Parameters
    ----------
    settings
        The whole of lurm.toml.
    root
        Its folder; paths are relative to it.
    wanted
        Names to keep; empty: all.

    Raises
    ------
    UsageError
        If there is no task, or a key is missing, unknown or of the wrong type.
    """
    entries = settings.get("tasks", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError("lurm.toml: tasks are written as [[tasks]], with two brackets, once a task")
    if not entries:
        raise UsageError(
            "lurm.toml defines no [[tasks]], so there is nothing to score; "
            "`lurm init` shows how a profile task and a preference task are written"
        )
    tasks = [_parse(entry, number, root) for number, entry in enumerate(entries, 1)]
    names = [task.name for task in tasks]
    for name in names:
        if name == MEAN:
            raise UsageError(f"lurm.toml, [[tasks]]: a task cannot be called {MEAN!r}, as the mean over tasks is")
        if names.count(name) > 1:
            raise UsageError(f"lurm.toml, [[tasks]]: two tasks are called {name!r}")
    for name in wanted:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"tasks are {', '.join(names)}"
            raise UsageError(f"--task {name}: lurm.toml has no such task; {hint}")
    return [task for task in tasks if not wanted or task.name in wanted]


def number_of_column(task: Task, columns: list[str]) -> int:
    """Which of the items' columns a preference task asks about; raises UsageError naming those there are."""
    if task.column not in columns:
        raise UsageError(
            f"task {task.name}: the items have no column {task.column!r}; "
            f"they were ingested with {', '.join(columns) or 'no texts'}"
        )
    return columns.index(task.column)


def _parse(entry: dict[str, Any], number: int, root: Path) -> Task:
    where = f"lurm.toml, [[tasks]] {entry.get('name', f'number {number}')}"
    known = [field.name for field in dataclasses.fields(Task)]
    for key in entry:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known keys are {', '.join(known)}"
            raise UsageError(f"{where}: {key} is not a key of a task; {hint}")
    kind = entry.get("kind")
    if kind not in _KINDS:
        raise UsageError(f"{where}: kind must be one of {', '.join(_KINDS)}, not {kind!r}")
    for key in ("name", *(("labels",) if kind == "profile" else ("column", "values", "since"))):
        if entry.get(key) in (None, "", []):
            raise UsageError(f"{where}: {key} is missing; a {kind} task needs it")
    values = entry.get("values", [])
    values = [values] if isinstance(values, str) else values
    for key in ("name", "labels", "user_col", "label_col", "column"):
        if key in entry and not isinstance(entry[key], str):
            raise UsageError(f"{where}: {key} must be a text, not {entry[key]!r}")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise UsageError(f"{where}: values must be a list of texts, not {values!r}")
    share = entry.get("positive_share")
    if share is not None and (not isinstance(share, (int, float)) or not 0 < share < 1):
        raise UsageError(f"{where}: positive_share must lie between 0 and 1, not {share!r}")
    times = {key: parse_time(entry[key], f"{where}: {key}") if key in entry else None for key in ("since", "until")}
    if times["since"] is not None and times["until"] is not None and times["until"] <= times["since"]:
        raise UsageError(f"{where}: until does not lie after since")
    return Task(
        name=entry["name"],
        kind=kind,
        labels=root / entry["labels"] if "labels" in entry else None,
        user_col=entry.get("user_col", "user"),
        label_col=entry.get("label_col", entry["name"] if kind == "profile" else "label"),
        column=entry.get("column", ""),
        values=tuple(values),
        positive_share=None if share is None else float(share),
        **times,
    )
