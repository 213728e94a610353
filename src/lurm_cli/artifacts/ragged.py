"""Ragged events: one row a user, sorted by time; one part a (year, bucket of users)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.arrays import read_array, write_strings, write_vector
from lurm_cli.artifacts.parts import PARTS, commit_part, part_attributes
from lurm_cli.errors import ArtifactError


@dataclass(frozen=True)
class RaggedEvents:
    """Events of some users.

    Attributes
    ----------
    users
        Object array of ids, sorted by their UTF-8 bytes.
    indptr
        int64, shape (n_users + 1,): user ``u`` has events ``indptr[u]:indptr[u + 1]``.
    items
        int32, shape (n_events,): codes, positions in ``items.zarr``.
    times
        int64, shape (n_events,): microseconds UTC; ascending within a user, ties by item code.
    """

    users: np.ndarray
    indptr: np.ndarray
    items: np.ndarray
    times: np.ndarray

    @property
    def n_events(self) -> int:
        """Number of events."""
        return len(self.items)

    def before(self, until: int | None) -> RaggedEvents:
        """The events before ``until``; users without any are left out."""
        return self if until is None else self._keep(self.times < until)

    def between(self, since: int | None, until: int | None) -> RaggedEvents:
        """The events with ``since <= time < until``; users without any are left out."""
        kept = self.before(until)
        return kept if since is None else kept._keep(kept.times >= since)

    def _keep(self, mask: np.ndarray) -> RaggedEvents:
        if mask.all():
            return self
        kept_before = np.concatenate([[0], np.cumsum(mask)])
        indptr = kept_before[self.indptr]
        active = np.diff(indptr) > 0
        ends = indptr[1:][active]
        return RaggedEvents(
            self.users[active],
            np.concatenate([[0], ends]).astype(np.int64),
            self.items[mask],
            self.times[mask],
        )


def write_ragged_part(partial: Path, name: str, events: RaggedEvents) -> None:
    """Commit one part of an events artifact."""

    def write(folder: Path) -> None:
        write_strings(folder / "users", events.users)
        write_vector(folder / "indptr", events.indptr.astype(np.int64, copy=False))
        write_vector(folder / "items", events.items.astype(np.int32, copy=False))
        write_vector(folder / "times", events.times.astype(np.int64, copy=False))

    commit_part(partial, name, write, rows=len(events.users), nnz=events.n_events)


def read_ragged_part(artifact: Path, name: str, crc: int | None) -> RaggedEvents:
    """Read one part whole; raises ArtifactError if a file is missing or damaged."""
    part = artifact / PARTS / name
    part_attributes(part, crc)
    users = read_array(part / "users")
    indptr = read_array(part / "indptr")
    items = read_array(part / "items")
    times = read_array(part / "times")
    if len(indptr) != len(users) + 1 or indptr[-1] != len(items) or len(items) != len(times):
        raise ArtifactError(
            f"{part}: users, indptr, items and times do not fit; rebuild with `lurm ingest --overwrite`"
        )
    return RaggedEvents(users, indptr, items, times)


def bucket_of(user: str, n_buckets: int) -> int:
    """Bucket of a user: the first 32 bits of the md5 of the id's UTF-8 bytes, modulo the number of buckets."""
    return int(hashlib.md5(user.encode(), usedforsecurity=False).hexdigest()[:8], 16) % n_buckets


def distinct_users(years: list[np.ndarray]) -> np.ndarray:
    """The users of several years, each once, sorted by their UTF-8 bytes."""
    ids = sorted({user for users in years for user in users}, key=str.encode)
    found = np.empty(len(ids), dtype=object)
    found[:] = ids
    return found


def merge_years(years: list[RaggedEvents]) -> RaggedEvents:
    """One bucket's whole lives from its parts, given in the order of the years."""
    if len(years) == 1:
        return years[0]
    users = distinct_users([year.users for year in years])
    position = {user: place for place, user in enumerate(users)}
    owner = np.concatenate(
        [np.repeat([position[u] for u in year.users], np.diff(year.indptr)).astype(np.int64) for year in years]
    )
    # Stable: within a user the years stay in order, and each year is already sorted by time.
    order = np.argsort(owner, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(users)))])
    return RaggedEvents(
        users,
        indptr.astype(np.int64),
        np.concatenate([year.items for year in years])[order],
        np.concatenate([year.times for year in years])[order],
    )


def user_item_counts(events: RaggedEvents, n_items: int) -> sparse.csr_matrix:
    """How often each user chose each item, CSR int64 (n_users, n_items)."""
    # A copy: adding up duplicates sorts in place, and the events are not ours.
    counts = sparse.csr_matrix(
        (np.ones(events.n_events, dtype=np.int64), events.items, events.indptr),
        shape=(len(events.users), n_items),
        copy=True,
    )
    counts.sum_duplicates()
    return counts
