"""What ``lurm evaluate --method`` takes: names, artifacts under a label, several joined, supervised methods."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.shell import here
from lurm_cli.evaluation import protocol
from lurm_cli.evaluation.features import Features
from lurm_cli.evaluation.heads import HEADS
from lurm_cli.evaluation.labels import Labels
from lurm_cli.stages.evaluate import _Cell, _key, _words

Copy = Callable[..., Path]
real = protocol.score
MINE = "mine=baselines/aggregates.zarr"


def evaluate(root: Path, *methods: str) -> Any:
    return here(root, "evaluate", "--task", "taste", *_flags(methods))


def _flags(methods: tuple[str, ...]) -> list[str]:
    return [word for m in methods for word in ((m,) if m.startswith("--") else ("--method", m))]


def results_of(root: Path, *methods: str) -> dict[str, Any]:
    assert evaluate(root, *methods).wrote() == [str(root / "evaluation")]
    return json.loads((root / "evaluation/results.json").read_text(encoding="utf-8"))


def test_an_artifact_is_scored_under_its_label_alone_and_joined_to_others(made: Path, copied: Copy) -> None:
    root = copied("users.zarr", "baselines")
    results = results_of(root, MINE, "mine+lurm", "aggregates+lurm")
    assert [method["name"] for method in results["methods"]] == ["mine", "mine+lurm", "aggregates+lurm"]
    mine, joined, named = results["cells"]
    assert joined["scores"] == named["scores"]
    assert joined["dim"] == named["dim"] == mine["dim"] + 16  # 2 anchors of 8
    by_name = json.loads((made / "evaluation/results.json").read_text(encoding="utf-8"))["cells"]
    (expected,) = [cell for cell in by_name if cell["method"] == "aggregates" and cell["task"] == "taste"]
    assert mine == {**expected, "method": "mine"}
    fingerprints = [method["fingerprints"] for method in results["methods"]]
    assert fingerprints[1] == fingerprints[2] and fingerprints[1][:1] == fingerprints[0]


def test_only_what_was_not_scored_yet_is_scored(copied: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    root = copied("users.zarr", "baselines")
    scored = []
    monkeypatch.setattr(protocol, "score", lambda *given: scored.append(given) or real(*given))
    first = results_of(root, MINE)
    assert len(scored) == 1
    assert evaluate(root, MINE, "lurm", "--overwrite", "--workers=1").code == 0
    both = json.loads((root / "evaluation/results.json").read_text(encoding="utf-8"))
    assert len(scored) == 2 and both["cells"][0] == first["cells"][0]
    # The memory may go at any time.
    shutil.rmtree(root / ".lurm")
    assert evaluate(root, MINE, "lurm", "--overwrite", "--workers=1").code == 0
    assert len(scored) == 4
    assert json.loads((root / "evaluation/results.json").read_text(encoding="utf-8")) == both


def test_one_head_has_the_scores_that_it_has_beside_the_other(copied: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    root = copied("users.zarr", "baselines")
    both = results_of(root, MINE)
    scored = []
    monkeypatch.setattr(protocol, "score", lambda *given: scored.append(given) or real(*given))
    assert "--overwrite" in evaluate(root, MINE, "--head=mlp").refused(4)
    for memory in (True, False):
        if not memory:
            shutil.rmtree(root / ".lurm")
        assert evaluate(root, MINE, "--head=mlp", "--overwrite", "--workers=1").code == 0
        one = json.loads((root / "evaluation/results.json").read_text(encoding="utf-8"))
        # Where both are known nothing is scored.
        assert len(scored) == (0 if memory else 1)
        assert one["summary"] == {"mlp": both["summary"]["mlp"]}
        assert one["cells"][0]["scores"] == [score for score in both["cells"][0]["scores"] if score["head"] == "mlp"]
    # The other head costs its own score only.
    monkeypatch.setattr(protocol, "score", lambda *given: scored.append(given[3]) or real(*given))
    assert results_of(root, MINE, "--overwrite", "--workers=1") == both and scored[-1] == ("logistic",)
    assert evaluate(root, MINE, "--head=mlp", "--overwrite").code == 0
    text = (root / "evaluation/report.html").read_text(encoding="utf-8")
    assert "hidden layer" in text and "Logistic regression" not in text


def test_a_head_that_is_not_known_is_refused(copied: Copy) -> None:
    assert "--head: 'forest' is not one of logistic, mlp" in evaluate(copied(), MINE, "--head=forest").refused(2)


def test_another_artifact_under_the_same_label_is_another_evaluation(copied: Copy) -> None:
    root = copied("users.zarr", "baselines")
    results_of(root, MINE)
    assert "up to date" in evaluate(root, MINE).err
    message = evaluate(root, "mine=users.zarr").refused(4)
    assert "users.zarr" in message and "--overwrite" in message


def test_names_that_change_places_are_another_evaluation(copied: Copy) -> None:
    root = copied("users.zarr", "baselines")
    first, second = "baselines/aggregates.zarr", "users.zarr"
    results_of(root, f"a={first}", f"b={second}")
    assert "up to date" in evaluate(root, f"a={first}", f"b={second}").err
    message = evaluate(root, f"a={second}", f"b={first}").refused(4)
    assert "artifacts: " in message and "--overwrite" in message


def test_tables_of_labels_that_change_places_are_another_evaluation(copied: Copy) -> None:
    root = copied("users.zarr")
    text = (root / "data/users.csv").read_text(encoding="utf-8")
    (root / "data/other.csv").write_text(text.replace("write", "none").replace("drink", "some"), encoding="utf-8")
    task = '[[tasks]]\nname = "{}"\nkind = "profile"\nlabels = "data/{}.csv"\nlabel_col = "taste"\n'

    def settle(one: str, two: str) -> Any:
        (root / "lurm.toml").write_text(task.format("one", one) + task.format("two", two), encoding="utf-8")
        return here(root, "evaluate", "--method", "lurm", "--seeds", "1")

    settle("users", "other").wrote()
    assert "up to date" in settle("users", "other").err
    assert "tasks: " in settle("other", "users").refused(4)


def test_what_is_refused_is_refused_before_a_baseline_is_made(copied: Copy) -> None:
    root = copied("events.zarr", "items.zarr", "boi-month.zarr")
    assert "users.zarr" in evaluate(root, "svd", "lurm").refused(3)
    settings = (root / "lurm.toml").read_text(encoding="utf-8")
    (root / "lurm.toml").write_text(
        settings.replace('"taste"\n', '"taste"\nlabel_col = "tsate"\n', 1), encoding="utf-8"
    )
    assert "tsate" in evaluate(root, "svd").refused(2)
    (root / "lurm.toml").write_text(settings.replace("since = 2017-12-01", "since = 2017-11-01"), encoding="utf-8")
    said = here(root, "evaluate", "--task", "mugs", "--method", "svd").refused(2)
    assert "a task asks about the time from 2017-11-01" in said
    (root / "data/users.csv").unlink()
    (root / "lurm.toml").write_text(settings, encoding="utf-8")
    assert "users.csv" in evaluate(root, "svd").refused(2)
    assert not (root / "baselines").exists()


def test_a_representation_of_another_workspace_is_not_held_against_this_ones_artifacts(
    copied: Copy, tmp_path: Path
) -> None:
    root = copied("users.zarr", "boi-month.zarr", "smen", "interests.zarr")
    shutil.move(root / "users.zarr", tmp_path / "theirs.zarr")
    here(root, "train-smen", "--epochs", "1", "--overwrite").wrote()
    for place in (tmp_path / "theirs.zarr", Path("../theirs.zarr")):
        done = evaluate(root, f"theirs={place}", "--overwrite")
        done.wrote()
        assert "out of date" not in done.err


def test_a_name_with_brackets_is_shown_as_it_is(copied: Copy) -> None:
    root = copied("users.zarr", "baselines")
    done = evaluate(root, "lurm[month]=users.zarr", "lurm[/year]=baselines/aggregates.zarr")
    done.wrote()
    assert "lurm[month]" in done.err and "lurm[/year]" in done.err


@pytest.mark.parametrize("label", ["lurm", "boi", "tfidf", "textcnn", "random", " lurm "])
def test_a_label_that_is_a_name_already_is_refused(copied: Copy, label: str) -> None:
    message = evaluate(copied(), f"{label}=users.zarr").refused(2)
    assert f"{label.strip()!r} is a name already; take another label" in message


def test_a_label_given_twice_is_refused(copied: Copy) -> None:
    message = evaluate(copied("users.zarr", "baselines"), MINE, "mine=users.zarr").refused(2)
    assert "--method mine=users.zarr: 'mine' is a name already" in message


@pytest.mark.parametrize("method", ["a+b=users.zarr", "=users.zarr", "mine=", " = "])
def test_what_is_no_label_and_artifact_is_refused(copied: Copy, method: str) -> None:
    assert "expected LABEL=ARTIFACT, with a label that has no + in it" in evaluate(copied(), method).refused(2)


def test_a_labelled_artifact_that_is_not_there_or_no_representation_is_named(copied: Copy) -> None:
    root = copied("events.zarr")
    assert evaluate(root, "mine=no.zarr").refused(3).startswith(f"{root / 'no.zarr'} does not exist")
    assert str(root / "events.zarr") in evaluate(root, "mine=events.zarr").refused(3)


def test_a_label_without_its_artifact_is_not_known(copied: Copy) -> None:
    message = evaluate(copied("users.zarr"), "lurm", "mine+lurm").refused(2)
    assert "'mine' is not known; known are lurm, boi, tfidf" in message and message.endswith("LABEL=ARTIFACT\n")


@pytest.fixture(scope="module")
def supervised(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which textcnn has been scored; for reading, and for commands that are refused."""
    root = tmp_path_factory.mktemp("supervised") / "work"
    shutil.copytree(made, root, ignore=shutil.ignore_patterns("evaluation"))
    results_of(root, "textcnn")
    return root


def test_a_supervised_method_is_made_trained_on_each_split_and_scored(supervised: Path) -> None:
    results = json.loads((supervised / "evaluation/results.json").read_text(encoding="utf-8"))
    (cell,) = results["cells"]
    # Its last layer takes the place of both heads.
    first, second = cell["scores"]
    assert (first["head"], second["head"]) == ("logistic", "mlp")
    assert first["chosen"] == second["chosen"] == {"head": "its own"}
    assert first["auc"] == second["auc"] and first["acc"] == second["acc"]
    # Nine words in ten tell the taste.
    assert first["auc"] > 0.95
    assert cell["dim"] == 50


def test_supervised_methods_of_like_input_have_scores_of_their_own(supervised: Path) -> None:
    labels = Labels(np.array(["a", "b"], dtype=object), np.array([0, 1]), ("x", "y"))
    cells = [
        _Cell("taste", name, (supervised / "baselines/textcnn.zarr",), labels, HEADS, 1, supervised)
        for name in ("textcnn", "han", "lurm")
    ]
    features = Features((np.zeros((2, 50), dtype=np.int32),))
    keys = [_key(cell, features, _words(cell)) for cell in cells]
    assert len(set(keys)) == 3


@pytest.mark.parametrize("method", ["textcnn+lurm", "lurm + han"])
def test_a_supervised_method_cannot_be_joined_to_others(copied: Copy, method: str) -> None:
    message = evaluate(copied("users.zarr"), method).refused(2)
    assert "is trained on labels and has no columns to set beside others" in message


@pytest.mark.parametrize("method", ["lurm", "mine+lurm"])
def test_a_supervised_methods_artifact_is_no_representation(supervised: Path, method: str) -> None:
    message = evaluate(supervised, "mine=baselines/textcnn.zarr", method).refused(2)
    assert "textcnn is trained on labels; score it as --method textcnn" in message
