"""Generated logs: users of two tastes, over fourteen months."""

import csv
from pathlib import Path

import numpy as np

# Both are ids that a shell, a path or a table could stumble over.
ODD_USER, ODDER_USER = "Ann Müller  用户", '-x "quoted", 🛒'
SETTINGS = """\
until = 2017-12-01

[ingest]
events = ["data/events.csv"]
items = ["data/items.csv"]

[embed-items]
dim = 8

[cluster]
n_interests = 8

[boi]
period = ["month"]

[train-smen]
anchors = 2
dim = 8
epochs = 2

[evaluate]
method = ["lurm", "boi", "aggregates"]
seeds = 1

[[tasks]]
name = "taste"
kind = "profile"
labels = "data/users.csv"

[[tasks]]
name = "mugs"
kind = "preference"
column = "kind"
values = ["mug*"]
since = 2017-12-01
"""
_DRINK = ["tea", "coffee", "mug", "kettle", "sugar"]
_WRITE = ["pen", "paper", "ink", "pencil", "folder"]
_COLORS = ["red", "green", "blue", "black"]


def write_rows(file: Path, header: list[str], rows: list[tuple]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def events_of(n_users: int, per_user: int, seed: int = 0) -> list[tuple[str, str, str]]:
    """Even users choose among items 0-19, odd ones among 20-39; one event in ten is of the other taste."""
    rng = np.random.default_rng(seed)
    users = [ODD_USER, ODDER_USER, *(f"user {number}" for number in range(2, n_users))]
    n = n_users * per_user
    who = np.repeat(np.arange(n_users), per_user)
    own = rng.random(n) < 0.9
    item = rng.integers(0, 20, n) + 20 * ((who % 2 == 0) ^ own)
    days = rng.integers(0, 424, n)  # 2017-01-01 to 2018-02-28
    times = np.datetime64("2017-01-01") + days
    return [(users[u], f"item {i}", f"{t}T{i % 24:02}:00:00") for u, i, t in zip(who, item, times, strict=True)]


def write_workspace(root: Path, n_users: int = 60, per_user: int = 40, settings: str = SETTINGS) -> Path:
    """Raw tables and lurm.toml."""
    write_rows(root / "data/events.csv", ["user", "item", "time"], events_of(n_users, per_user))
    things = [(thing, color) for thing in (*_DRINK, *_WRITE) for color in _COLORS]
    items = [(f"item {k}", f"{color} {thing}", thing) for k, (thing, color) in enumerate(things)]
    write_rows(root / "data/items.csv", ["item", "title", "kind"], items)
    users = [ODD_USER, ODDER_USER, *(f"user {number}" for number in range(2, n_users))]
    labels = [(user, ("write", "drink")[place % 2]) for place, user in enumerate(users)]
    write_rows(root / "data/users.csv", ["user", "taste"], labels)
    (root / "lurm.toml").write_text(settings, encoding="utf-8")
    return root
