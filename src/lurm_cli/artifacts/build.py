"""Building an artifact: beside its target, resumable, and visible only when it is whole.

Everything happens in ``.NAME.partial``, which carries the fingerprint of what is being built. The same command
started again after a kill finds it, keeps the parts that were committed and does the rest. Another fingerprint
means other inputs or parameters: that partial work is of no use and is dropped.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lurm_cli.artifacts.manifest import (
    Manifest,
    differences,
    is_ours,
    metadata_text,
    read_manifest,
)
from lurm_cli.artifacts.parts import PARTS, part_attributes, sync_path, sync_tree
from lurm_cli.artifacts.seal import crc32c, seal_files
from lurm_cli.errors import OF_THE_MACHINE, ArtifactError, IncompleteError, LurmError, OutputExistsError

_OWNER = "owner.json"


def up_to_date(target: Path, wanted: Manifest, overwrite: bool) -> Manifest | None:
    """The manifest of ``target`` if it is already what is wanted, None if it has to be built.

    Raises
    ------
    OutputExistsError
        If something else stands there and ``overwrite`` is off, or if it is no artifact of this tool
        (which is never deleted).
    """
    if not target.exists():
        return None
    if not is_ours(target):
        raise OutputExistsError(f"{target} exists and is not an artifact of lurm; move it away or use --output")
    if overwrite:
        return None
    try:
        found = read_manifest(target)
    except ArtifactError as error:
        raise OutputExistsError(f"{error}. Use --overwrite to replace it") from None
    if found.fingerprint == wanted.fingerprint:
        return found
    listed = "".join(f"\n  {line}" for line in differences(found, wanted))
    raise OutputExistsError(
        f"{target} exists, made with other inputs or parameters:{listed}\n"
        "Use --overwrite to replace it, or --output for another place"
    )


@contextmanager
def _alone_at(folder: Path) -> Iterator[None]:
    """One process after the other, for the moment in which a build is begun or taken over.

    Who owns a build stands in a file, as locks do nothing on some network file systems; where they work they close the
    gap between looking for that file and writing it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _what_stopped(error: BaseException) -> str | None:
    """In words, what ended a build that could go on once it is mended; None for faults that would come again."""
    if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
        return str(error.strerror)
    # The writer of model files has an error of its own, with the number in its text.
    if type(error).__name__ == "SafetensorError":
        return next((os.strerror(number) for number in OF_THE_MACHINE if f"os error {number})" in str(error)), None)
    if isinstance(error, MemoryError):
        return "not enough memory; try fewer --workers"
    if isinstance(error, BrokenExecutor):
        return "a worker process was ended from outside, perhaps for want of memory; try fewer --workers"
    return None


class Build:
    """One artifact under construction.

    Parameters
    ----------
    target
        Where the finished artifact will stand.
    manifest
        What is to be built; its fingerprint decides whether earlier partial work counts.
    metadata
        Name of the root metadata file: ``zarr.json``, or ``config.json`` for a model folder.
    """

    def __init__(self, target: Path, manifest: Manifest, metadata: str = "zarr.json") -> None:
        # A link, also one to nothing yet, stays: what it leads to is built.
        self.target = target = target.resolve() if target.is_symlink() else target
        self.manifest = manifest
        self.metadata = metadata
        self.folder = target.with_name(f".{target.name}.partial")
        self.resumed = False

    def __enter__(self) -> Build:
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            with _alone_at(self.target.parent):
                try:
                    self.folder.mkdir()
                except FileExistsError:
                    self._take_over()
                (self.folder / _OWNER).write_text(json.dumps(_this_process()), encoding="utf-8")
                (self.folder / self.metadata).write_text(metadata_text(self.manifest), encoding="utf-8")
        except OSError as error:
            self._refuse_to_lose(error)
            raise
        if self.resumed:
            self._drop_damaged_parts()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # The folder stays for the next run to resume; it is just no longer ours.
        (self.folder / _OWNER).unlink(missing_ok=True)
        if error is not None:
            self._refuse_to_lose(error)

    def _refuse_to_lose(self, error: BaseException) -> None:
        """Raise IncompleteError for a fault that the work can go on after."""
        stopped = _what_stopped(error)
        if stopped is not None:
            raise IncompleteError(
                f"{self.target}: {stopped}; what was committed is kept, and the same command goes on from there"
            ) from error

    def _take_over(self) -> None:
        owner = _read_json(self.folder / _OWNER)
        if owner is not None and _alive(owner):
            raise LurmError(
                f"{self.target} is being built by another lurm (process {owner['pid']}); "
                "wait for it to end, or choose another --output"
            )
        found = _read_json(self.folder / self.metadata)
        try:
            fingerprint = found["attributes"]["lurm"]["fingerprint"] if found else None
        except (KeyError, TypeError):
            fingerprint = None
        if fingerprint == self.manifest.fingerprint:
            self.resumed = True
            for left_over in (self.folder / PARTS).glob(".*"):
                shutil.rmtree(left_over, ignore_errors=True)
            # Zarr writes a chunk as 0.<random>.partial and renames it, metadata and checkpoints are written as
            # <name>.new and renamed; a killed run leaves the former behind, and a model folder seals all it holds.
            for pattern in ("*.partial", "*.new"):
                for half_written in list(self.folder.rglob(pattern)):
                    half_written.unlink(missing_ok=True)
            return
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def _drop_damaged_parts(self) -> None:
        """Read what an earlier run has committed; what is damaged or not whole is to be made anew."""
        # Here and not above: `lurm --help` needs no arrays.
        from lurm_cli.artifacts.arrays import read_array

        for part in (self.folder / PARTS).glob("[!.]*"):
            try:
                part_attributes(part)
                for array in part.glob("*/zarr.json"):
                    read_array(array.parent)
            except ArtifactError:
                shutil.rmtree(part)

    def missing_parts(self, names: Iterable[str]) -> list[str]:
        """Those of ``names`` that no run has committed yet."""
        return [name for name in names if not (self.folder / PARTS / name).is_dir()]

    def finish(
        self,
        *,
        shape: tuple[int, ...] | None = None,
        nnz: int | None = None,
        facts: dict[str, Any] | None = None,
        **extra: Any,
    ) -> Manifest:
        """Check the parts, write the final manifest, and put the artifact in its place.

        Parameters
        ----------
        extra
            Further attributes of the root metadata file, beside ``lurm``.
        """
        parts = {}
        for part in sorted((self.folder / PARTS).glob("[!.]*")):
            held = part_attributes(part)["lurm"]
            parts[part.name] = {
                "rows": held["rows"],
                "nnz": held["nnz"],
                "crc32c": crc32c(part / "zarr.json"),
            }
        if self.metadata == "zarr.json":
            own = [f for f in self.folder.glob("*/**/zarr.json") if f.relative_to(self.folder).parts[0] != PARTS]
        else:
            own = [f for f in self.folder.rglob("*") if f.is_file() and f.name not in (_OWNER, self.metadata)]
        manifest = self.manifest.finished(
            shape=shape,
            nnz=sum(entry["nnz"] for entry in parts.values()) if nnz is None and parts else nnz,
            parts=parts,
            files=seal_files(self.folder, own),
            facts=facts or {},
        )
        (self.folder / _OWNER).unlink(missing_ok=True)
        final = self.folder / f"{self.metadata}.new"
        final.write_text(metadata_text(manifest, **extra), encoding="utf-8")
        final.rename(self.folder / self.metadata)
        # Each part was forced to disk before it got its name.
        sync_tree(self.folder, without=PARTS)
        self._put_in_place()
        return manifest

    def _put_in_place(self) -> None:
        replaced = self.target.with_name(f".{self.target.name}.replaced")
        shutil.rmtree(replaced, ignore_errors=True)
        if self.target.exists():
            self.target.rename(replaced)
        self.folder.rename(self.target)
        sync_path(self.target.parent)
        shutil.rmtree(replaced, ignore_errors=True)


def builder_of(partial: Path) -> int | None:
    """The process that is building in a ``.NAME.partial`` folder of this machine, None where none is alive."""
    owner = _read_json(partial / _OWNER)
    return int(owner["pid"]) if owner is not None and _alive(owner) else None


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _this_process() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "started": _start_time(os.getpid())}


def _start_time(pid: int) -> str | None:
    """When a process started, in clock ticks since boot: a pid alone may have been given to another one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def _alive(owner: dict[str, Any]) -> bool:
    try:
        pid, host, started = int(owner["pid"]), owner["host"], owner["started"]
    except (KeyError, TypeError, ValueError):
        return False
    if host != socket.gethostname() or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return started is None or _start_time(pid) == started
