"""Positive pairs of items: two different items of one user, close in time (section 3.1.1 of the paper)."""

from __future__ import annotations

import numpy as np

from lurm_cli.boi.periods import DAY_US

_TRIES = 30


class PairSampler:
    """Draws users uniformly, then one of the user's admissible pairs uniformly (ours; the paper gives no law).

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
        owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        kept = usable[items]
        self.owner, self.items = owner[kept], items[kept]
        times = times[kept]
        beta = int(beta_days * DAY_US)
        self.end = _first_not_before(self.owner, times, beta)
        first = np.arange(len(times))
        partners = self.end - first - 1
        running = np.concatenate([[0], np.cumsum(partners)])
        bounds = np.searchsorted(self.owner, np.arange(len(indptr)))
        self.first_pair, self.n_pairs = running[bounds[:-1]], running[bounds[1:]] - running[bounds[:-1]]
        self.running = running
        self.users = np.flatnonzero(self.n_pairs > 0)
        if len(self.users):
            # Users all of whose pairs repeat one item can give none.
            varied = np.zeros(len(indptr) - 1, dtype=bool)
            neighbours = self._neighbours(first, partners)
            varied[self.owner[neighbours]] = True
            self.users = self.users[varied[self.users]]

    def _neighbours(self, first: np.ndarray, partners: np.ndarray) -> np.ndarray:
        """Events that have an admissible partner with another item.

        Sorted by time, some pair within a run of partners differs exactly if two events next to each other do.
        """
        return first[:-1][(partners[:-1] > 0) & (self.items[:-1] != self.items[1:])]

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

    Events and their limits are sorted together: one number for (user, time) would not fit in 64 bits.
    """
    n = len(times)
    limit_first = np.repeat([1, 0], n)
    order = np.lexsort((limit_first, np.concatenate([times, times + beta]), np.concatenate([owner, owner])))
    is_event = order < n
    passed = np.cumsum(is_event)
    end = np.empty(n, dtype=np.int64)
    end[order[~is_event] - n] = passed[~is_event]
    return end
