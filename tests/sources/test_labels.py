"""Tables of labels: one label a user."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lurm_cli.errors import UsageError
from lurm_cli.sources.labels import read_labels
from sources.raw import table


def write(root: Path, rows: list[tuple[str, str]]) -> Path:
    file = root / "labels.csv"
    file.write_text(table(rows, ("user", "age")), encoding="utf-8")
    return file


def test_users_come_sorted_and_those_without_a_label_are_left_out(tmp_path: Path) -> None:
    file = write(tmp_path, [("zoë", "old"), ("a b", "young"), ("bob", ""), ("", "old"), ("a b", "young")])
    assert read_labels(file, "user", "age") == (["a b", "zoë"], ["young", "old"])


def test_two_labels_for_one_user_are_both_named(tmp_path: Path) -> None:
    file = write(tmp_path, [("ann", "old"), ("bob", "young"), ("bob", "old")])
    with pytest.raises(UsageError, match=r"user 'bob' has two labels in column age, 'old' and 'young'") as caught:
        read_labels(file, "user", "age")
    assert str(file) in str(caught.value)


def test_whole_numbers_of_parquet_read_as_in_text(tmp_path: Path) -> None:
    file = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"user": [2, 1], "age": pa.array([1.0, 0.5])}), file)
    assert read_labels(file, "user", "age") == (["1", "2"], ["0.5", "1"])


def test_a_missing_column_and_a_malformed_row_are_errors(tmp_path: Path) -> None:
    file = write(tmp_path, [("ann", "old")])
    with pytest.raises(UsageError, match=re.escape("has no column 'sex'")):
        read_labels(file, "user", "sex")
    file.write_text(file.read_text() + "bob,young,9\n")
    with pytest.raises(UsageError, match=r"labels\.csv, row 3: .*the row reads 'bob,young,9'"):
        read_labels(file, "user", "age")


def test_a_broken_line_of_json_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text('{"user": "ann", "age": "old"}\n\n{"user": "bob", "a\n{"user": "eve", "age": "old"}\n')
    with pytest.raises(UsageError, match=r"labels\.jsonl, row 3: broken line.*not left out silently"):
        read_labels(file, "user", "age")


def test_a_pattern_of_several_tables_is_refused(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("user,label\nann,x\n")
    with pytest.raises(UsageError, match=r"stands for 2 files .*a table of labels is one file"):
        read_labels(tmp_path / "*.csv", "user", "label")
