"""Files that cannot be a log are refused before anything is written, with their names."""

import gzip
from pathlib import Path

import pytest

from lurm_cli.errors import UsageError
from sources.raw import ingest, table

ROWS = [("ann", "x", "2017-01-01")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.csv", b"", "is empty"),
        ("log.csv", b"\n\n", "holds no row"),
        ("log.csv.gz", gzip.compress(b""), "holds no row"),
        ("log.csv", b"user,item,time\n", "no rows"),
        ("log.csv", b"user,item,user\n", "names the column 'user' twice"),
        ("log.jsonl", b"[1, 2]\n", "line 1: expected a JSON object a line"),
    ],
)
def test_a_file_without_rows_or_of_another_form(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        ingest(tmp_path, name)
    assert name in str(caught.value)
    assert not (tmp_path / "events.zarr").exists()


@pytest.mark.parametrize("name", ["log.csv", "log.tsv"])
def test_a_missing_column_is_named_with_those_there_are_and_a_likely_one(tmp_path: Path, name: str) -> None:
    delimiter = "\t" if name.endswith("tsv") else ","
    (tmp_path / name).write_text(table(ROWS, ("user", "item_id", "when"), delimiter))
    with pytest.raises(UsageError) as caught:
        ingest(tmp_path, name)
    message = str(caught.value)
    assert f"{name} has no column 'item' (--item-col); its columns are: user, item_id, when" in message
    assert "Did you mean 'item_id'?" in message


def test_every_file_needs_the_columns(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(table(ROWS))
    (tmp_path / "two.csv").write_text(table(ROWS, ("user", "item", "when")))
    with pytest.raises(UsageError, match=r"two\.csv has no column 'time' \(--time-col\)"):
        ingest(tmp_path, "one.csv", "two.csv")


def test_no_file_a_folder_and_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with pytest.raises(UsageError, match=r"absent\.csv: no such file"):
        ingest(tmp_path, "absent.csv")
    with pytest.raises(UsageError, match=r"logs is a folder; name its files"):
        ingest(tmp_path, "logs")
    with pytest.raises(UsageError, match="no events to read"):
        ingest(tmp_path)
