"""``lurm status``: what a workspace holds, what each artifact came from, and what is out of date."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lurm_cli.artifacts.build import builder_of
from lurm_cli.artifacts.manifest import Manifest, is_ours, read_manifest
from lurm_cli.clock import format_time
from lurm_cli.errors import ArtifactError

# Order in which stages run.
_ORDER = ["events", "items", "item-embeddings", "interests", "boi", "smen", "users", "baseline", "evaluation"]


@dataclass(frozen=True)
class Entry:
    """One line of the status.

    Attributes
    ----------
    state
        ``complete``, ``out of date`` (an input has changed since, or is itself out of date), ``being built``,
        ``interrupted`` or ``damaged``.
    """

    name: str
    kind: str
    state: str
    detail: str

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return vars(self)


def run_status(root: Path) -> list[Entry]:
    """Look at every artifact of a workspace; reads manifests only."""
    entries: list[Entry] = []
    manifests: dict[str, Manifest] = {}
    for path in sorted([*root.glob("*"), *root.glob("baselines/*")]):
        if path.name.endswith(".partial") and path.is_dir():
            entries.append(_under_construction(path.with_name(path.name[1:-8]).relative_to(root).as_posix(), path))
        elif path.is_dir() and not path.name.startswith(".") and _looks_like_artifact(path):
            try:
                manifests[path.relative_to(root).as_posix()] = read_manifest(path)
            except ArtifactError as error:
                entries.append(Entry(path.relative_to(root).as_posix(), "", "damaged", str(error)))
    old = _out_of_date(manifests)
    for name, manifest in manifests.items():
        state = "out of date" if name in old else "complete"
        entries.append(Entry(name, manifest.kind, state, old.get(name) or _size(manifest)))
    return sorted(entries, key=lambda e: (_ORDER.index(e.kind) if e.kind in _ORDER else len(_ORDER), e.name))


def _under_construction(name: str, partial: Path) -> Entry:
    process = builder_of(partial)
    if process is None:
        return Entry(name, "", "interrupted", "the stage's command goes on from here")
    return Entry(name, "", "being built", f"process {process}")


def _out_of_date(manifests: dict[str, Manifest]) -> dict[str, str]:
    """Why each artifact that is out of date is so."""
    reasons: dict[str, str] = {}
    for name, manifest in manifests.items():
        changed = [
            entry.path
            for entry in manifest.inputs
            if entry.path in manifests and manifests[entry.path].fingerprint != entry.fingerprint
        ]
        if changed:
            reasons[name] = f"{', '.join(changed)} changed since"
    # What was made from something out of date is so, too, however far behind it lies.
    known = -1
    while known < len(reasons):
        known = len(reasons)
        for name, manifest in manifests.items():
            behind = [entry.path for entry in manifest.inputs if entry.path in reasons]
            if behind and name not in reasons:
                reasons[name] = f"{', '.join(behind)} {'is' if len(behind) == 1 else 'are'} out of date"
    return reasons


def _looks_like_artifact(path: Path) -> bool:
    # Other folders of a workspace may hold a config.json, too.
    return path.suffix == ".zarr" or is_ours(path)


def _size(manifest: Manifest) -> str:
    words = []
    if manifest.shape is not None:
        words.append(" x ".join(f"{n:,}" for n in manifest.shape))
    if manifest.nnz is not None:
        words.append(f"{manifest.nnz:,} {'events' if manifest.kind == 'events' else 'values'}")
    if manifest.until is not None:
        words.append(f"until {format_time(manifest.until)}")
    return ", ".join(words)
