"""One log in every format comes back as the same lives."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lurm_cli.errors import UsageError
from sources.raw import HEADER, ingest, lives, lives_of, table

ROWS = [
    ("zoë", "tea, green", "2017-03-01T10:00:00Z"),
    ("a b", 'a "cup"', "2016-12-31T23:59:59Z"),
    ("zoë", "咖啡", "2016-01-01T00:00:00Z"),
    ("007", "tea, green", "2017-03-01T10:00:00Z"),
    ("a b", "tea, green", "2017-01-01T00:00:00Z"),
]


def as_json(rows: list[tuple[str, str, str]]) -> str:
    return "".join(json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)


def write(path: Path, text: str) -> None:
    codec = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
    if codec is None:
        path.write_text(text, encoding="utf-8")
    else:
        with pa.CompressedOutputStream(str(path), codec) as stream:
            stream.write(text.encode())


@pytest.mark.parametrize(
    "name",
    ["log.csv", "log.csv.gz", "log.csv.zst", "log.tsv", "log.tsv.gz", "log.jsonl", "log.ndjson.gz", "log.json.zst"],
)
def test_text_formats_plain_and_compressed(tmp_path: Path, name: str) -> None:
    texts = {"csv": table(ROWS), "tsv": table(ROWS, delimiter="\t")}
    write(tmp_path / name, texts.get(name.split(".")[1], as_json(ROWS)))
    ingest(tmp_path, name)
    assert lives(tmp_path) == lives_of(ROWS)


@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_parquet(tmp_path: Path, compression: str) -> None:
    columns = dict(zip(HEADER, zip(*ROWS, strict=True), strict=True))
    pq.write_table(
        pa.table({k: list(v) for k, v in columns.items()}), tmp_path / "log.parquet", compression=compression
    )
    ingest(tmp_path, "log.parquet")
    assert lives(tmp_path) == lives_of(ROWS)


def test_files_of_several_formats_are_one_log(tmp_path: Path) -> None:
    write(tmp_path / "one.csv", table(ROWS[:2]))
    write(tmp_path / "two.jsonl.gz", as_json(ROWS[2:]))
    ingest(tmp_path, "one.csv", "two.jsonl.gz")
    assert lives(tmp_path) == lives_of(ROWS)


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
def test_the_delimiter_of_a_csv_file_is_found_in_its_header(tmp_path: Path, delimiter: str) -> None:
    write(tmp_path / "log.csv", table(ROWS, delimiter=delimiter))
    ingest(tmp_path, "log.csv")
    assert lives(tmp_path) == lives_of(ROWS)


def test_byte_order_mark_and_windows_line_ends_are_no_part_of_the_values(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(b"\xef\xbb\xbf" + table(ROWS).replace("\n", "\r\n").encode())
    ingest(tmp_path, "log.csv")
    assert lives(tmp_path) == lives_of(ROWS)


def test_columns_are_found_by_name_whatever_their_order(tmp_path: Path) -> None:
    rows = [(time, "ignored", item, user) for user, item, time in ROWS]
    write(tmp_path / "log.csv", table(rows, header=("when", "price", "sku", "customer")))
    ingest(tmp_path, "log.csv", user_col="customer", item_col="sku", time_col="when")
    assert lives(tmp_path) == lives_of(ROWS)


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.float64(), pa.string()])
def test_one_user_is_one_user_whatever_the_type_of_the_id(tmp_path: Path, kind: pa.DataType) -> None:
    # pandas turns whole numbers into floats where a column has gaps.
    ids = pa.array([7, 12], pa.int64()).cast(kind)
    columns = {"user": ids, "item": pa.array(["x", "y"]), "time": pa.array([1_488_362_400, 1_488_362_401])}
    pq.write_table(pa.table(columns), tmp_path / "log.parquet")
    ingest(tmp_path, "log.parquet")
    assert sorted(lives(tmp_path)) == ["12", "7"]


def test_a_suffix_that_says_nothing_needs_the_format_named(tmp_path: Path) -> None:
    write(tmp_path / "log.txt", table(ROWS))
    with pytest.raises(UsageError, match=r"log\.txt: the suffix does not tell the format; give --format"):
        ingest(tmp_path, "log.txt")
    ingest(tmp_path, "log.txt", format="csv")
    assert lives(tmp_path) == lives_of(ROWS)


def test_lines_that_end_in_two_ways_are_told(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(b"user,item,time\na,x,2020-01-01\r\nb,y,2020-01-02\nc,z,2020-01-03\r\n")
    with pytest.raises(UsageError, match=r"log\.csv: line ends are mixed"):
        ingest(tmp_path, "log.csv")


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    write(tmp_path / "log.parquet", table(ROWS))
    with pytest.raises(UsageError, match=r"log\.parquet: cannot be read"):
        ingest(tmp_path, "log.parquet")


def test_a_compressed_file_is_read_within_half_a_gigabyte(tmp_path: Path) -> None:
    # DuckDB's own buffers for lines of 32 MB would take more.
    write(tmp_path / "log.csv.gz", table(ROWS))
    ingest(tmp_path, "log.csv.gz", memory_limit="500MB")
    assert lives(tmp_path) == lives_of(ROWS)


@pytest.mark.parametrize("name", ["log.csv.zst", "log.csv.gz", "log.jsonl.zst"])
def test_a_compressed_file_that_ends_too_early_is_refused(tmp_path: Path, name: str) -> None:
    rows = [
        (f"u{number * 7919 % 100_003}", f"i{number * 31 % 997}", f"2017-01-{1 + number % 28:02}")
        for number in range(20_000)
    ]
    write(tmp_path / name, as_json(rows) if "jsonl" in name else table(rows))
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(UsageError, match=name):
        ingest(tmp_path, name, bad_rows="skip")


def test_names_that_look_like_patterns_are_names(tmp_path: Path) -> None:
    for name, row in (("log1.csv", ROWS[0]), ("log[1].csv", ROWS[1]), ("log*.csv", ROWS[2])):
        write(tmp_path / name, table([row]))
    ingest(tmp_path, "log[1].csv", "log*.csv", "log1.csv")
    assert lives(tmp_path) == lives_of(ROWS[:3])


def test_a_file_that_links_lead_to_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / "2017.csv", table(ROWS))
    (tmp_path / "latest.csv").symlink_to("2017.csv")
    ingest(tmp_path, "*.csv")
    assert lives(tmp_path) == lives_of(ROWS)


def test_parquet_texts_that_are_not_marked_as_such_are_texts(tmp_path: Path) -> None:
    columns = {
        key: [value.encode() for value in held] for key, held in zip(HEADER, zip(*ROWS, strict=True), strict=True)
    }
    pq.write_table(
        pa.table({key: pa.array(held, pa.binary()) for key, held in columns.items()}), tmp_path / "log.parquet"
    )
    ingest(tmp_path, "log.parquet")
    assert lives(tmp_path) == lives_of(ROWS)


def test_an_unnamed_column_of_row_numbers_does_no_harm(tmp_path: Path) -> None:
    rows = [(number, *row) for number, row in enumerate(ROWS)]
    write(tmp_path / "log.csv", table(rows, ("", *HEADER)))
    write(tmp_path / "items.csv", table([(7, "tea, green", "Green Tea")], ("", "item", "title")))
    _, items = ingest(tmp_path, "log.csv", items=("items.csv",))
    assert lives(tmp_path) == lives_of(ROWS)
    assert items.manifest.facts["text_columns"] == ["title"]
