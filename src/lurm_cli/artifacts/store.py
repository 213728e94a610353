"""Partitioned artifacts, read by part or by bucket of users."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.csr import CsrPart, read_csr_part, read_csr_users
from lurm_cli.artifacts.manifest import Manifest, read_manifest
from lurm_cli.artifacts.parts import split_part_name
from lurm_cli.artifacts.ragged import RaggedEvents, distinct_users, merge_years, read_ragged_part


@dataclass(frozen=True)
class Partitioned:
    """Path and part table of a partitioned artifact; small and picklable, for worker processes."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path, kind: str) -> Partitioned:
        """Open a complete artifact; raises ArtifactError as ``read_manifest`` does."""
        return cls(path, read_manifest(path, kind))

    def buckets(self) -> list[int]:
        """The buckets that hold users, ascending."""
        return sorted({split_part_name(name)[1] for name in self.manifest.parts})

    def names_of(self, bucket: int) -> list[str]:
        """Names of a bucket's parts, by year."""
        return sorted((name for name in self.manifest.parts if split_part_name(name)[1] == bucket), key=split_part_name)

    def some_buckets(self, n_most: int, rng: np.random.Generator) -> list[int]:
        """Random buckets that together hold no more than ``n_most`` events or counts (or one that does), ascending.

        All of them where that is enough, without a draw; a bucket is itself a random share of the users.
        """
        buckets = self.buckets()
        sizes = {bucket: sum(self.manifest.parts[name]["nnz"] for name in self.names_of(bucket)) for bucket in buckets}
        if sum(sizes.values()) <= n_most:
            return buckets
        order = [buckets[place] for place in rng.permutation(len(buckets))]
        n_fit = int(np.searchsorted(np.cumsum([sizes[bucket] for bucket in order]), n_most, side="right"))
        return sorted(order[: max(1, n_fit)])

    def _crc(self, name: str) -> int:
        return self.manifest.parts[name]["crc32c"]


class Events(Partitioned):
    """An ``events.zarr``."""

    @classmethod
    def open(cls, path: Path, kind: str = "events") -> Events:
        """Open a complete events artifact."""
        return cls(path, read_manifest(path, kind))

    def part(self, name: str) -> RaggedEvents:
        """One (year, bucket)."""
        return read_ragged_part(self.path, name, self._crc(name))

    def bucket(self, bucket: int, until: int | None = None) -> RaggedEvents:
        """Whole lives of a bucket's users, up to ``until`` (exclusive)."""
        return merge_years([self.part(name) for name in self.names_of(bucket)]).before(until)

    def iter_buckets(self, until: int | None = None) -> Iterator[RaggedEvents]:
        """Bucket by bucket; buckets without an event before ``until`` are left out."""
        for bucket in self.buckets():
            events = self.bucket(bucket, until)
            if events.n_events:
                yield events


class Counts(Partitioned):
    """A ``boi-PERIOD.zarr`` or another partitioned CSR artifact."""

    @classmethod
    def open(cls, path: Path, kind: str = "boi") -> Counts:
        """Open a complete CSR artifact."""
        return cls(path, read_manifest(path, kind))

    @property
    def n_interests(self) -> int:
        """Number of columns."""
        assert self.manifest.shape is not None
        return self.manifest.shape[1]

    def part(self, name: str) -> CsrPart:
        """One (year, bucket)."""
        return read_csr_part(self.path, name, self._crc(name))

    def bucket(self, bucket: int) -> CsrPart:
        """All periods of a bucket's users: one row a (user, period), the years' parts added up."""
        return merge_counts([self.part(name) for name in self.names_of(bucket)])

    def users(self, bucket: int) -> np.ndarray:
        """Ids of a bucket's users, in the order that ``bucket`` has them."""
        years = [read_csr_users(self.path, name, self._crc(name)) for name in self.names_of(bucket)]
        return years[0] if len(years) == 1 else distinct_users(years)


def merge_counts(parts: list[CsrPart]) -> CsrPart:
    """One CSR from several parts of one bucket; rows of the same user and period are added."""
    if len(parts) == 1:
        return parts[0]
    users = distinct_users([part.users for part in parts])
    position = {user: place for place, user in enumerate(users)}
    row_user = np.concatenate(
        [np.array([position[user] for user in part.users], dtype=np.int32)[part.row_user] for part in parts]
    )
    row_period = np.concatenate([part.row_period for part in parts])
    stacked = sparse.vstack([part.counts for part in parts], format="csr")
    return sum_rows(CsrPart(stacked, users, row_user, row_period))


def sum_rows(part: CsrPart) -> CsrPart:
    """Sort rows by user and period, and add up those that share both."""
    order = np.lexsort((part.row_period, part.row_user))
    user, period = part.row_user[order], part.row_period[order]
    first = np.ones(len(user), dtype=bool)
    first[1:] = (user[1:] != user[:-1]) | (period[1:] != period[:-1])
    counts = part.counts[order]
    if not first.all():
        # A 0/1 matrix of (distinct rows, rows): its product adds the rows of one group.
        group = np.cumsum(first) - 1
        gather = sparse.csr_matrix(
            (np.ones(len(group), dtype=counts.dtype), (group, np.arange(len(group)))),
            shape=(int(first.sum()), len(group)),
        )
        counts = sparse.csr_matrix(gather @ counts)
        counts.sort_indices()
    return CsrPart(counts, part.users, user[first], period[first])
