"""A lifelong log of any size: Zipf items with text, log-normal activity, years of history.

    python benchmarks/generate.py 10M FOLDER

writes ``FOLDER/events.parquet`` (user, item, time; in the order of time, as logs are) and ``FOLDER/items.parquet``
(item, title, rank). The same size and seed give the same files. Events are made and written a million at a time, so
that memory is bounded by the users and items, not by the events.

What the events are like: a user's activity is log-normal (sigma 1.2), users join over the first four of five years,
traffic doubles over the years, eight events of ten are of the user's four topics (Zipf over a topic's items), the
others of any topic. On average a user has 100 events; there is an item for a hundred events.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from harness import parse_size

TOPICS = 200
BLOCK = 1_000_000
START, SPAN = np.datetime64("2015-01-01", "us"), np.timedelta64(5 * 365, "D").astype("timedelta64[us]")
_ADJECTIVES = "red blue green old new small large warm cold soft hard light dark sweet dry fresh plain rich wild calm"


@dataclass(frozen=True)
class LogSize:
    """How much of everything: one item and one user for a hundred events, at least 20,000 items."""

    n_events: int

    @property
    def n_users(self) -> int:
        return max(100, self.n_events // 100)

    @property
    def n_items(self) -> int:
        return max(20_000, self.n_events // 100)


class Log:
    """The laws that events are drawn from.

    An item's ``rank`` is its place in its topic times ``TOPICS`` plus its topic; ids hide it, by a permutation.
    """

    def __init__(self, size: LogSize, seed: int) -> None:
        self.size = size
        rng = np.random.default_rng([seed, size.n_events])
        self.item_of_rank = rng.permutation(size.n_items).astype(np.int32)
        # Users in the order in which they join: those who are there at a time are a prefix.
        self.joined = np.sort(np.maximum(0.0, rng.uniform(-0.3, 0.8, size.n_users)))
        self.cumulated = np.cumsum(rng.lognormal(0.0, 1.2, size.n_users))
        self.user_id = rng.permutation(size.n_users).astype(np.int32)
        self.topics = rng.integers(0, TOPICS, (size.n_users, 4), dtype=np.int16)
        zipf = np.cumsum(1.0 / np.arange(1, size.n_items // TOPICS + 1))
        self.zipf = zipf / zipf[-1]
        self.seed = seed

    def events(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Users, items (numbers) and times of the events ``start:stop``, in the order of time."""
        n = stop - start
        rng = np.random.default_rng([self.seed, self.size.n_events, start])
        share = (start + np.sort(rng.random(n)) * n) / self.size.n_events
        # Traffic grows linearly from 1 to 2: its integral is (x + x^2 / 2) / 1.5.
        moment = np.sqrt(1 + 3 * share) - 1
        present = np.maximum(1, np.searchsorted(self.joined, moment, side="right"))
        place = np.searchsorted(self.cumulated, rng.random(n) * self.cumulated[present - 1])
        place = np.minimum(place, present - 1)
        own = rng.random(n) < 0.8
        topic = np.where(own, self.topics[place, rng.integers(0, 4, n)], rng.integers(0, TOPICS, n))
        rank = np.searchsorted(self.zipf, rng.random(n)) * TOPICS + topic
        return self.user_id[place], self.item_of_rank[rank], START + (moment * SPAN.astype(np.int64)).astype(np.int64)


def _ids(letter: str, numbers: np.ndarray) -> pa.Array:
    """Ids of texts, as a dictionary: each is made once."""
    values, place = np.unique(numbers, return_inverse=True)
    texts = pa.array([f"{letter}{number:08d}" for number in values.tolist()])
    return pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int32)), texts).cast(pa.string())


def write_log(folder: Path, n_events: int, seed: int = 0) -> LogSize:
    """Write both files, unless they are there."""
    size = LogSize(n_events)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "events.parquet").is_file() and (folder / "items.parquet").is_file():
        return size
    log = Log(size, seed)
    _write_items(folder / "items.parquet", log)
    schema = pa.schema([("user", pa.string()), ("item", pa.string()), ("time", pa.timestamp("us"))])
    # Under its final name a file is whole.
    partial = folder / "events.partial"
    with pq.ParquetWriter(partial, schema, compression="snappy") as writer:
        for start in range(0, n_events, BLOCK):
            users, items, times = log.events(start, min(start + BLOCK, n_events))
            table = pa.table([_ids("u", users), _ids("i", items), pa.array(times)], schema=schema)
            writer.write_table(table, row_group_size=122_880)
    partial.rename(folder / "events.parquet")
    return size


def _write_items(file: Path, log: Log) -> None:
    adjectives = _ADJECTIVES.split()
    schema = pa.schema([("item", pa.string()), ("title", pa.string()), ("rank", pa.int32())])
    with pq.ParquetWriter(file, schema) as writer:
        for start in range(0, log.size.n_items, 100_000):
            ranks = np.arange(start, min(start + 100_000, log.size.n_items))
            titles = [
                f"{adjectives[place % 20]} {adjectives[place // 20 % 20]} thing{place % 97} topic{topic}"
                for place, topic in zip((ranks // TOPICS).tolist(), (ranks % TOPICS).tolist(), strict=True)
            ]
            ids = [f"i{number:08d}" for number in log.item_of_rank[ranks].tolist()]
            writer.write_table(pa.table([ids, titles, pa.array(ranks.astype(np.int32))], schema=schema))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("events", help="number of events: 1M, 10M, 100M")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    size = write_log(options.folder, parse_size(options.events), options.seed)
    print(f"{size.n_events:,} events, {size.n_users:,} users, {size.n_items:,} items in {options.folder}")


if __name__ == "__main__":
    main()
