"""Two views of a user: halves of all behaviours, or sub-sequences of the life (docs/method.md, Training).

The paper samples "continuous sub-sequences" and gives no law. Ours: on the grid of the user's finest periods from
first to last active one (N of them), the length is uniform in ceil(N * shortest) .. N and the start uniform; two
independent draws; a view without behaviours is drawn again. A user with a single period has its behaviours split at
random into two halves. No view is ever empty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.csr import CsrPart
from lurm_cli.smen.batch import Sequences

_DRAWS = 10


@dataclass(frozen=True)
class ViewLaw:
    """How views are cut.

    Attributes
    ----------
    shortest
        Shortest view as a share of the life, 0.25.
    split
        Share of the users whose behaviours are split at random into two halves instead of in time (ours).
    """

    shortest: float = 0.25
    split: float = 0.0


class Lives:
    """Users' counts by period, with the row bounds of each user.

    Parameters
    ----------
    part
        Counts of the finest periods; rows sorted by user, then period.
    """

    def __init__(self, part: CsrPart) -> None:
        self.part = part
        n_users = len(part.users)
        self.start = np.searchsorted(part.row_user, np.arange(n_users + 1)).astype(np.int64)
        self.period = part.row_period.astype(np.int64)
        self.first = self.period[self.start[:-1]]
        self.last = self.period[self.start[1:] - 1]
        # Soft counts cannot be told apart into behaviours: there, a cell is the unit that is split.
        units = part.counts.data if part.counts.dtype.kind == "i" else np.ones(part.counts.nnz)
        running = np.concatenate([[0], np.cumsum(units)])
        bounds = part.counts.indptr[self.start]
        self.behaviours = running[bounds[1:]] - running[bounds[:-1]]

    def __len__(self) -> int:
        return len(self.part.users)

    def splittable(self) -> np.ndarray:
        """Users from whom two views can be taken: two periods, or two behaviours in one."""
        return np.flatnonzero((self.last > self.first) | (self.behaviours >= 2))

    def whole(self, users: np.ndarray) -> Sequences:
        """Whole lives of some users, for encoding."""
        return self._cut(users, self.first[users], self.last[users])

    def _cut(self, users: np.ndarray, first: np.ndarray, last: np.ndarray) -> Sequences:
        rows, sequence = _ranges(*self._rows(users, first, last))
        return Sequences(self.part.counts[rows], sequence, self.period[rows], first, last)

    def _rows(self, users: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row bounds of the periods ``first..last`` of each user."""
        # One ascending key for (user, period): users' rows lie one after the other.
        low, span = int(self.period.min()), int(self.period.max() - self.period.min()) + 2
        key = self.part.row_user.astype(np.int64) * span + (self.period - low)
        begin = np.searchsorted(key, users * span + (first - low))
        end = np.searchsorted(key, users * span + (last - low), side="right")
        return begin, end

    def views(self, users: np.ndarray, law: ViewLaw, rng: np.random.Generator) -> Sequences:
        """Two views of each user: sequences 0..n-1 are the first ones, n..2n-1 the second ones."""
        halved = self.last[users] == self.first[users]
        halved |= (rng.random(len(users)) < law.split) & (self.behaviours[users] >= 2)
        in_time = users[~halved]
        first_views = self._draw(in_time, law, rng)
        second_views = self._draw(in_time, law, rng)
        one, two = self._halves(users[halved], rng)
        return _interleave(len(users), halved, first_views, second_views, one, two)

    def _draw(self, users: np.ndarray, law: ViewLaw, rng: np.random.Generator) -> Sequences:
        life = self.last[users] - self.first[users] + 1
        first, last = self.first[users].copy(), self.last[users].copy()
        todo = np.arange(len(users))
        for _ in range(_DRAWS):
            shortest = np.maximum(1, np.ceil(life[todo] * law.shortest)).astype(np.int64)
            length = rng.integers(shortest, life[todo] + 1)
            start = rng.integers(0, life[todo] - length + 1)
            first[todo] = self.first[users[todo]] + start
            last[todo] = first[todo] + length - 1
            begin, end = self._rows(users[todo], first[todo], last[todo])
            todo = todo[begin == end]
            if not len(todo):
                break
        # Ten empty draws: the whole life is never empty.
        first[todo], last[todo] = self.first[users[todo]], self.last[users[todo]]
        return self._cut(users, first, last)

    def _halves(self, users: np.ndarray, rng: np.random.Generator) -> tuple[Sequences, Sequences]:
        """Split each user's behaviours at random into two halves, which keep their periods."""
        rows, sequence = _ranges(self.start[users], self.start[users + 1])
        counts = self.part.counts[rows].tocoo()
        if counts.dtype.kind == "i":
            # One entry a behaviour, so that a count of 5 may go 3 to 2.
            row, column = np.repeat(counts.row, counts.data), np.repeat(counts.col, counts.data)
            value = np.ones(len(row), dtype=counts.dtype)
        else:
            row, column, value = counts.row, counts.col, counts.data
        owner = sequence[row]
        shuffled = np.lexsort((rng.random(len(row)), owner))
        size = np.bincount(owner, minlength=len(users))
        rank = np.arange(len(row)) - (np.cumsum(size) - size)[owner[shuffled]]
        in_first = np.zeros(len(row), dtype=bool)
        # An odd behaviour goes to either side.
        in_first[shuffled] = rank < (size + rng.integers(0, 2, len(users)) * (size % 2))[owner[shuffled]] // 2
        kept = []
        for side in (in_first, ~in_first):
            held = sparse.csr_matrix((value[side], (row[side], column[side])), shape=counts.shape)
            held.sum_duplicates()
            filled = np.diff(held.indptr) > 0
            kept.append(
                Sequences(
                    held[filled], sequence[filled], self.period[rows][filled], self.first[users], self.last[users]
                )
            )
        return kept[0], kept[1]


def _ranges(begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Concatenated ranges, and which range each element is of."""
    size = end - begin
    owner = np.repeat(np.arange(len(size)), size)
    return np.arange(size.sum()) - (np.cumsum(size) - size)[owner] + begin[owner], owner


def _interleave(
    n_users: int, halved: np.ndarray, first: Sequences, second: Sequences, one: Sequences, two: Sequences
) -> Sequences:
    """Put both kinds of views back in the order of the users: all first views, then all second ones."""
    in_time, split = np.flatnonzero(~halved), np.flatnonzero(halved)
    pieces = [(first, in_time), (one, split), (second, in_time + n_users), (two, split + n_users)]
    pieces = [(piece, numbers) for piece, numbers in pieces if len(numbers)]
    bounds = np.empty((2, 2 * n_users), dtype=np.int64)
    for piece, numbers in pieces:
        bounds[0, numbers], bounds[1, numbers] = piece.first, piece.last
    sequence = np.concatenate([numbers[piece.sequence] for piece, numbers in pieces])
    period = np.concatenate([piece.period for piece, _ in pieces])
    order = np.argsort(sequence, kind="stable")
    stacked = pieces[0][0].counts if len(pieces) == 1 else sparse.vstack([p.counts for p, _ in pieces], format="csr")
    return Sequences(stacked[order], sequence[order], period[order], bounds[0], bounds[1])
