"""Training and encoding in two processes, as ``torchrun`` starts them, next to one."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from cli.shell import LURM, Done, assert_same_bytes, clean_environment, here
from lurm_cli.smen.training import Trainer

Copy = Callable[..., Path]
TRAIN = ("train-smen", "--epochs", "30", "--preset", "paper", "--lr", "0.01")


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


def test_two_processes_take_up_what_one_began_and_learn_what_one_does(
    copied: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = copied("boi-month.zarr", "interests.zarr")
    here(root, *TRAIN, "-o", "alone").wrote()
    assert losses(root / "alone")[-1, 0] == 30
    save = Trainer._save

    def save_and_end(self: Trainer, log: object) -> None:
        save(self, log)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_save", save_and_end)
        assert here(root, *TRAIN, "-o", "together").code == 130
    begun = losses(root / ".together.partial")
    done = torchrun(root, *TRAIN, "-o", "together")
    # One of them speaks.
    assert done.wrote() == [str(root / "together")]
    assert done.err.count("going on from the last checkpoint") == done.err.count("trained 30 epochs") == 1
    np.testing.assert_array_equal(losses(root / "together")[: len(begun)], begun)
    np.testing.assert_allclose(losses(root / "together"), losses(root / "alone"), rtol=1e-3)
    found, expected = (load_file(root / name / "model.safetensors") for name in ("together", "alone"))
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name], tensor, atol=1e-3, err_msg=name)


def test_two_processes_encode_the_same_bytes(made: Path, copied: Copy) -> None:
    root = copied("boi-month.zarr", "smen")
    assert torchrun(root, "encode-users").wrote() == [str(root / "users.zarr")]
    assert_same_bytes(root / "users.zarr", made / "users.zarr")


def test_a_command_that_one_process_does_is_refused_to_several(copied: Copy) -> None:
    ranks = {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "localhost"}
    message = here(copied(), "ingest", **ranks).refused(2)
    assert "torchrun started 2 processes of `lurm ingest`" in message and "train-smen and encode-users" in message
