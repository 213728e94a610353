"""What one would run without lurm: each a function, run as a process of its own.

python benchmarks/peers.py NAME ARGUMENT...
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

MEMORY = "1GB"


def _duckdb(scratch: Path):
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {len(os.sched_getaffinity(0))}")
    connection.execute(f"SET memory_limit = '{MEMORY}'")
    connection.execute(f"SET temp_directory = '{scratch}'")
    connection.execute("SET enable_progress_bar = false")
    return connection


def duckdb_sort(events: str, target: str) -> None:
    """A copy of the log sorted by user and time."""
    # It sorts for itself, so the order of the file need not be kept.
    connection = _duckdb(Path(target).with_suffix(".spill"))
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(
        f"COPY (SELECT * FROM read_parquet('{events}') ORDER BY \"user\", \"time\") TO '{target}' (FORMAT parquet)"
    )


def _save_csr(target: str, period: str, user: np.ndarray, number: np.ndarray, interest: np.ndarray, count: np.ndarray):
    """CSR arrays of cells sorted by user, period, interest."""
    first = np.ones(len(user), dtype=bool)
    first[1:] = (user[1:] != user[:-1]) | (number[1:] != number[:-1])
    start = np.flatnonzero(first)
    arrays = {
        "data": count.astype(np.int32),
        "indices": interest.astype(np.int32),
        "indptr": np.append(start, len(user)),
        "row_user": user[start],
        "row_period": number[start],
    }
    for name, values in arrays.items():
        np.save(Path(target) / f"{period}-{name}.npy", values)


def polars_boi(codes: str, interests: str, target: str) -> None:
    """Months by Polars, years from the months."""
    import polars as pl

    interest = pl.Series("interest", np.load(interests))
    month = (pl.col("t").dt.year().cast(pl.Int32) - 1970) * 12 + pl.col("t").dt.month() - 1
    months = (
        pl.scan_parquet(codes)
        .select("uid", month.cast(pl.Int32).alias("month"), pl.lit(interest).gather(pl.col("code")).alias("interest"))
        .group_by("uid", "month", "interest")
        .len("count")
        .collect()
        .sort("uid", "month", "interest")
    )
    _save_csr(target, "month", *(months[name].to_numpy() for name in ("uid", "month", "interest", "count")))
    years = (
        months.group_by("uid", (pl.col("month") // 12).alias("year"), "interest")
        .agg(pl.col("count").sum())
        .sort("uid", "year", "interest")
    )
    _save_csr(target, "year", *(years[name].to_numpy() for name in ("uid", "year", "interest", "count")))


def duckdb_boi(codes: str, interests: str, target: str) -> None:
    """Months by DuckDB, years from the months."""
    connection = _duckdb(Path(target) / "spill")
    # Its sorted result is fetched whole: the limit is for grouping only, so it gets what the others take.
    connection.execute("SET memory_limit = '12GB'")
    interest = np.load(interests)
    items = {"code": np.arange(len(interest), dtype=np.int32), "interest": interest}
    connection.register("items", __import__("pandas").DataFrame(items))
    connection.execute(
        "CREATE TABLE months AS SELECT uid, CAST((year(t) - 1970) * 12 + month(t) - 1 AS INTEGER) AS month, interest, "
        f"CAST(count(*) AS INTEGER) AS count FROM read_parquet('{codes}') JOIN items USING (code) GROUP BY ALL"
    )
    found = connection.execute("SELECT * FROM months ORDER BY uid, month, interest").fetchnumpy()
    _save_csr(target, "month", *(found[name] for name in ("uid", "month", "interest", "count")))
    found = connection.execute(
        "SELECT uid, month // 12 AS year, interest, CAST(sum(count) AS INTEGER) AS count FROM months "
        "GROUP BY ALL ORDER BY uid, year, interest"
    ).fetchnumpy()
    _save_csr(target, "year", *(found[name] for name in ("uid", "year", "interest", "count")))


def pandas_boi(codes: str, interests: str, target: str) -> None:
    """Rows numbered by pandas, cells added by SciPy."""
    import pandas as pd
    from scipy import sparse

    frame = pd.read_parquet(codes)
    interest = np.load(interests)
    columns = interest[frame["code"].to_numpy()]
    frame["month"] = (frame["t"].dt.year - 1970) * 12 + frame["t"].dt.month - 1
    frame["year"] = frame["month"] // 12
    for period in ("month", "year"):
        groups = frame.groupby(["uid", period], sort=True)
        rows = groups.ngroup().to_numpy()
        keys = groups.size().index
        cells = sparse.coo_matrix(
            (np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=(len(keys), int(interest.max()) + 1)
        ).tocsr()
        cells.sort_indices()
        row_user, row_period = (keys.get_level_values(level).to_numpy() for level in (0, 1))
        arrays = {
            "data": cells.data,
            "indices": cells.indices,
            "indptr": cells.indptr,
            "row_user": row_user,
            "row_period": row_period,
        }
        for name, values in arrays.items():
            np.save(Path(target) / f"{period}-{name}.npy", values)


def faiss_kmeans(points: str, k: str, target: str) -> None:
    """Lloyd's twenty rounds, each comparing all points with all centres."""
    import faiss

    held = np.load(points)
    engine = faiss.Kmeans(held.shape[1], int(k), niter=20, min_points_per_centroid=1, max_points_per_centroid=2**31 - 1)
    engine.train(held)
    np.save(target, engine.centroids)


def lurm_kmeans(points: str, k: str, target: str) -> None:
    """k-means as ``lurm cluster --method kmeans`` does it."""
    from lurm_cli.interests.kmeans import kmeans

    np.save(target, kmeans(np.load(points), int(k)))


def lurm_hdsc(points: str, k: str, target: str) -> None:
    """HDSC as ``lurm cluster`` does it: one pass."""
    from lurm_cli.interests.hdsc import hdsc

    np.save(target, hdsc(np.load(points), int(k)).centers)


def lurm_assign(points: str, centers: str, target: str) -> None:
    """Every point to its interest, in blocks: memory of the centres and a block."""
    from lurm_cli.interests.large import Cells, nearest_by_cell

    held, found = np.load(points, mmap_mode="r"), np.load(centers)
    cells, out = Cells.of(found), np.empty(len(held), dtype=np.int32)
    for start in range(0, len(held), 2**17):
        with Path(points).open("rb") as stream:
            # Read, not mapped: mapped pages would count as memory for as long as they are cached.
            stream.seek(held.offset + start * held.shape[1] * 4)
            size = min(2**17, len(held) - start)
            block = np.fromfile(stream, dtype=np.float32, count=size * held.shape[1]).reshape(size, -1)
        out[start : start + size], _ = nearest_by_cell(block, found, "ip", cells)
    np.save(target, out)


def torch_gru(command: str, *arguments: str) -> None:
    """A command of lurm with torch's own recurrent layer in place of the one written out."""
    import torch
    from torch.nn.utils.rnn import PackedSequence

    from lurm_cli.cli.main import main
    from lurm_cli.smen import aggregation

    def last_state(layer, vectors, place, sizes):
        packed = vectors.new_zeros(sum(sizes), vectors.shape[1]).index_copy(0, place, vectors)
        return layer(PackedSequence(packed, torch.tensor(sizes)))[1][0]

    aggregation.last_state = last_state
    sys.argv = ["lurm", command, *arguments]
    main()


PEERS = {
    "torch-gru": torch_gru,
    "duckdb-sort": duckdb_sort,
    "polars-boi": polars_boi,
    "duckdb-boi": duckdb_boi,
    "pandas-boi": pandas_boi,
    "faiss-kmeans": faiss_kmeans,
    "lurm-kmeans": lurm_kmeans,
    "lurm-hdsc": lurm_hdsc,
    "lurm-assign": lurm_assign,
}

if __name__ == "__main__":
    PEERS[sys.argv[1]](*sys.argv[2:])
