"""What a benchmark needs before it begins: interests without clustering, events with integers for ids.

python benchmarks/prepare.py NAME ARGUMENT...
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def whole(target: str) -> Iterator[Path]:
    """A place to write to that gets its name at the end: what a killed run leaves is not taken for done."""
    partial = Path(target).with_name(f".{Path(target).name}")
    yield partial
    partial.rename(target)


def interests(items_table: str, workspace: str, target: str) -> None:
    """``interests.zarr`` from the generator's ranks: ten items, each as far from the next in rank, are an interest.

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
    with whole(target) as place, place.open("wb") as stream:
        np.save(stream, interest)


def codes(events: str, target: str) -> None:
    """The ingested events as one Parquet file of integers: uid (in the order of buckets), code, t; sorted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lurm_cli.artifacts.store import Events

    schema = pa.schema([("uid", pa.int32()), ("code", pa.int32()), ("t", pa.timestamp("us"))])
    n_users = 0
    with whole(target) as place, pq.ParquetWriter(place, schema) as writer:
        for events_of_bucket in Events.open(Path(events)).iter_buckets():
            uid = np.repeat(np.arange(len(events_of_bucket.users)), np.diff(events_of_bucket.indptr)) + n_users
            n_users += len(events_of_bucket.users)
            columns = [uid.astype(np.int32), events_of_bucket.items, events_of_bucket.times.astype("datetime64[us]")]
            writer.write_table(pa.table([pa.array(c) for c in columns], schema=schema), row_group_size=122_880)


def counts(n_users: str, n_months: str, n_interests: str, workspace: str) -> None:
    """``boi-month.zarr`` of lives of so many months, about ten different interests in each, Zipf."""
    from scipy import sparse

    from lurm_cli.artifacts.build import Build
    from lurm_cli.artifacts.csr import CsrPart, write_csr_part
    from lurm_cli.artifacts.manifest import InputRef, Manifest
    from lurm_cli.boi.periods import Period

    users, months, width = int(n_users), int(n_months), int(n_interests)
    rng = np.random.default_rng(0)
    month = Period("month")
    first = int(month.number(np.array([np.datetime64("2017-01-01", "us").astype(np.int64)]))[0])
    references = tuple(InputRef(f"{kind}.zarr", kind, kind) for kind in ("events", "interests"))
    with Build(Path(workspace) / "boi-month.zarr", Manifest("boi", "boi", {"period": "month"}, references)) as build:
        n_rows = users * months
        size = rng.poisson(10, n_rows)
        # A user comes back to a few interests of his own.
        own = np.minimum(rng.zipf(1.3, (users, 40)) * 7919 % width, width - 1)
        of = np.repeat(np.arange(n_rows) // months, size)
        columns = own[of, rng.integers(0, 40, size.sum())]
        bags = sparse.csr_matrix(
            (np.ones(len(columns), np.int32), columns, np.concatenate([[0], np.cumsum(size)])), shape=(n_rows, width)
        )
        bags.sum_duplicates()
        user = np.repeat(np.arange(users, dtype=np.int32), months)
        period = first + np.tile(np.arange(months, dtype=np.int32), users)
        names = np.array([f"u{k:06}" for k in range(users)], dtype=object)
        year = 2017 + np.arange(months) // 12
        for number in np.unique(year):
            kept = np.flatnonzero(np.tile(year == number, users) & (np.diff(bags.indptr) > 0))
            present, row_user = np.unique(user[kept], return_inverse=True)
            part = CsrPart(bags[kept], names[present], row_user.astype(np.int32), period[kept].astype(np.int32))
            write_csr_part(build.folder, f"{number}-00000", part)
        bounds = month.start(np.array([first, first + months]))
        facts = {"n_users_at_least": users, "first_time": int(bounds[0]), "last_time": int(bounds[1]) - 1}
        build.finish(shape=(bags.shape[0], width), facts=facts)


def labelled(n_users: str, dim: str, n_interests: str, n_classes: str, workspace: str) -> None:
    """A workspace with one task, and users described by dense numbers and by counts, both of which tell the class.

    A user has 32 hidden numbers, the first of which makes the class; dense numbers are mixtures of them with noise, and
    one in thirty of the interests that a user counts is of his class.
    """
    from scipy import sparse

    from lurm_cli.artifacts.build import Build
    from lurm_cli.artifacts.columns import write_columns
    from lurm_cli.artifacts.csr import CsrPart, write_csr_part
    from lurm_cli.artifacts.manifest import InputRef, Manifest

    n, width, classes, root = int(n_users), int(n_interests), int(n_classes), Path(workspace)
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((n, 32), dtype=np.float32)
    y = np.argsort(np.argsort(hidden[:, 0])) * classes // n
    names = np.array([f"u{k:06}" for k in range(n)], dtype=object)
    (root / "lurm.toml").write_text('[[tasks]]\nname = "class"\nkind = "profile"\nlabels = "labels.csv"\n')
    lines = ["user,class", *(f"{name},{label}" for name, label in zip(names, y.tolist(), strict=True))]
    (root / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    mixture = rng.standard_normal((32, int(dim)), dtype=np.float32)
    values = hidden @ mixture + 8 * rng.standard_normal((n, int(dim)), dtype=np.float32)
    references = tuple(InputRef(f"{kind}.zarr", kind, kind) for kind in ("smen", "boi"))
    with Build(root / "users.zarr", Manifest("users", "encode-users", {}, references)) as build:
        write_columns(build.folder, {"values": values, "ids": names})
        build.finish(shape=values.shape, facts={"n_users": n})

    size = rng.poisson(100, n) + 1
    of = np.repeat(np.arange(n), size)
    place = np.minimum(rng.zipf(1.3, size.sum()), width // classes) - 1
    group = np.where(rng.random(len(of)) < 1 / 30, y[of], rng.integers(0, classes, len(of)))
    ones, indptr = np.ones(len(of), np.int32), np.concatenate([[0], np.cumsum(size)])
    bags = sparse.csr_matrix((ones, (place * classes + group).astype(np.int32), indptr), shape=(n, width))
    bags.sum_duplicates()
    references = tuple(InputRef(f"{kind}.zarr", kind, kind) for kind in ("events", "interests"))
    with Build(root / "boi-all.zarr", Manifest("boi", "boi", {"period": "all"}, references)) as build:
        part = CsrPart(bags, names, np.arange(n, dtype=np.int32), np.zeros(n, dtype=np.int32))
        write_csr_part(build.folder, "2017-00000", part)
        build.finish(shape=bags.shape, facts={"n_users_at_least": n})


def points(n: str, k: str, target: str) -> None:
    """Unit vectors of 128 numbers like those of items: 300 topics, k log-normal groups in them, and noise."""
    rng = np.random.default_rng(0)
    groups = (rng.standard_normal((300, 128))[rng.integers(0, 300, int(k))]).astype(np.float32)
    groups += 0.6 * rng.standard_normal(groups.shape, dtype=np.float32)
    weights = np.cumsum(rng.lognormal(0.0, 1.0, int(k)))
    with whole(target) as place:
        out = np.lib.format.open_memmap(place, mode="w+", dtype=np.float32, shape=(int(n), 128))
        for start in range(0, int(n), 100_000):
            size = min(100_000, int(n) - start)
            block = groups[np.searchsorted(weights, rng.random(size) * weights[-1])]
            block = block + 0.6 * rng.standard_normal(block.shape, dtype=np.float32)
            out[start : start + size] = block / np.linalg.norm(block, axis=1, keepdims=True)
        out.flush()


def scored(points_file: str, centers_file: str) -> None:
    """Print the mean squared distance of 20,000 points to the nearest centre, and recall of the assignment by cell."""
    from lurm_cli.interests.assignment import nearest
    from lurm_cli.interests.large import nearest_by_cell

    held, centers = np.load(points_file, mmap_mode="r"), np.load(centers_file)
    some = np.ascontiguousarray(held[:: max(1, len(held) // 20_000)])
    _, best = nearest(some, centers, "l2")
    _, by_cell = nearest_by_cell(some, centers, "l2")
    print(json.dumps({"inertia": float(-best.mean()), "recall": float((by_cell >= best - 1e-5).mean())}))


def agreed(points_file: str, centers_file: str, labels_file: str) -> None:
    """Print the share of 20,000 points whose label is that of the nearest of all centres, by inner product."""
    from lurm_cli.interests.assignment import nearest

    held, centers, labels = (np.load(file, mmap_mode="r") for file in (points_file, centers_file, labels_file))
    step = max(1, len(held) // 20_000)
    some, own = np.ascontiguousarray(held[::step]), np.asarray(labels[::step])
    _, best = nearest(some, np.ascontiguousarray(centers), "ip")
    reached = np.einsum("nd,nd->n", some, centers[own])
    print(json.dumps({"recall": float((reached >= best - 1e-5).mean())}))


def totals(folder: str) -> None:
    """Print number and sum of a competitor's counts, by period."""
    found = {}
    for file in sorted(Path(folder).glob("*-data.npy")):
        data = np.load(file)
        found[file.name.removesuffix("-data.npy")] = [len(data), int(data.sum())]
    print(json.dumps(found))


if __name__ == "__main__":
    known = (interests, codes, points, scored, agreed, totals, counts, labelled)
    {function.__name__: function for function in known}[sys.argv[1]](*sys.argv[2:])
