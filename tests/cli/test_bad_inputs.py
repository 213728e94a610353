"""Raw data of every wrong kind: one message, the right exit code, never a traceback; and the smallest data."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.logs import write_rows, write_workspace
from cli.shell import here, lurm

Copy = Callable[..., Path]
HEADER = ["user", "item", "time"]
PLAIN = "[embed-items]\ndim = 4\n[train-smen]\nanchors = 2\ndim = 4\nepochs = 1\n"


def workspace(root: Path, rows: list[tuple], settings: str = PLAIN) -> Path:
    write_rows(root / "log.csv", HEADER, rows)
    (root / "lurm.toml").write_text(settings, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "log.csv is empty (0 bytes)"),
        ("\n\n", "log.csv holds no row"),
        ("user,item,time\n", "no events in"),
        ("user,thing,time\na,x,2017-01-01\n", "log.csv has no column 'item' (--item-col)"),
        ("usr,item,time\na,x,2017-01-01\n", "Did you mean 'usr'?"),
        ("user,item,time,user\na,x,2017-01-01,b\n", "the header names the column 'user' twice"),
        ("user,item,time\na,x,soon\n", "log.csv, row 2, column time: unreadable time: found 'soon'"),
        ("user,item,time\na,x,\n", "log.csv, row 2, column time: no time"),
        ("user,item,time\na,x,2017-01-01\n,x,2017-01-01\n", "log.csv, row 3, column user: no user"),
        ("user,item,time\na,x\n", "log.csv, row 2"),
        ("user,item,time\na,x,2150-01-01\n", "time out of range"),
        ("\x00\x01\x02", "log.csv"),
    ],
)
def test_an_unusable_log_is_named_with_its_place(tmp_path: Path, content: str, message: str) -> None:
    workspace(tmp_path, [])
    (tmp_path / "log.csv").write_text(content, encoding="utf-8")
    assert message in here(tmp_path, "ingest", "log.csv").refused(2)
    assert not (tmp_path / "events.zarr").exists() and not (tmp_path / "items.zarr").exists()
    assert not list(tmp_path.glob(".*.scratch"))


def test_a_log_that_is_not_there_or_not_known_is_named(tmp_path: Path) -> None:
    workspace(tmp_path, [("a", "x", "2017-01-01")])
    assert "nothing.csv" in lurm(tmp_path, "ingest", "nothing.csv").refused(2)
    assert "*.parquet" in here(tmp_path, "ingest", "*.parquet").refused(2)
    (tmp_path / "log.xls").write_text("x")
    assert "log.xls" in here(tmp_path, "ingest", "log.xls").refused(2)
    (tmp_path / "log.parquet").write_text("no parquet")
    assert "log.parquet" in here(tmp_path, "ingest", "log.parquet").refused(2)
    (tmp_path / "folder.csv").mkdir()
    assert "folder.csv" in here(tmp_path, "ingest", "folder.csv").refused(2)


def test_an_unusable_items_table_is_named(tmp_path: Path) -> None:
    workspace(tmp_path, [("a", "x", "2017-01-01")])
    (tmp_path / "items.csv").write_text("id,title\nx,tea\n")
    assert "items.csv has no column 'item' (--items-id-col)" in here(
        tmp_path, "ingest", "log.csv", "--items", "items.csv"
    ).refused(2)
    (tmp_path / "items.csv").write_text("item,title\n")
    assert "no row has an item id" in here(tmp_path, "ingest", "log.csv", "--items", "items.csv").refused(2)
    here(tmp_path, "ingest", "log.csv", "--items", "items.csv", "--items-id-col", "id").refused(2)


def test_a_log_without_an_items_table_works(tmp_path: Path) -> None:
    rows = [(f"u{k}", f"i{k % 5}", f"2017-{1 + k % 7:02}-0{1 + k % 9}") for k in range(40)]
    settings = PLAIN + '[ingest]\nevents = ["log.csv"]\n'
    root = workspace(tmp_path, [*rows, *rows[::3]], settings)
    assert lurm(root, "run").wrote() == [str(root / "users.zarr")]
    assert json.loads(here(root, "inspect", "users.zarr", "--json").out)["shape"] == [40, 8]


def chain(root: Path) -> None:
    """Everything up to the counts."""
    here(root, "ingest", "log.csv").wrote()
    for command in ("embed-items", "cluster"):
        here(root, command).wrote()
    here(root, "boi", "--period", "month").wrote()


ONE_USER = [("a", f"i{k}", f"2017-0{1 + k}-01") for k in range(6)]
ONE_EVENT = [("a", "x", "2017-01-01")]


@pytest.mark.parametrize(("rows", "shape"), [(ONE_USER, [6, 6]), (ONE_EVENT, [1, 1])])
def test_one_user_and_one_event_are_counted_and_described(tmp_path: Path, rows: list[tuple], shape: list[int]) -> None:
    root = workspace(tmp_path, rows)
    chain(root)
    held = json.loads(here(root, "inspect", "boi-month.zarr", "--json").out)
    assert held["shape"] == shape and held["nnz"] == len(rows)
    for name in ("tfidf", "svd", "aggregates", "random"):
        here(root, "baseline", name).wrote()
        assert json.loads(here(root, "inspect", f"baselines/{name}.zarr", "--json").out)["shape"][0] == 1


@pytest.mark.parametrize("rows", [ONE_USER, ONE_EVENT])
@pytest.mark.parametrize("start", ["random", "svd"])
def test_no_encoder_can_be_trained_on_one_user(tmp_path: Path, rows: list[tuple], start: str) -> None:
    root = workspace(tmp_path, rows)
    chain(root)
    assert "training needs at least two users" in here(root, "train-smen", "--start", start).refused(1)
    assert not (root / "smen").exists()


def test_a_cut_before_the_first_event_leaves_nothing(made: Path, copied: Copy) -> None:
    root = copied("events.zarr", "items.zarr", "item_embeddings.zarr", "interests.zarr")
    early = ("--until", "2016-01-01", "-o", "early.zarr")
    assert "no event lies before the cut; check `until`" in here(root, "embed-items", *early).refused(1)
    assert "no event before the cut has an item with an interest" in here(
        root, "boi", "--period", "month", *early
    ).refused(1)
    for name in ("tfidf", "svd", "aggregates"):
        assert "no event lies before the cut" in here(root, "baseline", name, *early).refused(1)
    assert "at or after the cut" in here(root, "ingest", "--until", "2016-01-01", "-o", "early.zarr").refused(2)
    assert not (root / "early.zarr").exists()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([("user", "taste"), ("nobody", "a"), ("no one", "b")], "none of its 2 labelled users"),
        ([("user", "taste")], "task taste: none of its 0 labelled users"),
        ([("user", "taste"), *((f"user {k}", "same") for k in range(2, 40))], "leaves one class, 'same'"),
        ([("user", "taste"), *((f"user {k}", f"own {k}") for k in range(2, 40))], "none of its 38 labelled users"),
        (
            [("user", "taste"), ("user 2", "a"), ("user 2", "b")],
            "user 'user 2' has two labels in column taste, 'a' and 'b'",
        ),
        ([("user", "flavour"), ("user 2", "a")], "users.csv has no column 'taste'"),
        ([], "users.csv is empty (0 bytes)"),
    ],
)
def test_labels_that_fit_nobody_are_refused_before_anything_is_scored(
    copied: Copy, table: list[tuple], message: str
) -> None:
    root = copied("users.zarr")
    write_rows(root / "data/users.csv", list(table[0]) if table else [], list(table[1:]))
    if not table:
        (root / "data/users.csv").write_text("")
    assert message in here(root, "evaluate", "--task", "taste", "--method", "lurm").refused(2)
    assert not (root / "evaluation").exists()


def test_a_label_table_that_is_not_there_is_named(copied: Copy) -> None:
    root = copied("users.zarr")
    (root / "data/users.csv").unlink()
    message = here(root, "evaluate", "--task", "taste", "--method", "lurm").refused(2)
    assert f"{root / 'data/users.csv'}: no such table of labels" in message


def test_small_classes_are_left_out_with_a_warning(copied: Copy) -> None:
    root = copied("users.zarr")
    users = [(f"user {k}", "few" if k < 6 else ("a", "b")[k % 2]) for k in range(2, 60)]
    write_rows(root / "data/users.csv", ["user", "taste"], users)
    done = here(root, "evaluate", "--task", "taste", "--method", "lurm")
    assert done.wrote() == [str(root / "evaluation")]
    assert "warning: task taste: left out, with fewer than 10 users: few" in done.err
    results = json.loads((root / "evaluation/results.json").read_text(encoding="utf-8"))
    assert results["tasks"][0]["n"] == 54 and list(results["tasks"][0]["classes"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('column = "kind"', 'column = "sort"', "the items have no column 'sort'; they were ingested with title, kind"),
        ('values = ["mug*"]', 'values = ["cup*"]', "no item has kind 'cup*'; the column holds 10 values, such as"),
        ("since = 2017-12-01", "since = 2030-01-01", "task mugs: no represented user has events from 2030-01-01"),
        ('kind = "preference"', 'kind = "preferences"', "kind must be one of profile, preference"),
        ('values = ["mug*"]', 'vals = ["mug*"]', "vals is not a key of a task; did you mean values?"),
    ],
)
def test_a_wrong_task_is_named(copied: Copy, old: str, new: str, message: str) -> None:
    root = copied("users.zarr", "events.zarr", "items.zarr")
    text = (root / "lurm.toml").read_text(encoding="utf-8")
    assert old in text
    (root / "lurm.toml").write_text(text.replace(old, new), encoding="utf-8")
    assert message in here(root, "evaluate", "--method", "lurm").refused(2)


def test_a_leak_is_refused_by_evaluate_and_by_run_before_its_first_stage(copied: Copy, tmp_path: Path) -> None:
    root = copied("users.zarr", "events.zarr", "items.zarr")
    text = (root / "lurm.toml").read_text(encoding="utf-8").replace("since = 2017-12-01", "since = 2017-11-01")
    (root / "lurm.toml").write_text(text, encoding="utf-8")
    assert "would be a leak" in here(root, "evaluate", "--method", "lurm").refused(3)
    fresh = write_workspace(tmp_path / "fresh", n_users=4, per_user=4, settings=text)
    assert "set until = 2017-11-01" in here(fresh, "run").refused(2)
    assert not (fresh / "events.zarr").exists()


def test_a_folder_that_cannot_be_written_to_is_an_error_like_others(copied: Copy) -> None:
    root = copied("events.zarr", "items.zarr")
    (root / "file").write_text("")
    assert "file" in here(root, "embed-items", "-o", "file/below.zarr").refused(1)


def test_a_damaged_vector_file_is_named(copied: Copy) -> None:
    root = copied("events.zarr", "items.zarr")
    (root / "v.npz").write_bytes(b"PK no zip")
    message = here(root, "embed-items", "--method", "precomputed", "--vectors", "v.npz").refused(2)
    assert "v.npz" in message


def test_a_pipe_is_refused_as_such(tmp_path: Path) -> None:
    root = workspace(tmp_path, [])
    os.mkfifo(root / "pipe.csv")
    message = here(root, "ingest", "pipe.csv").refused(2)
    assert message == "pipe.csv is a pipe, and a log is read more than once; write it to a file first\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--memory-limit", "lots"), "--memory-limit lots: expected a size, such as 500MB or 4GB\n"),
        (("--time-format", "%Q"), "--time-format %Q: "),
        (("--time-format", "%Q"), "expected a pattern such as %m/%d/%Y\n"),
    ],
)
def test_an_unreadable_option_of_the_reader_is_named(tmp_path: Path, arguments: tuple, message: str) -> None:
    root = workspace(tmp_path, ONE_EVENT)
    assert message in here(root, "ingest", "log.csv", *arguments).refused(2)


def test_a_broken_json_line_is_called_that(tmp_path: Path) -> None:
    root = workspace(tmp_path, [])
    good = '{"user": "a", "item": "x", "time": "2017-01-01"}\n'
    (root / "log.jsonl").write_text(good + good[:20] + "\n")
    message = here(root, "ingest", "log.jsonl").refused(2)
    assert "log.jsonl, row 2: broken line: it is not JSON, expected a JSON object on the line. Mend it" in message
