"""Positive pairs of items: two different items of one user, close in time (section 3.1.1 of the paper)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from lurm_cli.boi.periods import DAY_US

_TRIES = 30
# Events whose partners are looked for at once: this takes a hundred bytes each.
_BLOCK = 2**20


class PairSampler:
    """Draws users uniformly, then one of the user's admissible pairs uniformly (ours; the paper gives no law).

    It keeps 12 bytes an event, and takes some 50 more while it is made.

    Parameters
    ----------
    indptr, items, times
        Ragged events of users, sorted by time within a user; times in microseconds.
    usable
        bool (n_items,): items that have a text; events of others are left out.
    beta_days
        Two events pair if they are strictly less than this apart.
    """

    def __init__(
        self, indptr: np.ndarray, items: np.ndarray, times: np.ndarray, usable: np.ndarray, beta_days: float = 5.0
    ) -> None:
        kept = usable[items]
        n_users = len(indptr) - 1
        owner = np.repeat(np.arange(n_users, dtype=np.int32), np.diff(indptr))[kept]
        self.items = items[kept]
        partners = _first_not_before(owner, times[kept], int(beta_days * DAY_US)) - np.arange(1, len(owner) + 1)
        # Pairs before each event's first one.
        self.running = np.concatenate([[0], np.cumsum(partners)])
        bounds = np.searchsorted(owner, np.arange(n_users + 1, dtype=np.int32))
        self.first_pair, self.n_pairs = self.running[bounds[:-1]], np.diff(self.running[bounds])
        self.users = np.flatnonzero(self.n_pairs > 0)
        if len(self.users):
            # Users all of whose pairs repeat one item can give none.
            varied = np.zeros(n_users, dtype=bool)
            varied[owner[self._neighbours(partners)]] = True
            self.users = self.users[varied[self.users]]

    def _neighbours(self, partners: np.ndarray) -> np.ndarray:
        """Events that have an admissible partner with another item.

        Sorted by time, some pair within a run of partners differs exactly if two events next to each other do.
        """
        return np.flatnonzero((partners[:-1] > 0) & (self.items[:-1] != self.items[1:]))

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Item codes of ``n`` pairs, one pair a user, each in random order; fewer where pairs are rare."""
        users = rng.choice(self.users, size=min(n, len(self.users)), replace=False)
        left, right = np.full(len(users), -1), np.full(len(users), -1)
        todo = np.arange(len(users))
        for _ in range(_TRIES):
            # The k-th pair of the user: pairs are numbered by their first event, then by their second.
            pair = self.first_pair[users[todo]] + rng.integers(0, self.n_pairs[users[todo]])
            event = np.searchsorted(self.running, pair, side="right") - 1
            other = event + 1 + (pair - self.running[event])
            left[todo], right[todo] = self.items[event], self.items[other]
            # Pairs of one item with itself are drawn again: what remains is uniform among the others.
            todo = todo[left[todo] == right[todo]]
            if not len(todo):
                break
        found = left != right
        left, right = left[found], right[found]
        swap = rng.random(len(left)) < 0.5
        return np.where(swap, right, left), np.where(swap, left, right)


def _first_not_before(owner: np.ndarray, times: np.ndarray, beta: int) -> np.ndarray:
    """For each event, the place of its user's first event ``beta`` or more after it; the user's end if there is none.

    Users are taken by blocks of events, since sorting takes many times what the events do.
    """
    n = len(times)
    # A block begins with the first event of a user.
    starts = np.searchsorted(owner, owner[_BLOCK::_BLOCK])
    end = np.empty(n, dtype=np.int64)
    for start, stop in pairwise(np.unique([0, *starts.tolist(), n]).tolist()):
        end[start:stop] = start + _first_in_block(owner[start:stop], times[start:stop], beta)
    return end


def _first_in_block(owner: np.ndarray, times: np.ndarray, beta: int) -> np.ndarray:
    """``_first_not_before`` of whole users.

    Events and their limits are sorted together: one number for (user, time) would not fit in 64 bits.
    """
    n = len(times)
    limit_first = np.repeat(np.array([1, 0], dtype=np.int8), n)
    order = np.lexsort((limit_first, np.concatenate([times, times + beta]), np.concatenate([owner, owner])))
    is_event = order < n
    passed = np.cumsum(is_event)
    end = np.empty(n, dtype=np.int64)
    end[order[~is_event] - n] = passed[~is_event]
    return end
