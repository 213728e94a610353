"""One SQL relation for one raw file, whatever its format; and the checks of its columns."""

from __future__ import annotations

import csv
import difflib
import glob
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lurm_cli.errors import UsageError
from lurm_cli.sources.database import in_order, name, quoted, translated
from lurm_cli.sources.spec import format_of

# The longest line; DuckDB would take a buffer of 16 times as much, half of the memory limit, and of these two a thread.
_MOST_BYTES = 33_554_432
_BUFFER_BYTES = 2 * _MOST_BYTES
# A thread has the buffer that it reads and the next one, into which a line may go on.
THREAD_BYTES = 2 * _BUFFER_BYTES

# What a column without a name is called: pandas writes its row numbers so.
UNNAMED = "unnamed column "


@dataclass(frozen=True)
class RawFile:
    """One raw file.

    Attributes
    ----------
    columns
        Column name to DuckDB type; text formats have VARCHAR throughout.
    first_row
        Number of the first data row as a person counts: 2 where a header stands before it.
    """

    path: Path
    format: str
    columns: dict[str, str]
    delimiter: str = ""

    @property
    def first_row(self) -> int:
        """Number of the first data row."""
        return 2 if self.format in ("csv", "tsv") else 1

    def relation(self, wanted: dict[str, str], numbered: bool = False) -> str:
        """SQL of a table with one column for each of ``wanted`` (alias to column).

        Parameters
        ----------
        numbered
            Also give ``row_number``, counted from 0; needs a connection that preserves the order.
        """
        if self.format == "jsonl":
            return json_fields(self.path, wanted, numbered)
        picked = [f"{name(column)} AS {name(alias)}" for alias, column in wanted.items()]
        picked.append("false AS broken")
        if self.format == "parquet":
            number = ", file_row_number AS row_number" if numbered else ""
            numbers = ", file_row_number = true" if numbered else ""
            return f"(SELECT {', '.join(picked)}{number} FROM {_parquet(self.path, numbers)})"
        number = ", row_number() OVER () - 1 AS row_number" if numbered else ""
        return f"(SELECT {', '.join(picked)}{number} FROM {self._read_csv()})"

    def _read_csv(self) -> str:
        columns = ", ".join(f"{quoted(column)}: 'VARCHAR'" for column in self.columns)
        return (
            f"read_csv({_place(self.path)}, delim = {quoted(self.delimiter)}, quote = '\"', escape = '\"', "
            f"header = true, auto_detect = false, columns = {{{columns}}}, store_rejects = true, "
            f"rejects_limit = 0, max_line_size = {_MOST_BYTES}, buffer_size = {_BUFFER_BYTES})"
        )


def json_fields(path: Path, wanted: dict[str, str], numbered: bool = False) -> str:
    """SQL of a table of a JSON lines file: the text of each key of ``wanted`` (alias to key), and ``broken``."""
    pointers = ", ".join(quoted("/" + key.replace("~", "~0").replace("/", "~1")) for key in wanted.values())
    picked = [f"v[{place}] AS {name(alias)}" for place, alias in enumerate(wanted, 1)]
    number = ", row_number" if numbered else ""
    # Blank lines are no rows, but they count as lines.
    inner = f"(SELECT line, row_number() OVER () - 1 AS row_number FROM {_lines(path)})"
    # All keys at once: a line is parsed as often as it is asked.
    texts = f"CASE WHEN json_valid(line) THEN json_extract_string(line, [{pointers}]) END"
    source = f"(SELECT {texts} AS v{number} FROM {inner if numbered else _lines(path)} WHERE trim(line) <> '')"
    return f"(SELECT {', '.join(picked)}, v IS NULL AS broken{number} FROM {source})"


def _lines(path: Path, lenient: bool = False) -> str:
    """A file as rows of one text column: no delimiter, no quotes; ``lenient`` leaves out lines that are not UTF-8."""
    return (
        f"read_csv({_place(path)}, delim = chr(1), quote = '', escape = '', header = false, auto_detect = false, "
        f"columns = {{'line': 'VARCHAR'}}, max_line_size = {_MOST_BYTES}, buffer_size = {_BUFFER_BYTES}, "
        f"ignore_errors = {str(lenient).lower()})"
    )


def _place(path: Path) -> str:
    """SQL of a file's name, which may hold [ or *: DuckDB would take it for a pattern of names."""
    return quoted(glob.escape(str(path)))


def _parquet(path: Path, more: str = "") -> str:
    # Old Spark, Hive and Impala do not mark texts as such.
    return f"read_parquet({_place(path)}, binary_as_string = true{more})"


def open_file(connection: Any, path: Path, declared: str) -> RawFile:
    """Look at one file's columns; raises UsageError if it is not what its format says."""
    import duckdb

    format = format_of(path, declared)
    try:
        if format == "parquet":
            described = connection.execute(f"DESCRIBE SELECT * FROM {_parquet(path)}").fetchall()
            return RawFile(path, format, {row[0]: row[1] for row in described})
        with in_order(connection):
            first = connection.execute(
                f"SELECT line FROM {_lines(path, True)} WHERE trim(line) <> '' LIMIT 1"
            ).fetchone()
    except duckdb.Error as error:
        raise translated(error, path) from error
    if first is None:
        raise UsageError(f"{path} holds no row")
    line = first[0].removeprefix("\ufeff")
    if format == "jsonl":
        return RawFile(path, format, dict.fromkeys(_keys_of_first(path, line), "VARCHAR"))
    delimiter = "\t" if format == "tsv" else max(",;\t|", key=line.count)
    header = next(csv.reader(io.StringIO(line), delimiter=delimiter))
    header = [column or f"{UNNAMED}{number}" for number, column in enumerate(header, 1)]
    if len(set(header)) < len(header):
        twice = next(column for column in header if header.count(column) > 1)
        raise UsageError(f"{path}: the header names the column {twice!r} twice")
    return RawFile(path, format, dict.fromkeys(header, "VARCHAR"), delimiter)


def _keys_of_first(path: Path, line: str) -> list[str]:
    try:
        held = json.loads(line)
    except ValueError:
        return []  # the row check will name the line
    if not isinstance(held, dict):
        raise UsageError(f"{path}, line 1: expected a JSON object a line, found {line[:60]!r}")
    return list(held)


def with_all_columns(connection: Any, file: RawFile) -> RawFile:
    """A file with all its columns; JSON lines, whose first object need not have every key, are read for them."""
    if file.format != "jsonl":
        return file
    keys = "CASE WHEN json_valid(line) THEN json_keys(line) END"
    found = connection.execute(f"SELECT DISTINCT unnest({keys}) AS key FROM {_lines(file.path, True)} ORDER BY key")
    return replace(file, columns=file.columns | {key: "VARCHAR" for (key,) in found.fetchall()})


def require_columns(connection: Any, file: RawFile, wanted: dict[str, str]) -> None:
    """Check that the columns exist.

    Parameters
    ----------
    wanted
        Flag to column, for the message.

    Raises
    ------
    UsageError
        Naming file, column, flag, the columns there are, and a likely one.
    """
    # A file of broken lines has no key at all: the check of its rows will name the first.
    if file.columns.keys() >= set(wanted.values()) or not (columns := with_all_columns(connection, file).columns):
        return
    for spelling, column in wanted.items():
        if column not in columns:
            near = difflib.get_close_matches(column, columns, 1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(
                f"{file.path} has no column {column!r} ({spelling}); its columns are: {', '.join(columns)}.{hint}"
            )


def forget_malformed(connection: Any) -> None:
    """Drop the record of malformed CSV rows, so that the next reading starts a new one."""
    connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")


def malformed_rows(connection: Any) -> tuple[int, str]:
    """How many CSV rows were left out as malformed since ``forget_malformed``, and a message on the first."""
    if not connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'reject_errors'").fetchall():
        return 0, ""  # no CSV file was read
    found = connection.execute(
        "SELECT file_path, line, any_value(error_message), any_value(csv_line) "
        "FROM reject_errors JOIN reject_scans USING (scan_id, file_id) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    if not found:
        return 0, ""
    path, line, message, text = found[0]
    reason = message.splitlines()[0] if message else "malformed"
    return len(found), f"{path}, row {line}: {reason}; the row reads {text[:120]!r}"
