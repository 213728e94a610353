"""Small users for the tests of SMEN."""

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.csr import CsrPart
from lurm_cli.boi.periods import Period
from lurm_cli.smen.batch import Batch, InputLaw, make_batch
from lurm_cli.smen.views import Lives

MONTH, YEAR = Period("month"), Period("year")


def part_of(rows: list[tuple[int, int, dict[int, int]]], n_interests: int) -> CsrPart:
    """Rows are (user, month, counts by interest)."""
    counts = sparse.lil_matrix((len(rows), n_interests), dtype=np.int32)
    for number, (_, _, held) in enumerate(rows):
        for interest, count in held.items():
            counts[number, interest] = count
    users = np.empty(max(user for user, _, _ in rows) + 1, dtype=object)
    users[:] = [f"u{number}" for number in range(len(users))]
    return CsrPart(
        sparse.csr_matrix(counts),
        users,
        np.array([user for user, _, _ in rows], dtype=np.int32),
        np.array([period for _, period, _ in rows], dtype=np.int32),
    )


def random_part(n_users: int = 20, n_interests: int = 30, months: int = 30, seed: int = 0) -> CsrPart:
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        active = np.sort(rng.choice(months, size=rng.integers(1, 9), replace=False)) + 550
        for period in active:
            held = rng.choice(n_interests, size=rng.integers(1, 6), replace=False)
            rows.append((user, int(period), {int(j): int(rng.integers(1, 5)) for j in held}))
    return part_of(rows, n_interests)


def whole_batch(part: CsrPart, scales: list[Period] | None = None, law: InputLaw | None = None) -> Batch:
    lives = Lives(part)
    return make_batch(lives.whole(np.arange(len(lives))), MONTH, scales or [MONTH, YEAR], law or InputLaw())
