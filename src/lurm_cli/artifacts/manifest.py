"""What an artifact says of itself: kind, provenance, fingerprint, parts. JSON only, no Zarr needed.

The manifest stands at ``attributes.lurm`` of the root ``zarr.json`` (of ``config.json`` for a model folder).
The file is written in one canonical form and carries a checksum of itself, so that a change of any byte shows.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lurm_cli import __version__
from lurm_cli.clock import format_time, parse_time
from lurm_cli.errors import ArtifactError

SCHEMA = 1
# A model folder holds safetensors, not arrays, so its manifest is not called zarr.json.
METADATA_NAMES = ("zarr.json", "config.json")
# Which command makes what, for messages.
_MADE_BY = {
    "events": "ingest",
    "items": "ingest",
    "item-embeddings": "embed-items",
    "interests": "cluster",
    "boi": "boi",
    "smen": "train-smen",
    "users": "encode-users",
    "baseline": "baseline",
    "evaluation": "evaluate",
}


def canonical_json(value: Any) -> str:
    """One text for one value: keys sorted, two spaces, no NaN, UTF-8 as it is, a newline at the end."""
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@dataclass(frozen=True)
class InputRef:
    """An input of a stage: where it was read, what it is, and its fingerprint."""

    path: str
    kind: str
    fingerprint: str


@dataclass(frozen=True)
class Manifest:
    """Provenance and content table of one artifact.

    Attributes
    ----------
    kind
        ``events``, ``items``, ``item-embeddings``, ``interests``, ``boi``, ``smen``, ``users``,
        ``baseline`` or ``evaluation``.
    command
        The stage that wrote it, such as ``boi``.
    parameters
        Those that change the bytes, JSON values only.
    inputs
        Input artifacts and raw files, in a fixed order.
    until
        Events at or after this time were not used (microseconds UTC); None: no cut.
    shape
        Rows and columns of the matrix the artifact holds, where it holds one.
    nnz
        Stored values (CSR) or events (ragged).
    parts
        One entry a part: ``rows``, ``nnz`` and ``crc32c`` of the part's own zarr.json.
    files
        crc32c of every metadata file below the root that belongs to no part.
    facts
        What the stage found or chose from the data; not part of the fingerprint, as it follows from the inputs.
    """

    kind: str
    command: str
    parameters: dict[str, Any]
    inputs: tuple[InputRef, ...] = ()
    seed: int | None = None
    until: int | None = None
    shape: tuple[int, ...] | None = None
    nnz: int | None = None
    parts: dict[str, dict[str, int]] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    status: str = "partial"

    @property
    def fingerprint(self) -> str:
        """Sha256 over stage, schema, parameters and input fingerprints: neither code nor clock (ours)."""
        identity = {
            "stage": self.command,
            "kind": self.kind,
            "schema": SCHEMA,
            "parameters": self.parameters,
            "seed": self.seed,
            "until": self.until,
            "inputs": sorted([entry.kind, entry.fingerprint] for entry in self.inputs),
        }
        text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The JSON object stored under ``attributes.lurm`` (without its checksum)."""
        held = asdict(self)
        held["inputs"] = [asdict(entry) for entry in self.inputs]
        held["until"] = None if self.until is None else format_time(self.until)
        held["shape"] = None if self.shape is None else list(self.shape)
        return {**held, "schema": SCHEMA, "tool_version": __version__, "fingerprint": self.fingerprint}

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> Manifest:
        """Rebuild from ``to_json``'s object; unknown keys of later versions are left out."""
        return cls(
            kind=held["kind"],
            command=held["command"],
            parameters=held["parameters"],
            inputs=tuple(InputRef(**entry) for entry in held["inputs"]),
            seed=held["seed"],
            until=None if held["until"] is None else parse_time(held["until"]),
            shape=None if held["shape"] is None else tuple(held["shape"]),
            nnz=held["nnz"],
            parts=held["parts"],
            files=held["files"],
            facts=held["facts"],
            status=held["status"],
        )

    def finished(self, **changes: Any) -> Manifest:
        """The same manifest, complete, with what became known while building."""
        return replace(self, status="complete", **changes)


def group_metadata(attributes: dict[str, Any]) -> dict[str, Any]:
    """Zarr v3 metadata of a group with these attributes."""
    return {"zarr_format": 3, "node_type": "group", "attributes": attributes}


def metadata_text(manifest: Manifest, **extra: Any) -> str:
    """Canonical text of a root metadata file, checksum included.

    Parameters
    ----------
    extra
        Further attributes beside ``lurm``, for example a model's own configuration.
    """
    held = manifest.to_json()
    document = group_metadata({**extra, "lurm": held})
    held["checksum"] = hashlib.sha256(canonical_json(document).encode()).hexdigest()
    return canonical_json(document)


def metadata_file(path: Path, kinds: tuple[str, ...] = ()) -> Path:
    """The root metadata file of the artifact at ``path``; raises ArtifactError where there is none.

    Parameters
    ----------
    kinds
        Kinds of artifact that are wanted there, for the message.
    """
    if not path.exists():
        # Of several kinds, the one that has its place there: boi-month.zarr, users.zarr, baselines/svd.zarr.
        own = [kind for kind in kinds if path.name.startswith(kind) or path.parent.name == f"{kind}s"]
        commands = dict.fromkeys(f"`lurm {_MADE_BY[kind]}`" for kind in own or kinds)
        advice = f"run {', '.join(commands)} or `lurm run`" if kinds else "`lurm status` lists what the workspace holds"
        raise ArtifactError(f"{path} does not exist; {advice}")
    for name in METADATA_NAMES:
        if (path / name).is_file():
            return path / name
    raise ArtifactError(f"{path} is not an artifact of lurm: it holds no {' or '.join(METADATA_NAMES)}")


def is_ours(target: Path) -> bool:
    """Whether a folder is an artifact of this tool, whole or damaged, and not someone's other Zarr store or model."""
    for file in (target / name for name in METADATA_NAMES):
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        try:
            return isinstance(json.loads(text)["attributes"]["lurm"], dict)
        except (ValueError, KeyError, TypeError):
            # Of a damaged one the words are still there.
            return '"lurm"' in text and '"fingerprint"' in text
    return False


def read_document(path: Path, kinds: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read and check the whole root metadata of an artifact.

    Parameters
    ----------
    kinds
        As for ``metadata_file``.

    Raises
    ------
    ArtifactError
        If it is missing, changed by a byte, of another schema, or incomplete.
    """
    file = metadata_file(path, kinds)
    damaged = f"{file} is damaged; rebuild the artifact (its stage with --overwrite) or restore a copy"
    try:
        text = file.read_text(encoding="utf-8")
        document = json.loads(text)
        held = document["attributes"]["lurm"]
        schema = held["schema"]
    except (ValueError, KeyError, TypeError):
        raise ArtifactError(damaged) from None
    if schema != SCHEMA:
        raise ArtifactError(f"{file} has schema {schema!r}, this version of lurm reads schema {SCHEMA}")
    checksum = held.pop("checksum", None)
    unsigned = canonical_json(document)
    held["checksum"] = checksum
    # Equal to its own canonical form and to its checksum: no byte was changed, not even white space.
    if canonical_json(document) != text or hashlib.sha256(unsigned.encode()).hexdigest() != checksum:
        raise ArtifactError(damaged)
    if held["status"] != "complete":
        raise ArtifactError(f"{path} is incomplete; run `lurm {held['command']}` again to finish it")
    return document


def read_manifest(path: Path, kind: str | tuple[str, ...] | None = None) -> Manifest:
    """The manifest of a complete artifact, of one of the kinds expected.

    Raises
    ------
    ArtifactError
        As ``read_document``, and where the artifact is of another kind.
    """
    expected = (kind,) if isinstance(kind, str) else kind or ()
    manifest = Manifest.from_json(read_document(path, expected)["attributes"]["lurm"])
    if expected and manifest.kind not in expected:
        raise ArtifactError(
            f"{path} holds {manifest.kind}, expected {' or '.join(expected)}; "
            f"it was written by `lurm {manifest.command}`"
        )
    return manifest


def differences(old: Manifest, new: Manifest) -> list[str]:
    """What tells two manifests of one stage apart, a line each: the stored value, then the one asked for."""
    lines = []
    if (old.command, old.kind) != (new.command, new.kind):
        lines.append(f"made by `lurm {old.command}` ({old.kind}), not `lurm {new.command}` ({new.kind})")
    for name in sorted(old.parameters.keys() | new.parameters.keys()):
        before, now = old.parameters.get(name), new.parameters.get(name)
        if before != now:
            lines.append(f"{name}: {_shown(before)} there, {_shown(now)} asked for")
    if old.seed != new.seed:
        lines.append(f"seed: {old.seed} there, {new.seed} asked for")
    if old.until != new.until:
        before, now = (None if t is None else format_time(t) for t in (old.until, new.until))
        lines.append(f"until: {before or 'no cut'} there, {now or 'no cut'} asked for")
    before_inputs = {(entry.kind, entry.fingerprint) for entry in old.inputs}
    now_inputs = {(entry.kind, entry.fingerprint) for entry in new.inputs}
    for entry in new.inputs:
        if (entry.kind, entry.fingerprint) not in before_inputs:
            lines.append(f"input {entry.kind}: {entry.path} has changed ({entry.fingerprint[:8]} now)")
    for entry in old.inputs:
        if (entry.kind, entry.fingerprint) not in now_inputs:
            lines.append(f"input {entry.kind}: was {entry.path} ({entry.fingerprint[:8]})")
    return lines


def _shown(value: Any) -> str:
    return "auto" if value is None else json.dumps(value, ensure_ascii=False)
