"""What a benchmark needs before it begins: interests without clustering, events with integers for ids.

python benchmarks/prepare.py NAME ARGUMENT...
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def interests(items_table: str, workspace: str, target: str) -> None:
    """``interests.zarr`` from the generator's ranks: ten items of neighbouring rank in one topic are an interest.

    The array from item code to interest goes to ``target`` as well.
    """
    import pyarrow.parquet as pq

    from lurm_cli.artifacts.build import Build
    from lurm_cli.artifacts.columns import Columns, write_columns
    from lurm_cli.artifacts.manifest import InputRef, Manifest

    root = Path(workspace)
    items = Columns(root / "items.zarr", "items")
    ids = items.read("ids")
    table = pq.read_table(items_table)
    rank = dict(zip(table.column("item").to_pylist(), table.column("rank").to_pylist(), strict=True))
    n_interests = len(ids) // 10
    interest = np.array([rank[item] for item in ids], dtype=np.int32) % n_interests
    reference = InputRef("items.zarr", "items", items.manifest.fingerprint)
    place = root / "interests.zarr"
    with Build(place, Manifest("interests", "cluster", {"n_interests": n_interests}, (reference,))) as build:
        write_columns(build.folder, {"ids": ids, "item_interest": interest})
        build.finish(shape=(n_interests, 0), facts={"n_interests": n_interests})
    np.save(target, interest)


def codes(events: str, target: str) -> None:
    """The ingested events as one Parquet file of integers: uid (in the order of buckets), code, t; sorted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lurm_cli.artifacts.store import Events

    schema = pa.schema([("uid", pa.int32()), ("code", pa.int32()), ("t", pa.timestamp("us"))])
    n_users = 0
    with pq.ParquetWriter(target, schema) as writer:
        for events_of_bucket in Events.open(Path(events)).iter_buckets():
            uid = np.repeat(np.arange(len(events_of_bucket.users)), np.diff(events_of_bucket.indptr)) + n_users
            n_users += len(events_of_bucket.users)
            columns = [uid.astype(np.int32), events_of_bucket.items, events_of_bucket.times.astype("datetime64[us]")]
            writer.write_table(pa.table([pa.array(c) for c in columns], schema=schema), row_group_size=122_880)


if __name__ == "__main__":
    {"interests": interests, "codes": codes}[sys.argv[1]](*sys.argv[2:])
