"""The log is ingested anew, or interests are clustered anew: what still fits goes on, what does not is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cli.logs import SETTINGS, write_workspace
from cli.shell import here
from lurm_cli.artifacts.columns import Columns
from lurm_cli.artifacts.manifest import read_manifest
from lurm_cli.artifacts.store import Counts
from lurm_cli.clock import format_time
from lurm_cli.evaluation.representation import rows_of

Copy = Callable[..., Path]
STAGES = ("events.zarr", "items.zarr", "item_embeddings.zarr", "interests.zarr", "boi-month.zarr", "smen")


def with_new_items(root: Path, more: str = "") -> None:
    """An item that sorts before all others, and so gives every item another code, is chosen twice."""
    for name, row in (("events", "user 3,a new item,2017-05-05\nuser 3,a new item,2017-06-05\n"), ("items", "")):
        file = root / f"data/{name}.csv"
        file.write_text(file.read_text(encoding="utf-8") + row + more, encoding="utf-8")
    here(root, "ingest", "--overwrite").wrote()


def counts_of(root: Path) -> tuple[list[str], np.ndarray]:
    part = Counts.open(root / "boi-month.zarr").bucket(0)
    return part.users.tolist(), part.counts.toarray()


def test_items_that_are_new_change_no_count_of_the_others(copied: Copy) -> None:
    root = copied(*STAGES)
    users, before = counts_of(root)
    with_new_items(root)
    done = here(root, "boi", "--overwrite")
    done.wrote()
    assert "1 are new, and their 2 events are not counted" in done.err
    assert counts_of(root)[0] == users
    np.testing.assert_array_equal(counts_of(root)[1], before)
    # The encoder knows these interests: users of the new log are encoded as they were.
    here(root, "encode-users").wrote()
    kinds = [entry.kind for entry in read_manifest(root / "boi-month.zarr").inputs]
    assert kinds == ["events", "interests", "items"]


def test_a_life_is_shown_as_far_as_it_was_encoded(copied: Copy) -> None:
    root = copied(*STAGES)
    here(root, "encode-users", "--since", "2017-03-01", "--until", "2017-05-01", "-o", "spring.zarr").wrote()
    life = json.loads(here(root, "inspect", "spring.zarr", "--user", "user 2", "--json").out)
    assert [line["period"] for line in life] == ["2017-03", "2017-04"]


@pytest.mark.parametrize("command", [("cluster",), ("embed-items",)])
def test_codes_of_two_catalogues_are_not_mixed(copied: Copy, command: tuple[str, ...]) -> None:
    root = copied(*STAGES)
    if command == ("embed-items",):
        kept = root / "kept-items.zarr"
        (root / "items.zarr").rename(kept)
        with_new_items(root)
        said = here(root, *command, kept, "--overwrite").refused(3)
    else:
        with_new_items(root)
        said = here(root, *command, "--overwrite").refused(3)
    assert "are of different items" in said and "`lurm embed-items`" in said


def test_counts_of_another_clustering_are_not_encoded(copied: Copy) -> None:
    root = copied(*STAGES)
    here(root, "cluster", "--seed", "3", "--overwrite").wrote()
    here(root, "boi", "--overwrite").wrote()
    shapes = [read_manifest(root / name).shape for name in ("boi-month.zarr", "smen")]
    assert shapes[0] is not None and shapes[1] is not None and shapes[0][1] == shapes[1][0]
    said = here(root, "encode-users").refused(3)
    assert "counts other interests than those" in said and "train again" in said


def test_counts_know_what_their_interests_know(tmp_path: Path) -> None:
    root = write_workspace(tmp_path, settings=SETTINGS.replace("until = 2017-12-01\n", "", 1))
    for command in ("ingest", "embed-items", "cluster"):
        here(root, command).wrote()
    here(root, "boi", "--until", "2017-12-01").wrote()
    manifest = read_manifest(root / "boi-month.zarr")
    assert format_time(manifest.until or 0)[:10] == "2017-12-01" and manifest.facts["inputs_until"] is None
    assert max(Counts.open(root / "boi-month.zarr").bucket(0).row_period) == 12 * 47 + 10
    here(root, "train-smen").wrote()
    here(root, "encode-users").wrote()
    said = here(root, "evaluate", "--method", "lurm", "--task", "mugs").refused(3)
    assert "has seen events up to the end of the log" in said


def test_methods_of_different_times_are_named(copied: Copy) -> None:
    root = copied(*STAGES, "users.zarr")
    here(root, "baseline", "aggregates", "--until", "2017-06-01").wrote()
    done = here(root, "evaluate", "--method", "lurm", "--method", "aggregates", "--task", "taste", "--seeds", "1")
    done.wrote()
    assert "the methods have seen events up to different times" in done.err
    here(root, "boi", "--until", "2017-09-01", "--overwrite").wrote()
    done = here(root, "evaluate", "--method", "lurm", "--method", "aggregates", "--task", "taste", "--overwrite")
    done.wrote()
    assert "users.zarr is out of date: boi-month.zarr has changed since" in done.err


def test_without_months_the_finest_counts_are_trained_on(copied: Copy) -> None:
    root = copied("events.zarr", "items.zarr", "item_embeddings.zarr", "interests.zarr")
    here(root, "boi", "--period", "year", "--period", "week").wrote()
    done = here(root, "train-smen", "--epochs", "1")
    done.wrote()
    assert "scales: week, all" in done.err


def test_texts_without_words_are_no_texts(tmp_path: Path) -> None:
    root = write_workspace(tmp_path)
    (root / "data/items.csv").write_text("item,title,kind\n" + "".join(f"item {k},?,\n" for k in range(40)))
    here(root, "ingest").wrote()
    done = here(root, "embed-items")
    done.wrote()
    assert "no item with events has a word" in done.err and "who chose what" in done.err
    assert Columns(root / "item_embeddings.zarr").read("values").any(axis=1).all()
    for name in ("tfidf", "svd", "doc2vec"):
        done = here(root, "baseline", name)
        done.wrote()
        assert "ids stand for words" in done.err
        assert abs(rows_of(root / f"baselines/{name}.zarr", np.array(["user 2"], dtype=object))).sum() > 0


def test_the_floor_knows_no_other_cut_than_its_counts(copied: Copy) -> None:
    root = copied("boi-month.zarr")
    assert "make them again with `lurm boi --until`" in here(
        root, "baseline", "random", "--until", "2017-06-01"
    ).refused(2)
    here(root, "baseline", "random", "--until", "2018-01-01").wrote()
