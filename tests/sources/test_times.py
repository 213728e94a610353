"""A point in time is the same microsecond, however it is written."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lurm_cli.clock import parse_time
from lurm_cli.sources.times import PER_SECOND, microseconds
from sources.raw import ingest, lives, table

NOON = parse_time("2017-03-01T12:00:00Z")
SECOND = 1_000_000
Connection = duckdb.DuckDBPyConnection


def times_in(root: Path) -> list[int]:
    return [time for events in lives(root).values() for _, time in events]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1488369600", NOON),
        ("1488369600.25", NOON + SECOND // 4),
        ("1488369600000", NOON),
        ("1488369600123", NOON + 123_000),
        ("1488369600000001", NOON + 1),
        ("1488369600000001999", NOON + 1),
        ("2017-03-01T12:00:00", NOON),
        ("2017-03-01 12:00:00", NOON),
        ("2017-03-01T12:00:00Z", NOON),
        ("2017-03-01T14:00:00+02:00", NOON),
        ("2017-03-01T06:30:00.000007-05:30", NOON + 7),
        (" 2017-03-01T12:00 ", NOON),
        ("2017-03-01", NOON - 12 * 3600 * SECOND),
        ("20170301", NOON - 12 * 3600 * SECOND),
        ("1969-12-31T23:59:59.5", -SECOND // 2),
    ],
)
def test_forms_of_text(tmp_path: Path, written: str, expected: int) -> None:
    (tmp_path / "log.csv").write_text(table([("u", "x", written)]))
    ingest(tmp_path, "log.csv")
    assert times_in(tmp_path) == [expected]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1_488_369_600], pa.int64()),
        ([1_488_369_600], pa.uint32()),
        ([1_488_369_600.0], pa.float64()),
        ([1_488_369_600_000], pa.int64()),
        ([datetime(2017, 3, 1, 12)], pa.timestamp("s")),
        ([datetime(2017, 3, 1, 12)], pa.timestamp("ns")),
        ([datetime(2017, 3, 1, 12, tzinfo=UTC)], pa.timestamp("us", tz="America/New_York")),
        (["2017-03-01T12:00:00"], pa.string()),
    ],
)
def test_types_of_parquet(tmp_path: Path, values: list, kind: pa.DataType) -> None:
    pq.write_table(pa.table({"user": ["u"], "item": ["x"], "time": pa.array(values, kind)}), tmp_path / "log.parquet")
    ingest(tmp_path, "log.parquet")
    assert times_in(tmp_path) == [NOON]


def test_dates_of_parquet_are_midnights_in_utc(tmp_path: Path) -> None:
    pq.write_table(pa.table({"user": ["u"], "item": ["x"], "time": [date(2017, 3, 1)]}), tmp_path / "log.parquet")
    ingest(tmp_path, "log.parquet")
    assert times_in(tmp_path) == [parse_time("2017-03-01")]


@pytest.mark.parametrize(
    ("pattern", "written"),
    [("%m/%d/%Y", "03/01/2017"), ("%d.%m.%Y", "01.03.2017"), ("%Y%m%d", "20170301"), ("%Y-%j", "2017-060")],
)
def test_a_pattern_reads_other_forms(tmp_path: Path, pattern: str, written: str) -> None:
    (tmp_path / "log.csv").write_text(table([("u", "x", written)]))
    ingest(tmp_path, "log.csv", time_format=pattern)
    assert times_in(tmp_path) == [parse_time("2017-03-01")]


def test_a_pattern_also_reads_numbers_of_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.table({"user": ["u"], "item": ["x"], "time": [28022017]}), tmp_path / "log.parquet")
    ingest(tmp_path, "log.parquet", time_format="%d%m%Y")
    assert times_in(tmp_path) == [parse_time("2017-02-28")]


def test_one_unit_holds_for_the_whole_log(tmp_path: Path) -> None:
    # 5 January 1970 in milliseconds looks like seconds; the majority decides.
    rows = [("u", "x", 1_488_369_600_000), ("u", "y", 1_488_369_600_001), ("u", "z", 345_600_000)]
    (tmp_path / "log.csv").write_text(table(rows))
    ingest(tmp_path, "log.csv")
    assert times_in(tmp_path) == [parse_time("1970-01-05"), NOON, NOON + 1000]


def test_a_declared_unit_overrules_the_magnitude(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table([("u", "x", 345_600_000)]))
    ingest(tmp_path, "log.csv", time_unit="ms")
    assert times_in(tmp_path) == [parse_time("1970-01-05")]


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


# From 1900 to 2099, in seconds.
seconds = st.integers(-2_208_988_800, 4_102_444_799)


@given(
    seconds, st.integers(0, 999_999_999), st.sampled_from(sorted(PER_SECOND)), st.sampled_from(["BIGINT", "VARCHAR"])
)
def test_whole_numbers_of_every_unit_are_exact(
    connection: Connection, second: int, nanos: int, unit: str, kind: str
) -> None:
    per = PER_SECOND[unit]
    number = second * per + nanos * per // 1_000_000_000
    sql = microseconds("t", kind, unit, None)
    found = connection.execute(f"SELECT {sql} FROM (SELECT CAST('{number}' AS {kind}) AS t)").fetchall()
    assert found == [(number * 1_000_000 // per,)]


@given(seconds, st.integers(0, 999_999))
def test_iso_texts_agree_with_python(connection: Connection, second: int, micros: int) -> None:
    moment = datetime(1970, 1, 1) + timedelta(seconds=second, microseconds=micros)
    sql = microseconds("t", "VARCHAR", "s", None)
    found = connection.execute(f"SELECT {sql} FROM (SELECT '{moment.isoformat()}' AS t)").fetchall()
    assert found == [(second * 1_000_000 + micros,)]
