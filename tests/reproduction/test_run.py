"""What `python -m reproduce.run` takes care of besides the tables."""

import json
from pathlib import Path

import pytest
from reproduce import document, run, tables
from reproduce.run import ROOT, only_run, was_written


def test_a_second_run_is_told_that_another_writes_the_results(tmp_path: Path) -> None:
    with only_run(tmp_path), pytest.raises(SystemExit, match="another run is writing"), only_run(tmp_path):
        pass
    with only_run(tmp_path):
        pass


def test_the_page_is_what_the_results_say() -> None:
    held = json.loads((ROOT / "reproduce" / "results.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "reproduce.md").read_text(encoding="utf-8")
    assert page == document.to_markdown(tables.everything(held)), "run `python -m reproduce.run --render`"


def test_a_command_has_a_time_only_if_it_wrote() -> None:
    assert was_written('{"path": "smen", "state": "written"}')
    assert was_written('[{"path": "a", "state": "up to date"}, {"path": "b", "state": "written"}]')
    assert not was_written('[{"path": "a", "state": "up to date"}]')


def test_what_older_code_made_is_not_passed_over_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run.say_if_the_code_has_changed(tmp_path)
    run.say_if_the_code_has_changed(tmp_path)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(run, "code_of_the_package", lambda: "other")
    run.say_if_the_code_has_changed(tmp_path)
    assert f"Delete {tmp_path}" in capsys.readouterr().err
