"""The report is one file that loads nothing and says what the results say."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lurm_cli.evaluation.report import write_report
from lurm_cli.evaluation.summary import summarize


def results(task: str = "age", methods: tuple[str, ...] = ("lurm", "boi"), n_seeds: int = 3) -> dict[str, Any]:
    cells = [
        {
            "task": task,
            "method": method,
            "scores": [
                {"head": head, "seed": seed, "auc": 0.6 + 0.01 * seed + 0.1 * place, "acc": 0.5}
                for head in ("logistic", "mlp")
                for seed in range(n_seeds)
            ],
        }
        for place, method in enumerate(methods)
    ]
    shown = {"name": task, "kind": "profile", "n": 1234, "majority": 0.61, "since": None, "until": None}
    origin = {"dim": 1280, "fingerprints": ["f" * 64], "until": ["2017-10-01"], "parameters": [{}]}
    return {
        "tasks": [{**shown, "classes": {"young": 0.39, "old": 0.61}}],
        "methods": [{"name": method, **origin} for method in methods],
        "seeds": n_seeds,
        "summary": summarize(cells, methods[0]),
        "reference": methods[0],
        "versions": {"python": "3.11"},
    }


def report(folder: Path, held: dict[str, Any], log: str | None = None, sizes: np.ndarray | None = None) -> str:
    training = None
    if log is not None:
        training = folder / "training.jsonl"
        training.write_text(log)
    write_report(held, folder / "report.html", training, sizes)
    return (folder / "report.html").read_text(encoding="utf-8")


def log_lines() -> str:
    lines: list[dict[str, float]] = [{"step": n, "epoch": 0, "loss": 5 - n / 10} for n in range(1, 20)]
    return "\n".join(json.dumps(line) for line in [*lines, {"step": 19, "epoch": 1, "validation_loss": 3.0}])


def test_nothing_is_loaded_from_anywhere(tmp_path: Path) -> None:
    text = report(tmp_path, results(), log_lines(), np.array([5, 0, 2]))
    assert text.count("<svg") == 4  # bars of two heads, the training curve, the interest sizes
    references = re.findall(r"""(?:src|href|action|data|poster|srcset)\s*=\s*["']([^"']*)""", text)
    references += re.findall(r"url\(([^)]*)\)", text)
    assert references  # the figures refer to glyphs and clips of their own
    assert all(reference.strip("\"'").startswith("#") for reference in references)
    for tag in ("<script", "<link", "<iframe", "<object", "<img", "<image", "@import"):
        assert tag not in text.lower()


def test_every_reference_within_the_report_has_its_target(tmp_path: Path) -> None:
    text = report(tmp_path, results(), log_lines(), np.array([5, 0, 2]))
    wanted = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
    assert wanted <= set(re.findall(r'id="([^"]+)"', text))


def test_the_numbers_of_the_summary_stand_in_the_tables(tmp_path: Path) -> None:
    text = report(tmp_path, results())
    assert "61.0 <small>± 1.0</small>" in text  # lurm: 60, 61, 62
    assert "71.0 <small>± 1.0</small>" in text
    assert "+10.0 <small>+10.0 to +10.0</small>" in text
    assert "1,234" in text and "old 61 %, young 39 %" in text and "ffffffffffff" in text


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    first = report(tmp_path, results(), log_lines(), np.array([5, 0, 2]))
    assert report(tmp_path, results(), log_lines(), np.array([5, 0, 2])) == first


@pytest.mark.parametrize("name", ["<b>bold</b>", "from $5_ to $9^", r"a $\nothing$ b", "100 %", "_hidden", "日本語"])
def test_a_name_is_text_whatever_it_holds(tmp_path: Path, name: str) -> None:
    text = report(tmp_path, results(task=name))
    assert "<b>bold" not in text
    assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in text


def test_one_split_and_one_method_are_a_report_too(tmp_path: Path) -> None:
    text = report(tmp_path, results(methods=("boi",), n_seeds=1), log="")
    assert "1 random split of the users" in text
    # One method has nothing to be compared with, and an empty log no curve.
    assert "AUC minus" not in text and "Training of the encoder" not in text
