"""An unreadable row stops the reading with its place and value, or is set aside and counted."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lurm_cli.errors import UsageError
from lurm_cli.stages.context import Context
from lurm_cli.stages.ingest import IngestConfig, run_ingest
from sources.raw import ingest, lives, lives_of, table

GOOD = [("ann", "x", "2017-01-01"), ("bob", "y", "2017-01-02")]
BAD = {
    "no user": ("", "x", "2017-01-01"),
    "no item": ("ann", "  ", "2017-01-01"),
    "no time": ("ann", "x", ""),
    "unreadable time": ("ann", "x", "soon"),
    "time out of range": ("ann", "x", "2150-01-01"),
}


def rejects(root: Path) -> list[list[str]]:
    with (root / "events-rejects.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


@pytest.mark.parametrize(
    ("reason", "column", "found", "expected"),
    [
        ("no user", "user", "nothing", "a user id"),
        ("no item", "item", "nothing", "an item id"),
        ("no time", "time", "nothing", "a time"),
        ("unreadable time", "time", "'soon'", "ISO 8601"),
        ("time out of range", "time", r"'2150-01-01' \(year 2150\)", "a time from 1900 to 2099"),
    ],
)
def test_the_first_bad_row_is_named_with_what_was_expected(
    tmp_path: Path, reason: str, column: str, found: str, expected: str
) -> None:
    (tmp_path / "log.csv").write_text(table([*GOOD, BAD[reason], BAD["no user"]]))
    # The header is row 1, as in a spreadsheet.
    place = rf"log\.csv, row 4, column {column}: {reason}: found {found}, expected {expected}"
    with pytest.raises(UsageError, match=place) as caught:
        ingest(tmp_path, "log.csv")
    assert "--bad-rows skip" in str(caught.value)
    assert not (tmp_path / "events.zarr").exists()


@pytest.mark.parametrize(
    ("line", "found"), [("ann,x", "Expected Number of Columns: 3 Found: 2"), ("ann,x,2017-01-01,9", "Found: 4")]
)
def test_a_row_with_too_few_or_too_many_values_is_named(tmp_path: Path, line: str, found: str) -> None:
    (tmp_path / "log.csv").write_text(table(GOOD) + line + "\n")
    with pytest.raises(UsageError, match=rf"log\.csv, row 4.*{found}; the row reads '{line}'"):
        ingest(tmp_path, "log.csv")


def test_skipped_rows_are_written_with_file_row_column_value_and_reason(tmp_path: Path) -> None:
    rows = [BAD["no user"], GOOD[0], BAD["unreadable time"], BAD["no time"], GOOD[1], BAD["time out of range"]]
    (tmp_path / "log.csv").write_text(table(rows))
    events, _ = ingest(tmp_path, "log.csv", bad_rows="skip")
    assert lives(tmp_path) == lives_of(GOOD)
    log = str(tmp_path / "log.csv")
    assert rejects(tmp_path) == [
        ["file", "row", "column", "value", "reason"],
        [log, "2", "user", "", "no user"],
        [log, "4", "time", "soon", "unreadable time"],
        [log, "5", "time", "", "no time"],
        [log, "7", "time", "2150-01-01", "time out of range"],
    ]
    assert events.manifest.facts["rejected"] == dict.fromkeys(
        ["no time", "no user", "time out of range", "unreadable time"], 1
    )
    assert events.manifest.facts["n_events"] == 2


def test_malformed_rows_do_not_shift_the_numbers_of_those_behind_them(tmp_path: Path) -> None:
    lines = ["user,item,time", "ann,x", "ann,x,soon", "ann,x,2017-01-01,9", "ann,x,2017-01-01", "ann,x,later"]
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    events, _ = ingest(tmp_path, "log.csv", bad_rows="skip")
    assert [(int(row), value) for _, row, _, value, _ in rejects(tmp_path)[1:]] == [
        (2, "ann,x"),
        (4, "ann,x,2017-01-01,9"),
        (3, "soon"),
        (6, "later"),
    ]
    assert events.manifest.facts["rejected"] == {"malformed row": 2, "unreadable time": 2}


def test_a_line_that_is_not_utf8_is_a_bad_row_like_others(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(table(GOOD).encode() + b"ren\xe9,x,2017-01-01\n")
    with pytest.raises(UsageError, match=r"log\.csv, row 4, column user: Invalid unicode"):
        ingest(tmp_path, "log.csv")
    ingest(tmp_path, "log.csv", bad_rows="skip")
    assert lives(tmp_path) == lives_of(GOOD)


def test_broken_json_lines_are_numbered_as_in_an_editor(tmp_path: Path) -> None:
    good = [json.dumps(dict(zip(("user", "item", "time"), row, strict=True))) for row in GOOD]
    lines = [good[0], "", '{"user": "ann"', good[1], '{"user": "ann", "item": "x", "time": null}']
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    with pytest.raises(UsageError, match=r"log\.jsonl, row 3.*broken line.*a JSON object"):
        ingest(tmp_path, "log.jsonl")
    ingest(tmp_path, "log.jsonl", bad_rows="skip")
    assert lives(tmp_path) == lives_of(GOOD)
    assert [(row, reason) for _, row, _, _, reason in rejects(tmp_path)[1:]] == [("3", "broken line"), ("5", "no time")]


def test_gaps_of_a_parquet_file_are_bad_rows(tmp_path: Path) -> None:
    times = pa.array([1_488_369_600.0, None, float("nan"), 1_488_369_601.0])
    pq.write_table(
        pa.table({"user": ["a", "b", "c", None], "item": ["x"] * 4, "time": times}), tmp_path / "log.parquet"
    )
    events, _ = ingest(tmp_path, "log.parquet", bad_rows="skip")
    assert events.manifest.facts["rejected"] == {"no time": 2, "no user": 1}
    # A Parquet file has no header row.
    assert [row for _, row, _, _, _ in rejects(tmp_path)[1:]] == ["2", "3", "4"]


def test_every_file_is_checked(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(table(GOOD))
    (tmp_path / "two.csv").write_text(table([BAD["unreadable time"]]))
    with pytest.raises(UsageError, match=r"two\.csv, row 2"):
        ingest(tmp_path, "one.csv", "two.csv")


def test_a_log_of_bad_rows_only_is_an_error_even_if_they_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table([BAD["no user"], BAD["no user"], BAD["no time"]]))
    with pytest.raises(UsageError, match=r"no events in .*log\.csv: 1 no time, 2 no user"):
        ingest(tmp_path, "log.csv", bad_rows="skip")


def test_a_first_json_row_without_a_time_is_a_bad_row_and_no_missing_column(tmp_path: Path) -> None:
    lines = ['{"user": "ann", "item": "tea"}', '{"user": "ann", "item": "tea", "time": "2017-01-01"}']
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    with pytest.raises(UsageError, match=r"log\.jsonl, row 1"):
        ingest(tmp_path, "log.jsonl")
    with pytest.raises(UsageError, match=r"has no column 'when' .*its columns are: user, item, time"):
        ingest(tmp_path, "log.jsonl", time_col="when")
    events, _ = ingest(tmp_path, "log.jsonl", bad_rows="skip")
    assert events.manifest.facts["n_events"] == 1


def test_rows_that_were_left_out_before_do_not_stay_behind(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user,item,time\nann,tea,soon\nann,tea,2017-01-01\n")
    ingest(tmp_path, "log.csv", bad_rows="skip")
    assert (tmp_path / "events-rejects.csv").is_file()
    (tmp_path / "log.csv").write_text("user,item,time\nann,tea,2017-01-01\n")
    config = IngestConfig(events=(str(tmp_path / "log.csv"),), bad_rows="skip")
    run_ingest(Context(tmp_path, overwrite=True), config, tmp_path / "events.zarr")
    assert not (tmp_path / "events-rejects.csv").exists()
