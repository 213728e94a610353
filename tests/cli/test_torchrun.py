"""Training and encoding in two processes, as ``torchrun`` starts them, next to one."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import numpy as np
import pytest
from safetensors.torch import load_file

from cli.logs import write_rows, write_workspace
from cli.shell import LURM, Done, assert_same_bytes, clean_environment, here
from lurm_cli.smen.training import Trainer

Copy = Callable[..., Path]
# 300 users in a step an epoch; validations come after 25 steps and at the end.
TRAIN = ("train-smen", "--epochs", "30", "--lr", "0.01")


def torchrun(root: Path, *arguments: object) -> Done:
    """The command in two processes."""
    command = [Path(sys.executable).with_name("torchrun"), "--standalone", "--nproc-per-node", "2", "--no-python", LURM]
    done = subprocess.run(
        [*map(str, command), *map(str, arguments)],
        cwd=root,
        env=clean_environment(GLOO_SOCKET_IFNAME="lo"),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def losses(model: Path) -> np.ndarray:
    lines = (model / "training.jsonl").read_text(encoding="utf-8").splitlines()
    return np.array(
        [[entry["step"], entry.get("loss", 0), entry.get("validation_loss", 0)] for entry in map(json.loads, lines)]
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of 300 users with a model that one process has trained."""
    root = write_workspace(tmp_path_factory.mktemp("torchrun"), n_users=300, per_user=20)
    for command in (("ingest",), ("embed-items",), ("cluster",), ("boi",), (*TRAIN, "-o", "alone")):
        here(root, *command).wrote()
    return root


def assert_learnt_alike(found: Path, expected: Path) -> None:
    """The same steps and validations, and weights that differ by rounding."""
    held = losses(expected)
    assert held[-1, 0] == 30 and np.count_nonzero(held[:, 2]) == 2
    np.testing.assert_allclose(losses(found), held, rtol=1e-3)
    tensors = load_file(found / "model.safetensors")
    for name, tensor in load_file(expected / "model.safetensors").items():
        np.testing.assert_allclose(tensors[name], tensor, atol=1e-3, err_msg=name)


def test_two_processes_learn_what_one_does(alone: Path) -> None:
    done = torchrun(alone, *TRAIN, "-o", "together")
    # One of them speaks.
    assert done.wrote() == [str(alone / "together")]
    assert done.err.count("trained 30 epochs") == 1
    assert_learnt_alike(alone / "together", alone / "alone")


def test_two_processes_take_up_what_one_began(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save = Trainer._save

    def save_and_end(self: Trainer, log: TextIO) -> None:
        save(self, log)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_save", save_and_end)
        assert here(alone, *TRAIN, "-o", "resumed").code == 130
    begun = losses(alone / ".resumed.partial")
    assert begun[-1, 0] == 25
    done = torchrun(alone, *TRAIN, "-o", "resumed")
    assert done.wrote() == [str(alone / "resumed")]
    assert done.err.count("going on from the last checkpoint") == 1
    np.testing.assert_array_equal(losses(alone / "resumed")[: len(begun)], begun)
    assert_learnt_alike(alone / "resumed", alone / "alone")


def test_two_processes_encode_the_same_bytes(alone: Path) -> None:
    # More users than one block of rows holds, so that each process has a block.
    n_users = 17_000
    users = [f"user {number}" for number in range(n_users)]
    rows = [(user, f"item {number % 40}", "2017-03-01T00:00:00") for number, user in enumerate(users)]
    write_rows(alone / "many.csv", ["user", "item", "time"], rows)
    here(alone, "ingest", "many.csv", "-o", "many.zarr").wrote()
    here(alone, "boi", "--events", "many.zarr", "--period", "month", "-o", "counts.zarr").wrote()
    encode = ("encode-users", "alone", "--boi", "counts.zarr")
    here(alone, *encode, "-o", "by-one.zarr").wrote()
    assert torchrun(alone, *encode, "-o", "by-two.zarr").wrote() == [str(alone / "by-two.zarr")]
    assert_same_bytes(alone / "by-two.zarr", alone / "by-one.zarr")


def test_a_command_that_one_process_does_is_refused_to_several(copied: Copy) -> None:
    ranks = {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "localhost"}
    message = here(copied(), "ingest", **ranks).refused(2)
    assert "torchrun started 2 processes of `lurm ingest`" in message and "train-smen and encode-users" in message


def test_the_processes_have_no_standard_input_of_their_own(copied: Copy) -> None:
    ranks = {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "localhost"}
    assert "share one standard input" in here(copied(), "train-smen", "-", **ranks).refused(2)
