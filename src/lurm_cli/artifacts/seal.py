"""Checksums of metadata files, so that one changed byte of an artifact cannot pass unseen.

Array data protect themselves (crc32c behind every chunk). What remains are the ``zarr.json`` files: a group's
own attributes hold the crc32c of those below it, and the level above holds the crc32c of the group's file.
"""

from __future__ import annotations

from pathlib import Path

import google_crc32c

from lurm_cli.errors import ArtifactError

_REBUILD = "rebuild the artifact (its stage with --overwrite) or restore a copy"


def crc32c(file: Path) -> int:
    """crc32c (Castagnoli) of a file's bytes."""
    checksum = google_crc32c.Checksum()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            checksum.update(block)
    return int.from_bytes(checksum.digest(), "big")


def seal_files(root: Path, files: list[Path]) -> dict[str, int]:
    """crc32c by path relative to ``root``, sorted."""
    return {file.relative_to(root).as_posix(): crc32c(file) for file in sorted(files)}


def check_file(file: Path, expected: int) -> None:
    """Raise ArtifactError, naming the file, unless it exists with this crc32c."""
    if not file.is_file():
        raise ArtifactError(f"{file} is missing; {_REBUILD}")
    if crc32c(file) != expected:
        raise ArtifactError(f"{file} is damaged (checksum differs); {_REBUILD}")


def check_files(root: Path, sealed: dict[str, int]) -> None:
    """Check every sealed file below ``root``."""
    for name, expected in sealed.items():
        check_file(root / name, expected)
