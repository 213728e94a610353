"""SQL that turns a time column of any kind into microseconds since 1970 UTC, NULL where it cannot be read."""

from __future__ import annotations

from typing import Any

from lurm_cli.errors import UsageError
from lurm_cli.sources.database import quoted

# 1900-01-01 and 2100-01-01 in microseconds: what lies outside is a misread unit, not behaviour.
FIRST, END = -2_208_988_800_000_000, 4_102_444_800_000_000
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}

# Bounds of |value| between seconds, milliseconds, microseconds and nanoseconds: each unit covers 1970-5138.
_UNIT_BOUNDS = (("s", 1e11), ("ms", 1e14), ("us", 1e17))
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


def is_numeric(kind: str) -> bool:
    """Whether a DuckDB type is a number."""
    return kind in _NUMBERS or kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL")


def check_pattern(connection: Any, pattern: str) -> None:
    """Refuse a ``strptime`` pattern that DuckDB does not know; raises UsageError."""
    import duckdb

    try:
        connection.execute(f"SELECT try_strptime('', {quoted(pattern)})")
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"--time-format {pattern}: {reason}; expected a pattern such as %m/%d/%Y") from None


def unit_class(column: str) -> str:
    """SQL: the unit that a numeric value's magnitude suggests, NULL where it is no number."""
    value = f"abs(TRY_CAST({column} AS DOUBLE))"
    cases = " ".join(f"WHEN {value} < {bound} THEN {quoted(unit)}" for unit, bound in _UNIT_BOUNDS)
    # Days written as 20170131 are numbers, too; as seconds they would all lie in August 1970.
    day = f"WHEN {value} BETWEEN 19000101 AND 20991231 AND TRY_CAST({column} AS BIGINT) IS NOT NULL THEN 'day'"
    return f"CASE WHEN {value} IS NULL OR isnan({value}) THEN NULL {day} {cases} ELSE 'ns' END"


def microseconds(column: str, kind: str, unit: str, pattern: str | None) -> str:
    """SQL for the time of one column.

    Parameters
    ----------
    column
        Quoted column.
    kind
        Its DuckDB type.
    unit
        Unit of numbers: ``s``, ``ms``, ``us``, ``ns``, or ``day`` for 20170131.
    pattern
        ``strptime`` pattern, also for numbers such as 20170131; None: ISO 8601 and numbers since 1970.
    """
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        zoned = "WITH TIME ZONE" in kind or kind == "TIMESTAMPTZ"
        return f"epoch_us(CAST({column} AS {'TIMESTAMPTZ' if zoned else 'TIMESTAMP'}))"
    if is_numeric(kind) and pattern is None:
        return _from_number(column, unit)
    text = f"trim(CAST({column} AS VARCHAR))"
    if pattern is not None:
        return f"epoch_us(CAST(try_strptime({text}, {quoted(pattern)}) AS TIMESTAMP))"
    number = f"TRY_CAST({text} AS DOUBLE)"
    # Without a zone the session's zone counts, which is UTC.
    return (
        f"CASE WHEN {number} IS NOT NULL THEN {_from_number(text, unit)} "
        f"ELSE epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)) END"
    )


def _from_number(column: str, unit: str) -> str:
    if unit == "day":
        return f"epoch_us(CAST(try_strptime(CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR), '%Y%m%d') AS TIMESTAMP))"
    text, real = f"CAST({column} AS VARCHAR)", f"TRY_CAST({column} AS DOUBLE)"
    # A cast of '1.5' to a whole number would round it.
    whole = f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]+') THEN TRY_CAST({text} AS BIGINT) END"
    per = PER_SECOND[unit]
    if per <= 1_000_000:
        exact = f"CAST({whole} AS HUGEINT) * {1_000_000 // per}"
    else:
        parts = per // 1_000_000
        # Division of whole numbers cuts towards zero; taking the remainder off first makes it a floor.
        exact = f"(CAST({whole} AS HUGEINT) - (({whole}) % {parts} + {parts}) % {parts}) // {parts}"
    # Fractions go through a double, whole numbers do not: nanoseconds need more than its 53 bits.
    rounded = f"CASE WHEN abs({real}) < 1e19 THEN TRY_CAST(round({real} * {1_000_000 / per!r}) AS HUGEINT) END"
    return f"TRY_CAST(CASE WHEN ({whole}) IS NOT NULL THEN {exact} ELSE {rounded} END AS BIGINT)"
