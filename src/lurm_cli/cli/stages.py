"""The commands that run one stage each: parse, call the stage, print."""

from __future__ import annotations

from typing import Any

import typer

from lurm_cli.cli.command import (
    Session,
    add_command,
    argument,
    config_parameters,
    input_option,
    load,
    settled_config,
)
from lurm_cli.errors import UsageError
from lurm_cli.stages.boi import BoiConfig
from lurm_cli.stages.cluster import ClusterConfig
from lurm_cli.stages.embed_items import EmbedConfig
from lurm_cli.stages.encode_users import EncodeConfig
from lurm_cli.stages.ingest import IngestConfig
from lurm_cli.stages.train_smen import TrainConfig


def ingest(session: Session, given: dict[str, Any]) -> None:
    """Read raw logs."""
    config = settled_config(IngestConfig, "ingest", session, given)
    events, _ = load("lurm_cli.stages.ingest:run_ingest")(session.context, config, session.target("events.zarr"))
    session.show([events])


def embed_items(session: Session, given: dict[str, Any]) -> None:
    """Give every item a vector."""
    items = session.path(given["items"], "items.zarr")
    events = session.path(given["events"], "events.zarr")
    config = settled_config(EmbedConfig, "embed-items", session, given)
    run = load("lurm_cli.stages.embed_items:run_embed_items")
    session.show([run(session.context, items, events, config, session.target("item_embeddings.zarr"))])


def cluster(session: Session, given: dict[str, Any]) -> None:
    """Find interests."""
    embeddings = session.path(given["embeddings"], "item_embeddings.zarr")
    items = session.path(given["items"], "items.zarr")
    config = settled_config(ClusterConfig, "cluster", session, given)
    run = load("lurm_cli.stages.cluster:run_cluster")
    session.show([run(session.context, embeddings, items, config, session.target("interests.zarr"))])


def boi(session: Session, given: dict[str, Any]) -> None:
    """Count interests by period."""
    interests = session.path(given["interests"], "interests.zarr")
    events = session.path(given["events"], "events.zarr")
    config = settled_config(BoiConfig, "boi", session, given)
    outputs = None
    if session.output is not None:
        if len(config.period) != 1:
            raise UsageError("--output names one place, so exactly one --period must be given with it")
        period = load("lurm_cli.boi.periods:Period").parse(config.period[0])
        outputs = {period.name: session.output}
    session.show(load("lurm_cli.stages.boi:run_boi")(session.context, events, interests, config, outputs))


def train_smen(session: Session, given: dict[str, Any]) -> None:
    """Train the encoder."""
    path = session.path(given["boi"], "") if given["boi"] else None
    config = settled_config(TrainConfig, "train-smen", session, given)
    run = load("lurm_cli.stages.train_smen:run_train_smen")
    session.show([run(session.context, path, config, session.target("smen"))])


def encode_users(session: Session, given: dict[str, Any]) -> None:
    """Encode every user."""
    smen = session.path(given["smen"], "smen")
    path = session.path(given["boi"], "") if given["boi"] else None
    config = settled_config(EncodeConfig, "encode-users", session, given)
    run = load("lurm_cli.stages.encode_users:run_encode_users")
    session.show([run(session.context, smen, path, config, session.target("users.zarr"))])


def register(app: typer.Typer) -> None:
    """Add the stage commands, in the order in which they run."""
    add_command(
        app,
        "ingest",
        ingest,
        [argument("events", "Files or globs of events.", many=True), *config_parameters(IngestConfig, ("events",))],
        "Read raw logs: who did what with which item, when.",
        config=IngestConfig,
    )
    add_command(
        app,
        "embed-items",
        embed_items,
        [
            argument("items", "Items; - reads the path from standard input."),
            input_option("events", "Events, to learn from what was seen before the cut."),
            *config_parameters(EmbedConfig),
        ],
        "Give every item a vector: from its text, from behaviour, or from a file.",
        config=EmbedConfig,
    )
    add_command(
        app,
        "cluster",
        cluster,
        [
            argument("embeddings", "Item embeddings; - reads the path from standard input."),
            input_option("items", "Items, for the words of the labels."),
            *config_parameters(ClusterConfig),
        ],
        "Cluster items into interests and label them.",
        config=ClusterConfig,
    )
    add_command(
        app,
        "boi",
        boi,
        [
            argument("interests", "Interests; - reads the path from standard input."),
            input_option("events", "Events to count."),
            *config_parameters(BoiConfig),
        ],
        "Count each user's interests by period (Bag of Interests).",
        config=BoiConfig,
    )
    add_command(
        app,
        "train-smen",
        train_smen,
        [argument("boi", "Counts of the finest scale; - reads the path."), *config_parameters(TrainConfig)],
        "Train the multi-anchor encoder on two views of every user.",
        config=TrainConfig,
    )
    add_command(
        app,
        "encode-users",
        encode_users,
        [
            argument("smen", "Trained model; - reads the path."),
            input_option("boi", "Counts of the model's finest scale."),
            *config_parameters(EncodeConfig),
        ],
        "Turn every user's life into M x H numbers.",
        config=EncodeConfig,
    )
