"""``lurm evaluate``: score representations on tasks; ``evaluation/results.json`` and ``report.html``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.manifest import InputRef, Manifest, canonical_json, read_manifest
from lurm_cli.baselines.registry import NAMES, QUICK, SUPERVISED
from lurm_cli.clock import format_time
from lurm_cli.errors import ArtifactError, UsageError
from lurm_cli.evaluation.heads import HEADS, HeadName
from lurm_cli.stages.baseline import BaselineConfig, baseline_path, run_baseline
from lurm_cli.stages.context import (
    Context,
    Outcome,
    earliest,
    finest_counts_there,
    knows_until,
    refuse_other_items,
    settled,
)
from lurm_cli.stages.options import option
from lurm_cli.stages.task_checks import check_cut, check_item_columns, check_labels

if TYPE_CHECKING:
    from lurm_cli.evaluation.features import Features
    from lurm_cli.evaluation.labels import Labels
    from lurm_cli.evaluation.tasks import Task

LURM, BOI = "lurm", "boi"
# Digits of a fingerprint that tell artifacts apart for a reader, too.
_SHORT = 16


@dataclass(frozen=True)
class EvaluateConfig:
    """Options of ``lurm evaluate``."""

    task: tuple[str, ...] = option((), "task of lurm.toml to score; repeatable", shown="all")
    method: tuple[str, ...] = option(
        (),
        "lurm, boi, a baseline, LABEL=ARTIFACT, or several joined by +; repeatable",
        shown=f"lurm, boi, {', '.join(QUICK)}",
    )
    head: tuple[HeadName, ...] = option((), "classifier on the numbers; repeatable", shown="both")
    seeds: int = option(5, "random splits", minimum=1, maximum=1000)
    users: str | None = option(None, "representation scored as lurm; - reads the path", shown="users.zarr", paths=True)


@dataclass(frozen=True)
class _Cell:
    """Score one method on one task; scores of earlier evaluations lie in a folder."""

    task: str
    method: str
    artifacts: tuple[Path, ...]
    labels: Labels
    heads: tuple[HeadName, ...]
    seeds: int
    scores_folder: Path


def run_evaluate(context: Context, tasks: list[Task], config: EvaluateConfig, target: Path) -> Outcome:
    """Score methods on tasks; baselines that do not stand in the workspace yet are made first.

    Raises
    ------
    UsageError
        If a method is not known, or a task's labels fit no user.
    ArtifactError
        If a representation is missing, or knows events of a task's label window.
    """
    # In the order that tables have them; both where none is named.
    config = replace(config, head=tuple(head for head in HEADS if head in (config.head or HEADS)))
    methods = list(config.method) or [LURM, BOI, *QUICK]
    named = _named(context, methods)
    methods = [_label(method) for method in methods]
    places = {part: _place(context, part, config, named) for method in methods for part in _parts(method, named)}
    _refuse_supervised(named)
    to_make = [part for part, place in places.items() if part in NAMES and not place.exists()]
    # What is refused is refused before anything is made.
    opened = _opened(context, tasks, {part: place for part, place in places.items() if part not in to_make})
    data, tables = _data_references(context, tasks), _label_tables(context, tasks)
    if to_make:
        _refuse_in_vain(context, tasks)
    for part in to_make:
        context.reporter.note(f"{'would make' if context.dry_run else 'making'} the baseline {part}")
        if not context.dry_run:
            _make_baseline(context, part, places[part])
            opened |= _opened(context, tasks, {part: places[part]})
    opened = {part: opened[part] for part in places if part in opened}
    _warn_of_stale(context, {places[part]: manifest for part, (manifest, _) in opened.items()})
    parameters = {
        # Which table of labels, and which representation, went by which name: the inputs are told by what they are.
        "tasks": [task.to_json() | _table_of(task, tables) for task in tasks],
        "artifacts": {part: manifest.fingerprint[:_SHORT] for part, (manifest, _) in opened.items()},
        "methods": methods,
        "heads": list(config.head),
        "seeds": config.seeds,
    }
    references = dict.fromkeys(reference for _, reference in opened.values())
    draft = Manifest("evaluation", "evaluate", parameters, (*references, *data, *tables.values()), context.seed)
    if context.dry_run and to_make:
        return Outcome(target, draft, "would be written")
    outcome = settled(context, target, draft)
    return outcome or _evaluate(context, tasks, methods, places, named, config, target, draft)


def _refuse_in_vain(context: Context, tasks: list[Task]) -> None:
    """What would be refused only after baselines were made."""
    check_labels(tasks)
    if any(task.kind == "preference" for task in tasks):
        check_item_columns(tasks, context.root / "items.zarr")
    events = read_manifest(context.root / "events.zarr", "events")
    check_cut(tasks, earliest(read_manifest(finest_boi(context.root), "boi").until, events.until))


def _opened(context: Context, tasks: list[Task], places: dict[str, Path]) -> dict[str, tuple[Manifest, InputRef]]:
    """The representations by name, each of which may be asked what the tasks ask."""
    opened = {part: context.input(place, ("users", "boi", "baseline")) for part, place in places.items()}
    for task in tasks:
        for part, (manifest, _) in opened.items():
            _refuse_leak(task, places[part], manifest)
    return opened


def _table_of(task: Task, tables: dict[Path, InputRef]) -> dict[str, str]:
    """Which table of labels the task asks about, by its bytes."""
    return {} if task.labels is None else {"table": tables[task.labels].fingerprint[:_SHORT]}


def _named(context: Context, methods: list[str]) -> dict[str, Path]:
    """Artifacts that the user gives a label of their own, as LABEL=ARTIFACT."""
    named: dict[str, Path] = {}
    for method in methods:
        label, equals, place = (part.strip() for part in method.partition("="))
        if not equals:
            continue
        if label in (LURM, BOI, *NAMES, *named):
            raise UsageError(f"--method {method}: {label!r} is a name already; take another label")
        if not label or not place or "+" in label:
            raise UsageError(f"--method {method}: expected LABEL=ARTIFACT, with a label that has no + in it")
        below = context.root / place
        named[label] = below if below.exists() and not Path(place).exists() else Path(place).absolute()
    return named


def _refuse_supervised(named: dict[str, Path]) -> None:
    """A supervised method's artifact holds numbers of items, which are no representation to be scored."""
    for label, place in named.items():
        name = read_manifest(place).parameters.get("name")
        if name in SUPERVISED:
            raise UsageError(f"--method {label}={place}: {name} is trained on labels; score it as --method {name}")


def _label(method: str) -> str:
    return method.partition("=")[0].strip()


def _parts(method: str, named: Iterable[str] = ()) -> list[str]:
    if method in named:
        return [method]
    parts = [part.strip() for part in method.split("+")]
    known = (LURM, BOI, *NAMES, *named)
    for part in parts:
        if part not in known:
            raise UsageError(
                f"--method {method}: {part!r} is not known; known are {', '.join(known)}, and LABEL=ARTIFACT"
            )
        if part in SUPERVISED and len(parts) > 1:
            raise UsageError(f"--method {method}: {part} is trained on labels and has no columns to set beside others")
    return parts


def _place(context: Context, part: str, config: EvaluateConfig, named: dict[str, Path]) -> Path:
    if part in named:
        return named[part]
    if part == LURM:
        return Path(config.users) if config.users else context.root / "users.zarr"
    if part == BOI:
        return finest_boi(context.root)
    return baseline_path(context.root, part)


def finest_boi(root: Path) -> Path:
    """The workspace's counts: those the model was trained on, else the finest (a whole life sums to the same)."""
    if (root / "smen").is_dir():
        return root / f"boi-{read_manifest(root / 'smen', 'smen').parameters['scales'][0]}.zarr"
    return finest_counts_there(root)


def _make_baseline(context: Context, name: str, place: Path) -> None:
    from lurm_cli.clock import format_time

    boi = finest_boi(context.root)
    until = read_manifest(boi, "boi").until
    config = BaselineConfig(until=None if until is None else format_time(until))
    run_baseline(context, name, context.root / "events.zarr", context.root / "items.zarr", boi, config, place)


def _warn_of_stale(context: Context, manifests: dict[Path, Manifest]) -> None:
    """Methods that were made from other data than they would be now are not compared fairly."""
    # Many methods come from the same events, whose table of parts may be long: each input is read once.
    # What lies outside was made in a workspace of its own, to which the recorded paths are relative.
    own = {place: manifest for place, manifest in manifests.items() if context.within(place) is not None}
    inputs = {context.root / entry.path for manifest in own.values() for entry in manifest.inputs}
    now = {place: read_manifest(place).fingerprint for place in inputs if place.exists()}
    for place, manifest in own.items():
        for entry in manifest.inputs:
            if now.get(context.root / entry.path, entry.fingerprint) != entry.fingerprint:
                context.reporter.warn(
                    f"{place} is out of date: {entry.path} has changed since; make it again with --overwrite"
                )
    cuts = {manifest.until: place for place, manifest in manifests.items()}
    if len(cuts) > 1:
        shown = ", ".join(
            f"{place} {'the end of the log' if until is None else format_time(until)}" for until, place in cuts.items()
        )
        context.reporter.warn(f"the methods have seen events up to different times: {shown}")


def _refuse_leak(task: Task, place: Path, manifest: Manifest) -> None:
    """What describes a user must not know the window that the task asks about."""
    if task.since is None:
        return
    until = knows_until(manifest)
    if until is None or until > task.since:
        seen = "the end of the log" if until is None else format_time(until)
        raise ArtifactError(
            f"{place} has seen events up to {seen}, but task {task.name} asks about the time from "
            f"{format_time(task.since)}: its score would be a leak. Set until = {format_time(task.since)} in lurm.toml "
            "and make it again (`lurm run --overwrite`)"
        )


def _data_references(context: Context, tasks: list[Task]) -> list[InputRef]:
    """What the labels of preferences come from: the events and items."""
    references = []
    if any(task.kind == "preference" for task in tasks):
        events, items = context.root / "events.zarr", context.root / "items.zarr"
        event_manifest, event_ref = context.input(events, "events")
        item_manifest, item_ref = context.input(items, "items")
        refuse_other_items((events, event_manifest), (items, item_manifest))
        references += [event_ref, item_ref]
    return references


def _label_tables(context: Context, tasks: list[Task]) -> dict[Path, InputRef]:
    """The tables of users that the labels of profiles come from."""
    tables = {}
    for path in sorted({task.labels for task in tasks if task.labels is not None}):
        if not path.is_file():
            raise UsageError(f"{path}: no such table of labels")
        tables[path] = context.raw_input(path, "raw labels")
    return tables


def _evaluate(
    context: Context,
    tasks: list[Task],
    methods: list[str],
    places: dict[str, Path],
    named: dict[str, Path],
    config: EvaluateConfig,
    target: Path,
    draft: Manifest,
) -> Outcome:
    from lurm_cli.engine import run_tasks
    from lurm_cli.evaluation.representation import known_users
    from lurm_cli.evaluation.summary import summarize

    known: set[str] | None = None
    for place in places.values():
        known = set(known_users(place)) if known is None else known.intersection(known_users(place))
    assert known is not None
    labels = {task.name: _labels(context, task, known) for task in tasks}
    with Build(target, draft, metadata="config.json") as build:
        cells = [
            _Cell(
                task.name,
                method,
                tuple(places[part] for part in _parts(method, named)),
                labels[task.name],
                config.head,
                config.seeds,
                context.root / ".lurm" / "scores",
            )
            for task in tasks
            for method in methods
        ]
        by_cell: dict[tuple[str, str], dict[str, Any]] = {}
        with (
            context.workers_for(len(cells)) as workers,
            context.reporter.bar("scoring", len(cells), "cells") as bar,
        ):
            # What takes longest begins first, so that no worker waits for it in the end.
            for done in run_tasks(workers, _score_cell, sorted(cells, key=lambda cell: cell.method not in SUPERVISED)):
                by_cell[done["task"], done["method"]] = done
                bar.describe(f"{done['method']}, {done['task']}")
                bar.advance()
        scored = [by_cell[cell.task, cell.method] for cell in cells]
        results = {
            "tasks": [_describe(task, labels[task.name]) for task in tasks],
            "methods": [_origin(method, places, named) for method in methods],
            "seeds": config.seeds,
            "cells": scored,
            "summary": summarize(scored, LURM if LURM in methods else methods[0]),
            "reference": LURM if LURM in methods else methods[0],
            "inputs": [vars(entry) for entry in draft.inputs],
            "versions": _versions(),
        }
        (build.folder / "results.json").write_text(canonical_json(results), encoding="utf-8")
        _write_report(context, results, places.get(LURM), build.folder / "report.html")
        manifest = build.finish(shape=(len(methods), len(tasks)), facts={"n_users": len(known)})
    return Outcome(target, manifest, "written")


def _labels(context: Context, task: Task, known: set[str]) -> Labels:
    """The task's labels among the users that every method represents."""
    from lurm_cli.evaluation.labels import matching_items, preference_labels, profile_labels

    if task.kind == "profile":
        from lurm_cli.sources.labels import read_labels

        assert task.labels is not None
        found = profile_labels(*read_labels(task.labels, task.user_col, task.label_col))
        where = f"{task.labels}, column {task.label_col}"
    else:
        from lurm_cli.artifacts.columns import Columns
        from lurm_cli.artifacts.store import Events
        from lurm_cli.evaluation.tasks import number_of_column

        items = Columns(context.root / "items.zarr", "items")
        number = number_of_column(task, items.manifest.facts["text_columns"])
        member = matching_items(task, items.read(f"text_{number}"))
        events = Events.open(context.root / "events.zarr")
        buckets = (events.bucket(bucket) for bucket in events.buckets())
        found = preference_labels(task, member, buckets, context.seed, known)
        where = f"events from {format_time(task.since or 0)}"
        if not len(found.users):
            raise UsageError(f"task {task.name}: no represented user has {where}; check since and until of the task")
    labels = found.among(known)
    if not len(labels.users):
        raise UsageError(
            f"task {task.name}: none of its {len(found.users):,} labelled users ({where}) has both a representation "
            f"and company of at least 10 in a class; represented users look like {', '.join(sorted(known)[:3])!r}"
        )
    if len(labels.classes) < 2:
        raise UsageError(
            f"task {task.name}: {where} leaves one class, {labels.classes[0]!r}, with at least 10 represented users; "
            "two are needed"
        )
    lost = set(found.classes) - set(labels.classes)
    if lost:
        context.reporter.warn(f"task {task.name}: left out, with fewer than 10 users: {', '.join(sorted(lost))}")
    return labels


def _score_cell(cell: _Cell) -> dict[str, Any]:
    from lurm_cli.evaluation.features import Features
    from lurm_cli.evaluation.remembered import RememberedScores
    from lurm_cli.evaluation.representation import rows_of

    features = Features(tuple(rows_of(path, cell.labels.users) for path in cell.artifacts))
    words = _words(cell)
    key, remembered = _key(cell, features, words), RememberedScores(cell.scores_folder)
    known = {head: remembered.find(f"{key}-{head}") for head in cell.heads}
    unknown = tuple(head for head, scores in known.items() if scores is None)
    if unknown:
        scores = _score(cell, unknown, features, words)
        for head in unknown:
            known[head] = [entry for entry in scores if entry["head"] == head]
            remembered.keep(f"{key}-{head}", known[head])
    in_order = [entry for head in cell.heads for entry in known[head] or ()]
    return {"task": cell.task, "method": cell.method, "dim": features.dim, "scores": in_order}


def _words(cell: _Cell) -> tuple[Any, ...]:
    """What a supervised method learns from beside its rows: words of texts, and their vectors; nothing of others."""
    from lurm_cli.artifacts.columns import Columns

    if cell.method not in SUPERVISED:
        return ()
    columns = Columns(cell.artifacts[0], "baseline")
    return columns.read("text_words"), columns.read("word_vectors")


def _key(cell: _Cell, features: Features, words: tuple[Any, ...]) -> str:
    """Like rows have like scores, whatever they are called; supervised methods differ by what they do with them."""
    from lurm_cli.evaluation.remembered import key_of

    method = cell.method if cell.method in SUPERVISED else None
    settings = {"seeds": cell.seeds, "method": method, "versions": _versions()}
    return key_of(settings, (*features.blocks, cell.labels.y, *words), method is not None)


def _score(cell: _Cell, heads: tuple[str, ...], features: Features, words: tuple[Any, ...]) -> list[dict[str, Any]]:
    import torch
    from threadpoolctl import threadpool_limits

    from lurm_cli.evaluation.protocol import score, score_supervised

    threads = torch.get_num_threads()
    # One thread a cell: sums, and so scores, must not depend on how many cores a machine has.
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            if cell.method in SUPERVISED:
                found = score_supervised(_predictor(cell, features.blocks[0], words), cell.labels.y, cell.seeds, heads)
            else:
                found = score(features, cell.labels.y, cell.seeds, heads)
    finally:
        torch.set_num_threads(threads)
    return [entry.to_json() for entry in found]


def _predictor(cell: _Cell, items: Any, words: tuple[Any, ...]) -> Callable[[Any, Any, int], Any]:
    """Train a supervised method on training rows and ask it about test rows."""
    from lurm_cli.baselines.registry import make_classifier

    text_words, word_vectors = words

    def predict(train: Any, test: Any, seed: int) -> Any:
        classifier = make_classifier(cell.method).fit(
            items[train], cell.labels.y[train], text_words, word_vectors, seed
        )
        return classifier.predict_proba(items[test])

    return predict


def _describe(task: Task, labels: Labels) -> dict[str, Any]:
    shares = labels.shares()
    return {
        **task.to_json(),
        "n": len(labels.users),
        "classes": dict(zip(labels.classes, [round(share, 6) for share in shares], strict=True)),
        "majority": round(max(shares), 6),
    }


def _origin(method: str, places: dict[str, Path], named: dict[str, Path]) -> dict[str, Any]:
    manifests = [read_manifest(places[part]) for part in _parts(method, named)]
    return {
        "name": method,
        "dim": sum(m.shape[1] for m in manifests if m.shape),
        "fingerprints": [m.fingerprint for m in manifests],
        "parameters": [m.parameters for m in manifests],
        "until": [None if m.until is None else format_time(m.until) for m in manifests],
    }


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import version

    names = ("numpy", "scipy", "scikit-learn", "torch", "faiss-cpu", "gensim")
    return {"python": platform.python_version(), "lurm-cli": version("lurm-cli"), **{n: version(n) for n in names}}


def _write_report(context: Context, results: dict[str, Any], users: Path | None, file: Path) -> None:
    """The report; training and interests are shown where they are those that the users' vectors come from."""
    from lurm_cli.artifacts.columns import Columns
    from lurm_cli.evaluation.report import write_report

    smen, counts = (None if users is None else context.ancestor(read_manifest(users), kind) for kind in ("smen", "boi"))
    interests = None if counts is None else context.ancestor(read_manifest(counts), "interests")
    training = None if smen is None else smen / "training.jsonl"
    sizes = None if interests is None else Columns(interests, "interests").read("sizes")
    write_report(results, file, training if training is not None and training.is_file() else None, sizes)
