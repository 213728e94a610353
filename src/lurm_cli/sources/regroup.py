"""From raw events in any order to each bucket's events by user, out of core.

DuckDB makes the dictionaries of users and items, replaces ids by integers and cuts the events into buckets of users
on disk; what is left, sorting one bucket, fits in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lurm_cli.progress import SILENT, Reporter
from lurm_cli.sources.catalogue import CatalogueTable, load_catalogue
from lurm_cli.sources.database import database, in_order, quoted
from lurm_cli.sources.events import EventReader
from lurm_cli.sources.spec import EventSource, ItemSource

# From so many events on there are at least 8 buckets, so that several workers have something to do.
_PARALLEL_EVENTS = 65_536
# Events a bucket, all years together: a few hundred megabytes while it is sorted. More buckets would be more files, of
# which each costs the stages after a quarter of a millisecond to write and to force to disk.
_BUCKET_EVENTS = 2**22
_ITEM_BATCH = 100_000


@dataclass(frozen=True)
class RaggedPart:
    """One bucket's events of one calendar year (UTC); see ``lurm_cli.artifacts.ragged.RaggedEvents``."""

    year: int
    bucket: int
    users: list[str]
    indptr: np.ndarray
    items: np.ndarray
    times: np.ndarray


@dataclass(frozen=True)
class BucketTask:
    """Load one bucket from the scratch folder; small and picklable."""

    folder: Path
    bucket: int

    def load(self) -> list[RaggedPart]:
        """All years of the bucket, ascending; events of a user sorted by time, then item."""
        uid, code, time = _columns(self.folder / "events" / f"bucket={self.bucket}", ["uid", "code", "t"])
        numbers, texts = _columns(self.folder / "users" / f"bucket={self.bucket}", ["uid", "u"])
        users = texts[np.argsort(numbers)]
        order = event_order(uid, time, code)
        uid, code, time = uid[order], code[order], time[order]
        first, last = time.min().astype("datetime64[us]"), time.max().astype("datetime64[us]")
        years = np.arange(first.astype("datetime64[Y]"), last.astype("datetime64[Y]") + 1)
        year = np.searchsorted(years.astype("datetime64[us]").astype(np.int64), time, side="right") - 1
        numbered = years.astype(np.int64) + 1970
        return [
            self._part(int(numbered[y]), users, uid[chosen], code[chosen], time[chosen])
            for y in range(len(years))
            if (chosen := year == y).any()
        ]

    def _part(self, year: int, users: np.ndarray, uid: np.ndarray, code: np.ndarray, time: np.ndarray) -> RaggedPart:
        starts = np.flatnonzero(np.diff(uid, prepend=-1))
        indptr = np.append(starts, len(uid)).astype(np.int64)
        return RaggedPart(year, self.bucket, users[uid[starts]].tolist(), indptr, code.astype(np.int32), time)


def _columns(folder: Path, names: list[str]) -> list[np.ndarray]:
    """Columns of all Parquet files in a folder; read by file, since Arrow's reader of folders imports pandas."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    for file in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(file) as opened:
            tables.append(opened.read(columns=names))
    table = pa.concat_tables(tables)
    return [table.column(name).to_numpy() for name in names]


def event_order(uid: np.ndarray, time: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Positions that sort by user, then time, then item; as ``numpy.lexsort((code, time, uid))``.

    One sort of one integer (user and time side by side) where both fit into 63 bits, as they do for decades of
    microseconds; only events of one user at one moment are then sorted by item.
    """
    if not len(uid):
        return np.empty(0, dtype=np.int64)
    low = int(time.min())
    bits = (int(time.max()) - low).bit_length()
    if bits + int(uid.max()).bit_length() > 63:
        return np.lexsort((code, time, uid))
    key = (uid.astype(np.int64) << bits) | (time - low)
    order = np.argsort(key)
    key = key[order]
    same = key[1:] == key[:-1]
    if same.any():
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        order[tied] = order[tied][np.lexsort((code[order[tied]], key[tied]))]
    return order


@dataclass(frozen=True)
class Regrouped:
    """Events by bucket in the scratch folder, and what was found on the way.

    Attributes
    ----------
    events_without_item_row
        Events whose item is not in the items table (all of them where there is none).
    """

    scratch: Path
    n_events: int
    n_users: int
    n_items: int
    n_buckets: int
    first_time: int
    last_time: int
    rejected: dict[str, int]
    duplicates_removed: int
    dropped_until: int
    dropped_since: int
    events_without_item_row: int
    items_without_events: int
    text_columns: tuple[str, ...]
    word_columns: tuple[str, ...]

    def tasks(self) -> list[BucketTask]:
        """One task a bucket that holds users."""
        folders = (self.scratch / "events").glob("bucket=*")
        return [BucketTask(self.scratch, bucket) for bucket in sorted(int(f.name.split("=")[1]) for f in folders)]

    def items(self) -> Iterator[dict[str, Any]]:
        """The catalogue in code order, in batches: ids, in_table, n_events, and the texts by column."""
        import pyarrow.parquet as pq

        # Text columns are called c0, c1, ... in the file.
        with pq.ParquetFile(self.scratch / "items.parquet") as file:
            for batch in file.iter_batches(_ITEM_BATCH):
                held = {key: batch.column(key) for key in batch.schema.names}
                yield {
                    "ids": held["id"].to_pylist(),
                    "in_table": held["in_table"].to_numpy(zero_copy_only=False),
                    "n_events": held["n_events"].to_numpy(),
                    "texts": [held[f"c{k}"].to_pylist() for k in range(len(self.text_columns))],
                }


def default_buckets(n_events: int) -> int:
    """Buckets for so many events: a power of two (ours)."""
    n_buckets = 8 if n_events >= _PARALLEL_EVENTS else 1
    while n_buckets * _BUCKET_EVENTS < n_events:
        n_buckets *= 2
    return n_buckets


def regroup(
    source: EventSource,
    catalogue: ItemSource | None,
    scratch: Path,
    *,
    threads: int,
    memory_limit: str = "1GB",
    n_buckets: int | None = None,
    rejects: Path | None = None,
    reporter: Reporter = SILENT,
) -> Regrouped:
    """Cut raw events into buckets of users.

    Parameters
    ----------
    scratch
        An empty folder for temporary files; the caller deletes it.
    rejects
        Where skipped rows are written.

    Raises
    ------
    UsageError
        If an input cannot be read.
    LurmError
        If the disk is full.
    """
    with database(scratch, threads, memory_limit) as connection:
        reader = EventReader(connection, source, scratch, reporter)
        found = reader.scan(rejects)
        good, n_events, duplicates = reader.good(), found.n_events, 0
        if source.dedupe:
            target = scratch / "distinct.parquet"
            connection.execute(f"COPY (SELECT DISTINCT u, i, t FROM {good}) TO {quoted(target)} (FORMAT parquet)")
            good = f"read_parquet({quoted(target)})"
            n_events = connection.execute(f"SELECT count(*) FROM {good}").fetchone()[0]
            duplicates = found.n_events - n_events
        buckets = n_buckets or default_buckets(n_events)
        n_users = _write_users(connection, good, buckets, scratch)
        table = load_catalogue(connection, catalogue, source.bad_rows) if catalogue is not None else None
        if table is not None and table.n_duplicates:
            reporter.warn(
                f"the items table has {table.n_duplicates:,} rows whose id stood before; of each id one is used"
            )
        if table is not None and table.n_malformed:
            reporter.warn(f"left out {table.n_malformed:,} malformed rows of the items table")
        n_items, outside, unused = _write_items(connection, good, table, scratch)
        connection.execute("SET partitioned_write_flush_threshold = 65536")
        connection.execute(
            "COPY (SELECT users.uid, items.code, e.t, users.bucket "
            f"FROM {good} e JOIN users ON users.u = e.u JOIN items ON items.id = e.i) "
            f"TO {quoted(scratch / 'events')} (FORMAT parquet, PARTITION_BY (bucket), COMPRESSION 'lz4')"
        )
    return Regrouped(
        scratch,
        n_events,
        n_users,
        n_items,
        buckets,
        found.first_time,
        found.last_time,
        found.rejected,
        duplicates,
        found.dropped_until,
        found.dropped_since,
        outside,
        unused,
        table.text_columns if table else (),
        table.text_columns[: table.n_words] if table else (),
    )


def _write_users(connection: Any, good: str, n_buckets: int, scratch: Path) -> int:
    """Table ``users``: id, bucket, and number within the bucket in the order of the ids' bytes."""
    # The same as lurm_cli.artifacts.ragged.bucket_of.
    bucket = f"CAST(('0x' || substr(md5(u), 1, 8)) AS BIGINT) % {n_buckets}"
    connection.execute(
        "CREATE TABLE users AS SELECT u, bucket, "
        "CAST(row_number() OVER (PARTITION BY bucket ORDER BY u) - 1 AS INTEGER) AS uid "
        f"FROM (SELECT u, {bucket} AS bucket FROM (SELECT DISTINCT u FROM {good}))"
    )
    connection.execute(
        f"COPY (SELECT u, uid, bucket FROM users) TO {quoted(scratch / 'users')} "
        "(FORMAT parquet, PARTITION_BY (bucket), COMPRESSION 'lz4')"
    )
    return int(connection.execute("SELECT count(*) FROM users").fetchone()[0])


def _write_items(connection: Any, good: str, table: CatalogueTable | None, scratch: Path) -> tuple[int, int, int]:
    """Table ``items`` (id, code) and items.parquet; number of items, of events outside the table, of unused items."""
    n_texts = len(table.text_columns) if table else 0
    seen = f"(SELECT i, count(*) AS n FROM {good} GROUP BY i)"
    if table is None:
        merged = f"SELECT i AS id, false AS in_table, n AS n_events FROM {seen}"
    else:
        texts = "".join(f", coalesce(c{k}, '') AS c{k}" for k in range(n_texts))
        merged = (
            "SELECT coalesce(catalogue.id, seen.i) AS id, catalogue.id IS NOT NULL AS in_table, "
            f"coalesce(seen.n, 0) AS n_events{texts} FROM catalogue FULL JOIN {seen} seen ON seen.i = catalogue.id"
        )
    connection.execute(
        f"CREATE TABLE items AS SELECT *, CAST(row_number() OVER (ORDER BY id) - 1 AS INTEGER) AS code FROM ({merged})"
    )
    with in_order(connection):
        connection.execute(
            f"COPY (SELECT * FROM items ORDER BY code) TO {quoted(scratch / 'items.parquet')} (FORMAT parquet)"
        )
    row = connection.execute(
        "SELECT count(*), coalesce(sum(n_events) FILTER (NOT in_table), 0), count(*) FILTER (n_events = 0) FROM items"
    ).fetchone()
    return int(row[0]), int(row[1]), int(row[2])
