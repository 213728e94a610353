"""Items read and assigned block by block, against all of them at once."""

import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cli.shell import files_of
from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.columns import Columns, write_columns
from lurm_cli.artifacts.manifest import Manifest
from lurm_cli.errors import LurmError
from lurm_cli.interests import large
from lurm_cli.interests import quality as quality_module
from lurm_cli.interests.all_items import assign_items
from lurm_cli.interests.assignment import assign_hard, assign_soft
from lurm_cli.interests.central import nearest_items
from lurm_cli.interests.item_arrays import AssignmentLaw
from lurm_cli.interests.quality import Quality, quality
from lurm_cli.interests.sample import Census, Ranked, census, learning_sample
from lurm_cli.progress import Bar

N, D, K = 5_000, 8, 60
BLOCKS = [100, 700, 2_048, 4_999, N, 10**6]
LAWS = [AssignmentLaw(metric, top) for metric in ("ip", "l2") for top in (None, 3)]


@dataclass(frozen=True)
class Items:
    """Items in memory and on disk; coordinates are multiples of 1/8, so that sums are exact in whatever order."""

    vectors: np.ndarray
    n_events: np.ndarray
    stored: Columns

    @property
    def texts(self) -> list[list[str]]:
        return [[f"w{number % 7}", f"v{number % 11}"] for number in range(len(self.vectors))]


def stored(folder: Path, vectors: np.ndarray, n_events: np.ndarray) -> Columns:
    ids = np.array([f"i{number:07}" for number in range(len(vectors))], dtype=object)
    with Build(folder / "item_embeddings.zarr", Manifest("item-embeddings", "embed-items", {}, ())) as build:
        write_columns(build.folder, {"values": vectors, "ids": ids, "n_events": n_events})
        build.finish(shape=vectors.shape)
    return Columns(folder / "item_embeddings.zarr", "item-embeddings")


def drawn(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    vectors = (rng.integers(-8, 9, (n, d)) / 8).astype(np.float32)
    vectors[rng.random(n) < 0.1] = 0
    return vectors, rng.integers(0, 3, n)


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Items:
    vectors, n_events = drawn(N, D)
    return Items(vectors, n_events, stored(tmp_path_factory.mktemp("items"), vectors, n_events))


def centers_of(items: Items) -> np.ndarray:
    return items.vectors[items.vectors.any(axis=1)][: 70 * K : 70] / 2


@pytest.mark.parametrize("block", BLOCKS)
def test_items_are_counted_by_block(items: Items, block: int) -> None:
    has_vector = items.vectors.any(axis=1)
    usable = has_vector & (items.n_events > 0)
    assert census(items.stored, block) == Census(N, int(has_vector.sum()), int(usable.sum()))


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("n_most", [1, 1_000, N])
def test_the_sample_is_drawn_from_the_usable_items(items: Items, n_most: int, block: int) -> None:
    usable = np.flatnonzero(items.vectors.any(axis=1) & (items.n_events > 0))
    if len(usable) > n_most:
        usable = np.sort(np.random.default_rng(1).choice(usable, n_most, replace=False))
    found = learning_sample(items.stored, census(items.stored), n_most, np.random.default_rng(1), block)
    assert found.dtype == np.float32 and found.tolist() == items.vectors[usable].tolist()


@pytest.mark.parametrize("block", [1, 3, 100])
def test_ranks_are_found_by_block_also_several_times(block: int) -> None:
    counts = np.arange(20) % 3 > 0
    ranks = np.array([0, 0, 1, 5, 5, 12])
    ranked, found = Ranked(ranks), []
    for start in range(0, 20, block):
        found += (start + ranked.rows(counts[start : start + block])).tolist()
    assert found == np.flatnonzero(counts)[ranks].tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(tmp_path: Path, value: float) -> None:
    vectors = np.ones((100, 2), dtype=np.float32)
    vectors[71, 1] = value
    with pytest.raises(LurmError, match="holds NaN or infinity"):
        census(stored(tmp_path, vectors, np.ones(100, dtype=np.int64)), 10)


@pytest.mark.parametrize("cells", [False, True], ids=["all pairs", "cells"])
@pytest.mark.parametrize("law", LAWS, ids=str)
def test_assigned_by_block_as_all_at_once(
    items: Items, law: AssignmentLaw, cells: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if cells:
        monkeypatch.setattr(large, "EXACT_PAIRS", 2 * N)
        monkeypatch.setattr(large, "_LEAST_CELLS", 2)
    vectors, centers = items.vectors, centers_of(items)
    labels, similarity = assign_hard(vectors, centers, law.metric)
    expected = {"item_interest": labels, "item_similarity": similarity, "ids": items.stored.read("ids")}
    if law.top:
        interests, weights = assign_soft(vectors, centers, law.metric, law.top, law.temperature)
        expected |= {"item_interest": interests, "item_weight": weights}
    write_columns(tmp_path / "expected", expected)
    names = set()
    for block in BLOCKS:
        folder = tmp_path / str(block)
        found = assign_items(
            items.stored,
            census(items.stored),
            centers,
            law,
            lambda start, stop: items.texts[start:stop],
            folder,
            block,
            Bar(),
        )
        assert files_of(folder) == files_of(tmp_path / "expected")
        assert found.nearest_items.tolist() == nearest_items(labels, similarity, K).tolist()
        assert found.sizes.tolist() == np.bincount(labels[labels >= 0], minlength=K).tolist()
        figures = quality(vectors, labels, centers)
        if cells:
            held = np.flatnonzero(labels >= 0)
            some = held[np.linspace(0, len(held) - 1, large.MEASURED).astype(np.int64)]
            figures["recall"] = large.recall(vectors[some], centers, law.metric, similarity[some])
            assert 0.1 < figures["recall"] < 1
        assert found.figures == figures
        names.add(tuple(found.labels))
    assert len(names) == 1


@pytest.mark.parametrize("block", [1, 37, 100, 101, 1_000])
def test_quality_adds_up_the_same_groups_in_any_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality_module, "_BLOCK", 100)
    rng = np.random.default_rng(0)
    # Not exact in float32: the order of additions shows.
    points, centers = rng.random((950, 5), dtype=np.float32), rng.random((7, 5), dtype=np.float32)
    labels = rng.integers(-1, 7, 950).astype(np.int32)
    by_block = Quality(centers)
    for start in range(0, 950, block):
        by_block.add(points[start : start + block], labels[start : start + block])
    held, total = np.flatnonzero(labels >= 0), 0.0
    for start in range(0, len(held), 100):
        some = held[start : start + 100]
        total += float(((points[some] - centers[labels[some]]) ** 2).sum())
    assert by_block.figures() == quality(points, labels, centers)
    assert by_block.figures()["inertia"] == round(total / len(held), 6)


def peak_memory(folder: Path, n: int) -> int:
    """Bytes that numpy and Python held at the most while ``n`` items were learnt from and assigned."""
    held = stored(folder, *drawn(n, 32))
    centers = drawn(50, 32)[0]
    tracemalloc.start()
    counted = census(held, 8_192)
    learning_sample(held, counted, 10_000, np.random.default_rng(0), 8_192)
    assign_items(held, counted, centers, AssignmentLaw("ip", 2), None, folder / "out", 8_192, Bar())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_items(tmp_path: Path) -> None:
    peak_memory(tmp_path / "imports", 10)
    # Whole blocks of vectors and of ids, so that the last ones are alike.
    few, many = (peak_memory(tmp_path / str(n), n) for n in (2 * 65_536, 5 * 65_536))
    # Their vectors alone have 25 MB more; what Zarr-Python has not let go of yet is a few.
    assert many - few < 3 * 65_536 * 32 * 4 / 3, f"{few:,} and {many:,} bytes"
