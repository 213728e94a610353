"""``lurm run``: where its log comes from, what it checks before the first stage, whose settings its steps have."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.logs import write_rows, write_workspace
from cli.shell import here, lurm

Copy = Callable[..., Path]
TO_COUNTS = ["events.zarr", "items.zarr", "item_embeddings.zarr", "interests.zarr", "boi-month.zarr"]


def set_line(root: Path, before: str, after: str) -> None:
    file = root / "lurm.toml"
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")


def test_a_log_that_was_named_to_ingest_is_all_that_run_needs(tmp_path: Path) -> None:
    """The block of README, 'Your own log'."""
    here(tmp_path, "init", "shop").wrote()
    root = tmp_path / "shop"
    bought = [(f"c{k % 20}", f"s{k % 5}", f"2017-{1 + k % 7:02}-0{1 + k % 9}") for k in range(60)]
    write_rows(root / "logs/2017.csv", ["customer", "sku", "bought_at"], bought)
    write_rows(root / "items.csv", ["sku", "title"], [(f"s{k}", f"tea {k}") for k in range(5)])
    columns = ("--user-col", "customer", "--item-col", "sku", "--time-col", "bought_at")
    lurm(root, "ingest", "logs/*.csv", "--items", "items.csv", *columns).wrote()
    variables = {"LURM_EPOCHS": "1", "LURM_ANCHORS": "2", "LURM_DIM": "4"}
    done = lurm(root, "run", **variables)
    assert done.wrote() == [str(root / "users.zarr")]
    assert "events.zarr is taken as it is: no events are set under [ingest]" in done.err
    assert "[1/5] embed-items" in done.err


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("data/users.csv", "data/user.csv", "lurm.toml, task taste: "),
        ("data/users.csv", "data/user.csv", "data/user.csv: no such file"),
        ('labels = "data/users.csv"', 'labels = "data/users.csv"\nlabel_col = "tast"', "Did you mean 'taste'?"),
        ('labels = "data/users.csv"', 'labels = "data/users.csv"\nuser_col = "id"', "has no column 'id' (user_col)"),
    ],
)
def test_labels_are_looked_at_before_the_first_stage(tmp_path: Path, before: str, after: str, message: str) -> None:
    root = write_workspace(tmp_path, n_users=4, per_user=5)
    set_line(root, before, after)
    assert message in here(root, "run").refused(2)
    assert not (root / "events.zarr").exists()


def test_a_task_about_a_column_the_items_do_not_have_stops_before_anything_is_learnt(tmp_path: Path) -> None:
    root = write_workspace(tmp_path, n_users=4, per_user=5)
    set_line(root, 'column = "kind"', 'column = "sort"')
    message = "task mugs: the items have no column 'sort'; they were ingested with title, kind"
    assert message in here(root, "run").refused(2)
    assert (root / "items.zarr").exists() and not (root / "item_embeddings.zarr").exists()
    set_line(root, "[ingest]\nevents", "[ingest]\n# events")
    assert message in here(root, "run").refused(2)


def test_steps_heed_their_own_tables_and_the_flags_before_them(copied: Copy) -> None:
    root = copied(*TO_COUNTS)
    set_line(root, "[cluster]", "[run]\nseed = 8\n[cluster]\nseed = 7")
    assert "seed: 0 there, 8 asked for" in here(root, "run", "--dry-run").refused(4)
    set_line(root, "[embed-items]", "[embed-items]\nseed = 0")
    assert "seed: 0 there, 7 asked for" in here(root, "run", "--dry-run").refused(4)
    done = here(root, "run", "--dry-run", "--seed", 0)
    assert "cluster: up to date" in done.err


def test_baselines_heed_their_own_cut(made: Path, copied: Copy) -> None:
    root = copied(*TO_COUNTS, "smen", "users.zarr", "baselines")
    set_line(root, "[evaluate]", "[baseline]\nuntil = 2017-11-01\n[evaluate]")
    assert "until: 2017-12-01 there, 2017-11-01 asked for" in here(root, "run", "--dry-run").refused(4)
    # A baseline that knows the task's window is refused before the first stage.
    set_line(root, "until = 2017-11-01", "until = 2018-01-01")
    assert "representations would see events up to 2018-01-01" in here(root, "run").refused(2)


def test_a_dry_run_says_of_every_step_whether_it_would_write(copied: Copy) -> None:
    root = copied(*TO_COUNTS)
    names = ["ingest", "embed-items", "cluster", "boi", "train-smen", "encode-users", "baseline aggregates", "evaluate"]
    expected = [
        f"[{number}/8] {name}: {'up to date' if number <= 4 else 'would be written'}"
        for number, name in enumerate(names, 1)
    ]
    before = sorted(root.rglob("*"))
    done = here(root, "run", "--dry-run")
    assert done.wrote() == [str(root / "evaluation")]
    assert [line for line in done.err.splitlines() if line.startswith("[")] == expected
    held = json.loads(here(root, "run", "--dry-run", "--json").out)
    assert held == {"path": str(root / "evaluation"), "state": "would be written"}
    assert sorted(root.rglob("*")) == before
