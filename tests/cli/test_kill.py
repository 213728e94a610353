"""Kill -9 amid a stage: nothing stands under the final name, and the same command ends with the same bytes."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.logs import write_workspace
from cli.shell import LURM, assert_same_bytes, clean_environment, lurm

# More users than one block of the encoder's rows holds (16,384), and parts enough to be killed between two of them.
N_USERS, PER_USER, BUCKETS = 18_000, 2, 16
# 20 steps an epoch and a checkpoint after at least 25: every second epoch, so that 6 epochs leave two thirds undone.
COMMANDS = {
    "ingest": ["--buckets", BUCKETS],
    "embed-items": [],
    "cluster": [],
    "boi": [],
    "train-smen": ["--epochs", 6, "--batch-size", 512],
    "encode-users": [],
}


def workspace(root: Path) -> Path:
    return write_workspace(root, N_USERS, PER_USER)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every stage, run to its end at the first attempt."""
    root = workspace(tmp_path_factory.mktemp("undisturbed"))
    for command, arguments in COMMANDS.items():
        lurm(root, command, *arguments, "--workers", 1).wrote()
    return root


def committed_parts(name: str) -> Callable[[Path], bool]:
    return lambda root: len(list((root / f".{name}.partial/parts").glob("[!.]*"))) >= 3


@contextmanager
def started(root: Path, command: str, *more: str, workers: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """A stage at work, which does not outlive the block."""
    process = subprocess.Popen(
        [LURM, command, *map(str, COMMANDS[command]), *more, "--workers", str(workers)],
        cwd=root,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell that runs these tests in the background leaves Ctrl-C ignored to all below it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen[bytes], root: Path, moment: Callable[[Path], bool]) -> None:
    """Watch the folder of a stage until the moment has come."""
    while not moment(root):
        assert process.poll() is None, f"{process.args} ended before the moment"
        time.sleep(0.001)


def kill_when(root: Path, command: str, target: str, moment: Callable[[Path], bool], workers: int = 1) -> None:
    """Start a stage, watch its folder, and kill it at the moment."""

    def before_the_end(root: Path) -> bool:
        assert not (root / target).exists()
        return moment(root)

    with started(root, command, workers=workers) as process:
        wait_for(process, root, before_the_end)
        process.send_signal(signal.SIGKILL)
        out, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert out == b""
    assert not (root / target).exists()
    assert (root / f".{target}.partial").is_dir()


def finish(root: Path, command: str, undisturbed: Path, *targets: str) -> str:
    """The same command again; gives what it said."""
    done = lurm(root, command, *COMMANDS[command], "--workers", 1)
    done.wrote()
    for target in targets:
        assert_same_bytes(root / target, undisturbed / target)
    assert [entry.name for entry in root.glob(".*.partial")] == []
    assert [entry.name for entry in root.glob(".*.scratch")] == []
    return done.err


def with_inputs(root: Path, undisturbed: Path, *artifacts: str) -> Path:
    root.mkdir()
    shutil.copy2(undisturbed / "lurm.toml", root)
    for name in artifacts:
        shutil.copytree(undisturbed / name, root / name)
    return root


def times_of(folder: Path) -> dict[str, int]:
    return {part.name: (part / "zarr.json").stat().st_mtime_ns for part in folder.glob("[!.]*")}


def test_ingest_while_it_reads_and_while_it_writes(undisturbed: Path, tmp_path: Path) -> None:
    root = workspace(tmp_path / "killed")
    kill_when(root, "ingest", "events.zarr", lambda root: any((root / ".events.zarr.scratch").glob("parsed-*")))
    kill_when(root, "ingest", "events.zarr", committed_parts("events.zarr"))
    assert not (root / "items.zarr").exists()
    kept = times_of(root / ".events.zarr.partial/parts")
    finish(root, "ingest", undisturbed, "events.zarr", "items.zarr")
    # What was committed was not done again.
    now = times_of(root / "events.zarr/parts")
    assert len(now) == 2 * BUCKETS and len(kept) >= 3
    assert {name: now[name] for name in kept} == kept


def test_boi_twice_once_with_two_workers(undisturbed: Path, tmp_path: Path) -> None:
    root = with_inputs(tmp_path / "killed", undisturbed, "events.zarr", "interests.zarr")
    parts = root / ".boi-month.zarr.partial/parts"
    kill_when(root, "boi", "boi-month.zarr", committed_parts("boi-month.zarr"), workers=2)
    first = times_of(parts)
    kill_when(root, "boi", "boi-month.zarr", lambda root: len(times_of(parts)) >= len(first) + 2)
    second = times_of(parts)
    assert {name: second[name] for name in first} == first
    finish(root, "boi", undisturbed, "boi-month.zarr")
    now = times_of(root / "boi-month.zarr/parts")
    assert {name: now[name] for name in second} == second


def test_ctrl_c_is_one_line_code_130_and_loses_nothing(undisturbed: Path, tmp_path: Path) -> None:
    root = with_inputs(tmp_path / "interrupted", undisturbed, "events.zarr", "interests.zarr")
    with started(root, "boi") as process:
        wait_for(process, root, committed_parts("boi-month.zarr"))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert err.endswith(b"lurm: error: interrupted; the same command goes on from what was committed\n")
    assert b"Traceback" not in err
    assert not (root / ".boi-month.zarr.partial/owner.json").exists()
    finish(root, "boi", undisturbed, "boi-month.zarr")


def test_a_second_process_leaves_a_build_alone_that_is_at_work(undisturbed: Path, tmp_path: Path) -> None:
    root = with_inputs(tmp_path / "two", undisturbed, "events.zarr", "interests.zarr")
    with started(root, "boi") as first:
        wait_for(first, root, committed_parts("boi-month.zarr"))
        first.send_signal(signal.SIGSTOP)  # at work for as long as the second needs to look
        said = lurm(root, "boi", "--workers", 1).refused(1)
        first.send_signal(signal.SIGCONT)
        first.communicate(timeout=60)
    assert f"is being built by another lurm (process {first.pid})" in said
    assert first.returncode == 0
    assert_same_bytes(root / "boi-month.zarr", undisturbed / "boi-month.zarr")


def test_train_smen_after_its_first_checkpoint(undisturbed: Path, tmp_path: Path) -> None:
    root = with_inputs(tmp_path / "killed", undisturbed, "boi-month.zarr", "interests.zarr")
    partial = root / ".smen.partial"
    checkpoint = partial / "last/state.safetensors"
    kill_when(root, "train-smen", "smen", lambda root: checkpoint.is_file())
    said = finish(root, "train-smen", undisturbed, "smen")
    assert f"going on from the last checkpoint in {partial}" in said


def test_encode_users(undisturbed: Path, tmp_path: Path) -> None:
    root = with_inputs(tmp_path / "killed", undisturbed, "boi-month.zarr", "smen")
    values = root / ".users.zarr.partial/values"
    kill_when(root, "encode-users", "users.zarr", lambda root: any(values.glob("c/*/0")))
    assert len(list(values.glob("c/*/0"))) < len(list((undisturbed / "users.zarr/values").glob("c/*/0")))
    finish(root, "encode-users", undisturbed, "users.zarr")


def test_replacing_keeps_the_former_artifact_until_the_end(undisturbed: Path, tmp_path: Path) -> None:
    root = with_inputs(tmp_path / "killed", undisturbed, "events.zarr", "interests.zarr", "boi-month.zarr")
    with started(root, "boi", "--until", "2017-11-01", "--overwrite") as process:
        wait_for(process, root, committed_parts("boi-month.zarr"))
        process.send_signal(signal.SIGKILL)
    assert_same_bytes(root / "boi-month.zarr", undisturbed / "boi-month.zarr")
