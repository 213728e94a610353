"""Items that texts do not tell apart, and groups of interests, from the command line."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from cli.logs import SETTINGS, write_workspace
from cli.shell import here
from lurm_cli.artifacts.columns import Columns
from lurm_cli.smen.checkpoint import load_tensors


def ingested(root: Path, *flags: str) -> Path:
    write_workspace(root)
    here(root, "ingest", *flags).wrote()
    return root


def between_tastes(root: Path) -> tuple[float, float]:
    """Mean similarity of items of one taste, and of two."""
    held = Columns(root / "item_embeddings.zarr", "item-embeddings")
    number = np.array([int(name.split()[1]) for name in held.read("ids")])
    vectors = held.read("values")[np.argsort(number)]
    near = vectors @ vectors.T
    return float(near[:20, :20].mean()), float(near[:20, 20:].mean())


def test_items_without_texts_get_vectors_from_behaviour(tmp_path: Path) -> None:
    root = ingested(tmp_path)
    shutil.rmtree(root / "items.zarr")
    shutil.rmtree(root / "events.zarr")
    (root / "lurm.toml").write_text(SETTINGS.replace('items = ["data/items.csv"]', ""), encoding="utf-8")
    here(root, "ingest").wrote()
    done = here(root, "embed-items")
    done.wrote()
    assert "vectors from who chose what" in done.err
    same, other = between_tastes(root)
    assert same > other + 0.1


def test_texts_that_are_all_alike_are_joined_by_behaviour_and_others_are_not(tmp_path: Path) -> None:
    root = ingested(tmp_path, "--text-col", "kind")  # ten kinds of forty items
    done = here(root, "embed-items")
    done.wrote()
    assert "40 items have only 10 different texts" in done.err
    shape = Columns(root / "item_embeddings.zarr").manifest.shape
    assert shape == (40, 16)
    assert here(root, "embed-items", "--no-behaviour", "--overwrite").wrote()
    assert Columns(root / "item_embeddings.zarr").manifest.shape == (40, 8)
    told_apart = ingested(tmp_path / "titles", "--text-col", "title")
    done = here(told_apart, "embed-items")
    done.wrote()
    assert "who chose what" not in done.err


@pytest.fixture
def grouped(tmp_path: Path) -> Path:
    root = ingested(tmp_path)
    here(root, "embed-items").wrote()
    here(root, "cluster", "--n-interests", "20", "--n-groups", "4").wrote()
    here(root, "boi").wrote()
    return root


def test_the_encoder_counts_groups_unless_told_not_to(grouped: Path) -> None:
    here(grouped, "train-smen").wrote()
    held = load_tensors(grouped / "smen/model.safetensors")
    n_groups = 1 + int(held["interest_groups"].max())
    assert 1 < n_groups <= 4
    assert held["anchors.interests"].shape[0] == 20 + n_groups == len(held["interest_weights"])
    here(grouped, "encode-users").wrote()
    here(grouped, "train-smen", "--no-groups", "--overwrite").wrote()
    held = load_tensors(grouped / "smen/model.safetensors")
    assert "interest_groups" not in held and held["anchors.interests"].shape[0] == 20


def test_groups_need_the_interests_that_the_counts_were_made_with(grouped: Path) -> None:
    (grouped / "interests.zarr").rename(grouped / "away.zarr")
    assert "--no-groups" in here(grouped, "train-smen").refused(3)
    assert here(grouped, "train-smen", "--no-groups").wrote()
