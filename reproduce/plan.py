"""What is run: for each log its competitors, the variants of LURM and the lengths of input.

Every entry becomes commands of ``lurm`` in a workspace of the log's own; ``lurm`` itself skips what is up to date, so
that a second call costs seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from lurm_cli.baselines.registry import NAMES

# The paper's competitors (section 4.3), then what practitioners use, then concatenation.
PAPER_METHODS = ("tfidf", "doc2vec", "textcnn", "han", "sumn", "ptum")
OTHER_METHODS = ("svd", "als", "item2vec", "coles", "aggregates", "random")
# Whatever else `lurm baseline` knows takes part without being named here.
OTHER_METHODS += tuple(name for name in NAMES if name not in PAPER_METHODS + OTHER_METHODS)
# The comparisons of a log.
PARTS = ("main", "variants", "lengths")
MAIN = ("lurm", "boi", *PAPER_METHODS, *OTHER_METHODS, "lurm+aggregates")


@dataclass(frozen=True)
class Variant:
    """LURM trained otherwise.

    Attributes
    ----------
    name
        Row of the table, and folder of its artifacts.
    what
        What differs, for the reader.
    flags
        Of ``lurm train-smen``; ``{coarse}`` is the log's coarser scale.
    """

    name: str
    what: str
    flags: tuple[str, ...]


# Table 4 of the paper.
ABLATIONS = (
    Variant("month", "month only", ("--scales", "month")),
    Variant("coarse", "coarse scale only", ("--scales", "{coarse}")),
    Variant("1anchor-128", "one anchor, 128 numbers", ("--anchors", "1")),
    Variant("1anchor-1280", "one anchor, H = 1280", ("--anchors", "1", "--dim", "1280")),
)
# Our departures, each taken back by itself, and all of them together.
DEPARTURES = (
    Variant("paper", "--preset paper: none of the departures", ("--preset", "paper")),
    Variant("two-scales", "without the whole life as a scale", ("--scales", "month,{coarse}")),
    Variant("relu", "the ReLU after the sum over interests", ("--relu",)),
    Variant("random-start", "weights start at random", ("--start", "random")),
    Variant("no-idf", "interests are not weighted", ("--interest-weights", "none")),
    Variant("no-groups", "groups of interests are not counted", ("--no-groups",)),
    Variant("no-scaling", "bags are not scaled", ("--scaling", "none")),
    Variant("time-views", "views are sub-sequences in time", ("--split-views", "0")),
)


@dataclass(frozen=True)
class Log:
    """One log.

    Attributes
    ----------
    name, title
        Folder under ``examples/``, and heading.
    coarse
        Coarser scale of the default.
    until
        The cut, for the lengths of input; None: no lengths are compared.
    lengths
        Months of input.
    users
        So many made-up users; None: the log is real.
    """

    name: str
    title: str
    coarse: str
    methods: tuple[str, ...] = MAIN
    variants: tuple[Variant, ...] = ()
    until: str | None = None
    lengths: tuple[int, ...] = ()
    note: str = ""
    users: int | None = None


LOGS = (
    Log(
        "completejourney",
        "Complete Journey",
        "season",
        variants=ABLATIONS + DEPARTURES,
        until="2017-10-01",
        lengths=(1, 2, 3, 6, 9),
        note="2,469 households of a grocer with purchases in 2017; represented by those of January to September.",
    ),
    Log(
        "movielens",
        "MovieLens-1M",
        "year",
        variants=ABLATIONS[:3] + DEPARTURES[:1],
        note="6,040 users, a million ratings; most users rate all their films within a day, so time says little.",
    ),
    Log(
        "tafeng",
        "Ta-Feng",
        "season",
        note="32,266 members of a supermarket with purchases from November 2000 to February 2001, represented by those "
        "before February; items have codes but no titles.",
    ),
    Log(
        "lifelong",
        "Lifelong (generated)",
        "year",
        # What the paper compares on lifelong input, and the strongest of the others.
        methods=("lurm", "boi", "tfidf", "sumn", "svd", "als", "aggregates", "random", "lurm+aggregates"),
        variants=ABLATIONS[:3],
        until="2022-01-01",
        lengths=(1, 2, 3, 6, 12, 24, 60),
        users=2500,
        note="Made-up users of five years with planted, drifting interests (examples/lifelong/generate.py): not "
        "evidence of how good a method is, but the only log here on which length of input can show.",
    ),
)

QUICK = (
    Log(
        "lifelong",
        "Lifelong (generated, small)",
        "year",
        methods=("lurm", "boi", "tfidf", "svd", "aggregates", "random", "lurm+aggregates"),
        variants=(ABLATIONS[0], ABLATIONS[2]),
        until="2022-01-01",
        lengths=(2, 60),
        users=300,
        note="A few hundred made-up users: whether everything runs, not how good it is.",
    ),
)
