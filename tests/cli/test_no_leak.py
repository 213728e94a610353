"""Fact 30 of method section 12, for LURM itself: nothing of the label window is in what is learnt before it."""

import csv
from pathlib import Path

from cli.logs import SETTINGS, write_workspace
from cli.shell import files_of, here

STAGES = ("embed-items", "cluster", "boi", "train-smen", "encode-users")
LEARNT = ("interests.zarr/centers", "users.zarr/values", "users.zarr/ids", "boi-month.zarr/parts")


def test_what_comes_after_the_cut_changes_nothing_that_is_learnt(tmp_path: Path) -> None:
    """Two logs that are one until the cut; later, one has more events, users and items, with words of their own."""
    roots = [write_workspace(tmp_path / name) for name in ("plain", "with more")]
    assert SETTINGS.startswith("until = 2017-12-01")
    with (roots[1] / "data/events.csv").open("a", newline="", encoding="utf-8") as stream:
        for day in range(1, 29):
            late = f"2018-01-{day:02}T00:00:00"
            csv.writer(stream).writerows([(f"user {day + 1}", "item 1", late), (f"latecomer {day}", "gadget", late)])
    with (roots[1] / "data/items.csv").open("a", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerow(["gadget", "shiny gadget", "gadget"])
    for root in roots:
        for stage in ("ingest", *STAGES):
            here(root, stage).wrote()
    for name in LEARNT:
        held, other = (files_of(root / name) for root in roots)
        assert held == other, name
