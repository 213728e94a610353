"""``lurm run``: where its log comes from, what it checks before the first stage, whose settings its steps have."""

from pathlib import Path

from cli.logs import write_rows
from cli.shell import here, lurm


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
