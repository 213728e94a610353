"""Write a small made-up set of reviews and products in the format of the Amazon reviews of 2018.

Its users, products and reviews are invented; its faults are those of the real files: titles that hold markup, style
sheets and scripts, products and reviews that stand twice, votes as text and as number, fields that are missing, and the
documented names of fields in one category (Musical_Instruments) beside the real ones in the others.

Users like one or two of the four categories that the paper asks about, the other products of those departments now and
then; so the tasks can be learnt, and scores on this set say nothing else.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

# File: real name of its first category, and the paths below it with words for titles. The first path of each list is
# one of the paper's four; of Sports two are.
SHOP: dict[str, tuple[str, dict[tuple[str, ...], str]]] = {
    "Books": (
        "Books",
        {
            ("Literature & Fiction", "Genre Fiction"): "novel stories saga heart river daughter winter letters",
            ("Cookbooks, Food & Wine",): "recipes kitchen bread grill vegan cookbook",
            ("History", "Europe"): "empire war kings century battle revolution",
        },
    ),
    "Sports_and_Outdoors": (
        "Sports & Outdoors",
        {
            ("Sports & Fitness", "Hunting & Fishing", "Hunting"): "camo blind scope decoy broadhead deer call",
            ("Sports & Fitness", "Leisure Sports & Game Room", "Darts"): "dartboard flights billiard cue table steel",
            ("Outdoor Recreation", "Camping & Hiking"): "tent lantern stove sleeping bag backpack",
        },
    ),
    "Musical_Instruments": (
        "Musical Instruments",
        {
            ("Guitars", "Acoustic Guitars"): "guitar acoustic strings capo mahogany",
            ("Drums & Percussion",): "drum sticks cymbal snare cajon",
        },
    ),
    "Home_and_Kitchen": (
        "Home & Kitchen",
        {("Bedding",): "pillow duvet sheet cotton queen", ("Kitchen & Dining",): "pan kettle mug knife board"},
    ),
}
# What a user's taste is: a file and the place of a path in it.
TASTES = (("Books", 0), ("Sports_and_Outdoors", 0), ("Sports_and_Outdoors", 1), ("Musical_Instruments", 0))
PLAIN = "classic red blue set pro deluxe large small edition original premium black"
DUMP = (
    "var aPageStart = (new Date()).getTime();\nvar ue_t0=ue_t0||+new Date();\nfunction uet(a){return a}\n"
    "window.ue_ihb = (window.ue_ihb || window.ueinit || 0) + 1;"
)
DOCUMENTED = "Musical_Instruments"  # the file with the field names of the documentation


def spoilt(title: str, kind: int) -> str:
    """A title as it may look in the files; kind 0 leaves nothing of it."""
    return (
        DUMP,
        f'<span id="productTitle" class="a-size-large">{title}</span>',
        f"{title} .a-box {{border: 1px #ddd solid; padding: 0}} .a-box-inner {{padding: 14px 18px}}",
        f"{title} &amp; more &quot;new&quot;",
        f'{title}<script type="text/javascript">P.when("A").execute(function(A){{ A.on("x"); }});</script>',
    )[kind]


def make_products(rng: np.random.Generator, per_path: int) -> dict[str, list[list[dict[str, Any]]]]:
    """Products by file and path."""
    made: dict[str, list[list[dict[str, Any]]]] = {}
    number = 0
    for file, (root, paths) in SHOP.items():
        for path, words in paths.items():
            group = []
            for _ in range(per_path):
                number += 1
                title = " ".join([*rng.choice(words.split(), 3, replace=False), *rng.choice(PLAIN.split(), 2)]).title()
                group.append(product(rng, f"B{number:09}", title, [root, *path], file == DOCUMENTED))
            made.setdefault(file, []).append(group)
    return made


def product(rng: np.random.Generator, asin: str, title: str, path: list[str], is_documented: bool) -> dict[str, Any]:
    """One line of a file of products."""
    if rng.random() < 0.1:
        title = spoilt(title, int(rng.integers(5)))
    # The real files hold entities in names of categories.
    names = [part.replace("&", "&amp;") if rng.random() < 0.5 else part for part in path]
    held: dict[str, Any] = {"asin": asin, "title": title, "description": ["<b>Made up.</b>"], "price": "$9.99"}
    if is_documented:
        held |= {"categories": [names], "also_viewed": [], "salesRank": {path[0]: 7}, "imageURL": []}
    else:
        main = path[0].replace("&", "&amp;")
        if rng.random() < 0.2:
            main = f'<img src="logo.png" class="nav-categ-image" alt="{main}"/>'
        held |= {
            "category": names,
            "tech1": "",
            "fit": "",
            "also_view": [],
            "rank": "7 in " + path[0],
            "main_cat": main,
        }
    for optional in ("description", "price"):
        if rng.random() < 0.3:
            del held[optional]
    return held


def review(rng: np.random.Generator, user: str, asin: str, day: np.datetime64) -> dict[str, Any]:
    """One line of a file of reviews; times are midnights, as in the real files."""
    year, month, date = str(day).split("-")
    held: dict[str, Any] = {
        "overall": float(rng.integers(1, 6)),
        "verified": bool(rng.random() < 0.8),
        "reviewTime": f"{month} {int(date)}, {year}",
        "reviewerID": user,
        "asin": asin,
        "style": {"Format:": " Paperback"},
        "reviewerName": "Someone",
        "reviewText": "A made-up review.",
        "summary": "Made up",
        "unixReviewTime": int(day.astype("M8[s]").astype(np.int64)),
    }
    if rng.random() < 0.2:
        votes = int(rng.integers(1, 2000))
        held["vote"] = votes if rng.random() < 0.5 else f"{votes:,}"
    for optional in ("style", "reviewerName", "reviewText", "summary"):
        if rng.random() < 0.1:
            del held[optional]
    return held


def make_reviews(
    rng: np.random.Generator, products: dict[str, list[list[dict[str, Any]]]], n_users: int
) -> dict[str, list[dict[str, Any]]]:
    """Reviews by file, 1997 to September 2018, more of them in the later years."""
    reviews: dict[str, list[dict[str, Any]]] = {file: [] for file in SHOP}
    everything = [(file, place) for file, groups in products.items() for place in range(len(groups))]
    first, last = np.datetime64("1997-01-01"), np.datetime64("2018-10-01")
    span = int((last - first).astype(int))
    for number in range(n_users):
        likes = rng.choice(len(TASTES), int(rng.integers(1, 3)), replace=False)
        began = rng.random() ** 0.5 * 0.95  # share of the span before the first review; six years lie before the last
        length = min(1 - began, 6 / 22)
        for share in np.sort(began + length * rng.random(5 + int(rng.poisson(25)))):
            if rng.random() < 0.45:
                file, place = TASTES[rng.choice(likes)]
            else:
                file, place = everything[rng.integers(len(everything))]
            group = products[file][place]
            chosen = group[int(len(group) * rng.random() ** 2)]
            reviews[file].append(review(rng, f"A{number:013}", chosen["asin"], first + int(span * share)))
    return reviews


def with_doubles(
    rng: np.random.Generator, rows: list[dict[str, Any]], share: float, other: str
) -> list[dict[str, Any]]:
    """The rows in another order, some of them twice; the double differs in a field that tells nothing."""
    doubles = [rows[k] | {other: "seen twice"} for k in np.flatnonzero(rng.random(len(rows)) < share)]
    rows = rows + doubles
    return [rows[k] for k in rng.permutation(len(rows))]


def write_lines(file: Path, rows: list[dict[str, Any]]) -> None:
    """JSON lines, gzip; without a time in the header, so that equal rows are equal files."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    file.write_bytes(gzip.compress(text.encode(), mtime=0))


def generate(target: Path, n_users: int = 800, per_path: int = 60, seed: int = 0) -> None:
    """Write ``reviews/CATEGORY.json.gz`` and ``meta/meta_CATEGORY.json.gz`` into a folder."""
    rng = np.random.default_rng(seed)
    products = make_products(rng, per_path)
    reviews = make_reviews(rng, products, n_users)
    for file in SHOP:
        lines = [row for group in products[file] for row in group]
        write_lines(target / "meta" / f"meta_{file}.json.gz", with_doubles(rng, lines, 0.03, "date"))
        write_lines(target / "reviews" / f"{file}.json.gz", with_doubles(rng, reviews[file], 0.02, "summary"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, nargs="?", default=Path("sample/data"), help="folder to write")
    parser.add_argument("--users", type=int, default=800, help="number of reviewers (800)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.users < 1:
        parser.error(f"--users {given.users}: at least one reviewer is needed")
    generate(given.target, given.users, seed=given.seed)
    print(given.target)


if __name__ == "__main__":
    main()
