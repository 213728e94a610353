"""The made-up Amazon set has the faults of the real files, and the recipe reads it."""

import gzip
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cli.shell import here
from examples.scripts import EXAMPLES, script
from lurm_cli.artifacts.columns import Columns
from lurm_cli.artifacts.manifest import read_manifest


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return script("amazon2018/generate_sample.py")


@pytest.fixture(scope="module")
def workspace(generator: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe beside a set of 120 reviewers."""
    root = tmp_path_factory.mktemp("amazon")
    shutil.copy(EXAMPLES / "amazon2018/lurm.toml", root)
    generator.generate(root / "data", 120, seed=3)
    return root


def rows_of(folder: Path) -> list[dict[str, Any]]:
    lines = [line for file in sorted(folder.glob("*.gz")) for line in gzip.decompress(file.read_bytes()).splitlines()]
    return [json.loads(line) for line in lines]


def test_equal_arguments_give_equal_files(generator: ModuleType, workspace: Path, tmp_path: Path) -> None:
    generator.generate(tmp_path, 120, seed=3)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*.gz"))
    assert len(files) == 8
    assert [f for f in files if (tmp_path / f).read_bytes() != (workspace / "data" / f).read_bytes()] == []


def test_the_set_has_the_faults_of_the_real_files(workspace: Path) -> None:
    products, reviews = rows_of(workspace / "data/meta"), rows_of(workspace / "data/reviews")
    assert {type(row["vote"]) for row in reviews if "vote" in row} == {int, str}
    assert any("reviewText" not in row for row in reviews)
    assert {"category", "categories"} == {key for row in products for key in row if key.startswith("categor")}
    assert any("getTime" in row["title"] for row in products) and any("<span" in row["title"] for row in products)
    assert len({row["asin"] for row in products}) < len(products)
    assert len({(row["reviewerID"], row["asin"], row["unixReviewTime"]) for row in reviews}) < len(reviews)


def test_the_recipe_reads_the_set(workspace: Path) -> None:
    done = here(workspace, "ingest", "--memory-limit", "1GB")
    done.wrote()
    reviews = {(r["reviewerID"], r["asin"], r["unixReviewTime"]) for r in rows_of(workspace / "data/reviews")}
    assert read_manifest(workspace / "events.zarr").facts["n_events"] == len(reviews)
    items = Columns(workspace / "items.zarr", "items")
    facts = items.manifest.facts
    assert facts["n_items"] == 600
    assert (facts["text_columns"], facts["word_columns"]) == (["title", "category", "main_cat"], ["title"])
    titles = items.read("text_0").tolist()
    assert "" in titles and not any(mark in title for title in titles for mark in "<>{};()")
    # Entities and pictures of names are names; every one of the paper's categories is there.
    paths = set(items.read("text_1").tolist())
    assert len(paths) == 10 and "Books > Literature & Fiction > Genre Fiction" in paths
    assert set(items.read("text_2").tolist()) == {"", "Books", "Sports & Outdoors", "Home & Kitchen"}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_recipe_runs_end_to_end(generator: ModuleType, tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "amazon2018/lurm.toml", tmp_path)
    generator.generate(tmp_path / "data")
    for command in (
        ("ingest", "--memory-limit", "1GB"),
        ("embed-items",),
        ("cluster", "--n-interests", "300"),
        ("boi",),
        ("train-smen", "--anchors", "4", "--dim", "32", "--epochs", "2"),
        ("encode-users",),
        ("evaluate", "--method", "lurm", "--method", "boi", "--method", "tfidf", "--seeds", "1"),
    ):
        done = here(tmp_path, *command)
        done.wrote()
    for task in ("Books of Literature", "Games of Sports", "Outdoor-hunting", "Musical Instrument"):
        assert task in done.err
