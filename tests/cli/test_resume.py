"""Every stage goes on from what a killed one has left, whatever that is, and ends with the same bytes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.shell import assert_same_bytes, here

Copy = Callable[..., Path]
# Artifact, command, and what it is made from.
STAGES = {
    "events.zarr": (["ingest"], []),
    "items.zarr": (["ingest"], []),
    "item_embeddings.zarr": (["embed-items"], ["events.zarr", "items.zarr"]),
    "interests.zarr": (["cluster"], ["item_embeddings.zarr", "items.zarr"]),
    "boi-month.zarr": (["boi"], ["events.zarr", "interests.zarr"]),
    "smen": (["train-smen"], ["boi-month.zarr", "interests.zarr"]),
    "users.zarr": (["encode-users"], ["boi-month.zarr", "smen"]),
    "baselines/aggregates.zarr": (["baseline", "aggregates"], ["events.zarr", "items.zarr"]),
}


def leave(root: Path, made: Path, artifact: str) -> Path:
    """All of the work is there, but not under its name; as if killed just before the end."""
    partial = (root / artifact).with_name(f".{Path(artifact).name}.partial")
    shutil.copytree(made / artifact, partial)
    return partial


@pytest.mark.parametrize("lost", ["nothing", "the last array", "a chunk"])
@pytest.mark.parametrize("artifact", STAGES)
def test_a_stage_ends_with_the_same_bytes(made: Path, copied: Copy, artifact: str, lost: str) -> None:
    command, inputs = STAGES[artifact]
    root = copied(*inputs)
    partial = leave(root, made, artifact)
    arrays = sorted(file.parent for file in partial.glob("*/zarr.json") if file.parent.name != "parts")
    if lost != "nothing" and arrays:
        shutil.rmtree(arrays[-1] if lost == "the last array" else arrays[-1] / "c")
    parts = sorted(partial.glob("parts/[!.]*/*/c/0"))
    if lost != "nothing" and parts:
        # Its metadata are whole, and say nothing of the file that is missing; or they are not.
        if lost == "a chunk":
            parts[0].unlink()
        else:
            (parts[-1].parents[1] / "zarr.json").write_text("{")
    if lost != "nothing" and artifact == "smen":
        # Killed before the first checkpoint, or while the log was being written: training begins again.
        shutil.rmtree(partial / "last")
        (partial / "training.jsonl").write_text('{"step": 1, "epoch": 0, "loss": 1.0}\n{"step": 2, "ep')
    # A process of another time, a file that was being written, and a part that was.
    (partial / "owner.json").write_text(json.dumps({"pid": 2**22 + 1, "host": "elsewhere", "started": "1"}))
    for folder in (*arrays, *partial.glob("parts/*/*/c"), *partial.glob("values/c/*")):
        folder.mkdir(exist_ok=True)
    for folder in partial.glob("*/c"):
        (folder / "0.0123456789abcdef0123456789abcdef.partial").write_bytes(b"half")
    if (partial / "parts").is_dir():
        (partial / "parts/.2017-00000.0123").mkdir()
        (partial / "parts/.2017-00000.0123/zarr.json").write_text("{")
    here(root, *command).wrote()
    assert_same_bytes(root / artifact, made / artifact)
    assert not partial.exists()


def test_evaluation_goes_on_from_the_scores_that_were_kept(made: Path, copied: Copy) -> None:
    root = copied("users.zarr", "boi-month.zarr", "smen", "events.zarr", "items.zarr", "interests.zarr", "baselines")
    expected = json.loads((made / "evaluation/results.json").read_text(encoding="utf-8"))["cells"]
    here(root, "evaluate").wrote()
    kept = sorted((root / ".lurm/scores").iterdir())
    assert len(kept) == 2 * len(expected)  # a file a head
    # Killed after one score, which says what scoring would not: that shows that it was taken as it was.
    for file in kept[1:]:
        file.unlink()
    told = json.loads(kept[0].read_text(encoding="utf-8"))
    kept[0].write_text(json.dumps([{**told[0], "auc": 0.125}, *told[1:]]))
    shutil.rmtree(root / "evaluation")
    here(root, "evaluate").wrote()
    results = json.loads((root / "evaluation/results.json").read_text(encoding="utf-8"))
    changed = [(cell, held) for cell, held in zip(results["cells"], expected, strict=True) if cell != held]
    ((cell, held),) = changed
    assert cell["scores"] == [{**held["scores"][0], "auc": 0.125}, *held["scores"][1:]]
    assert {file.name for file in (root / "evaluation").iterdir()} == {"config.json", "report.html", "results.json"}


def test_partial_work_with_other_parameters_is_not_used(made: Path, copied: Copy) -> None:
    root = copied("item_embeddings.zarr", "items.zarr")
    leave(root, made, "interests.zarr")
    here(root, "cluster", "--n-interests", 5).wrote()
    assert json.loads(here(root, "inspect", "interests.zarr", "--json").out)["shape"] == [5, 8]
    assert here(root, "verify", "interests.zarr").wrote() == [str(root / "interests.zarr")]
