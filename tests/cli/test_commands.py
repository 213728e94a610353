"""What every command promises: stdout is the path, --json the manifest, exit codes say how it ended."""

import contextlib
import csv
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import anndata
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import load_file
from scipy import sparse

from cli.logs import ODD_USER, ODDER_USER, write_workspace
from cli.shell import LURM, assert_same_bytes, clean_environment, files_of, here, lurm
from lurm_cli.evaluation.representation import known_users, rows_of
from lurm_cli.smen.training import Trainer

Copy = Callable[..., Path]
STAGES = ["events.zarr", "items.zarr", "item_embeddings.zarr", "interests.zarr", "boi-month.zarr", "smen", "users.zarr"]


def test_stages_chain_through_pipes(made: Path, copied: Copy) -> None:
    root = copied("events.zarr", "items.zarr")
    line = f"'{LURM}' embed-items | '{LURM}' cluster - | '{LURM}' boi - --period month"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=root,
        env=clean_environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{root / 'boi-month.zarr'}\n"
    # The same as what `lurm run` has made.
    for name in ("item_embeddings.zarr", "interests.zarr", "boi-month.zarr"):
        assert_same_bytes(root / name, made / name)


def test_a_representation_is_scored_from_the_path_that_another_stage_prints(copied: Copy) -> None:
    root = copied("users.zarr")
    shutil.move(root / "users.zarr", root / "other.zarr")
    done = lurm(
        root, "evaluate", "--users", "-", "--method", "lurm", "--task", "taste", stdin=f"{root / 'other.zarr'}\n"
    )
    assert done.wrote() == [str(root / "evaluation")]


def test_a_stage_says_so_when_the_one_before_it_has_printed_no_path(copied: Copy) -> None:
    assert "standard input holds no path" in lurm(copied(), "cluster", "-", stdin="\n").refused(2)


def test_every_stage_is_up_to_date_and_prints_only_its_path(made: Path) -> None:
    commands = {
        "ingest": "events.zarr",
        "embed-items": "item_embeddings.zarr",
        "cluster": "interests.zarr",
        "boi": "boi-month.zarr",
        "train-smen": "smen",
        "encode-users": "users.zarr",
        "evaluate": "evaluation",
    }
    before = files_of(made)
    for command, name in commands.items():
        done = here(made, command)
        assert done.wrote() == [str(made / name)]
        assert f"{made / name}: up to date" in done.err
    assert here(made, "baseline", "aggregates").wrote() == [str(made / "baselines/aggregates.zarr")]
    assert files_of(made) == before


def test_run_again_says_up_to_date_and_changes_nothing(made: Path) -> None:
    before = files_of(made)
    done = lurm(made, "run")
    assert done.wrote() == [str(made / "evaluation")]
    assert f"{made / 'evaluation'}: up to date" in done.err
    assert files_of(made) == before


def test_json_is_the_manifest(made: Path) -> None:
    held = json.loads(lurm(made, "boi", "--json", "--quiet").out)
    assert held["path"] == str(made / "boi-month.zarr")
    assert held["state"] == "up to date"
    assert held["kind"] == "boi" and held["parameters"] == {"period": "month"} and held["until"] == "2017-12-01"
    assert [entry["path"] for entry in held["inputs"]] == ["events.zarr", "interests.zarr"]
    root = json.loads((made / "boi-month.zarr/zarr.json").read_text())["attributes"]["lurm"]
    assert held["fingerprint"] == root["fingerprint"]


def test_several_artifacts_are_a_list_in_json_and_a_line_each_without(copied: Copy) -> None:
    root = copied("events.zarr", "interests.zarr")
    done = here(root, "boi", "--period", "month", "--period", "all")
    assert done.wrote() == [str(root / "boi-month.zarr"), str(root / "boi-all.zarr")]
    held = json.loads(here(root, "boi", "--period", "month", "--period", "all", "--json").out)
    assert [entry["parameters"]["period"] for entry in held] == ["month", "all"]


def test_a_period_may_be_written_otherwise(made: Path, copied: Copy) -> None:
    root = copied("events.zarr", "interests.zarr")
    assert here(root, "boi", "--period", "Month", "-o", "counts.zarr").wrote() == [str(root / "counts.zarr")]
    assert_same_bytes(root / "counts.zarr", made / "boi-month.zarr")
    assert not (root / "boi-month.zarr").exists()


def test_a_dry_run_of_an_evaluation_names_the_baselines_that_it_would_make(copied: Copy) -> None:
    root = copied("users.zarr", "events.zarr", "items.zarr", "boi-month.zarr")
    done = here(root, "evaluate", "--method", "lurm", "--method", "svd+lurm", "--dry-run")
    assert done.wrote() == [str(root / "evaluation")]
    assert "would make the baseline svd" in done.err and not (root / "baselines").exists()


def test_a_dry_run_writes_nothing(copied: Copy) -> None:
    root = copied("events.zarr", "items.zarr")
    before = files_of(root)
    done = lurm(root, "embed-items", "--dry-run")
    assert done.wrote() == [str(root / "item_embeddings.zarr")]
    assert "would be written" in done.err
    assert here(root, "ingest", "--dry-run", "-o", "other.zarr").wrote() == [str(root / "other.zarr")]
    assert files_of(root) == before


@pytest.mark.parametrize(
    ("arguments", "differs"),
    [
        (("ingest", "--user-col", "item"), 'user_col: "user" there, "item" asked for'),
        (("ingest", "--dedupe"), "dedupe: false there, true asked for"),
        (("embed-items", "--dim", 9), "dim: 8 there, 9 asked for"),
        (("cluster", "--n-interests", 5), "n_interests: 8 there, 5 asked for"),
        (("cluster", "--seed", 1), "seed: 0 there, 1 asked for"),
        (("boi", "--until", "2017-11-01"), "until: 2017-12-01 there, 2017-11-01 asked for"),
        (("train-smen", "--anchors", 3), "anchors: 2 there, 3 asked for"),
        (("encode-users", "--since", "2017-06-01"), 'since: auto there, "2017-06-01" asked for'),
        (("encode-users", "--until", "2017-06-01"), 'until: auto there, "2017-06-01" asked for'),
        (("evaluate", "--seeds", 2), "seeds: 1 there, 2 asked for"),
        (("evaluate", "--method", "boi"), 'methods: ["lurm", "boi", "aggregates"] there, ["boi"] asked for'),
    ],
)
def test_another_parameter_is_refused_and_named(made: Path, arguments: tuple, differs: str) -> None:
    message = here(made, *arguments).refused(4)
    assert f"\n  {differs}\n" in message
    assert "--overwrite" in message


def test_overwrite_replaces(copied: Copy) -> None:
    root = copied(*STAGES)
    here(root, "cluster", "--n-interests", 5, "--overwrite").wrote()
    assert json.loads(here(root, "inspect", "interests.zarr", "--json").out)["shape"] == [5, 8]
    # What was made from the former interests is out of date, and what was made from that, and only these.
    states = {entry["name"]: entry for entry in json.loads(here(root, "status", "--json").out)}
    assert {name for name, entry in states.items() if entry["state"] == "out of date"} == set(STAGES[4:])
    assert states["boi-month.zarr"]["detail"] == "interests.zarr changed since"
    assert states["users.zarr"]["detail"] == "smen, boi-month.zarr are out of date"
    assert "input interests: interests.zarr has changed" in here(root, "boi").refused(4)


def test_run_overwrite_replaces_only_what_is_out_of_date(copied: Copy) -> None:
    root = copied("events.zarr", "items.zarr", "item_embeddings.zarr", "interests.zarr", "boi-month.zarr", "smen")
    (root / "lurm.toml").write_text(
        (root / "lurm.toml").read_text().split("[[tasks]]")[0].replace("epochs = 2", "epochs = 1")
    )
    assert "`lurm run --overwrite` replaces what is out of date" in here(root, "run").refused(4)
    times = {name: (root / name / "zarr.json").stat().st_mtime_ns for name in STAGES[:5]}
    assert here(root, "run", "--overwrite").wrote() == [str(root / "users.zarr")]
    assert {name: (root / name / "zarr.json").stat().st_mtime_ns for name in STAGES[:5]} == times
    assert json.loads(here(root, "inspect", "smen", "--json").out)["parameters"]["epochs"] == 1


def test_a_foreign_folder_is_never_replaced(copied: Copy) -> None:
    root = copied("events.zarr", "items.zarr")
    (root / "item_embeddings.zarr").mkdir()
    (root / "item_embeddings.zarr/thesis.txt").write_text("years of work")
    assert "not an artifact of lurm" in here(root, "embed-items", "--overwrite").refused(4)
    assert (root / "item_embeddings.zarr/thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("arguments", "missing", "advice"),
    [
        (("embed-items",), "items.zarr", "run `lurm ingest` or `lurm run`"),
        (("cluster",), "item_embeddings.zarr", "run `lurm embed-items` or `lurm run`"),
        (("boi",), "events.zarr", "run `lurm ingest` or `lurm run`"),
        (("train-smen",), "boi-month.zarr", "run `lurm boi` or `lurm run`"),
        (("encode-users",), "smen", "run `lurm train-smen` or `lurm run`"),
        (("baseline", "tfidf"), "events.zarr", "run `lurm ingest` or `lurm run`"),
        (("evaluate", "--method", "lurm"), "users.zarr", "run `lurm encode-users` or `lurm run`"),
        (("inspect", "nothing.zarr"), "nothing.zarr", "`lurm status` lists what the workspace holds"),
        (("verify", "nothing.zarr"), "nothing.zarr", "`lurm status` lists what the workspace holds"),
        (("export", "nothing.zarr", "-o", "x.npz"), "nothing.zarr", "`lurm status` lists what the workspace holds"),
    ],
)
def test_a_missing_input_and_what_makes_it_are_named(copied: Copy, arguments: tuple, missing: str, advice: str) -> None:
    root = copied()
    assert here(root, *arguments).refused(3) == f"{root / missing} does not exist; {advice}\n"


def test_an_input_of_another_kind_is_named(made: Path) -> None:
    message = here(made, "cluster", "events.zarr", "-o", "x.zarr").refused(3)
    assert "events.zarr holds events, expected item-embeddings; it was written by `lurm ingest`" in message


@pytest.mark.parametrize("user", [ODD_USER, ODDER_USER, "user 2"])
def test_a_users_life_adds_up_to_the_log(made: Path, user: str) -> None:
    # Joined by =, so that an id may begin with a dash.
    life = json.loads(here(made, "inspect", "users.zarr", f"--user={user}", "--json", "--top", 99).out)
    expected: dict[str, int] = {}
    with (made / "data/events.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["user"] == user and row["time"] < "2017-12-01":
                expected[row["time"][:7]] = expected.get(row["time"][:7], 0) + 1
    assert {line["period"]: line["behaviours"] for line in life} == expected
    assert all(sum(entry["count"] for entry in line["interests"]) == line["behaviours"] for line in life)


def test_an_unknown_user_is_refused(made: Path) -> None:
    assert "holds no user 'nobody'" in lurm(made, "inspect", "users.zarr", "--user", "nobody").refused(2)
    assert "was not made from counts" in here(made, "inspect", "items.zarr", "--user", "user 2").refused(2)


def test_status_shows_every_artifact_in_the_order_of_the_stages(made: Path, tmp_path: Path) -> None:
    entries = json.loads(here(made, "status", "--json").out)
    assert [entry["name"] for entry in entries] == [*STAGES, "baselines/aggregates.zarr", "evaluation"]
    assert {entry["state"] for entry in entries} == {"complete"}
    shown = lurm(made, "status").wrote()
    assert [line.split()[0] for line in shown] == ["artifact", *(entry["name"] for entry in entries)]
    (tmp_path / "lurm.toml").touch()
    done = here(tmp_path, "status")
    assert done.wrote() == [] and "begin with `lurm ingest`" in done.err


def test_inspect_shows_what_an_artifact_was_made_from(made: Path) -> None:
    shown = lurm(made, "inspect", "boi-month.zarr").out
    assert "parameter period month\n" in re.sub(" +", " ", shown).replace(" \n", "\n")
    assert "made from events" in shown and "made from interests" in shown and "2017-12-01" in shown


def test_inspect_shows_values_as_a_person_reads_them(made: Path) -> None:
    def rows(name: str) -> list[str]:
        return [" ".join(line.split()) for line in here(made, "inspect", name).wrote()]

    shown = rows("evaluation")
    assert "shape 3 x 2" in shown
    assert "parameter methods lurm, boi, aggregates" in shown
    assert "parameter tasks taste, mugs" in shown
    assert not any("{" in line or "[" in line for line in shown)
    (first,) = [line for line in rows("events.zarr") if line.startswith("fact first_time")]
    assert re.fullmatch(r"fact first_time 2017-01-01(T\d\d:00:00Z)?", first)


@pytest.mark.parametrize("top", [0, -1])
def test_inspect_shows_one_interest_at_least(made: Path, top: int) -> None:
    message = here(made, "inspect", "users.zarr", "--user", "user 2", "--top", top).refused(2)
    assert message == f"--top: {top} is too small, the least is 1\n"


def test_exports_hold_the_artifact(made: Path, tmp_path: Path) -> None:
    ids = known_users(made / "users.zarr")
    values = rows_of(made / "users.zarr", ids)
    for suffix in ("npz", "csv", "parquet"):
        file = tmp_path / f"users.{suffix}"
        assert here(made, "export", "users.zarr", "-o", file).wrote() == [str(file)]
    with np.load(tmp_path / "users.npz") as held:
        assert held["ids"].tolist() == ids.tolist()
        np.testing.assert_array_equal(held["values"], values)
    table = pq.read_table(tmp_path / "users.parquet")
    assert table["id"].to_pylist() == ids.tolist()
    np.testing.assert_array_equal(np.column_stack([table[f"v{k}"].to_numpy() for k in range(16)]), values)
    with (tmp_path / "users.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert [row[0] for row in rows] == ["id", *ids]
    np.testing.assert_allclose(np.array([row[1:] for row in rows[1:]], dtype=np.float32), values, rtol=1e-6)


def test_exported_counts_open_in_scipy_and_name_their_rows(made: Path, tmp_path: Path) -> None:
    for suffix in ("npz", "parquet", "csv"):
        lurm(made, "export", "boi-month.zarr", "-o", tmp_path / f"counts.{suffix}").wrote()
    counts = sparse.load_npz(tmp_path / "counts.npz")
    with (made / "data/events.csv").open(encoding="utf-8", newline="") as stream:
        log = [row for row in csv.DictReader(stream) if row["time"] < "2017-12-01"]
    assert counts.sum() == len(log)
    with np.load(tmp_path / "counts.npz") as held:
        rows = set(zip(held["ids"].tolist(), held["periods"].tolist(), strict=True))
    assert rows == {(row["user"], row["time"][:7]) for row in log}
    table = pq.read_table(tmp_path / "counts.parquet")
    assert table.column_names == ["id", "period", "interest", "value"]
    assert table.num_rows == counts.nnz and sum(table["value"].to_pylist()) == len(log)
    assert len((tmp_path / "counts.csv").read_text(encoding="utf-8").splitlines()) == counts.nnz + 1


def test_exported_interests_say_what_each_item_is_about(made: Path, tmp_path: Path) -> None:
    from lurm_cli.artifacts.columns import Columns

    held = Columns(made / "interests.zarr", "interests")
    labels, numbers = held.read("labels").tolist(), held.read("item_interest").tolist()
    file = tmp_path / "interests.csv"
    assert here(made, "export", "interests.zarr", "-o", file).wrote() == [str(file)]
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    pairs = zip(held.read("ids").tolist(), numbers, strict=True)
    assert rows == [["id", "interest", "label"], *([item, str(k), labels[k]] for item, k in pairs)]
    assert "exported as parquet or csv" in here(made, "export", "interests.zarr", "-o", tmp_path / "i.npz").refused(2)
    # Of several interests an item, each with its weight.
    soft = tmp_path / "soft.zarr"
    here(made, "cluster", "--assign", "soft", "--top", 2, "-o", soft).wrote()
    here(made, "export", soft, "-o", tmp_path / "soft.parquet").wrote()
    table = pq.read_table(tmp_path / "soft.parquet")
    assert table.column_names == ["id", "interest", "label", "weight"]
    assert table.num_rows == 2 * len(numbers)
    assert sum(table["weight"].to_pylist()) == pytest.approx(len(numbers))


def test_columns_of_a_sparse_baseline_are_not_called_interests(made: Path, tmp_path: Path) -> None:
    here(made, "baseline", "tfidf", "-o", tmp_path / "tfidf.zarr").wrote()
    here(made, "export", tmp_path / "tfidf.zarr", "-o", tmp_path / "tfidf.csv").wrote()
    header = (tmp_path / "tfidf.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.replace('"', "") == "id,column,value"


def test_no_file_is_called_dash(made: Path) -> None:
    for arguments in (("export", "users.zarr", "--format", "csv"), ("cluster",)):
        assert "--output -: standard output holds the path" in here(made, *arguments, "-o", "-").refused(2)
    assert not (made / "-").exists()


def test_an_export_is_not_replaced_unasked_and_its_format_is_checked(made: Path, tmp_path: Path) -> None:
    file = tmp_path / "users.npz"
    file.write_text("mine")
    assert "exists; --overwrite replaces it" in here(made, "export", "users.zarr", "-o", file).refused(4)
    assert file.read_text() == "mine"
    here(made, "export", "users.zarr", "-o", file, "--overwrite").wrote()
    assert "is not one of npz, npy" in here(made, "export", "users.zarr", "-o", tmp_path / "users.xls").refused(2)
    assert "give --format" in here(made, "export", "users.zarr", "-o", tmp_path / "users").refused(2)
    assert "has no single-file form" in here(made, "export", "events.zarr", "-o", tmp_path / "e.csv").refused(2)
    assert "dense matrices only" in here(made, "export", "boi-month.zarr", "-o", tmp_path / "c.npy").refused(2)
    assert "export needs -o FILE" in here(made, "export", "users.zarr").refused(2)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["users.npz"]


def test_exports_for_numpy_and_anndata(made: Path, tmp_path: Path) -> None:
    ids = known_users(made / "users.zarr")
    here(made, "export", "users.zarr", "-o", tmp_path / "users.npy").wrote()
    np.testing.assert_array_equal(np.load(tmp_path / "users.npy"), rows_of(made / "users.zarr", ids))
    here(made, "export", "boi-month.zarr", "-o", tmp_path / "counts.h5ad").wrote()
    held = anndata.read_h5ad(tmp_path / "counts.h5ad")
    assert {"user", "period"} <= set(held.obs)
    counts = json.loads(here(made, "inspect", "boi-month.zarr", "--json").out)
    assert held.shape == tuple(counts["shape"]) and held.X.nnz == counts["nnz"]


def test_init_writes_settings_that_run_reads_and_never_replaces_them(tmp_path: Path) -> None:
    done = lurm(tmp_path, "init", "new")
    assert done.code == 0 and (tmp_path / "new/lurm.toml").is_file()
    assert "exists already" in lurm(tmp_path, "init", "new").refused(4)
    assert here(tmp_path / "new", "status").wrote() == []
    assert "no events to read" in here(tmp_path / "new", "run").refused(2)
    # Every line of it that is commented out is valid once it is not.
    text = (tmp_path / "new/lurm.toml").read_text(encoding="utf-8")
    settings = [
        line.removeprefix("# ") if "=" in line or line.startswith("# [") else line for line in text.splitlines()
    ]
    (tmp_path / "new/lurm.toml").write_text("\n".join(settings), encoding="utf-8")
    assert "no such file" in here(tmp_path / "new", "run").refused(2).lower()


def on_terminal(root: Path, *arguments: object, **variables: str) -> bytes:
    """What a person at a terminal sees of stderr."""
    master, slave = os.openpty()
    command = [str(LURM), *map(str, arguments)]
    environment = clean_environment(**variables)
    subprocess.run(command, cwd=root, stdout=subprocess.DEVNULL, stderr=slave, env=environment, check=True)
    os.close(slave)
    seen = b""
    with contextlib.suppress(OSError):  # what a terminal without a writer ends with
        while part := os.read(master, 65_536):
            seen += part
    os.close(master)
    return seen


def test_a_terminal_has_bars_unless_it_is_dumb_and_colours_unless_unwanted(copied: Copy) -> None:
    root = copied("items.zarr", "item_embeddings.zarr", "events.zarr", "interests.zarr")
    bars = on_terminal(root, "boi", TERM="xterm")
    assert b"\x1b[" in bars and b"counting month" in bars
    assert b"\x1b[3" not in on_terminal(root, "boi", "--overwrite", TERM="xterm", NO_COLOR="1")
    assert b"\x1b" not in on_terminal(root, "boi", "--overwrite", TERM="dumb")


def test_a_pipe_gives_plain_text(made: Path) -> None:
    done = lurm(made, "status")
    assert "\x1b" not in done.out + done.err
    assert lurm(made, "run", "--quiet").err == ""


def test_a_traceback_comes_only_when_asked_for(made: Path) -> None:
    for arguments, variables in (((), {"LURM_DEBUG": "1"}), (("-v",), {})):
        done = here(made, "inspect", "no.zarr", *arguments, **variables)
        assert done.code == 3 and "Traceback" in done.err
    assert "Traceback" not in here(made, "inspect", "no.zarr").refused(3)


def test_a_fault_of_lurm_itself_says_so(made: Path) -> None:
    with mock.patch("lurm_cli.stages.status.run_status", side_effect=ZeroDivisionError("by nothing")):
        done = here(made, "status")
    assert done.code == 1
    assert done.err == (
        "lurm: error: unexpected ZeroDivisionError: by nothing; run again with -v for the traceback to report\n"
    )


def test_the_exported_model_is_the_encoder_alone(made: Path) -> None:
    names = set(load_file(made / "smen/model.safetensors"))
    assert {"anchors.interests", "anchors.anchors", "anchors.key"} <= names
    assert not [name for name in names if "head" in name]


def test_random_is_of_the_finest_counts_whatever_their_names(copied: Copy) -> None:
    root = copied("events.zarr", "items.zarr", "interests.zarr")
    here(root, "boi", "--period", "month", "--period", "all").wrote()
    here(root, "evaluate", "--task", "taste", "--method", "random").wrote()
    held = json.loads(here(root, "inspect", "baselines/random.zarr", "--json").out)
    assert held["parameters"]["scales"][0] == "month"


def test_help_and_version_import_nothing_heavy() -> None:
    heavy = {"torch", "zarr", "faiss", "duckdb", "sklearn", "scipy", "gensim", "numpy", "matplotlib", "pyarrow"}
    for arguments in (["--help"], ["--version"], ["train-smen", "--help"]):
        done = subprocess.run(
            [LURM.with_name("python"), "-X", "importtime", str(LURM), *arguments],
            env=clean_environment(),
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
        assert "typer" in imported
        assert imported & heavy == set()


def test_help_names_every_command_and_its_stdout_is_the_help() -> None:
    done = subprocess.run([LURM, "--help"], capture_output=True, encoding="utf-8", check=True)
    for command in ("init", "ingest", "embed-items", "cluster", "boi", "train-smen", "encode-users", "baseline"):
        assert f"\n  {command} " in done.stdout
    assert done.stderr == ""


def test_a_second_workspace_may_lie_anywhere_and_be_named(tmp_path: Path) -> None:
    root = write_workspace(tmp_path / "far/away", n_users=4, per_user=5)
    assert here(tmp_path, "ingest", "-w", root, "--quiet").wrote() == [str(root / "events.zarr")]
    assert here(tmp_path, "ingest", LURM_WORKSPACE=str(root)).wrote() == [str(root / "events.zarr")]
    # From a folder below, too.
    assert here(root / "data", "ingest").wrote() == [str(root / "events.zarr")]
    assert "no lurm.toml in" in here(tmp_path, "ingest").refused(2)
    assert "is not a folder" in here(tmp_path, "ingest", "-w", "nowhere").refused(2)


def test_counts_since_a_time_are_those_of_the_periods_from_it_on(made: Path, copied: Copy) -> None:
    from lurm_cli.artifacts.store import Counts

    root = copied("events.zarr", "items.zarr", "interests.zarr")
    whole = Counts.open(made / "boi-month.zarr")
    middle = sorted({int(p) for b in whole.buckets() for p in whole.bucket(b).row_period})[1]
    since = str(np.datetime64(middle, "M"))
    done = lurm(root, "boi", "--period", "month", "--since", f"{since}-01", "-o", "late.zarr")
    done.wrote()
    late = Counts.open(root / "late.zarr")
    kept = {b: whole.bucket(b) for b in whole.buckets()}
    for bucket in late.buckets():
        part = kept[bucket]
        assert late.bucket(bucket).counts.sum() == part.counts[part.row_period >= middle].sum()
        assert late.bucket(bucket).row_period.min() >= middle


def test_weights_that_the_last_step_has_spoilt_are_refused(copied: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    # So few users that none validate: the last weights are kept.
    root = copied("boi-month.zarr", "interests.zarr")
    spoilt = {"encoder.anchors.key": torch.full((8, 8), float("nan"))}
    monkeypatch.setattr(Trainer, "_current", lambda self: spoilt)
    assert "weights are not finite after the last step; try a lower --lr" in here(root, "train-smen").refused(1)
    assert not (root / "smen").exists()


def test_a_link_stays_and_what_it_leads_to_is_built(copied: Copy, made: Path, tmp_path: Path) -> None:
    root = copied("events.zarr", "interests.zarr")
    disk = tmp_path / "large disk"
    disk.mkdir()
    (root / "boi-month.zarr").symlink_to(disk / "counts.zarr")
    for flags in ((), ("--overwrite",), ("--overwrite",)):
        here(root, "boi", *flags).wrote()
        assert (root / "boi-month.zarr").is_symlink()
        assert [entry.name for entry in disk.iterdir()] == ["counts.zarr"]
    assert_same_bytes(disk / "counts.zarr", made / "boi-month.zarr")


def test_what_cannot_be_remembered_is_no_fault(copied: Copy, tmp_path: Path) -> None:
    root = copied()
    (root / ".lurm").write_text("a file where the folder would be")
    here(root, "ingest", "-o", tmp_path / "elsewhere.zarr").wrote()


def test_other_ids_beside_vectors_are_other_vectors(copied: Copy) -> None:
    root = copied("events.zarr", "items.zarr")
    np.save(root / "v.npy", np.eye(40, 4, dtype=np.float32) + 1)
    (root / "v.npy.ids.txt").write_text("".join(f"item {number}\n" for number in range(40)))
    command = ("embed-items", "--method", "precomputed", "--vectors", "v.npy")
    here(root, *command).wrote()
    (root / "v.npy.ids.txt").write_text("".join(f"item {number}\n" for number in reversed(range(40))))
    assert "input raw ids of vectors: v.npy.ids.txt has changed" in here(root, *command).refused(4)
