"""Checking every byte of an artifact, and the contracts between its arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lurm_cli.artifacts.arrays import CHUNK, array_shape, read_array
from lurm_cli.artifacts.csr import CsrPart
from lurm_cli.artifacts.manifest import METADATA_NAMES, Manifest, read_manifest
from lurm_cli.artifacts.parts import PARTS, part_attributes
from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.artifacts.seal import check_file
from lurm_cli.artifacts.store import Counts, Events
from lurm_cli.errors import ArtifactError


def verify(path: Path, advance: Callable[[], None] = lambda: None) -> list[str]:
    """Read everything and list what is wrong, a line a fault; empty: the artifact is sound.

    Parameters
    ----------
    advance
        Called after each part and each root array.

    Raises
    ------
    ArtifactError
        If the root metadata cannot be used at all.
    """
    manifest = read_manifest(path)
    faults = _foreign_files(path, manifest)

    def attempt(check: Callable[[], None]) -> None:
        try:
            check()
        except ArtifactError as error:
            faults.append(str(error))
        advance()

    for name, crc in manifest.files.items():
        attempt(lambda name=name, crc=crc: check_file(path / name, crc))  # type: ignore[misc]
    for name in sorted({file.split("/")[0] for file in manifest.files if file.endswith("zarr.json")}):
        attempt(lambda name=name: _read_through(path / name))  # type: ignore[misc]
    for name in manifest.parts:
        attempt(lambda name=name: _check_part(path, manifest, name))  # type: ignore[misc]
    return faults


def _read_through(array: Path) -> None:
    length = array_shape(array)[0]
    for start in range(0, length, 16 * CHUNK):
        read_array(array, start, start + 16 * CHUNK)


def _foreign_files(path: Path, manifest: Manifest) -> list[str]:
    """Files and folders that no manifest accounts for."""
    known = {name.split("/")[0] for name in manifest.files} | set(METADATA_NAMES)
    if manifest.parts:
        known.add(PARTS)
    foreign = [entry for entry in path.iterdir() if entry.name not in known]
    if (path / PARTS).is_dir():
        foreign += [entry for entry in (path / PARTS).iterdir() if entry.name not in manifest.parts]
    return [f"{entry} does not belong to the artifact; remove it" for entry in sorted(foreign)]


def _check_part(path: Path, manifest: Manifest, name: str) -> None:
    entry = manifest.parts[name]
    part = path / PARTS / name
    if part_attributes(part, entry["crc32c"]).get("encoding-type") == "csr_matrix":
        counts = Counts(path, manifest).part(name)
        _check_counts(part, counts)
        rows, nnz = counts.counts.shape[0], counts.counts.nnz
    else:
        events = Events(path, manifest).part(name)
        _check_events(part, events)
        rows, nnz = len(events.users), events.n_events
    if (rows, nnz) != (entry["rows"], entry["nnz"]):
        raise ArtifactError(f"{part} holds {rows} rows and {nnz} values, its manifest says {entry}")


def _check_counts(part: Path, held: CsrPart) -> None:
    counts = held.counts
    within = np.ones(max(counts.nnz, 1), dtype=bool)[: counts.nnz]
    if counts.nnz:
        within[1:] = np.diff(counts.indices) > 0
        within[counts.indptr[:-1][np.diff(counts.indptr) > 0]] = True
        if counts.indices.min() < 0 or counts.indices.max() >= counts.shape[1]:
            raise ArtifactError(f"{part}: an interest number lies outside 0..{counts.shape[1] - 1}")
    if not within.all():
        raise ArtifactError(f"{part}: interest numbers are not ascending within a row")
    if (counts.data <= 0).any():
        raise ArtifactError(f"{part}: a stored count is not positive")
    order = np.lexsort((held.row_period, held.row_user))
    if not np.array_equal(order, np.arange(len(order))):
        raise ArtifactError(f"{part}: rows are not sorted by user and period")


def _check_events(part: Path, events: RaggedEvents) -> None:
    starts = np.zeros(events.n_events, dtype=bool)
    starts[events.indptr[:-1]] = True
    if events.n_events and not (starts[1:] | (np.diff(events.times) >= 0)).all():
        raise ArtifactError(f"{part}: a user's events are not sorted by time")
    if (np.diff(events.indptr) <= 0).any():
        raise ArtifactError(f"{part}: a user has no event")
