"""The ``[[tasks]]`` of lurm.toml: what is read, and what is refused with which words."""

import datetime as dt
import json
import tomllib
from pathlib import Path

import pytest

from lurm_cli.clock import parse_time
from lurm_cli.errors import UsageError
from lurm_cli.evaluation.tasks import Task, parse_tasks

ROOT = Path("/somewhere")
PROFILE = {"name": "age", "kind": "profile", "labels": "data/users.csv"}
PREFERENCE = {"name": "coffee", "kind": "preference", "column": "kind", "values": ["COFFEE*"], "since": "2017-10-01"}


def parse(*entries: dict, wanted: tuple[str, ...] = ()) -> list[Task]:
    return parse_tasks({"tasks": list(entries)}, ROOT, wanted)


def test_a_profile_task_takes_its_label_column_from_its_name() -> None:
    (task,) = parse(PROFILE)
    assert task == Task("age", "profile", ROOT / "data/users.csv", "user", "age")
    # An absolute path stays where it is.
    assert parse({**PROFILE, "labels": "/elsewhere/u.csv", "label_col": "years"})[0].labels == Path("/elsewhere/u.csv")


def test_times_may_be_texts_dates_or_times_of_toml() -> None:
    text = (
        '[[tasks]]\nname = "a"\nkind = "preference"\ncolumn = "c"\nvalues = "x"\n'
        "since = 2017-10-01\nuntil = 2017-12-01T02:00:00+02:00\n"
    )
    (task,) = parse_tasks(tomllib.loads(text), ROOT)
    assert (task.since, task.until) == (parse_time("2017-10-01"), parse_time("2017-12-01"))
    # One value need not stand in a list.
    assert task.values == ("x",)
    assert parse({**PREFERENCE, "since": dt.date(2017, 10, 1)}) == parse(PREFERENCE)


def test_the_recorded_definition_is_json_and_does_not_hold_where_the_table_lies() -> None:
    tasks = parse(PROFILE, {**PREFERENCE, "positive_share": 0.3})
    held = json.loads(json.dumps([task.to_json() for task in tasks]))
    assert "labels" not in held[0]
    assert held[1]["since"] == "2017-10-01" and held[1]["until"] is None and held[1]["positive_share"] == 0.3


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {**PROFILE, "lable_col": "x"},
            r"\[\[tasks\]\] age: lable_col is not a key of a task; did you mean label_col\?",
        ),
        ({**PROFILE, "zzz": 1}, r"zzz is not a key of a task; known keys are name, kind, labels"),
        ({"name": "age", "kind": "profile"}, r"\[\[tasks\]\] age: labels is missing; a profile task needs it"),
        ({**PREFERENCE, "values": []}, "coffee: values is missing; a preference task needs it"),
        ({k: v for k, v in PREFERENCE.items() if k != "since"}, "coffee: since is missing"),
        ({k: v for k, v in PREFERENCE.items() if k != "column"}, "coffee: column is missing"),
        ({"kind": "profile", "labels": "x"}, r"\[\[tasks\]\] number 1: name is missing"),
        ({"name": "age", "labels": "x"}, "kind must be one of profile, preference, not None"),
        ({**PROFILE, "kind": "profil"}, "kind must be one of profile, preference, not 'profil'"),
        ({**PROFILE, "labels": 3}, "labels must be a text, not 3"),
        ({**PROFILE, "name": 3}, "name must be a text, not 3"),
        ({**PREFERENCE, "values": [1]}, r"values must be a list of texts, not \[1\]"),
        ({**PREFERENCE, "since": "soon"}, "coffee: since: 'soon' is not a date or time"),
        ({**PREFERENCE, "since": 2017}, "coffee: since: 2017 is not a date or time"),
        ({**PREFERENCE, "until": "2017-10-01"}, "until does not lie after since"),
        ({**PREFERENCE, "positive_share": 0}, "positive_share must lie between 0 and 1, not 0"),
        ({**PREFERENCE, "positive_share": 1.0}, "positive_share must lie between 0 and 1, not 1.0"),
        ({**PREFERENCE, "positive_share": True}, "positive_share must lie between 0 and 1, not True"),
        ({**PREFERENCE, "positive_share": "0.3"}, "positive_share must lie between 0 and 1"),
    ],
)
def test_a_wrong_entry_is_named_with_what_was_expected(entry: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(entry)


@pytest.mark.parametrize("tasks", [PROFILE, {"age": PROFILE}, ["age"], "age", 3])
def test_single_brackets_are_explained(tasks: object) -> None:
    with pytest.raises(UsageError, match=r"tasks are written as \[\[tasks\]\], with two brackets"):
        parse_tasks({"tasks": tasks}, ROOT)


def test_no_task_is_nothing_to_score() -> None:
    with pytest.raises(UsageError, match=r"defines no \[\[tasks\]\].*`lurm init`"):
        parse_tasks({}, ROOT)


def test_two_tasks_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="two tasks are called 'age'"):
        parse(PROFILE, {**PREFERENCE, "name": "age"})


def test_a_task_is_not_called_as_the_mean_over_tasks_is() -> None:
    with pytest.raises(UsageError, match="cannot be called 'mean'"):
        parse({**PREFERENCE, "name": "mean"})


def test_wanted_tasks_keep_the_order_of_the_file() -> None:
    both = (PROFILE, PREFERENCE)
    assert [task.name for task in parse(*both, wanted=("coffee", "age"))] == ["age", "coffee"]
    assert [task.name for task in parse(*both, wanted=("coffee",))] == ["coffee"]
    with pytest.raises(UsageError, match=r"--task coffe: lurm\.toml has no such task; did you mean coffee\?"):
        parse(*both, wanted=("coffe",))
    with pytest.raises(UsageError, match=r"--task zzz: lurm\.toml has no such task; tasks are age, coffee"):
        parse(*both, wanted=("zzz",))
