"""Parts: the unit of work, of commit and of memory. Each is a Zarr group of its own under ``parts/``.

A part is written under a temporary name, forced to disk and renamed, so that it is either there as a whole or
not at all, whoever is killed when.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from lurm_cli.artifacts.manifest import canonical_json, group_metadata
from lurm_cli.artifacts.seal import check_file, check_files, seal_files
from lurm_cli.errors import ArtifactError

PARTS = "parts"

# fsyncs that wait at the same time share one commit of the file system's journal: of 17 files and folders of a part,
# eight at a time take 2 ms, one after another 25 to 60.
_SYNCS = 8


def part_name(year: int, bucket: int) -> str:
    """``<year>-<bucket>``, padded so that names sort as numbers do."""
    return f"{year:04d}-{bucket:05d}"


def split_part_name(name: str) -> tuple[int, int]:
    """Year and bucket of a part."""
    year, bucket = name.split("-")
    return int(year), int(bucket)


def sync_tree(root: Path, without: str | None = None) -> None:
    """Force every file and folder below ``root`` to disk; not what is below ``root/without``."""
    paths = []
    for folder, folders, files in os.walk(root):
        if without is not None and folder == str(root) and without in folders:
            folders.remove(without)
        paths += [folder, *(os.path.join(folder, name) for name in files)]
    for _ in _threads().map(_sync_paths, [paths[start::_SYNCS] for start in range(_SYNCS)]):
        pass


def _sync_paths(paths: list[str]) -> None:
    for path in paths:
        sync_path(path)


@lru_cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_SYNCS)


def sync_path(path: Path | str) -> None:
    """Force one file, or the names in one folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def commit_part(
    partial: Path,
    name: str,
    write: Callable[[Path], None],
    *,
    rows: int,
    nnz: int,
    attributes: dict[str, Any] | None = None,
) -> None:
    """Write one part as a whole or not at all.

    Parameters
    ----------
    partial
        The folder under construction.
    write
        Called with an empty folder, fills it with arrays.
    attributes
        Zarr attributes of the part's group, for example AnnData's encoding.
    """
    folder = partial / PARTS
    folder.mkdir(exist_ok=True)
    temporary = folder / f".{name}.{uuid.uuid4().hex}"
    temporary.mkdir()
    try:
        write(temporary)
        sealed = seal_files(temporary, list(temporary.glob("**/zarr.json")))
        held = {**(attributes or {}), "lurm": {"rows": rows, "nnz": nnz, "files": sealed}}
        (temporary / "zarr.json").write_text(canonical_json(group_metadata(held)), encoding="utf-8")
        sync_tree(temporary)
        try:
            temporary.rename(folder / name)
        except OSError as error:
            # Another worker was first, with the same bytes.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        sync_path(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def part_rows(part: Path) -> int:
    """Rows of a part that was just written; ``part_attributes`` is what checks it."""
    return int(json.loads((part / "zarr.json").read_text(encoding="utf-8"))["attributes"]["lurm"]["rows"])


def part_attributes(part: Path, crc: int | None = None) -> dict[str, Any]:
    """Check a part's metadata files and return its group's attributes.

    Parameters
    ----------
    crc
        crc32c of the part's own zarr.json as the manifest has it; None while the artifact is being built.

    Raises
    ------
    ArtifactError
        If a metadata file is missing or was changed; the message names it.
    """
    file = part / "zarr.json"
    if crc is not None:
        check_file(file, crc)
    try:
        attributes: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["attributes"]
        check_files(part, attributes["lurm"]["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ArtifactError(f"{file} is missing or damaged; rebuild the artifact or restore a copy") from None
    return attributes
