"""Where an option's value comes from, and what is said of a wrong one."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.shell import here, lurm


def workspace(root: Path, settings: str = "") -> Path:
    root.mkdir(exist_ok=True)
    (root / "lurm.toml").write_text(settings, encoding="utf-8")
    return root


@pytest.fixture
def draft(made: Path, tmp_path: Path) -> Any:
    """The manifest that a command would write, with these settings in lurm.toml."""

    def manifest(settings: str, *arguments: object, **variables: str) -> dict[str, Any]:
        root = workspace(tmp_path / "settings", settings)
        inputs = {"embed-items": ["items.zarr"], "cluster": ["item_embeddings.zarr"], "boi": ["interests.zarr"]}
        command, *rest = arguments
        named = [made / name for name in inputs[command]]
        others = {"embed-items": ["--events", made / "events.zarr"], "cluster": ["--items", made / "items.zarr"]}
        more = others.get(command, ["--events", made / "events.zarr"])
        done = here(root, command, *named, *more, *rest, "--dry-run", "--json", **variables)
        done.wrote()
        return json.loads(done.out)

    return manifest


def test_flag_before_environment_before_section_before_top_before_default(draft: Any) -> None:
    both = "seed = 3\n[cluster]\nseed = 4\nn-interests = 7\n"
    assert draft("", "cluster")["seed"] == 0
    assert draft("seed = 3\n", "cluster")["seed"] == 3
    assert draft(both, "cluster")["seed"] == 4
    assert draft(both, "cluster", LURM_SEED="5")["seed"] == 5
    assert draft(both, "cluster", "--seed", 6, LURM_SEED="5")["seed"] == 6
    # The same for an option of the method; keys may be spelled as flags or as names.
    assert draft("", "cluster")["parameters"]["n_interests"] is None
    assert draft(both, "cluster")["parameters"]["n_interests"] == 7
    assert draft("[cluster]\nn_interests = 7\n", "cluster", LURM_N_INTERESTS="8")["parameters"]["n_interests"] == 8
    assert draft(both, "cluster", "--n-interests", 9, LURM_N_INTERESTS="8")["parameters"]["n_interests"] == 9


def test_a_switch_can_be_taken_back(draft: Any) -> None:
    on = "[cluster]\nnormalize_centers = true\n"
    assert draft(on, "cluster")["parameters"]["normalize_centers"] is True
    assert draft(on, "cluster", "--no-normalize-centers")["parameters"]["normalize_centers"] is False
    assert draft(on, "cluster", LURM_NORMALIZE_CENTERS="off")["parameters"]["normalize_centers"] is False


def test_the_cut_at_the_top_holds_for_everything_that_learns(draft: Any) -> None:
    for spelled in ("2017-12-01", '"2017-12-01"', "2017-12-01T00:00:00Z", '"2017-12-01T02:00:00+02:00"'):
        assert draft(f"until = {spelled}\n", "embed-items")["until"] == "2017-12-01"
    text = "until = 2017-12-01\n[boi]\nuntil = 2017-06-01\nperiod = 'month'\n"
    assert draft(text, "boi")["until"] == "2017-06-01"
    assert draft(text, "embed-items")["until"] == "2017-12-01"


def test_lists_are_lists_commas_or_repeated_flags(draft: Any, tmp_path: Path, made: Path) -> None:
    assert [e["parameters"]["period"] for e in draft("[boi]\nperiod = ['month', 'year']\n", "boi")] == ["month", "year"]
    assert [e["parameters"]["period"] for e in draft("", "boi", LURM_PERIOD="year, 10d")] == ["year", "10d"]
    assert draft("[boi]\nperiod = ['month', 'year']\n", "boi", "--period", "week")["parameters"]["period"] == "week"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cluster", "--n-interests", 0), "--n-interests: 0 is too small, the least is 1"),
        (("cluster", "--temperature", "nan"), "--temperature: nan is not a finite number"),
        (("cluster", "--lam1", "inf"), "--lam1: inf is not a finite number"),
        (("cluster", "--method", "hsdc"), "--method: 'hsdc' is not one of hdsc, kmeans"),
        (("cluster", "--seed", -1), "--seed: -1 is too small"),
        (("cluster", "--workers", 0), "--workers: 0 is too small, the least is 1"),
        (("train-smen", "--lr", 11), "--lr: 11.0 is too large, the most is 10.0"),
        (("evaluate", "--seeds", 0), "--seeds: 0 is too small"),
        (("evaluate", "--method", "boy"), "--method boy: 'boy' is not known"),
        (("evaluate", "--task", "mug"), "--task mug: lurm.toml has no such task; did you mean mugs?"),
        (("boi", "--period", "yeer"), "period 'yeer' is not known"),
        (("boi", "--until", "soon"), "until: 'soon' is not a date or time"),
        (("boi", "--until", "9999-12-31T23:00:00-12:00"), "until: 9999-12-31T23:00:00-12:00 lies outside the years"),
        (("boi", "--until", "0001-01-01"), "until: 0001-01-01 lies outside the years 2 to 9998"),
        (("baseline", "sdv"), "baseline 'sdv' is not known; known are tfidf"),
        (("baseline",), "which baseline? known are tfidf"),
        (("inspect",), "which artifact?"),
        (("train-smen", "--scales", "year"), "boi-year.zarr"),
        (("train-smen", "--scales", "month,week"), "a month does not lie whole within a week"),
        (("encode-users", "--since", "2017-06-15"), "the counts are by month, so it must be the beginning of one"),
        (("embed-items", "--method", "precomputed"), "--method precomputed needs --vectors FILE"),
        (("embed-items", "--method", "precomputed", "--vectors", "no.npz"), "no.npz: no such file of vectors"),
        (("boi", "--period", "month", "--period", "all", "-o", "x.zarr"), "exactly one --period"),
    ],
)
def test_a_wrong_value_is_named(made: Path, arguments: tuple, message: str) -> None:
    # A scale without counts is a missing input, the others are wrong usage.
    assert message in here(made, *arguments).refused(3 if "year" in arguments else 2)


@pytest.mark.parametrize("arguments", [("cluster", "--dims", 3), ("clutser",), ("cluster", "--n-interests", "x")])
def test_what_is_no_command_or_option_is_wrong_usage(made: Path, arguments: tuple) -> None:
    done = lurm(made, *arguments)
    assert done.code == 2 and done.out == "" and "Traceback" not in done.err
    assert "Usage: lurm" in done.err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            "[cluster]\nn_interest = 3\n",
            "[cluster]: n_interest is not an option of `lurm cluster`; did you mean n_interests?",
        ),
        ("[cluster]\nqqq = 3\n", "[cluster]: qqq is not an option of `lurm cluster`; known: assign"),
        ("[cluster]\nn_interests = 'three'\n", "lurm.toml, [cluster] n_interests: 'three' is not a whole number"),
        ("[cluster]\nn_interests = true\n", "lurm.toml, [cluster] n_interests: True is not a whole number"),
        ("[cluster]\nn_interests = 0\n", "lurm.toml, [cluster] n_interests: 0 is too small"),
        ("seed = 'x'\n", "lurm.toml, seed: 'x' is not a whole number"),
        ("cluster = 3\n", "cluster must be a table, [cluster]"),
        ("[cluster\n", "lurm.toml is not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, settings: str, message: str) -> None:
    assert message in here(workspace(tmp_path, settings), "cluster").refused(2)


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    root = workspace(tmp_path)
    assert "LURM_SEED: 'x' is not a whole number" in lurm(root, "cluster", LURM_SEED="x").refused(2)
    assert "LURM_LAM1: 'x' is not a number" in here(root, "cluster", LURM_LAM1="x").refused(2)


def test_a_wrong_one_of_several_choices_is_named_with_its_place(tmp_path: Path) -> None:
    root = workspace(tmp_path, "[evaluate]\nhead = ['logistic', 'forest']\n")
    # `lurm run` tells it before it begins.
    for command in ("evaluate", "run"):
        expected = "lurm.toml, [evaluate] head: 'forest' is not one of logistic, mlp"
        assert expected in here(root, command).refused(2)
        expected = "LURM_HEAD: 'x' is not one of logistic, mlp"
        assert expected in here(root, command, LURM_HEAD="mlp,x").refused(2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("clutser = 3\n", "clutser is not a setting of lurm; did you mean cluster?"),
        ("[embed_items]\ndim = 3\n", "embed_items is not a setting of lurm; did you mean embed-items?"),
        # Without its cut a run would see what it is later asked about.
        ("untill = 2017-12-01\n", "untill is not a setting of lurm; did you mean until?"),
        ("[[task]]\nname = 'x'\n", "task is not a setting of lurm; did you mean tasks?"),
        # Tables of other commands count, and those of commands that have no options of a method.
        ("[boi]\nperoid = 'month'\n", "[boi]: peroid is not an option of `lurm boi`; did you mean period?"),
        ("[baseline]\nuntill = 3\n", "[baseline]: untill is not an option of `lurm baseline`; did you mean until?"),
        ("[run]\nworker = 3\n", "[run]: worker is not an option of `lurm run`; did you mean workers?"),
        ("[status]\nzzz = 3\n", "[status]: zzz is not an option of `lurm status`; known: scheduler, seed, workers"),
        ("zzz = 3\n", "zzz is not a setting of lurm; known: until, seed, workers, scheduler, tasks, ingest"),
    ],
)
def test_a_misspelled_table_or_top_key_is_named(tmp_path: Path, settings: str, message: str) -> None:
    assert message in here(workspace(tmp_path, settings), "cluster").refused(2)


def test_a_misspelled_key_is_named_before_the_missing_log_and_a_variable_names_the_log(tmp_path: Path) -> None:
    root = workspace(tmp_path, "[ingest]\nevnts = 'log.csv'\n")
    assert "evnts is not an option of `lurm ingest`; did you mean events?" in here(root, "ingest").refused(2)
    workspace(tmp_path)
    assert "no events to read; name files" in here(root, "ingest").refused(2)
    (root / "log.csv").write_text("user,item,time\na,x,2017-01-01\n")
    assert here(root, "ingest", LURM_EVENTS="log.csv").wrote() == [str(root / "events.zarr")]


def test_a_number_where_texts_are_wanted_is_named(tmp_path: Path) -> None:
    assert "lurm.toml, [boi] period: 30 is not a text or a list of texts" in here(
        workspace(tmp_path, "[boi]\nperiod = 30\n"), "boi"
    ).refused(2)


def test_a_workspace_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    root = tmp_path / "[2020]" / "w*"
    root.mkdir(parents=True)
    workspace(root, '[ingest]\nevents = ["data/*.csv"]\n')
    (root / "data").mkdir()
    (root / "data/log.csv").write_text("user,item,time\na,x,2017-01-01\n")
    here(root, "ingest").wrote()
