"""Users in shuffled blocks: what is in memory at once is a block of buckets, never the whole log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.csr import CsrPart
from lurm_cli.artifacts.store import Counts
from lurm_cli.boi.periods import Period
from lurm_cli.smen.views import Lives

# Non-zeros held at once: 2^26 take about half a gigabyte as int32 counts and indices.
BLOCK_NNZ = 2**26


@dataclass(frozen=True)
class Window:
    """The periods that are used: ``since <= number < until`` (finest period numbers); None: no bound."""

    since: int | None = None
    until: int | None = None

    @property
    def unbounded(self) -> bool:
        """Whether all periods are used."""
        return self.since is None and self.until is None

    def cut(self, part: CsrPart) -> CsrPart:
        """Leave out the other periods, and the users that have no other."""
        if self.unbounded:
            return part
        kept = np.ones(len(part.row_period), dtype=bool)
        if self.since is not None:
            kept &= part.row_period >= self.since
        if self.until is not None:
            kept &= part.row_period < self.until
        users, row_user = np.unique(part.row_user[kept], return_inverse=True)
        return CsrPart(part.counts[kept], part.users[users], row_user.astype(np.int32), part.row_period[kept])


class UserBlocks:
    """Counts of the finest scale, read in blocks of buckets.

    Parameters
    ----------
    counts
        The artifact of the finest scale.
    window
        Periods to use.
    """

    def __init__(self, counts: Counts, window: Window | None = None, block_nnz: int = BLOCK_NNZ) -> None:
        self.counts = counts
        self.window = window or Window()
        self.block_nnz = block_nnz
        self.period = Period.parse(counts.manifest.parameters["period"])
        self._cached: tuple[tuple[int, ...], Lives] | None = None

    def order(self, rng: np.random.Generator | None = None) -> list[tuple[int, ...]]:
        """Buckets in (shuffled) blocks of at most ``block_nnz`` non-zeros; a larger bucket is a block of its own."""
        size = dict.fromkeys(self.counts.buckets(), 0)
        for name, entry in self.counts.manifest.parts.items():
            size[int(name.split("-")[1])] += entry["nnz"]
        buckets = list(size)
        if sum(size.values()) <= self.block_nnz:
            return [tuple(buckets)]
        if rng is not None:
            rng.shuffle(buckets)
        blocks: list[list[int]] = [[]]
        for bucket in buckets:
            if blocks[-1] and sum(size[b] for b in blocks[-1]) + size[bucket] > self.block_nnz:
                blocks.append([])
            blocks[-1].append(bucket)
        return [tuple(block) for block in blocks]

    def load(self, block: tuple[int, ...]) -> Lives:
        """The users of some buckets; the last block asked for is kept."""
        if self._cached is None or self._cached[0] != block:
            self._cached = None
            self._cached = (block, Lives(stack([self.window.cut(self.counts.bucket(b)) for b in block])))
        return self._cached[1]

    def __iter__(self) -> Iterator[Lives]:
        for block in self.order():
            yield self.load(block)


def stack(parts: list[CsrPart]) -> CsrPart:
    """Users of several buckets as one part, bucket after bucket."""
    if len(parts) == 1:
        return parts[0]
    before = np.cumsum([0] + [len(part.users) for part in parts])
    return CsrPart(
        sparse.vstack([part.counts for part in parts], format="csr"),
        np.concatenate([part.users for part in parts]),
        np.concatenate([part.row_user + n for part, n in zip(parts, before, strict=False)]),
        np.concatenate([part.row_period for part in parts]),
    )


def held_out(users: np.ndarray, share: float) -> np.ndarray:
    """Which users validate: by a hash of the id, so that it does not depend on order or on other users."""
    bound = int(share * 2**32)
    digests = (hashlib.md5(user.encode(), usedforsecurity=False).digest() for user in users)
    # Other bits than those that choose the bucket.
    return np.fromiter((int.from_bytes(d[8:12], "big") < bound for d in digests), dtype=bool, count=len(users))
