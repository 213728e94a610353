"""One changed byte anywhere is found: by ``lurm verify``, which names the file, and by the stage that reads it."""

import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.shell import files_of, flip, here, lurm

Copy = Callable[..., Path]
ARTIFACTS = [
    "events.zarr",
    "items.zarr",
    "item_embeddings.zarr",
    "interests.zarr",
    "boi-month.zarr",
    "smen",
    "users.zarr",
    "baselines/aggregates.zarr",
    "evaluation",
]


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_one_flipped_byte_in_any_file_is_found_and_the_file_is_named(copied: Copy, artifact: str) -> None:
    root = copied(artifact)
    assert here(root, "verify", artifact).wrote() == [str(root / artifact)]
    names = [name for name, content in files_of(root / artifact).items() if content]
    assert len(names) >= 3
    for number, name in enumerate(names):
        file = root / artifact / name
        size = file.stat().st_size
        # Another place in every file, so that heads, middles and tails all have their turn.
        for at in {number % size, size // 2, size - 1 - number % min(size, 8)}:
            sound = flip(file, at)
            message = here(root, "verify", artifact).refused(3)
            assert str(file) in message, (name, at)
            file.write_bytes(sound)
    assert here(root, "verify", artifact).wrote() == [str(root / artifact)]


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_a_lost_or_added_file_is_found(copied: Copy, artifact: str) -> None:
    root = copied(artifact)
    for name in files_of(root / artifact):
        file = root / artifact / name
        sound = file.read_bytes()
        file.unlink()
        done = here(root, "verify", artifact)
        assert done.code == 3, name
        file.write_bytes(sound)
    folders = [root / artifact, *(entry for entry in (root / artifact).rglob("*") if entry.is_dir())]
    for folder in folders:
        note = folder / "notes.txt"
        note.write_text("mine")
        assert f"{note} does not belong to the artifact" in here(root, "verify", artifact).refused(3)
        note.unlink()
    (root / artifact / "more/deep").mkdir(parents=True)
    assert f"{root / artifact / 'more'} does not belong" in here(root, "verify", artifact).refused(3)


def test_verify_reports_every_fault_and_json_too(copied: Copy) -> None:
    root = copied("interests.zarr")
    for name in ("centers/c/0/0", "sizes/zarr.json"):
        flip(root / "interests.zarr" / name, 5)
    message = lurm(root, "verify", "interests.zarr").refused(3)
    assert "centers/c/0/0" in message and "sizes/zarr.json" in message
    done = here(root, "verify", "interests.zarr", "--json")
    assert done.code == 3
    assert len(json.loads(done.out)["faults"]) >= 2


@pytest.mark.parametrize(
    ("damaged", "needed", "command"),
    [
        ("items.zarr/text_0/c/0", ["events.zarr", "items.zarr"], ["embed-items"]),
        ("item_embeddings.zarr/values/c/0/0", ["item_embeddings.zarr", "items.zarr"], ["cluster"]),
        ("events.zarr/parts/2017-00000/times/c/0", ["events.zarr", "interests.zarr"], ["boi"]),
        ("interests.zarr/item_interest/c/0", ["events.zarr", "interests.zarr"], ["boi"]),
        ("boi-month.zarr/parts/2017-00000/data/c/0", ["boi-month.zarr", "interests.zarr"], ["train-smen"]),
        ("boi-month.zarr/parts/2017-00000/row_period/c/0", ["boi-month.zarr", "smen"], ["encode-users"]),
        ("smen/model.safetensors", ["boi-month.zarr", "smen"], ["encode-users"]),
        ("events.zarr/parts/2017-00000/items/c/0", ["events.zarr", "items.zarr"], ["baseline", "tfidf"]),
        ("users.zarr/values/c/0/0", ["users.zarr", "events.zarr", "items.zarr"], ["evaluate", "--method", "lurm"]),
        ("users.zarr/ids/c/0", ["users.zarr"], ["export", "users.zarr", "-o", "users.csv"]),
        (
            "interests.zarr/labels/c/0",
            ["users.zarr", "boi-month.zarr", "interests.zarr", "events.zarr"],
            ["inspect", "users.zarr", "--user", "user 2"],
        ),
    ],
)
@pytest.mark.parametrize("lost", [False, True])
def test_the_stage_that_reads_it_names_the_damaged_file(
    copied: Copy, damaged: str, needed: list[str], command: list[str], lost: bool
) -> None:
    root = copied(*needed)
    file = root / damaged
    if lost:
        file.unlink()
    else:
        flip(file, file.stat().st_size // 2)
    before = sorted(entry.name for entry in root.iterdir() if not entry.name.endswith(".partial"))
    assert str(file) in here(root, *command).refused(3)
    # Nothing that could be taken for a result is left behind.
    assert sorted(e.name for e in root.iterdir() if not e.name.endswith(".partial") and e.name != "baselines") == before


def test_status_shows_what_is_damaged_or_half_made(copied: Copy) -> None:
    root = copied("events.zarr", "items.zarr", "smen")
    flip(root / "smen/config.json", 40)
    shutil.move(root / "items.zarr", root / ".items.zarr.partial")
    states = {entry["name"]: entry["state"] for entry in json.loads(here(root, "status", "--json").out)}
    assert states == {"events.zarr": "complete", "smen": "damaged", "items.zarr": "interrupted"}


def test_status_tells_a_build_that_runs_from_one_that_was_killed(copied: Copy) -> None:
    from lurm_cli.artifacts.build import _start_time

    root = copied()
    partial = root / "baselines/.svd.zarr.partial"
    partial.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as process:
        owner = {"pid": process.pid, "host": socket.gethostname(), "started": _start_time(process.pid)}
        (partial / "owner.json").write_text(json.dumps(owner))
        (entry,) = json.loads(here(root, "status", "--json").out)
        process.kill()
    assert entry == {
        "name": "baselines/svd.zarr",
        "kind": "",
        "state": "being built",
        "detail": f"process {process.pid}",
    }
    (entry,) = json.loads(here(root, "status", "--json").out)
    assert (entry["state"], entry["detail"]) == ("interrupted", "the stage's command goes on from here")


def test_an_artifact_of_another_schema_is_refused_as_such(copied: Copy) -> None:
    root = copied("users.zarr")
    file = root / "users.zarr/zarr.json"
    text = file.read_text()
    (schema,) = {piece for piece in ('"schema": 1', '"schema":1') if piece in text}
    file.write_text(text.replace(schema, schema[:-1] + "9"))
    assert "has schema 9, this version of lurm reads schema 1" in here(
        root, "export", "users.zarr", "-o", "x.csv"
    ).refused(3)
