"""Raw files as one relation of (user, item, microseconds), and the rows that cannot be read."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lurm_cli.errors import UsageError
from lurm_cli.progress import Reporter
from lurm_cli.sources.catalogue import identifier
from lurm_cli.sources.database import in_order, quoted, threads_that_fit, translated
from lurm_cli.sources.reading import THREAD_BYTES, RawFile, forget_malformed, open_file, require_columns
from lurm_cli.sources.spec import EventSource, expand_files
from lurm_cli.sources.times import END, FIRST, PER_SECOND, check_pattern, is_numeric, microseconds, unit_class

# Reason to (alias of the column, what was expected).
_REASONS = {
    "broken line": ("line", "a JSON object on the line"),
    "no user": ("user", "a user id"),
    "no item": ("item", "an item id"),
    "no time": ("time", "a time"),
    "unreadable time": (
        "time",
        "ISO 8601 such as 2017-03-01T10:00:00, a date, or Unix time; --time-format gives another pattern",
    ),
    "time out of range": ("time", "a time from 1900 to 2099; --time-unit s|ms|us|ns says what a number counts"),
}


@dataclass(frozen=True)
class Scan:
    """What a first pass over the events found.

    Attributes
    ----------
    rejected
        Unreadable rows by reason.
    """

    n_events: int
    first_time: int
    last_time: int
    dropped_until: int
    dropped_since: int
    rejected: dict[str, int]


class EventReader:
    """The events of a source as SQL.

    Text files are parsed once, into a Parquet file in ``scratch``; the rest then reads columns only.
    """

    def __init__(self, connection: Any, source: EventSource, scratch: Path, reporter: Reporter) -> None:
        self.connection, self.source, self.reporter = connection, source, reporter
        self.columns = {"user": source.user_col, "item": source.item_col, "time": source.time_col}
        if source.time_format is not None:
            check_pattern(connection, source.time_format)
        flags = {"--user-col": source.user_col, "--item-col": source.item_col, "--time-col": source.time_col}
        self.files = [open_file(connection, path, source.format) for path in expand_files(source.files)]
        for file in self.files:
            require_columns(self.connection, file, flags)
        self.malformed: dict[Path, int] = {}
        self._relations = [self._materialised(file, scratch, n) for n, file in enumerate(self.files)]
        self.unit = self._unit()
        # Files that the scan found without any row to be left out: they are read without checks from then on.
        self._clean: set[int] = set()

    def _materialised(self, file: RawFile, scratch: Path, number: int) -> str:
        if file.format == "parquet":
            return file.relation(self.columns)
        import duckdb

        target = scratch / f"parsed-{number}.parquet"
        forget_malformed(self.connection)
        try:
            with threads_that_fit(self.connection, THREAD_BYTES):
                self.connection.execute(f"COPY {file.relation(self.columns)} TO {quoted(target)} (FORMAT parquet)")
        except duckdb.Error as error:
            raise translated(error, file.path) from error
        if file.format in ("csv", "tsv"):
            count = self.connection.execute("SELECT count(DISTINCT line) FROM reject_errors").fetchone()[0]
            if count:
                self.malformed[file.path] = count
                if self.source.bad_rows == "stop":
                    self._stop_at_malformed(file)
        return f"read_parquet({quoted(target)})"

    def _stop_at_malformed(self, file: RawFile) -> None:
        line, column, message, text = self.connection.execute(
            "SELECT line, column_name, error_message, csv_line FROM reject_errors ORDER BY line LIMIT 1"
        ).fetchone()
        reason = message.splitlines()[0] if message else "malformed"
        place = f", column {column}" if column else ""
        raise UsageError(
            f"{file.path}, row {line}{place}: {reason}; the row reads {text[:120]!r}. "
            "Mend it, or use --bad-rows skip to leave out such rows"
        )

    def _type(self, file: RawFile, alias: str) -> str:
        return file.columns.get(self.columns[alias], "VARCHAR")

    def _unit(self) -> str:
        """Unit of numeric times: as declared, or the one most values' magnitude suggests."""
        if self.source.time_unit != "auto":
            if self.source.time_unit not in PER_SECOND:
                raise UsageError(f"--time-unit {self.source.time_unit}: use auto, s, ms, us or ns")
            return self.source.time_unit
        if self.source.time_format is not None:
            return "s"
        votes: dict[str, int] = {}
        for file, relation in zip(self.files, self._relations, strict=True):
            kind = self._type(file, "time")
            if is_numeric(kind) or kind == "VARCHAR":
                found = self.connection.execute(
                    f"SELECT {unit_class('time')} AS unit, count(*) FROM {relation} GROUP BY unit"
                ).fetchall()
                for unit, count in found:
                    if unit is not None:
                        votes[unit] = votes.get(unit, 0) + count
        if not votes:
            return "s"
        unit = max(sorted(votes), key=lambda key: votes[key])
        words = {"s": "Unix seconds", "ms": "Unix milliseconds", "us": "Unix microseconds", "ns": "Unix nanoseconds"}
        self.reporter.note(f"times are read as {words.get(unit, 'dates such as 20170131')} (--time-unit changes this)")
        return unit

    def _checked(self, number: int, relation: str | None = None, numbered: bool = False) -> str:
        """SQL of (user, item, t, reason, raw columns) for one file."""
        file = self.files[number]
        user, item, time = self._expressions(number)
        kind = self._type(file, "time")
        missing = "time IS NULL"
        if kind in ("FLOAT", "DOUBLE"):
            missing += " OR isnan(time)"
        elif kind == "VARCHAR":
            missing += " OR trim(time) = ''"
        row = ", row_number" if numbered else ""
        return (
            f"(SELECT *, CASE WHEN broken THEN 'broken line' "
            f"WHEN u IS NULL OR trim(u) = '' THEN 'no user' WHEN i IS NULL OR trim(i) = '' THEN 'no item' "
            f"WHEN {missing} THEN 'no time' WHEN t IS NULL THEN 'unreadable time' "
            f"WHEN t < {FIRST} OR t >= {END} THEN 'time out of range' END AS reason "
            f"FROM (SELECT {user} AS u, {item} AS i, time, broken, {time} AS t{row} "
            f"FROM {relation or self._relations[number]}))"
        )

    def _expressions(self, number: int) -> tuple[str, str, str]:
        """SQL of user, item and time of one file."""
        file = self.files[number]
        user, item = (identifier(alias, self._type(file, alias)) for alias in ("user", "item"))
        return user, item, microseconds("time", self._type(file, "time"), self.unit, self.source.time_format)

    def good(self) -> str:
        """SQL of the readable events from ``since`` to ``until``: columns u, i, t."""
        return "(" + " UNION ALL ".join(self._good(number) for number in range(len(self.files))) + ")"

    def _good(self, number: int) -> str:
        if number in self._clean:
            # Nothing but what is asked for is read, and nothing is looked at twice.
            user, item, time = self._expressions(number)
            return f"SELECT {user} AS u, {item} AS i, {time} AS t FROM {self._relations[number]}"
        since, until = self._window()
        return f"SELECT u, i, t FROM {self._checked(number)} WHERE reason IS NULL AND t >= {since} AND t < {until}"

    def _window(self) -> tuple[int, int]:
        """From when to when events are wanted; a time beyond these bounds is unreadable anyway."""
        since, until = self.source.since, self.source.until
        return FIRST if since is None else since, END if until is None else until

    def scan(self, rejects: Path | None) -> Scan:
        """Count, find the bounds, and deal with unreadable rows as asked.

        Raises
        ------
        UsageError
            At the first unreadable row unless they are skipped; and where no event is left.
        """
        n_events, first, last = 0, END, FIRST
        dropped = {"early": 0, "late": 0}
        rejected: dict[str, int] = {}
        since, until = self._window()
        for number in range(len(self.files)):
            count, left_out, low, high = self.connection.execute(
                f"SELECT count(*), count(*) FILTER (reason IS NOT NULL OR t < {since} OR t >= {until}), "
                f"min(t), max(t) FROM {self._checked(number)}"
            ).fetchone()
            if count and not left_out:
                self._clean.add(number)
                n_events, first, last = n_events + count, min(first, low), max(last, high)
                continue
            found = self.connection.execute(
                f"SELECT reason, CASE WHEN t < {since} THEN 'early' WHEN t >= {until} THEN 'late' END AS outside, "
                f"count(*), min(t), max(t) FROM {self._checked(number)} GROUP BY ALL"
            ).fetchall()
            bad = {reason: count for reason, _, count, _, _ in found if reason is not None}
            for reason, outside, count, low, high in found:
                if reason is not None:
                    rejected[reason] = rejected.get(reason, 0) + count
                elif outside is not None:
                    dropped[outside] += count
                else:
                    n_events, first, last = n_events + count, min(first, low), max(last, high)
            if bad and self.source.bad_rows == "stop":
                self._stop_at_bad(number)
        if self.malformed:
            rejected["malformed row"] = sum(self.malformed.values())
        if rejected and rejects is not None:
            with in_order(self.connection):
                self._write_rejects(rejects)
        if n_events == 0:
            left_out = sorted(rejected.items())
            left_out += [("at or after the cut", dropped["late"]), ("before --since", dropped["early"])]
            why = ", ".join(f"{count} {reason}" for reason, count in left_out if count) or "no rows"
            names = ", ".join(str(file.path) for file in self.files[:3])
            raise UsageError(f"no events in {names}: {why}")
        return Scan(n_events, first, last, dropped["late"], dropped["early"], dict(sorted(rejected.items())))

    def _bad_rows(self, number: int) -> Any:
        """A cursor over one file's unreadable rows, in the file's order; to be read while ``in_order`` holds."""
        cursor = self.connection.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        relation = self.files[number].relation(self.columns, numbered=True)
        shown = "CASE reason WHEN 'no user' THEN u WHEN 'no item' THEN i WHEN 'broken line' THEN NULL "
        shown += "ELSE CAST(time AS VARCHAR) END"
        cursor.execute(
            f"SELECT row_number, reason, {shown}, t FROM {self._checked(number, relation, numbered=True)} "
            "WHERE reason IS NOT NULL ORDER BY row_number"
        )
        return cursor

    def _stop_at_bad(self, number: int) -> None:
        file = self.files[number]
        # Row numbers need the file's order, which only a scan that preserves it has.
        with in_order(self.connection):
            row, reason, value, t = self._bad_rows(number).fetchone()
        alias, expected = _REASONS[reason]
        column = self.columns.get(alias, alias)
        year = "" if reason != "time out of range" else f" (year {1970 + t // 31_556_952_000_000})"
        if reason == "broken line":
            raise UsageError(
                f"{file.path}, row {row + file.first_row}: broken line: it is not JSON, expected {expected}. "
                "Mend it, or use --bad-rows skip to leave out such rows"
            )
        found = "nothing" if value is None or not value.strip() else repr(value)
        raise UsageError(
            f"{file.path}, row {row + file.first_row}, column {column}: {reason}: found {found}{year}, "
            f"expected {expected}. Mend it, or use --bad-rows skip to leave out such rows"
        )

    def _write_rejects(self, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["file", "row", "column", "value", "reason"])
            for number, file in enumerate(self.files):
                malformed_lines: list[int] = []
                if file.path in self.malformed:
                    forget_malformed(self.connection)
                    # All columns are read, and to the end: only then is every malformed row known.
                    counted = ", ".join(f'count("{alias}")' for alias in self.columns)
                    self.connection.execute(f"SELECT {counted} FROM {file.relation(self.columns)}").fetchall()
                    for line, column, text, kind in self.connection.execute(
                        "SELECT line, any_value(column_name), any_value(csv_line), any_value(error_type) "
                        "FROM reject_errors GROUP BY line ORDER BY line"
                    ).fetchall():
                        writer.writerow([file.path, line, column or "", text, f"malformed row: {kind}".lower()])
                        malformed_lines.append(line)
                passed = 0
                cursor = self._bad_rows(number)
                while batch := cursor.fetchmany(10_000):
                    for row, reason, value, _ in batch:
                        column = self.columns.get(_REASONS[reason][0], "")
                        # Rows are counted without the malformed ones before them.
                        while malformed_lines[passed:] and malformed_lines[passed] <= row + file.first_row + passed:
                            passed += 1
                        writer.writerow([file.path, row + file.first_row + passed, column, value or "", reason])
