"""Scores of earlier evaluations are met again where, and only where, all that they follow from is the same."""

import ast
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from lurm_cli.baselines import registry
from lurm_cli.evaluation import remembered
from lurm_cli.evaluation.remembered import HEADS, SUPERVISED, RememberedScores, key_of

ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)


def other(change: str) -> str:
    y = np.array([0, 1])
    if change == "a number":
        return key_of({"seeds": 5}, (ROWS + np.float32(1e-7), y))
    if change == "the shape":
        return key_of({"seeds": 5}, (ROWS.reshape(3, 2), y))
    if change == "the type":
        return key_of({"seeds": 5}, (ROWS.view(np.int32), y))
    if change == "a class":
        return key_of({"seeds": 5}, (ROWS, y[::-1]))
    if change == "the splits":
        return key_of({"seeds": 4}, (ROWS, y))
    return key_of({"seeds": 5}, (sparse.csr_matrix(ROWS), y))


@pytest.mark.parametrize("change", ["a number", "the shape", "the type", "a class", "the splits", "sparse"])
def test_what_a_score_follows_from_is_its_key(change: str) -> None:
    assert key_of({"seeds": 5}, (ROWS.copy(), np.array([0, 1]))) == key_of({"seeds": 5}, (ROWS, np.array([0, 1])))
    assert other(change) != key_of({"seeds": 5}, (ROWS, np.array([0, 1])))


def test_sparse_rows_that_differ_in_place_alone_are_other_rows() -> None:
    here, there = (sparse.csr_matrix(([1.0], ([0], [column])), shape=(1, 2)) for column in (0, 1))
    assert key_of(None, (here,)) != key_of(None, (there,))


def test_an_empty_column_more_is_another_matrix() -> None:
    # The second head's first layer starts from as many random numbers as there are columns.
    narrow, wide = (sparse.csr_matrix(([1.0], ([0], [1])), shape=(2, n)) for n in (3, 4))
    assert key_of(None, (narrow,)) != key_of(None, (wide,))


def test_scores_of_other_code_are_not_met(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of(None, (ROWS,))
    assert key_of(None, (ROWS,), supervised=True) != before
    monkeypatch.setattr(remembered, "scoring_code", lambda supervised: "other")
    assert key_of(None, (ROWS,)) != before


def test_every_supervised_method_is_part_of_the_key() -> None:
    assert {f"baselines/{name}.py" for name in registry.SUPERVISED} <= set(SUPERVISED)


# What only prepares the input, which is part of the key itself, or only names things.
NOT_SCORING = {"artifacts/ragged.py", "baselines/base.py", "baselines/recent.py"}


@pytest.mark.parametrize("name", HEADS + SUPERVISED)
def test_all_code_that_scoring_code_uses_is_part_of_the_key(name: str) -> None:
    tree = ast.parse(files("lurm_cli").joinpath(name).read_text(encoding="utf-8"))
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith("lurm_cli."):
            module = node.module.removeprefix("lurm_cli.").replace(".", "/")
            inner = {f"{module}/{alias.name}.py" for alias in node.names}
            used |= {found if files("lurm_cli").joinpath(found).is_file() else f"{module}.py" for found in inner}
    assert used <= {*HEADS, *SUPERVISED, *NOT_SCORING}
    assert name in SUPERVISED or used <= set(HEADS)


def test_what_cannot_be_kept_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "scores").write_text("a file where the folder should be")
    scores = RememberedScores(tmp_path / "scores")
    scores.keep("k", 1)
    assert scores.find("k") is None


def test_what_is_kept_is_found_and_what_is_damaged_is_not(tmp_path: Path) -> None:
    scores = RememberedScores(tmp_path / "scores")
    assert scores.find("k") is None
    scores.keep("k", [{"auc": 0.5}])
    assert scores.find("k") == [{"auc": 0.5}]
    assert [file.name for file in (tmp_path / "scores").iterdir()] == ["k.json"]
    (tmp_path / "scores" / "k.json").write_text("[{")
    assert scores.find("k") is None
