"""Tables of labels: one row a user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lurm_cli.errors import UsageError
from lurm_cli.sources.catalogue import identifier
from lurm_cli.sources.database import database, in_order
from lurm_cli.sources.reading import RawFile, malformed_rows, open_file, require_columns
from lurm_cli.sources.spec import expand_files


def check_label_columns(path: Path, user_col: str, label_col: str) -> None:
    """Look at a table's columns only; raises UsageError if the file or one of the two is missing."""
    import tempfile

    file = _one_file(path)
    with tempfile.TemporaryDirectory() as scratch, database(Path(scratch), 1, "1GB") as connection:
        raw = open_file(connection, file, "auto")
        require_columns(connection, raw, {"user_col": user_col, "label_col": label_col})


def _one_file(path: Path) -> Path:
    """The table's file; a pattern of names may stand for one file, not for several."""
    files = expand_files((str(path),))
    if len(files) > 1:
        raise UsageError(f"{path} stands for {len(files)} files ({files[0]}, ...); a table of labels is one file")
    return files[0]


def _broken_lines(connection: Any, file: RawFile, wanted: dict[str, str]) -> tuple[int, str]:
    """How many lines are no JSON, and a message on the first."""
    with in_order(connection):
        count, row = connection.execute(
            f"SELECT count(*), min(row_number) FROM {file.relation(wanted, numbered=True)} WHERE broken"
        ).fetchone()
    return count, "" if not count else f"{file.path}, row {row + file.first_row}: broken line, expected a JSON object"


def read_labels(path: Path, user_col: str, label_col: str, format: str = "auto") -> tuple[list[str], list[str]]:
    """Users and their labels as texts, sorted by user; rows without a label are left out.

    Raises
    ------
    UsageError
        If the file or a column is missing, a row is malformed, or a user has two different labels.
    """
    import tempfile

    file = _one_file(path)
    with tempfile.TemporaryDirectory() as scratch, database(Path(scratch), 1, "1GB") as connection:
        raw = open_file(connection, file, format)
        require_columns(connection, raw, {"user_col": user_col, "label_col": label_col})
        kinds = [raw.columns.get(column, "VARCHAR") for column in (user_col, label_col)]
        user, label = identifier("u", kinds[0]), identifier("l", kinds[1])
        relation = raw.relation({"u": user_col, "l": label_col})
        rows = connection.execute(
            f"SELECT id, min(label), max(label) FROM (SELECT {user} AS id, {label} AS label FROM {relation}) "
            "WHERE id IS NOT NULL AND label IS NOT NULL AND trim(label) <> '' GROUP BY id ORDER BY id"
        ).fetchall()
        n_malformed, first = malformed_rows(connection)
        if raw.format == "jsonl":
            n_malformed, first = _broken_lines(connection, raw, {"u": user_col, "l": label_col})
    if n_malformed:
        raise UsageError(f"{first}. Mend it; labels are not left out silently")
    for user_id, low, high in rows:
        if low != high:
            raise UsageError(f"{file}: user {user_id!r} has two labels in column {label_col}, {low!r} and {high!r}")
    return [row[0] for row in rows], [row[1] for row in rows]
