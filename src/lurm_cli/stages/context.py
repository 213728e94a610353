"""What every stage is given besides its inputs and options, and what it gives back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lurm_cli.artifacts.build import up_to_date
from lurm_cli.artifacts.manifest import InputRef, Manifest, read_manifest
from lurm_cli.clock import format_time, parse_time
from lurm_cli.engine import Workers, open_executor
from lurm_cli.errors import ArtifactError
from lurm_cli.progress import SILENT, Reporter
from lurm_cli.ranks import ALONE, Ranks

# Sorting or counting so many events takes two cores about two seconds; below, threads are quicker than new processes.
_LIGHT = 2**24


@dataclass(frozen=True)
class Context:
    """Where and how a stage runs; nothing here changes the bytes it writes, but the seed.

    Attributes
    ----------
    root
        Workspace folder; paths below it are recorded relative to it.
    ranks
        This process among those that torchrun started for the command.
    """

    root: Path
    seed: int = 0
    workers: int = 1
    scheduler: str | None = None
    overwrite: bool = False
    dry_run: bool = False
    reporter: Reporter = SILENT
    ranks: Ranks = ALONE

    def recorded(self, path: Path) -> str:
        """How a path is written into a manifest: relative below the workspace, so that a copy has equal bytes."""
        within = self.within(path)
        return os.path.abspath(path) if within is None else within.as_posix()

    def within(self, path: Path) -> Path | None:
        """Where in the workspace a path lies, without following links; None: outside."""
        # Unlike Path.absolute this takes `..` out, which may lead out of the workspace.
        absolute, root = Path(os.path.abspath(path)), os.path.abspath(self.root)
        return absolute.relative_to(root) if absolute.is_relative_to(root) else None

    def input(self, path: Path, kind: str | tuple[str, ...]) -> tuple[Manifest, InputRef]:
        """Manifest of an input artifact and the reference to record; raises ArtifactError."""
        manifest = read_manifest(path, kind)
        return manifest, InputRef(self.recorded(path), manifest.kind, manifest.fingerprint)

    def raw_input(self, path: Path, kind: str) -> InputRef:
        """Reference to a file that is no artifact, by its content."""
        return InputRef(self.recorded(path), kind, content_hash(path))

    def ancestor(self, artifact: Manifest, kind: str) -> Path | None:
        """The input of this kind that an artifact was made from, if it still stands where it was."""
        for entry in artifact.inputs:
            place = self.root / entry.path
            if entry.kind == kind and place.exists() and read_manifest(place, kind).fingerprint == entry.fingerprint:
                return place
        return None

    @contextmanager
    def workers_for(self, n_tasks: int, n_events: int | None = None) -> Iterator[Workers]:
        """Workers for so many tasks; a single one is not worth a process, nor are few events (None: many)."""
        light = n_events is not None and n_events < _LIGHT
        with open_executor(min(self.workers, max(1, n_tasks)), self.scheduler, light) as workers:
            yield workers


@dataclass(frozen=True)
class Outcome:
    """What a stage did: ``written``, ``up to date`` or, on a dry run, ``would be written``."""

    path: Path
    manifest: Manifest
    state: str


def content_hash(path: Path) -> str:
    """Sha256 of a file's bytes."""
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def settled(context: Context, target: Path, draft: Manifest) -> Outcome | None:
    """The outcome where nothing has to be built: already there, or a dry run. Raises OutputExistsError."""
    found = up_to_date(target, draft, context.overwrite)
    if found is not None:
        return Outcome(target, found, "up to date")
    return Outcome(target, draft, "would be written") if context.dry_run else None


def finest_counts_there(root: Path) -> Path:
    """A workspace's counts: months where they are there, or nothing is; else the finest that there are."""
    from lurm_cli.boi.periods import Period

    month = root / "boi-month.zarr"
    if month.exists():
        return month
    found = {path: Period(read_manifest(path, "boi").parameters["period"]) for path in sorted(root.glob("boi-*.zarr"))}
    return min(found, key=lambda path: found[path].length, default=month)


def items_beside(events: Path) -> Path:
    """Where ``lurm ingest`` puts the items of these events."""
    stem = events.name.removesuffix(".zarr")
    return events.with_name("items.zarr" if stem == "events" else f"{stem}-items.zarr")


def same_items(first: Manifest, second: Manifest) -> bool:
    """Whether two artifacts number the same items alike: an item's code is its place in the catalogue.

    Artifacts of earlier versions, which do not say, are taken to.
    """
    ids = [manifest.facts.get("item_ids") for manifest in (first, second)]
    return None in ids or ids[0] == ids[1]


def input_fingerprint(artifact: Manifest, kind: str) -> str | None:
    """Fingerprint of the input of this kind that an artifact was made from."""
    return next((entry.fingerprint for entry in artifact.inputs if entry.kind == kind), None)


def item_ids(manifest: Manifest) -> dict[str, Any]:
    """The fact that says which items an artifact numbers, to be handed on to what is made from it."""
    return {name: value for name, value in manifest.facts.items() if name == "item_ids"}


def refuse_other_items(first: tuple[Path, Manifest], second: tuple[Path, Manifest]) -> None:
    """Raise ArtifactError unless two artifacts number the same items alike."""
    if not same_items(first[1], second[1]):
        raise ArtifactError(
            f"{first[0]} and {second[0]} are of different items: the log was ingested anew since one of them was made; "
            "run the stages from `lurm embed-items` on with --overwrite"
        )


def knows_until(manifest: Manifest) -> int | None:
    """Up to when an artifact knows events: its own cut, or the later one of what it was made from."""
    return cut_time(manifest.facts["inputs_until"]) if "inputs_until" in manifest.facts else manifest.until


def later_knowledge(until: int | None, *inputs: Manifest) -> dict[str, Any]:
    """The fact that says up to when an artifact's inputs know events, where that is later than its own cut."""
    knows = until
    for manifest in inputs:
        knows = latest_cut(knows, knows_until(manifest))
    return {} if knows == until else {"inputs_until": None if knows is None else format_time(knows)}


def latest_cut(first: int | None, second: int | None) -> int | None:
    """The later of two cuts; None, no cut, is the latest of all."""
    return None if first is None or second is None else max(first, second)


def earliest(*times: int | None) -> int | None:
    """The earliest of several cuts; None means no cut."""
    given = [time for time in times if time is not None]
    return min(given) if given else None


def cut_time(text: str | None, what: str = "until") -> int | None:
    """Read an option that holds a point in time; raises UsageError."""
    return None if text is None else parse_time(text, what)
