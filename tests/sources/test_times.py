"""A point in time is the same microsecond, however it is written."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lurm_cli.clock import parse_time
from lurm_cli.progress import SILENT
from lurm_cli.sources.database import database
from lurm_cli.sources.events import EventReader
from lurm_cli.sources.spec import EventSource
from lurm_cli.sources.times import PER_SECOND, microseconds
from sources.raw import table

NOON = parse_time("2017-03-01T12:00:00Z")
SECOND = 1_000_000


def times_of(file: Path, **options: str) -> list[int]:
    """Times of a log as they are read, ascending."""
    with database(file.parent, 1, "1GB") as opened:
        good = EventReader(opened, EventSource((str(file),), **options), file.parent, SILENT).good()
        return [time for (time,) in opened.execute(f"SELECT t FROM {good} ORDER BY t").fetchall()]


def csv_of(root: Path, *times: object) -> Path:
    (root / "log.csv").write_text(table([("u", "x", time) for time in times]))
    return root / "log.csv"


def parquet_of(root: Path, times: pa.Array) -> Path:
    pq.write_table(pa.table({"user": ["u"], "item": ["x"], "time": times}), root / "log.parquet")
    return root / "log.parquet"


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
    assert times_of(csv_of(tmp_path, written)) == [expected]


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
    assert times_of(parquet_of(tmp_path, pa.array(values, kind))) == [NOON]


def test_dates_of_parquet_are_midnights_in_utc(tmp_path: Path) -> None:
    assert times_of(parquet_of(tmp_path, pa.array([date(2017, 3, 1)]))) == [parse_time("2017-03-01")]


@pytest.mark.parametrize(
    ("pattern", "written"),
    [("%m/%d/%Y", "03/01/2017"), ("%d.%m.%Y", "01.03.2017"), ("%Y%m%d", "20170301"), ("%Y-%j", "2017-060")],
)
def test_a_pattern_reads_other_forms(tmp_path: Path, pattern: str, written: str) -> None:
    assert times_of(csv_of(tmp_path, written), time_format=pattern) == [parse_time("2017-03-01")]


def test_a_pattern_also_reads_numbers_of_parquet(tmp_path: Path) -> None:
    file = parquet_of(tmp_path, pa.array([28_02_2017]))
    assert times_of(file, time_format="%d%m%Y") == [parse_time("2017-02-28")]


def test_one_unit_holds_for_the_whole_log(tmp_path: Path) -> None:
    # 5 January 1970 in milliseconds looks like seconds; the majority decides.
    file = csv_of(tmp_path, 1_488_369_600_000, 1_488_369_600_001, 345_600_000)
    assert times_of(file) == [parse_time("1970-01-05"), NOON, NOON + 1000]


def test_a_declared_unit_overrules_the_magnitude(tmp_path: Path) -> None:
    assert times_of(csv_of(tmp_path, 345_600_000), time_unit="ms") == [parse_time("1970-01-05")]


def read(values: list[str], kind: str, unit: str) -> list[int]:
    """What the SQL makes of single values of one type."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = ", ".join(f"({place}, CAST('{value}' AS {kind}))" for place, value in enumerate(values))
        sql = f"SELECT {microseconds('t', kind, unit, None)} FROM (VALUES {rows}) AS given(n, t) ORDER BY n"
        return [found for (found,) in connection.execute(sql).fetchall()]


# From 1900 to 2099, in seconds.
seconds = st.integers(-2_208_988_800, 4_102_444_799)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(seconds, st.integers(0, 999_999_999)), min_size=1, max_size=30),
    st.sampled_from(sorted(PER_SECOND)),
    st.sampled_from(["BIGINT", "VARCHAR"]),
)
@example([(1_488_369_600, 1_999)], "ns", "BIGINT")  # a float of 53 bits is rounded up to the next microsecond
def test_whole_numbers_of_every_unit_are_exact(moments: list[tuple[int, int]], unit: str, kind: str) -> None:
    per = PER_SECOND[unit]
    numbers = [second * per + nanos * per // 1_000_000_000 for second, nanos in moments]
    # Nanoseconds are cut to the microsecond they lie in, also before 1970.
    assert read([str(number) for number in numbers], kind, unit) == [number * 1_000_000 // per for number in numbers]


@settings(max_examples=25)
@given(st.lists(st.tuples(seconds, st.integers(0, 999_999)), min_size=1, max_size=30))
def test_iso_texts_agree_with_python(moments: list[tuple[int, int]]) -> None:
    texts = [(datetime(1970, 1, 1) + timedelta(seconds=s, microseconds=us)).isoformat() for s, us in moments]
    assert read(texts, "VARCHAR", "s") == [s * 1_000_000 + us for s, us in moments]
