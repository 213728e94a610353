"""Generate a shop's log of five years in which people grow older, have children and change their tastes.

No public log has both many years and users' attributes; this one is made up, and so is what can be learnt from it. It
is not fitted to any method: the law below was written down first, and noise was then chosen so that attributes can be
guessed, but not known. Scores on it say whether a method finds what is there. They say nothing of real customers.

**Time.** 2017-01-01 to 2022-03-01. Two customers in three are there from the start, the others join within four years.
Visits are Poisson with a customer's own rate (lognormal), more in November and December, fewer in dormant spells of a
few months. A visit buys 1.8 items on average, often of one category.

**Items.** 117 categories in 22 departments, 60 to 160 items each, Zipf popularity. Half of the items are on sale for 6
to 36 months only. A title joins a made-up brand, common adjectives and words of the category and of the department; the
category's name stands in three titles of five.

**What is bought.** Each purchase draws its category from a mixture, by customer and month:

- own interests: five at a time; each lasts for an exponential time, 10 months on average at the age of 18 and 60 at 80,
  and is followed by another, half of the time in the same department;
- stage of life: 30 categories lie along the ages from 18 to 78, and a customer buys those near his or her present age
  plus a personal offset (sd 4 years), so that tastes drift slowly all along;
- hobbies: four groups (outdoors, cooking, crafts, gadgets), of which a customer has two, which take turns over months;
- children: maternity, newborn, ..., crayons follow the age of each child, the more of it the younger the child; four
  families in ten have a second child; one family in ten buys for its children elsewhere;
- season: ten categories, each with its time of the year and its few adherents, year after year;
- presents: now and then a month in which anyone buys for the child of a friend;
- the common run: everything, by popularity.

**Who they are** (users.csv; one answer in twenty is drawn at random, as in a careless questionnaire):

- ``age``: six classes of the age at 2022-01-01; the stage tells, and how fast own interests change;
- ``child``: age of the *oldest* small child at 2022-01-01 (none, expecting, 0 to 4): the youngest one fills the recent
  months, so the answer lies years back;
- ``lifestyle``: which two of the four hobby groups, six classes: no single group tells it.

Two months tell little of any of these, since a customer buys about five items a month.

Written are events.parquet, items.parquet and users.csv; equal arguments give equal files.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GENERAL = {
    "drinks": "coffee tea juice wine beer",
    "pets": "dog cat fish bird rabbit",
    "books": "crime romance history science poetry",
    "music": "guitar piano vinyl drums headphones",
    "games": "board puzzle console cards miniatures",
    "fashion": "shoes bags watches denim jewelry",
    "beauty": "makeup perfume skincare haircare nails",
    "sweets": "chocolate biscuits licorice caramel nuts",
    "office": "pens paper printers chairs lamps",
    "film": "comedy thriller anime western documentary",
}
HOBBIES = {
    "outdoors": "hiking camping climbing fishing cycling",
    "cooking": "knives pans baking spices pasta",
    "crafts": "knitting sewing painting pottery woodwork",
    "gadgets": "drones cameras phones robots sensors",
}
# In the order of the ages at which they are bought.
STAGES = {
    "campus": "textbooks posters noodles laptops festival",
    "start": "flatware mattress suits travel fitness",
    "home": "sofas curtains wedding appliances tools",
    "middle": "carcare renovation tiles golf whisky",
    "leisure": "spectacles vitamins cruises genealogy roses",
    "comfort": "cushions crosswords teapots hearing bloodpressure",
}
# Category: age of the child in years at which most is bought, and the spread.
CHILD = {
    "maternity": (-0.3, 0.25),
    "newborn": (0.2, 0.3),
    "babyfood": (0.8, 0.4),
    "diapers": (1.2, 0.8),
    "toys": (2.0, 1.2),
    "picturebooks": (3.0, 1.3),
    "crayons": (4.5, 1.2),
}
# Department, category: month of the year, 0 for the first of January.
SEASONS = {
    ("winter", "skiing"): 1.0,
    ("winter", "skates"): 0.7,
    ("garden", "seeds"): 3.0,
    ("garden", "lawn"): 4.5,
    ("summer", "barbecue"): 6.0,
    ("summer", "swimming"): 6.8,
    ("summer", "sunscreen"): 6.4,
    ("festive", "lanterns"): 10.0,
    ("festive", "lights"): 11.2,
    ("festive", "gifts"): 11.5,
}
ADJECTIVES = (
    "red blue green black white large small mini classic premium basic natural soft strong light set pack double extra "
    "new original pure smart fresh travel"
)
START, CUT, N_MONTHS = np.datetime64("2017-01"), 60, 62  # months 60 and 61 lie after the cut
AGE_BOUNDS, AGE_NAMES = (25, 35, 45, 55, 65), ("18-24", "25-34", "35-44", "45-54", "55-64", "65 or more")
CHILD_NAMES = ("none", "expecting", "0", "1", "2", "3", "4")
MISTAKEN = 0.05  # answers of the questionnaire that are drawn at random


@dataclass(frozen=True)
class Shop:
    """Categories by number, and where each kind of them lies."""

    departments: list[str]  # of each category
    categories: list[str]
    general: np.ndarray
    hobbies: np.ndarray  # (4, 5)
    stages: np.ndarray
    child: np.ndarray
    season: np.ndarray
    popularity: np.ndarray  # (n_categories,), sums to 1

    @property
    def n(self) -> int:
        return len(self.categories)


def make_shop(rng: np.random.Generator) -> Shop:
    """Lay out the categories; their popularity is a flattened Zipf law in random order."""
    pairs = [(d, c) for table in (GENERAL, HOBBIES, STAGES) for d, names in table.items() for c in names.split()]
    pairs += [("children", category) for category in CHILD] + list(SEASONS)
    popularity = 1 / (rng.permutation(len(pairs)) + 8)
    bounds = np.cumsum([0, 50, 20, 30, len(CHILD), len(SEASONS)])
    general, hobbies, stages, child, season = (np.arange(a, b) for a, b in pairwise(bounds))
    return Shop(
        [department for department, _ in pairs],
        [category for _, category in pairs],
        general,
        hobbies.reshape(4, 5),
        stages,
        child,
        season,
        popularity / popularity.sum(),
    )


@dataclass(frozen=True)
class Customer:
    """What is drawn once for a customer. Times are months since the start, ages are years."""

    age: float  # at the cut
    births: tuple[float, ...]  # months, ascending
    pair: int  # of hobby groups
    joined: int
    rate: float  # visits a month


def make_customer(rng: np.random.Generator) -> Customer:
    """Draw a customer; a good two in five have had a first child since 2017, or are about to."""
    births: tuple[float, ...] = ()
    if rng.random() < 0.45:
        first = rng.uniform(0, CUT + 6)
        births = (first, first + rng.uniform(16, 42)) if rng.random() < 0.4 else (first,)
        age = float(np.clip(rng.normal(30, 4.5), 18, 45)) + (CUT - first) / 12
    else:
        age = 18 + 62 * float(rng.beta(1.3, 1.7))
    joined = 0 if rng.random() < 0.66 else int(rng.integers(1, 48))
    return Customer(age, births, int(rng.integers(6)), joined, float(rng.lognormal(np.log(2.3), 0.8)))


def own_interests(shop: Shop, age: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Five interests at a time, each for a while; shape (N_MONTHS, n_categories), rows sum to 1."""
    held = np.zeros((N_MONTHS, shop.n))
    weights = rng.gamma(1.5, size=5)
    department = np.array(shop.departments)
    for weight in weights / weights.sum():
        topic, month = int(rng.choice(shop.n, p=shop.popularity)), 0
        while month < N_MONTHS:
            mean = 10 + 50 * (age[month] - 18) / 62  # the young change more often
            end = month + max(1, round(rng.exponential(mean)))
            held[month:end, topic] += weight
            month = end
            near = np.flatnonzero(department == department[topic])
            topic = int(rng.choice(near) if rng.random() < 0.5 else rng.choice(shop.n, p=shop.popularity))
    return held


def stage_of_life(shop: Shop, age: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Categories near the age that one feels; (N_MONTHS, 30), rows sum to 1."""
    centre = np.linspace(18, 78, len(shop.stages))
    liking = rng.gamma(1.0, size=len(centre))  # nobody buys everything that the age suggests
    near = liking * np.exp(-0.5 * ((age[:, None] + rng.normal(0, 4) - centre) / 5) ** 2) + 1e-9
    return near / near.sum(axis=1, keepdims=True)


def hobby_shares(shop: Shop, pair: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Two groups that take turns over months; (N_MONTHS, n_categories), rows sum to 1."""
    tilt = np.zeros(N_MONTHS)
    for month in range(1, N_MONTHS):
        tilt[month] = 0.85 * tilt[month - 1] + rng.normal(0, 0.8)
    first = 1 / (1 + np.exp(-tilt - rng.normal(0, 0.7)))
    held = np.zeros((N_MONTHS, shop.n))
    for group, share in zip(pair, (first, 1 - first), strict=True):
        held[:, shop.hobbies[group]] = share[:, None] * rng.dirichlet(np.full(5, 0.7))
    return held


def for_children(births: tuple[float, ...], months: np.ndarray) -> np.ndarray:
    """How much is bought for children; (N_MONTHS, 7), at most about 0.2 a child."""
    centre, width = np.array(list(CHILD.values())).T
    held = np.zeros((len(months), len(CHILD)))
    for birth in births:
        years = (months - birth) / 12
        fit = np.exp(-0.5 * ((years[:, None] - centre) / width) ** 2)
        amount = 0.2 * np.exp(-np.maximum(years, 0) / 4) * (years > -0.7)
        held += amount[:, None] * fit / np.maximum(fit.sum(axis=1, keepdims=True), 1e-3)
    return held


def mixture(shop: Shop, who: Customer, rng: np.random.Generator) -> np.ndarray:
    """Probability of each category in each month, (N_MONTHS, n_categories)."""
    months = np.arange(N_MONTHS) + 0.5
    age = np.clip(who.age + (months - CUT) / 12, 18, 80)
    shares = np.array([0.42, 0.16, 0.14, 0.2]) * rng.lognormal(0, 0.35, 4)  # own, stage, hobbies, common
    held = shares[0] * own_interests(shop, age, rng)
    held[:, shop.stages] += shares[1] * stage_of_life(shop, age, rng)
    held += shares[2] * hobby_shares(shop, list(combinations(range(4), 2))[who.pair], rng)
    held += shares[3] * shop.popularity
    buys_here = 0.0 if rng.random() < 0.1 else rng.lognormal(0, 0.5)
    held[:, shop.child] += buys_here * for_children(who.births, months)
    for month in np.flatnonzero(rng.random(N_MONTHS) < 0.05):
        held[month, rng.choice(shop.child)] += 0.1
    peak = np.array(list(SEASONS.values()))
    liking = 0.12 * rng.gamma(0.3, size=len(peak))
    held[:, shop.season] += liking * np.exp(4 * (np.cos(2 * np.pi * (months[:, None] - peak) / 12) - 1))
    return held / held.sum(axis=1, keepdims=True)


def purchases(shop: Shop, who: Customer, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Month, minute within the month, and category of every purchase of a customer."""
    probability = mixture(shop, who, rng)
    months = np.arange(N_MONTHS)
    rate = who.rate * np.ones(12)[months % 12] * (months >= who.joined)
    rate[months % 12 == 10] *= 1.2
    rate[months % 12 == 11] *= 1.5
    for month in np.flatnonzero(rng.random(N_MONTHS) < 0.02):
        rate[month : month + int(rng.geometric(0.25))] *= 0.1
    visit_month = np.repeat(months, rng.poisson(rate))
    basket = rng.geometric(1 / 1.8, len(visit_month))
    days = (START + months + 1).astype("M8[D]") - (START + months).astype("M8[D]")
    day = np.floor(rng.random(len(visit_month)) * days.astype(int)[visit_month])
    minute = np.repeat((day * 24 * 60 + rng.integers(8 * 60, 22 * 60, len(day))).astype(np.int64), basket)
    month = np.repeat(visit_month, basket)
    cumulated = np.cumsum(probability, axis=1)
    draw = rng.random(len(month))
    category = np.minimum((cumulated[month] < draw[:, None]).sum(axis=1), shop.n - 1)
    # Further items of a visit are often of the first one's category.
    first = np.repeat(np.cumsum(basket) - basket, basket)
    category = np.where(rng.random(len(month)) < 0.4, category[first], category)
    return month, minute + rng.integers(0, 20, len(minute)), category


def made_up_word(rng: np.random.Generator) -> str:
    syllables = rng.integers(0, (14, 5), (int(rng.integers(2, 4)), 2))
    return "".join("bdfgklmnprstvz"[a] + "aeiou"[b] for a, b in syllables)


@dataclass(frozen=True)
class Items:
    """Items, grouped by category."""

    category: np.ndarray
    title: list[str]
    on_sale: np.ndarray  # (n_items, 2): first month and the month after the last
    weight: np.ndarray


def make_items(shop: Shop, rng: np.random.Generator) -> Items:
    """Draw the catalogue."""
    brands = [made_up_word(rng) for _ in range(150)]
    own = {department: [made_up_word(rng) for _ in range(8)] for department in dict.fromkeys(shop.departments)}
    category, title, on_sale, weight = [], [], [], []
    for number, (department, name) in enumerate(zip(shop.departments, shop.categories, strict=True)):
        words = [made_up_word(rng) for _ in range(12)]
        sold_here = rng.choice(brands, 12, replace=False)
        n_items = int(rng.integers(60, 161))
        for rank in range(n_items):
            parts = [rng.choice(sold_here), *rng.choice(ADJECTIVES.split(), int(rng.integers(0, 3)), replace=False)]
            parts += [*rng.choice(words, 2, replace=False), rng.choice(own[department])]
            parts += [name] if rng.random() < 0.6 else []
            category.append(number)
            title.append(" ".join(parts))
            first = int(rng.integers(-30, N_MONTHS))
            # The ten best sellers are always there, so that no month is without goods.
            passing = rank >= 10 and rng.random() < 0.5
            on_sale.append((first, first + int(rng.integers(6, 37))) if passing else (-1, N_MONTHS))
            weight.append(1 / (rank + 3))
    return Items(np.array(category), title, np.array(on_sale), np.array(weight))


def choose_items(items: Items, category: np.ndarray, month: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An item for every purchase, among those of its category that are on sale in its month."""
    cell = category * N_MONTHS + month
    order = np.argsort(cell, kind="stable")
    cells, starts = np.unique(cell[order], return_index=True)
    chosen = np.empty(len(cell), dtype=np.int64)
    for number, members in zip(cells, np.split(order, starts[1:]), strict=True):
        kind, now = divmod(int(number), N_MONTHS)
        there = np.flatnonzero((items.category == kind) & (items.on_sale[:, 0] <= now) & (now < items.on_sale[:, 1]))
        share = np.cumsum(items.weight[there])
        chosen[members] = there[np.searchsorted(share, rng.random(len(members)) * share[-1], side="right")]
    return chosen


def answers(customers: list[Customer], rng: np.random.Generator) -> list[tuple[str, str, str]]:
    """What the questionnaire holds of each customer: age, oldest small child, lifestyle."""
    pairs = ["+".join(pair) for pair in combinations(HOBBIES, 2)]
    rows = []
    for who in customers:
        age = AGE_NAMES[int(np.searchsorted(AGE_BOUNDS, who.age, side="right"))]
        years = (CUT - who.births[0]) / 12 if who.births else None
        child = "none" if years is None else "expecting" if years < 0 else str(min(4, int(years)))
        true = (age, child, pairs[who.pair])
        rows.append(
            tuple(
                str(rng.choice(choices)) if rng.random() < MISTAKEN else answer
                for answer, choices in zip(true, (AGE_NAMES, CHILD_NAMES, pairs), strict=True)
            )
        )
    return rows


def generate(target: Path, n_users: int = 4000, seed: int = 0) -> None:
    """Write the log, the items and the users' attributes into a folder."""
    # A stream each: the shop is the same whatever the number of customers, and so are the first customers.
    rng_shop, rng_items, rng_choice, rng_answers = (np.random.default_rng([seed, k]) for k in range(4))
    shop = make_shop(rng_shop)
    items = make_items(shop, rng_items)
    customers, parts = [], []
    for number in range(n_users):
        rng = np.random.default_rng([seed, 4, number])
        customers.append(make_customer(rng))
        parts.append(purchases(shop, customers[-1], rng))
    month, minute, category = (np.concatenate(column) for column in zip(*parts, strict=True))
    user = np.repeat(np.arange(n_users), [len(part[0]) for part in parts])
    item = choose_items(items, category, month, rng_choice)
    time = (START + month).astype("M8[s]") + minute.astype("m8[m]")
    order = np.lexsort((item, user, time))
    target.mkdir(parents=True, exist_ok=True)
    user_ids, item_ids = (
        pa.array([f"{kind}{k:05}" for k in range(n)]) for kind, n in (("u", n_users), ("i", len(items.title)))
    )
    texts = {
        "title": items.title,
        "category": [shop.categories[k] for k in items.category],
        "department": [shop.departments[k] for k in items.category],
    }
    pq.write_table(pa.table({"item": item_ids, **texts}), target / "items.parquet")
    with (target / "users.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("user", "age", "child", "lifestyle"))
        writer.writerows(
            (name, *row) for name, row in zip(user_ids.to_pylist(), answers(customers, rng_answers), strict=True)
        )
    # The last: whoever finds them finds the others.
    pq.write_table(
        pa.table({"user": user_ids.take(user[order]), "item": item_ids.take(item[order]), "time": time[order]}),
        target / "events.parquet",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, nargs="?", default=Path("data"), help="folder to write")
    parser.add_argument("--users", type=int, default=4000, help="number of customers (4000)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.users < 1:
        parser.error(f"--users {given.users}: at least one customer is needed")
    generate(given.target, given.users, given.seed)
    for name in ("events.parquet", "items.parquet", "users.csv"):
        print(given.target / name)


if __name__ == "__main__":
    main()
