"""``lurm inspect``: what an artifact holds, and what one user's life was about, period by period."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lurm_cli.artifacts.manifest import Manifest, read_manifest
from lurm_cli.errors import ArtifactError, UsageError
from lurm_cli.stages.context import cut_time
from lurm_cli.stages.encode_users import life_window


@dataclass(frozen=True)
class PeriodLine:
    """One period of a user: its label, its behaviours, and the interests that fill it, the largest first."""

    period: str
    n_behaviours: float
    interests: tuple[tuple[str, float], ...]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        interests = [{"interest": label, "count": count} for label, count in self.interests]
        return {"period": self.period, "behaviours": self.n_behaviours, "interests": interests}


def run_inspect(artifact: Path) -> Manifest:
    """The manifest of any artifact; raises ArtifactError."""
    return read_manifest(artifact)


def user_life(root: Path, artifact: Path, user: str, top: int = 5) -> list[PeriodLine]:
    """What a user did, period by period, by interest label.

    Parameters
    ----------
    root
        The workspace: where the counts and interests that an artifact was made from are looked up.
    artifact
        ``users.zarr``, ``boi-*.zarr``, or anything made from counts.
    top
        Interests a period.

    Raises
    ------
    UsageError
        If the user is not there, or the artifact says nothing of users.
    """
    from lurm_cli.artifacts.columns import Columns
    from lurm_cli.artifacts.ragged import bucket_of
    from lurm_cli.artifacts.store import Counts
    from lurm_cli.boi.periods import Period

    boi = _counts_behind(root, artifact)
    counts = Counts.open(boi)
    interests = _input(root, boi, counts.manifest, "interests")
    events = _input(root, boi, counts.manifest, "events")
    bucket = bucket_of(user, read_manifest(events, "events").facts["n_buckets"])
    part = counts.bucket(bucket) if bucket in counts.buckets() else None
    held = read_manifest(artifact)
    if part is not None and held.kind == "users":
        # Only what the representation was made of.
        since, until = (cut_time(held.parameters.get(name)) for name in ("since", "until"))
        part = life_window(counts.manifest.parameters["period"], since, until).cut(part)
    if part is None or user not in set(part.users):
        raise UsageError(f"{boi} holds no user {user!r}; `lurm export {boi} -o counts.csv` lists those it holds")
    labels = Columns(interests, "interests").read("labels")
    period = Period(counts.manifest.parameters["period"])
    number = int((part.users == user).argmax())
    lines = []
    for row in (part.row_user == number).nonzero()[0]:
        bag = part.counts[row]
        ranked = sorted(zip(bag.indices.tolist(), bag.data.tolist(), strict=True), key=lambda e: (-e[1], e[0]))
        lines.append(
            PeriodLine(
                period.label(int(part.row_period[row])),
                bag.sum().item(),
                tuple((str(labels[interest]), count) for interest, count in ranked[:top]),
            )
        )
    return lines


def _counts_behind(root: Path, artifact: Path) -> Path:
    manifest = read_manifest(artifact)
    if manifest.kind == "boi":
        return artifact
    if not any(entry.kind == "boi" for entry in manifest.inputs):
        raise UsageError(
            f"{artifact} holds {manifest.kind} and was not made from counts; name users.zarr or a boi-*.zarr"
        )
    return _input(root, artifact, manifest, "boi")


def _input(root: Path, artifact: Path, manifest: Manifest, kind: str) -> Path:
    """The input an artifact was made from, if it is still that one."""
    entry = next(entry for entry in manifest.inputs if entry.kind == kind)
    path = root / entry.path
    if read_manifest(path, kind).fingerprint != entry.fingerprint:
        raise ArtifactError(f"{path} has changed since {artifact} was made from it; make {artifact} again")
    return path
