"""From scores to what the tables show, by hand."""

from typing import Any

import pytest

from lurm_cli.evaluation.metrics import corrected_interval
from lurm_cli.evaluation.summary import summarize


def cell(
    task: str, method: str, aucs: list[float], acc: float = 0.5, heads: tuple[str, ...] = ("logistic",)
) -> dict[str, Any]:
    scores = [{"head": head, "seed": seed, "auc": auc, "acc": acc} for head in heads for seed, auc in enumerate(aucs)]
    return {"task": task, "method": method, "scores": scores}


CELLS = [
    cell("age", "lurm", [0.6, 0.7, 0.8]),
    cell("age", "boi", [0.5, 0.7, 0.6]),
    cell("tea", "lurm", [0.9, 0.9, 0.9]),
    cell("tea", "boi", [0.8, 0.8, 0.8]),
]


def test_means_spreads_and_paired_differences_are_in_percent() -> None:
    table = summarize(CELLS, "lurm")["logistic"]
    assert table["lurm"]["age"]["auc"] == [70.0, 10.0]
    assert table["boi"]["age"]["auc"] == [60.0, 10.0]
    assert table["lurm"]["age"]["acc"] == [50.0, 0.0]
    # -10, 0, -20: mean -10, sd 10; sqrt(1/3 + 1/4) x 4.302653 = 3.286205 times the sd.
    assert table["boi"]["age"]["difference"] == [
        -10.0,
        pytest.approx(-42.8621, abs=1e-3),
        pytest.approx(22.8621, abs=1e-3),
    ]
    # No spread, no width.
    assert table["boi"]["tea"]["difference"] == [-10.0, -10.0, -10.0]
    assert "difference" not in table["lurm"]["age"]


def test_the_mean_over_tasks_is_taken_split_by_split() -> None:
    table = summarize(CELLS, "lurm")["logistic"]
    # lurm: 75, 80, 85; boi: 65, 75, 70: the spread of the means, not the mean of the spreads.
    assert table["lurm"]["mean"]["auc"] == [80.0, 5.0]
    assert table["boi"]["mean"]["auc"] == [70.0, 5.0]
    low, high = corrected_interval([-10.0, -5.0, -15.0], 0.2)
    assert table["boi"]["mean"]["difference"] == [-10.0, pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3)]


def test_scores_are_paired_by_split_not_by_their_order() -> None:
    shuffled = [{**entry, "scores": entry["scores"][::-1]} for entry in CELLS]
    assert summarize(shuffled, "lurm") == summarize(CELLS, "lurm")


def test_one_split_has_neither_spread_nor_interval() -> None:
    table = summarize([cell("age", "lurm", [0.6]), cell("age", "boi", [0.7])], "lurm")["logistic"]
    assert table["lurm"]["age"]["auc"] == [60.0, None]
    assert table["boi"]["age"]["difference"] == [10.0, None, None]


def test_heads_are_summarised_apart_and_the_order_is_kept() -> None:
    both = [cell("age", name, [0.6, 0.8], heads=("logistic", "mlp")) for name in ("svd", "lurm", "boi")]
    table = summarize(both, "lurm")
    assert list(table) == ["logistic", "mlp"]
    assert list(table["mlp"]) == ["svd", "lurm", "boi"]
