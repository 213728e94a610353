"""The commands that compare: baseline, evaluate, and run, which does everything."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import typer

from lurm_cli.artifacts.manifest import read_manifest
from lurm_cli.baselines.registry import NAMES, QUICK, RANDOM
from lurm_cli.cli import stages
from lurm_cli.cli.command import (
    Session,
    add_command,
    config_parameters,
    input_option,
    load,
    settled_config,
    with_common,
)
from lurm_cli.errors import UsageError
from lurm_cli.stages.baseline import BaselineConfig
from lurm_cli.stages.boi import BoiConfig
from lurm_cli.stages.cluster import ClusterConfig
from lurm_cli.stages.context import Context, Outcome, cut_time, earliest
from lurm_cli.stages.embed_items import EmbedConfig
from lurm_cli.stages.encode_users import EncodeConfig
from lurm_cli.stages.evaluate import EvaluateConfig
from lurm_cli.stages.ingest import IngestConfig
from lurm_cli.stages.run import WOULD_WRITE, Step, run_all
from lurm_cli.stages.task_checks import check_cut, check_item_columns, check_labels
from lurm_cli.stages.train_smen import TrainConfig


def baseline(session: Session, given: dict[str, Any]) -> None:
    """Make a competitor's representation."""
    from lurm_cli.baselines.registry import check_name
    from lurm_cli.stages.baseline import baseline_path

    name = given["name"]
    if name is None:
        raise UsageError(f"which baseline? known are {', '.join(NAMES)}")
    config = settled_config(BaselineConfig, "baseline", session, given)
    boi = session.path(given["boi"], "") if given["boi"] else None
    target = session.output or baseline_path(session.workspace.root, check_name(name))
    run = load("lurm_cli.stages.baseline:run_baseline")
    events, items = session.path(given["events"], "events.zarr"), session.path(given["items"], "items.zarr")
    session.show([run(session.context, name, events, items, boi, config, target)])


def evaluate(session: Session, given: dict[str, Any]) -> None:
    """Score representations."""
    config = settled_config(EvaluateConfig, "evaluate", session, given)
    if config.users == "-":
        config = dataclasses.replace(config, users=str(session.path("-", "")))
    tasks = _tasks(session, config.task)
    run = load("lurm_cli.stages.evaluate:run_evaluate")
    outcome = run(session.context, tasks, config, session.target("evaluation"))
    show_scores(session, outcome)
    session.show([outcome])


def _tasks(session: Session, wanted: tuple[str, ...]) -> list[Any]:
    from lurm_cli.evaluation.tasks import parse_tasks

    return parse_tasks(session.workspace.settings, session.workspace.root, wanted)


def show_scores(session: Session, outcome: Outcome) -> None:
    """The tables, on stderr: stdout belongs to the path."""
    file = outcome.path / "results.json"
    if outcome.state == "would be written" or not file.is_file():
        return
    from lurm_cli.evaluation.tables import score_tables

    for table in score_tables(json.loads(file.read_text(encoding="utf-8"))):
        session.context.reporter.table(table)
    session.context.reporter.note(f"report: {outcome.path / 'report.html'}")


def run(session: Session, given: dict[str, Any]) -> None:
    """Everything, from the raw log to the scores."""
    root, workspace = session.workspace.root, session.workspace

    def config(cls: type[Any], command: str) -> Any:
        return settled_config(cls, command, session, {})

    evaluation = config(EvaluateConfig, "evaluate")
    tasks = _tasks(session, evaluation.task) if workspace.settings.get("tasks") else []
    events, items = root / "events.zarr", root / "items.zarr"
    ingest = config(IngestConfig, "ingest")
    boi = config(BoiConfig, "boi")
    competitors = config(BaselineConfig, "baseline")
    if "until" not in workspace.section("baseline"):
        competitors = dataclasses.replace(competitors, until=boi.until)
    train = config(TrainConfig, "train-smen")
    # A log that was named on the command line of `lurm ingest` stands in no setting: what it made is taken as it is.
    ingested = not ingest.events and events.exists() and items.exists()
    log_until = read_manifest(events, "events").until if ingested else cut_time(ingest.until)
    for until in (boi.until, competitors.until):
        check_cut(tasks, earliest(cut_time(until), log_until))
    check_labels(tasks)
    # Whatever scales the encoder is to have, the finest has to be counted.
    if train.scales and not boi.period:
        boi = dataclasses.replace(boi, period=tuple(name for entry in train.scales for name in entry.split(",")))
    embeddings, interests, smen = root / "item_embeddings.zarr", root / "interests.zarr", root / "smen"

    def stage(command: str, *arguments: Any) -> Any:
        def step(context: Context) -> list[Outcome]:
            name = command.replace("-", "_")
            own = with_common(context, workspace, (command, "run"), given)
            done = load(f"lurm_cli.stages.{name}:run_{name}")(own, *arguments)
            return done if isinstance(done, list) else [done]

        return step

    def ingest_step(context: Context) -> list[Outcome]:
        done: list[Outcome] = stage("ingest", ingest, events)(context)
        if items.exists() and all(outcome.state != WOULD_WRITE for outcome in done):
            check_item_columns(tasks, items)
        return done

    steps: list[Step] = [
        ("ingest", ingest_step),
        ("embed-items", stage("embed-items", items, events, config(EmbedConfig, "embed-items"), embeddings)),
        ("cluster", stage("cluster", embeddings, items, config(ClusterConfig, "cluster"), interests)),
        ("boi", stage("boi", events, interests, boi)),
        ("train-smen", stage("train-smen", None, train, smen)),
        ("encode-users", stage("encode-users", smen, None, config(EncodeConfig, "encode-users"), root / "users.zarr")),
    ]
    if ingested:
        session.context.reporter.note(f"{events} is taken as it is: no events are set under [ingest] in lurm.toml")
        check_item_columns(tasks, items)
        del steps[0]
    if tasks:
        for name in _baselines(evaluation.method):
            # The floor encodes the counts, whatever cut the others have.
            cut = dataclasses.replace(competitors, until=boi.until) if name == RANDOM else competitors
            steps.append((f"baseline {name}", stage("baseline", name, events, items, None, cut, _place(root, name))))
        steps.append(("evaluate", stage("evaluate", tasks, evaluation, root / "evaluation")))
    outcome = run_all(session.context, steps)[-1]
    last = root / ("evaluation" if tasks else "users.zarr")
    if outcome.path != last:  # a dry run that would write something before it
        print(json.dumps({"path": str(last), "state": WOULD_WRITE}, indent=2) if session.as_json else last)
        return
    if tasks:
        show_scores(session, outcome)
    session.show([outcome])


def _place(root: Path, name: str) -> Path:
    from lurm_cli.stages.baseline import baseline_path

    return baseline_path(root, name)


def _baselines(methods: tuple[str, ...]) -> list[str]:
    wanted = {part.strip() for method in methods if "=" not in method for part in method.split("+")}
    return [name for name in NAMES if (name in wanted if methods else name in QUICK)]


def register(app: typer.Typer) -> None:
    """Add the commands that compare."""
    add_command(
        app,
        "baseline",
        baseline,
        [
            stages.argument("name", f"One of {', '.join(NAMES)}.", metavar="NAME"),
            input_option("events", "Events."),
            input_option("items", "Items."),
            input_option("boi", "Counts, for random."),
            *config_parameters(BaselineConfig),
        ],
        "Make a competitor's representation of every user.",
        config=BaselineConfig,
    )
    add_command(
        app,
        "evaluate",
        evaluate,
        config_parameters(EvaluateConfig),
        "Score representations on the tasks of lurm.toml.",
        config=EvaluateConfig,
    )
    add_command(
        app,
        "run",
        run,
        [],
        "Do everything: all stages in order, skipping what is up to date.",
        leave_out=("output",),
    )
