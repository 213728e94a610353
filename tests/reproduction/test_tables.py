"""The reproduction's document says what the results say, and its verdicts follow their rule."""

import json
from pathlib import Path
from typing import Any

import pytest
from reproduce import claims, document, paper, tables
from reproduce.pairs import pairs
from reproduce.plan import LOGS, MAIN, PAPER_METHODS
from reproduce.run import months_before

from lurm_cli.baselines.registry import NAMES
from lurm_cli.evaluation.summary import summarize

LEVEL = {"lurm": 0.8, "boi": 0.7, "tfidf": 0.8, "sumn": 0.85}


AGE_AND_WINE = (("age", "profile"), ("wine", "preference"))


def cells_of(methods: dict[str, float], tasks: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    return [
        {
            "task": task,
            "method": method,
            "scores": [
                # The splits differ, and the methods a little between them.
                {"head": head, "seed": k, "auc": level + 0.01 * k + 0.001 * ((k + len(method)) % 2), "acc": 0.5}
                for head in ("logistic", "mlp")
                for k in range(5)
            ],
        }
        for task, _ in tasks
        for method, level in methods.items()
    ]


def results(methods: dict[str, float], tasks: tuple[tuple[str, str], ...] = AGE_AND_WINE) -> Any:
    cells = cells_of(methods, tasks)
    return {
        "tasks": [
            {"name": name, "kind": kind, "n": 900, "majority": 0.6, "classes": {"a": 0.6, "b": 0.4}}
            for name, kind in tasks
        ],
        "methods": [{"name": method, "dim": 1280} for method in methods],
        "seeds": 5,
        "summary": summarize(cells, "lurm"),
        "reference": "lurm",
    }


@pytest.fixture
def held() -> dict[str, Any]:
    lengths = {"lurm": 0.8, "lurm-1m": 0.6, "lurm-2m": 0.65, "lurm-12m": 0.85, "lurm-60m": 0.8}
    entry = {
        "title": "A log",
        "note": "Of a shop.",
        "seconds": {"tfidf": 3.0, "train-smen": 1234.0},
        "whats": {"1anchor-128": "one anchor"},
        "main": results(LEVEL),
        "variants": results({"lurm": 0.8, "boi": 0.7, "1anchor-128": 0.7}),
        "lengths": results(lengths),
        "pairs": {"paper": {"boi": [-1.0, -1.5, -0.5]}, "two-scales": {"month": [0.0, -1.0, 1.0]}},
    }
    return {"log": entry}


@pytest.mark.parametrize(
    ("lead", "expected"),
    [
        ([2.0, 0.5, 3.5], "holds: +2.0 [+0.5, +3.5]"),
        ([2.0, -0.5, 4.5], "open: +2.0 [-0.5, +4.5]"),
        ([-2.0, -3.5, -0.5], "does not hold: -2.0 [-3.5, -0.5]"),
        ([2.0, None, None], "open (one split)"),
    ],
)
def test_a_verdict_is_where_the_interval_lies(lead: list[float | None], expected: str) -> None:
    assert claims.verdict(lead) == expected


def test_the_lead_is_what_lurm_is_above_the_other(held: dict[str, Any]) -> None:
    mean, low, high = claims.lead_over(held["log"]["main"], "boi")
    assert mean == pytest.approx(10, abs=0.1)
    assert low is not None and high is not None and low < mean < high


def test_every_claim_gets_its_verdict(held: dict[str, Any]) -> None:
    found = {claim.text.split(" (")[0]: claim.findings for claim in claims.claims(held)}
    assert found["LURM is above BoI"][0].startswith("A log: holds: +10.0")
    assert found["LURM is above SUMN"][0].startswith("A log: does not hold: -5.")
    assert found["LURM is above TF-IDF"][0].startswith("A log: open")
    assert found["LURM is above HAN"] == []
    assert found["Two scales beat the finer alone"] == ["A log: open: +0.0 [-1.0, +1.0]"]
    assert found["Many anchors beat one of 128"][0].startswith("A log: holds")
    assert found["Lifelong input beats two months on profiles"][0].startswith("A log: holds: +15.")
    assert found["Category tasks are best at about a year of input"] == [
        "A log: holds: best at 12 months (87.0; all: 82.0, interval below it in 1 of 1)"
    ]


def test_the_method_as_printed_has_a_verdict_of_its_own(held: dict[str, Any]) -> None:
    printed = {claim.text.split(" (")[0]: claim.found_as_printed() for claim in claims.claims(held)}
    assert printed["LURM is above BoI"] == "A log: holds: +1.0 [+0.5, +1.5]"
    assert printed["LURM is above TF-IDF"] == ""


def test_any_two_methods_are_paired_over_the_comparisons_of_a_log(tmp_path: Path) -> None:
    def write(part: str, levels: dict[str, float]) -> Any:
        cells = cells_of(levels, AGE_AND_WINE)
        folder = tmp_path / f"scores-{part}"
        folder.mkdir()
        held = {"tasks": ["age", "wine"], "cells": cells}
        (folder / "results.json").write_text(json.dumps(held), encoding="utf-8")
        return cells

    assert pairs(tmp_path) == {}
    write("main", {"lurm": 0.8, "boi": 0.7})
    assert pairs(tmp_path) == {}
    write("variants", {"lurm": 0.8, "paper": 0.75, "month": 0.6, "two-scales": 0.78})
    found = pairs(tmp_path)
    assert found["paper"].keys() == {"lurm", "boi"} and found["two-scales"].keys() == {"lurm", "paper", "month"}
    mean, low, high = found["paper"]["boi"]
    assert mean == pytest.approx(-5, abs=0.1) and low <= mean <= high
    assert found["two-scales"]["month"][0] == pytest.approx(-18, abs=0.2)


def test_a_log_without_its_main_comparison_still_has_its_other_tables(held: dict[str, Any]) -> None:
    del held["log"]["main"]
    text = document.to_markdown(tables.everything(held))
    assert "one anchor" in text


def test_tables_show_the_numbers_and_mark_the_best(held: dict[str, Any]) -> None:
    text = document.to_markdown(tables.everything(held))
    assert "| sumn | 1,280 | **87.0 ± 1.6** | **87.0 ± 1.6** | **87.0 ± 1.6** |" in text
    assert "| boi | 1,280 | 72.1 ± 1.6 |" in text
    assert "| tfidf | 1,280 |" in text and text.count("1,234 |") == 2
    assert "| LURM | 82.55 / 79.13 |" in text and "75.55 / 75.30" in text
    assert "cannot be tested here" in text


def test_all_logs_stand_side_by_side_in_the_order_of_the_plan(held: dict[str, Any]) -> None:
    held["other"] = {"title": "Another", "main": results({"lurm": 0.9, "han": 0.6})}
    table = tables.summary_table(held, "logistic")
    assert table.head == ["", "A log", "Another"]
    assert [row[0] for row in table.rows] == ["lurm", "boi", "tfidf", "han", "sumn"]
    assert table.rows[0] == ["lurm", "82.0 ± 1.6", "*92.0 ± 1.6*"]
    assert table.rows[3] == ["han", "", "62.1 ± 1.6"]


def test_the_html_is_one_file_with_the_curves(held: dict[str, Any]) -> None:
    held["log"]["note"] = "A <shop> & more."
    text = document.to_html(tables.everything(held))
    assert text.count("<svg") == 1
    assert "A &lt;shop&gt; &amp; more." in text
    assert "<b>87.0 ± 1.6</b>" in text


def test_months_are_counted_back_over_years() -> None:
    assert months_before("2017-10-01", 9) == "2017-01-01"
    assert months_before("2022-01-01", 1) == "2021-12-01"
    assert months_before("2022-01-01", 60) == "2017-01-01"


def test_the_papers_means_are_those_it_claims() -> None:
    mean = {name: sum(auc for auc, _ in pairs) / 4 for name, pairs in paper.TABLE_2.items()}
    assert mean["LURM"] - mean["SUMN"] == pytest.approx(3.23, abs=0.01)
    assert mean["LURM"] - mean["PTUM"] == pytest.approx(4.41, abs=0.01)
    assert mean["LURM"] - mean["BoI"] == pytest.approx(8.10, abs=0.01)


def test_the_plan_names_every_competitor_of_the_paper() -> None:
    assert set(PAPER_METHODS) <= set(MAIN)
    assert set(NAMES) <= set(MAIN) and len(MAIN) == len(set(MAIN))
    assert {"1anchor-128", "1anchor-1280", "month", "coarse", "paper"} <= {v.name for v in LOGS[0].variants}
