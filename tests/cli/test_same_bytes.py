"""The same inputs, parameters and seed give the same bytes, whatever the number of workers and the order of files."""

import csv
import shutil
from pathlib import Path

import pytest

from cli.logs import SETTINGS, write_rows, write_workspace
from cli.shell import assert_same_bytes, files_of, here, lurm

# Eight parts a year, so that two workers share each stage.
CHAIN = {
    "ingest": ["--buckets", 8],
    "embed-items": [],
    "cluster": [],
    "boi": ["--period", "month", "--period", "all"],
    "train-smen": ["--anchors", 2, "--dim", 8, "--epochs", 2, "--batch-size", 16],
    "encode-users": [],
    "baseline": ["tfidf"],
    "evaluate": ["--method", "lurm", "--method", "boi", "--task", "taste"],
}
ARTIFACTS = [
    "events.zarr",
    "items.zarr",
    "item_embeddings.zarr",
    "interests.zarr",
    "boi-month.zarr",
    "boi-all.zarr",
    "smen",
    "users.zarr",
    "baselines/tfidf.zarr",
    "evaluation",
]
FILES = ["data/part-1.csv", "data/part-2.csv"]


def workspace(root: Path) -> Path:
    """The events lie in two files, and no user or month lies in one of them only."""
    write_workspace(root, settings=SETTINGS.replace('events = ["data/events.csv"]\n', ""))
    with (root / "data/events.csv").open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    for number, name in enumerate(FILES):
        write_rows(root / name, header, rows[number::2])
    return root


def chain(root: Path, files: list[str], workers: int) -> None:
    for command, arguments in CHAIN.items():
        given = [*files, *arguments] if command == "ingest" else arguments
        lurm(root, command, *given, "--workers", workers).wrote()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One worker, files in their order."""
    root = workspace(tmp_path_factory.mktemp("reference"))
    chain(root, FILES, 1)
    assert len(list((root / "events.zarr/parts").iterdir())) == 16
    return root


def test_two_workers_and_files_in_the_other_order_give_the_same_bytes(reference: Path, tmp_path: Path) -> None:
    # A folder of another name, too: no absolute path may stand in an artifact.
    root = workspace(tmp_path / "somewhere else")
    chain(root, FILES[::-1], 2)
    for name in ARTIFACTS:
        assert_same_bytes(reference / name, root / name)


def test_worker_processes_give_the_same_bytes(reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # So few events would be left to threads.
    monkeypatch.setattr("lurm_cli.stages.context._LIGHT", 0)
    root = workspace(tmp_path / "processes")
    here(root, "ingest", *FILES, *CHAIN["ingest"], "--workers", 2).wrote()
    shutil.copytree(reference / "interests.zarr", root / "interests.zarr")
    here(root, "boi", *CHAIN["boi"], "--workers", 2).wrote()
    for name in ("events.zarr", "items.zarr", "boi-month.zarr", "boi-all.zarr"):
        assert_same_bytes(reference / name, root / name)


def test_the_order_of_rows_and_how_they_are_cut_into_files_leaves_the_data_the_same(
    reference: Path, tmp_path: Path
) -> None:
    root = workspace(tmp_path / "one file")
    with (root / "data/events.csv").open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    write_rows(root / "data/events.csv", header, rows[::-1])
    lurm(root, "ingest", "data/events.csv", "--buckets", 8).wrote()
    # The manifest names other raw files; everything below it is the same.
    for name in ("events.zarr", "items.zarr"):
        held, expected = files_of(root / name), files_of(reference / name)
        assert held.pop("zarr.json") != expected.pop("zarr.json")
        assert held == expected


def test_another_seed_gives_another_encoder(reference: Path, tmp_path: Path) -> None:
    output = tmp_path / "smen"
    lurm(reference, "train-smen", *CHAIN["train-smen"], "--seed", 1, "-o", output).wrote()
    assert (output / "model.safetensors").read_bytes() != (reference / "smen/model.safetensors").read_bytes()


def test_no_artifact_holds_a_path_of_this_machine_or_a_pickle(reference: Path) -> None:
    for name in ARTIFACTS:
        for file, content in files_of(reference / name).items():
            assert str(reference).encode() not in content, f"{name}/{file}"
            assert not file.endswith((".pkl", ".pickle", ".pt", ".pth"))
            # What a pickle of protocol 2 or later, and a file of torch.save, begin with.
            assert not content.startswith((b"\x80", b"PK")), f"{name}/{file}"
