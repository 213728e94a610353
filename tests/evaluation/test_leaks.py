"""What describes a user must not know the window that a task asks about."""

from pathlib import Path

import numpy as np
import pytest

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.columns import write_columns
from lurm_cli.artifacts.manifest import Manifest
from lurm_cli.clock import parse_time
from lurm_cli.errors import ArtifactError, UsageError
from lurm_cli.evaluation.tasks import Task
from lurm_cli.stages.context import Context
from lurm_cli.stages.evaluate import EvaluateConfig, run_evaluate
from lurm_cli.stages.task_checks import check_cut

SINCE = parse_time("2017-10-01")
TASK = Task("coffee", "preference", column="c", values=("x",), since=SINCE)


def write_users(root: Path, until: int | None) -> None:
    with Build(root / "users.zarr", Manifest("users", "encode-users", {}, until=until)) as build:
        ids = np.array(["a", "b"], dtype=object)
        write_columns(build.folder, {"values": np.zeros((2, 3), dtype=np.float32), "ids": ids})
        build.finish(shape=(2, 3))


@pytest.mark.parametrize(
    ("until", "seen"), [(None, "the end of the log"), (SINCE + 1, "2017-10-01T00:00:00.000001Z"), (SINCE * 2, "2065-")]
)
def test_a_representation_that_saw_the_window_is_refused(tmp_path: Path, until: int | None, seen: str) -> None:
    write_users(tmp_path, until)
    with pytest.raises(ArtifactError, match="leak") as caught:
        run_evaluate(Context(tmp_path), [TASK], EvaluateConfig(method=("lurm",)), tmp_path / "evaluation")
    assert caught.value.exit_code == 3
    message = str(caught.value)
    assert "users.zarr has seen events up to " + seen in message
    assert "Set until = 2017-10-01 in lurm.toml" in message
    assert not (tmp_path / "evaluation").exists()


@pytest.mark.parametrize("until", [SINCE, SINCE - 1])
def test_a_representation_cut_at_the_window_or_before_passes_the_guard(tmp_path: Path, until: int) -> None:
    write_users(tmp_path, until)
    # What it lacks next is the log that the labels come from.
    with pytest.raises(ArtifactError, match=r"events\.zarr does not exist"):
        run_evaluate(Context(tmp_path), [TASK], EvaluateConfig(method=("lurm",)), tmp_path / "evaluation")


def test_one_leaking_part_of_a_joined_method_is_enough(tmp_path: Path) -> None:
    write_users(tmp_path, SINCE)
    with Build(tmp_path / "baselines/svd.zarr", Manifest("baseline", "baseline", {})) as build:
        build.finish(shape=(2, 3))
    with pytest.raises(ArtifactError, match=r"svd\.zarr has seen events up to the end"):
        run_evaluate(Context(tmp_path), [TASK], EvaluateConfig(method=("lurm+svd",)), tmp_path / "evaluation")


def test_a_profile_task_has_no_window_to_leak(tmp_path: Path) -> None:
    write_users(tmp_path, None)
    task = Task("age", "profile", tmp_path / "users.csv")
    with pytest.raises(UsageError, match="no such table of labels"):
        run_evaluate(Context(tmp_path), [task], EvaluateConfig(method=("lurm",)), tmp_path / "evaluation")


def test_run_refuses_before_its_first_stage() -> None:
    for until in (None, SINCE + 1):
        with pytest.raises(UsageError, match="set until = 2017-10-01"):
            check_cut([TASK], until)
    check_cut([TASK], SINCE)
    check_cut([], None)


def test_an_unknown_method_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--method lurm\+sdv: 'sdv' is not known; known are lurm, boi, tfidf"):
        run_evaluate(Context(tmp_path), [TASK], EvaluateConfig(method=("lurm+sdv",)), tmp_path / "evaluation")
