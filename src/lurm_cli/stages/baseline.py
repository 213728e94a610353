"""``lurm baseline NAME``: a competitor's representation of every user, as the artifact that the encoder also writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.manifest import Manifest
from lurm_cli.baselines.registry import RANDOM, check_name, make_baseline
from lurm_cli.errors import LurmError, UsageError
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
        return _random(context, boi, config, target)
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
    from lurm_cli.process import OF_A_STEP, keep_freed_memory

    keep_freed_memory(OF_A_STEP)
    store = Events.open(events)
    if next(store.iter_buckets(until), None) is None:
        raise LurmError("no event lies before the cut; check `until`")
    with Build(target, draft) as build, context.reporter.bar(f"{name}: learning", None):
        catalogue = read_catalogue(items)
        if catalogue.by_ids:
            context.reporter.note("no item with events has a word: ids stand for words")
        baseline.fit(lambda: store.iter_buckets(until), catalogue, context.seed)
        manifest = _write(build, baseline, store, until)
    return Outcome(target, manifest, "written")


def read_catalogue(items: Path) -> Any:
    """The items table as baselines see it; where no item with events has a word, each has its id as one."""
    from lurm_cli.artifacts.columns import Columns
    from lurm_cli.baselines.base import Catalogue
    from lurm_cli.stages.embed_items import item_texts

    held = Columns(items, "items")
    names, ids, words = held.manifest.facts["text_columns"], held.read("ids"), item_texts(held)
    by_ids = not any(text for text, n in zip(words, held.read("n_events"), strict=True) if n)
    if by_ids:
        words = [[str(name)] for name in ids]
    columns = {name: held.read(f"text_{number}") for number, name in enumerate(names)}
    return Catalogue(ids, columns, words, by_ids)


def _write(build: Build, baseline: Any, store: Events, until: int | None) -> Manifest:
    """CSR rows become one part a bucket; dense ones go to one matrix, bucket by bucket."""
    import shutil
    from contextlib import ExitStack

    from scipy import sparse

    from lurm_cli.artifacts.columns import write_columns
    from lurm_cli.artifacts.growing import GrowingArray

    for left_over in build.folder.glob("*/"):
        shutil.rmtree(left_over)
    columns: dict[str, GrowingArray] = {}
    n_users = width = 0
    with ExitStack() as opened:
        for bucket, events in _buckets(store, until):
            rows = baseline.transform(events)
            n_users, width = n_users + len(events.users), rows.shape[1]
            if sparse.issparse(rows):
                _write_part(build, bucket, events, rows)
                continue
            held = {"values": rows, "ids": events.users}
            if not columns:
                n_all = sum(len(bucket.users) for bucket in store.iter_buckets(until))
                for name, values in held.items():
                    array = GrowingArray(build.folder / name, (n_all, *values.shape[1:]), values.dtype)
                    columns[name] = opened.enter_context(array)
            for name, values in held.items():
                columns[name].append(values)
    write_columns(build.folder, getattr(baseline, "extras", {}))
    return build.finish(shape=(n_users, width), facts={"n_users": n_users})


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


def _random(context: Context, boi: Path | None, config: BaselineConfig, target: Path) -> Outcome:
    """The floor: the encoder as it is before its first step."""
    from lurm_cli.stages.train_smen import TrainConfig, finest_counts

    shape = TrainConfig()
    boi, scales = finest_counts(context, boi, shape)
    counts_manifest, counts_ref = context.input(boi, "boi")
    if earliest(cut_time(config.until), counts_manifest.until) != counts_manifest.until:
        raise UsageError(
            f"--until {config.until}: random encodes the counts {boi}, which end later; "
            "make them again with `lurm boi --until`"
        )
    parameters = {"name": RANDOM, "scales": scales, "anchors": shape.anchors, "dim": shape.dim}
    draft = Manifest("baseline", "baseline", parameters, (counts_ref,), context.seed, counts_manifest.until)
    outcome = settled(context, target, draft)
    if outcome is not None:
        return outcome
    import torch

    from lurm_cli.artifacts.growing import GrowingArray
    from lurm_cli.artifacts.store import Counts
    from lurm_cli.boi.periods import Period
    from lurm_cli.smen.batch import InputLaw
    from lurm_cli.smen.blocks import Window
    from lurm_cli.smen.config import ModelConfig
    from lurm_cli.smen.encoding import Encoding
    from lurm_cli.smen.model import Encoder
    from lurm_cli.stages.encode_users import lives_of, row_blocks

    counts, window = Counts.open(boi), Window()
    with Build(target, draft) as build:
        torch.manual_seed(context.seed)
        model = ModelConfig(counts.n_interests, shape.anchors, shape.dim, tuple(scales))
        encoding = Encoding(Encoder(model), InputLaw(), Period(counts.manifest.parameters["period"]))
        users = {bucket: counts.users(bucket) for bucket in counts.buckets()}
        sizes = {bucket: len(held) for bucket, held in users.items()}
        n_users = sum(sizes.values())
        with GrowingArray(build.folder / "ids", (n_users,), object) as ids:
            for held in users.values():
                ids.append(held)
        with (
            GrowingArray(build.folder / "values", (n_users, model.user_dim), "float32") as values,
            context.reporter.bar("random: encoding", n_users, "users") as bar,
        ):
            for _, pieces in row_blocks(sizes):
                for rows in encoding.encode(lives_of(counts, window, pieces), context.workers):
                    values.append(rows)
                    bar.advance(len(rows))
        facts = {"n_users": n_users, **later_knowledge(counts_manifest.until, counts_manifest)}
        manifest = build.finish(shape=(n_users, model.user_dim), facts=facts)
    return Outcome(target, manifest, "written")
