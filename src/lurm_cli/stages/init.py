"""``lurm init``: a commented lurm.toml to start from."""

from __future__ import annotations

from pathlib import Path

from lurm_cli.errors import OutputExistsError

TEMPLATE = """\
# Settings of this lurm workspace. A flag on the command line and a LURM_* variable go before what stands here;
# every line is optional. `lurm run` makes everything; each stage can be rerun alone.

# Everything that learns (item vectors, interests, encoder, baselines) sees only events before this time.
# Set it to the beginning of the window whose behaviour the preference tasks below ask for.
# until = 2017-10-01

# seed = 0
# workers = 2

[ingest]
# events = ["data/events.parquet"]     # Parquet, CSV, TSV, JSON lines (.gz, .zst); globs are fine
# items = ["data/items.csv"]           # optional: a table with the items' texts
# user_col = "user"
# item_col = "item"
# time_col = "time"
# text_col = ["title", "brand"]        # columns of the items table that describe an item; all of them by default
# task_col = ["category"]              # columns that tasks ask about, kept out of the items' words
# bad_rows = "stop"                    # or "skip": count unreadable rows and write them to a rejects file

[embed-items]
# method = "word2vec"                  # or "contrastive", "precomputed"

[cluster]
# n_interests = 2000                   # by default from the number of items

[boi]
# period = ["month", "year"]           # by default from the span of the log

[train-smen]
# anchors = 10
# dim = 128

[evaluate]
# seeds = 5

# What the representations are scored on. A profile task takes its labels from a table of users:
# [[tasks]]
# name = "age"
# kind = "profile"
# labels = "data/users.csv"
# user_col = "user"
# label_col = "age"

# A preference task asks who will choose a category: events of the window [since, until) are its labels.
# [[tasks]]
# name = "coffee"
# kind = "preference"
# column = "category"                  # a column of the items table
# values = ["COFFEE*"]
# since = 2017-10-01
# until = 2018-01-01
"""


def run_init(folder: Path) -> Path:
    """Write a commented ``lurm.toml`` into a folder, making it if need be.

    Raises
    ------
    OutputExistsError
        If there is one already; it is never replaced.
    """
    file = folder / "lurm.toml"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(TEMPLATE)
    except FileExistsError:
        raise OutputExistsError(f"{file} exists already; edit it, or remove it to start again") from None
    return file
