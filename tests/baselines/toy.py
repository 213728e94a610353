"""Small catalogues and logs for the tests of the baselines."""

from collections.abc import Iterator

import numpy as np

from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines.base import Catalogue, Histories

HOUR = 3_600_000_000
DAY = 24 * HOUR


def texts(*values: str) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def catalogue_of(*words: str, **columns: tuple[str, ...]) -> Catalogue:
    """Items by their words, separated by blanks, and further columns."""
    ids = texts(*(f"item {number}" for number in range(len(words))))
    return Catalogue(ids, {name: texts(*values) for name, values in columns.items()}, [text.split() for text in words])


def events_of(lives: dict[str, list[tuple[int, int]]]) -> RaggedEvents:
    """Users' (time, item), as arrays that refuse to be written to."""
    users = sorted(lives, key=str.encode)
    flat = [event for user in users for event in sorted(lives[user])]
    arrays = (
        texts(*users),
        np.cumsum([0] + [len(lives[user]) for user in users]).astype(np.int64),
        np.array([item for _, item in flat], dtype=np.int32),
        np.array([time for time, _ in flat], dtype=np.int64),
    )
    for array in arrays:
        array.flags.writeable = False
    return RaggedEvents(*arrays)


def histories_of(*buckets: RaggedEvents) -> Histories:
    def histories() -> Iterator[RaggedEvents]:
        return iter(buckets)

    return histories


def random_lives(n_users: int, n_items: int, seed: int = 0, longest: int = 12) -> dict[str, list[tuple[int, int]]]:
    rng = np.random.default_rng(seed)
    lives = {}
    for number in range(n_users):
        size = int(rng.integers(1, longest))
        times, items = rng.integers(0, 400 * DAY, size), rng.integers(0, n_items, size)
        lives[f"user {number}"] = list(zip(times.tolist(), items.tolist(), strict=True))
    return lives
