"""``lurm status``: what a workspace holds, what each artifact came from, and what is out of date."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lurm_cli.artifacts.manifest import METADATA_NAMES, Manifest, read_manifest
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
        ``complete``, ``out of date`` (an input has changed since), ``in progress`` or ``damaged``.
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
        if path.name.endswith(".partial"):
            entries.append(Entry(path.name[1:-8], "", "in progress", "the stage's command goes on from here"))
        elif path.is_dir() and not path.name.startswith(".") and _looks_like_artifact(path):
            try:
                manifests[path.relative_to(root).as_posix()] = read_manifest(path)
            except ArtifactError as error:
                entries.append(Entry(path.relative_to(root).as_posix(), "", "damaged", str(error)))
    for name, manifest in manifests.items():
        changed = [
            entry.path
            for entry in manifest.inputs
            if entry.path in manifests and manifests[entry.path].fingerprint != entry.fingerprint
        ]
        state = "out of date" if changed else "complete"
        detail = f"{', '.join(changed)} changed since" if changed else _size(manifest)
        entries.append(Entry(name, manifest.kind, state, detail))
    return sorted(entries, key=lambda e: (_ORDER.index(e.kind) if e.kind in _ORDER else len(_ORDER), e.name))


def _looks_like_artifact(path: Path) -> bool:
    return path.suffix == ".zarr" or (path / METADATA_NAMES[1]).is_file()


def _size(manifest: Manifest) -> str:
    words = []
    if manifest.shape is not None:
        words.append(" x ".join(f"{n:,}" for n in manifest.shape))
    if manifest.nnz is not None:
        words.append(f"{manifest.nnz:,} {'events' if manifest.kind == 'events' else 'values'}")
    if manifest.until is not None:
        words.append(f"until {format_time(manifest.until)}")
    return ", ".join(words)
