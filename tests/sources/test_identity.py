"""What makes the same artifact: the events, not the order of files or rows, nor the number of workers."""

import random
from pathlib import Path

import pytest

from lurm_cli.artifacts.ragged import bucket_of
from lurm_cli.artifacts.store import Events
from sources.raw import files_of, ingest, table

USERS = [f"user {number}" for number in range(12)] + ["zoë", "用户"]
ROWS = [
    (user, f"item {(7 * number + step) % 9}", f"{2015 + step % 3}-0{1 + number % 9}-11")
    for number, user in enumerate(USERS)
    for step in range(5)
]
CATALOGUE = table([(f"item {number}", f"title {number}") for number in range(6)], ("item", "title"))


def workspace(root: Path, rows: list = ROWS) -> Path:
    root.mkdir()
    for number in range(3):
        (root / f"part-{number}.csv").write_text(table(rows[number::3]), encoding="utf-8")
    (root / "catalogue.csv").write_text(CATALOGUE, encoding="utf-8")
    return root


def test_workers_and_order_of_files_change_no_byte(tmp_path: Path) -> None:
    names = ["part-0.csv", "part-1.csv", "part-2.csv"]
    one, two, three = (workspace(tmp_path / name) for name in ("one", "two", "three"))
    ingest(one, *names, items=("catalogue.csv",), buckets=4)
    ingest(two, *names, items=("catalogue.csv",), buckets=4, workers=2)
    ingest(three, *reversed(names), items=("catalogue.csv",), buckets=4)
    expected = files_of(one, "events.zarr", "items.zarr")
    assert len(Events.open(one / "events.zarr").manifest.parts) == 12  # four buckets in three years
    assert files_of(two, "events.zarr", "items.zarr") == expected
    assert files_of(three, "events.zarr", "items.zarr") == expected


def test_a_glob_is_the_same_as_its_files(tmp_path: Path) -> None:
    one, two = workspace(tmp_path / "one"), workspace(tmp_path / "two")
    ingest(one, "part-0.csv", "part-1.csv", "part-2.csv")
    ingest(two, "part-*.csv", "part-1.csv")  # and a file that is named twice is read once
    assert files_of(one, "events.zarr") == files_of(two, "events.zarr")


def test_order_of_rows_changes_only_the_fingerprint_of_the_raw_files(tmp_path: Path) -> None:
    shuffled = random.Random(0).sample(ROWS, len(ROWS))
    one, two = workspace(tmp_path / "one"), workspace(tmp_path / "two", shuffled)
    for root in (one, two):
        ingest(root, "part-*.csv", items=("catalogue.csv",), buckets=2)
    before, after = (files_of(root, "events.zarr", "items.zarr") for root in (one, two))
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"events.zarr/zarr.json", "items.zarr/zarr.json"}


@pytest.mark.parametrize("n_buckets", [1, 3])
def test_users_lie_in_the_bucket_of_their_id_sorted_by_its_bytes(tmp_path: Path, n_buckets: int) -> None:
    ingest(workspace(tmp_path / "one"), "part-*.csv", buckets=n_buckets)
    events = Events.open(tmp_path / "one" / "events.zarr")
    for bucket in events.buckets():
        users = events.bucket(bucket).users.tolist()
        assert users == sorted((user for user in USERS if bucket_of(user, n_buckets) == bucket), key=str.encode)


def test_a_second_run_finds_its_work_done(tmp_path: Path) -> None:
    root = workspace(tmp_path / "one")
    assert [outcome.state for outcome in ingest(root, "part-*.csv")] == ["written", "written"]
    before = files_of(root, "events.zarr", "items.zarr")
    assert [outcome.state for outcome in ingest(root, "part-*.csv")] == ["up to date", "up to date"]
    assert files_of(root, "events.zarr", "items.zarr") == before
    # Nothing temporary is left beside the artifacts.
    assert sorted(path.name for path in root.glob(".*")) == [".lurm"]
