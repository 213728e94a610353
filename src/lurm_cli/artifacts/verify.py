"""Checking every byte of an artifact, and the contracts between its arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

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
    # The root's own metadata file is the first that is there.
    root = next(name for name in METADATA_NAMES if (path / name).is_file())
    foreign = _unaccounted(path, {root, *manifest.files}, set(manifest.parts))
    for name in manifest.parts:
        part = path / PARTS / name
        try:
            sealed = part_attributes(part)["lurm"]["files"]
        except ArtifactError:
            continue  # said where the part is read
        foreign += _unaccounted(part, {"zarr.json", *sealed}, set())
    return [f"{entry} does not belong to the artifact; remove it" for entry in sorted(foreign)]


def _unaccounted(folder: Path, files: set[str], parts: set[str]) -> list[Path]:
    """What is neither one of these files, nor a chunk of an array whose metadata are among them, nor one of the parts.

    A folder with nothing of the artifact in it is named instead of what is in it.
    """
    chunks = tuple(f"{name.removesuffix('zarr.json')}c/" for name in files if name.endswith("/zarr.json"))
    homes = {parent.as_posix() for name in files for parent in PurePosixPath(name).parents}

    def foreign(at: Path) -> Iterator[Path]:
        for entry in at.iterdir():
            name = entry.relative_to(folder).as_posix()
            if name == PARTS:
                yield from (part for part in entry.iterdir() if part.name not in parts)
            elif entry.is_dir():
                yield from foreign(entry) if name in homes or f"{name}/".startswith(chunks) else [entry]
            elif name not in files and not (name.startswith(chunks) and entry.name.isdecimal()):
                yield entry

    return list(foreign(folder))


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
    if (np.diff(events.indptr) <= 0).any():
        raise ArtifactError(f"{part}: a user has no event")
    starts = np.zeros(events.n_events, dtype=bool)
    starts[events.indptr[:-1]] = True
    if events.n_events and not (starts[1:] | (np.diff(events.times) >= 0)).all():
        raise ArtifactError(f"{part}: a user's events are not sorted by time")
