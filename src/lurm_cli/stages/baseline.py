"""``lurm baseline NAME``: a competitor's representation of every user, as the artifact that the encoder also writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.manifest import Manifest
from lurm_cli.baselines.registry import RANDOM, check_name, make_baseline
from lurm_cli.errors import LurmError
from lurm_cli.stages.context import Context, Outcome, cut_time, earliest, later_knowledge, refuse_other_items, settled
from lurm_cli.stages.options import option

if TYPE_CHECKING:
    from scipy import sparse

    from lurm_cli.artifacts.ragged import RaggedEvents
    from lurm_cli.artifacts.store import Events


@dataclass(frozen=True)
class BaselineConfig:
    """Options of ``lurm baseline``."""

    until: str | None = option(None, "use only events before this time", shown="until in lurm.toml, else no cut")


def baseline_path(root: Path, name: str) -> Path:
    """Where a baseline's representation stands in a workspace."""
    return root / "baselines" / f"{name}.zarr"


def run_baseline(
    context: Context, name: str, events: Path, items: Path, boi: Path | None, config: BaselineConfig, target: Path
) -> Outcome:
    """Make one baseline's representation of every user with events before the cut.

    Parameters
    ----------
    boi
        Counts for ``random``, the encoder with untrained weights; by default the workspace's finest.

    Raises
    ------
    UsageError
        If there is no such baseline.
    """
    if check_name(name) == RANDOM:
        return _random(context, boi, target)
    event_manifest, event_ref = context.input(events, "events")
    item_manifest, item_ref = context.input(items, "items")
    refuse_other_items((items, item_manifest), (events, event_manifest))
    until = earliest(cut_time(config.until), event_manifest.until)
    baseline = make_baseline(name)
    parameters = {"name": name, **baseline.parameters}
    draft = Manifest("baseline", "baseline", parameters, (event_ref, item_ref), context.seed, until)
    outcome = settled(context, target, draft)
    if outcome is not None:
        return outcome
    from lurm_cli.artifacts.store import Events

    store = Events.open(events)
    if next(store.iter_buckets(until), None) is None:
        raise LurmError("no event lies before the cut; check `until`")
    with Build(target, draft) as build, context.reporter.bar(f"{name}: learning", None):
        baseline.fit(lambda: store.iter_buckets(until), read_catalogue(items), context.seed)
        manifest = _write(build, baseline, store, until)
    return Outcome(target, manifest, "written")


def read_catalogue(items: Path) -> Any:
    """The items table as baselines see it."""
    from lurm_cli.artifacts.columns import Columns
    from lurm_cli.baselines.base import Catalogue
    from lurm_cli.stages.embed_items import item_texts

    held = Columns(items, "items")
    names = held.manifest.facts["text_columns"]
    return Catalogue(
        held.read("ids"),
        {name: held.read(f"text_{number}") for number, name in enumerate(names)},
        item_texts(held),
    )


def _write(build: Build, baseline: Any, store: Events, until: int | None) -> Manifest:
    """CSR rows become one part a bucket; dense ones one matrix, since it is as small as its users are few."""
    import shutil

    import numpy as np
    from scipy import sparse

    from lurm_cli.artifacts.columns import write_columns

    for left_over in build.folder.glob("*/"):
        shutil.rmtree(left_over)
    ids, blocks, shape, n_users = [], [], (0, 0), 0
    for bucket, events in _buckets(store, until):
        rows = baseline.transform(events)
        n_users, shape = n_users + len(events.users), rows.shape
        if sparse.issparse(rows):
            _write_part(build, bucket, events, rows)
        else:
            ids.append(events.users)
            blocks.append(rows)
    if blocks:
        extras = getattr(baseline, "extras", {})
        write_columns(build.folder, {"values": np.vstack(blocks), "ids": np.concatenate(ids), **extras})
    return build.finish(shape=(n_users, shape[1]), facts={"n_users": n_users})


def _buckets(store: Events, until: int | None) -> Iterator[tuple[int, RaggedEvents]]:
    for bucket in store.buckets():
        events = store.bucket(bucket, until)
        if events.n_events:
            yield bucket, events


def _write_part(build: Build, bucket: int, events: RaggedEvents, rows: sparse.csr_matrix) -> None:
    import numpy as np

    from lurm_cli.artifacts.csr import CsrPart, write_csr_part
    from lurm_cli.artifacts.parts import part_name

    n = len(events.users)
    # A baseline's row is the whole life, so it belongs to no year and to the one period "all".
    part = CsrPart(rows, events.users, np.arange(n, dtype=np.int32), np.zeros(n, dtype=np.int32))
    write_csr_part(build.folder, part_name(0, bucket), part)


def _random(context: Context, boi: Path | None, target: Path) -> Outcome:
    """The floor: the encoder as it is before its first step."""
    from lurm_cli.stages.train_smen import TrainConfig, finest_counts

    config = TrainConfig()
    boi, scales = finest_counts(context, boi, config)
    counts_manifest, counts_ref = context.input(boi, "boi")
    parameters = {"name": RANDOM, "scales": scales, "anchors": config.anchors, "dim": config.dim}
    draft = Manifest("baseline", "baseline", parameters, (counts_ref,), context.seed, counts_manifest.until)
    outcome = settled(context, target, draft)
    if outcome is not None:
        return outcome
    import numpy as np
    import torch

    from lurm_cli.artifacts.columns import write_columns
    from lurm_cli.artifacts.store import Counts
    from lurm_cli.smen.batch import InputLaw
    from lurm_cli.smen.blocks import Window
    from lurm_cli.smen.config import ModelConfig
    from lurm_cli.smen.model import Encoder
    from lurm_cli.stages.encode_users import encode_pieces

    counts = Counts.open(boi)
    with Build(target, draft) as build, context.reporter.bar("random: encoding", None):
        torch.manual_seed(context.seed)
        encoder = Encoder(ModelConfig(counts.n_interests, config.anchors, config.dim, tuple(scales)))
        users = {bucket: counts.bucket(bucket).users for bucket in counts.buckets()}
        pieces = tuple((bucket, 0, len(held)) for bucket, held in users.items())
        values = np.vstack(encode_pieces(encoder, InputLaw(), counts, Window(), pieces))
        write_columns(build.folder, {"values": values, "ids": np.concatenate(list(users.values()))})
        facts = {"n_users": len(values), **later_knowledge(counts_manifest.until, counts_manifest)}
        manifest = build.finish(shape=values.shape, facts=facts)
    return Outcome(target, manifest, "written")
