"""Scoring representations: both heads, on dense and on sparse numbers."""

from __future__ import annotations

from harness import Bench, Contender, lurm, run, script, vacate

TITLE = "Evaluation"
ABOUT = """`lurm evaluate` on one task of six classes, one split, both heads with all that is chosen inside the training
users: 10^4 labelled users at the small size, 10^5 in the full form. Dense: 1,280 numbers a user, of which 32 directions
tell something. Sparse: a Bag of Interests of 4,000 columns, about a hundred of them filled. Users/s stand in place of
events/s."""
# Labelled users by size of the log: the small sizes of events do not differ here.
USERS = {1_000_000: 10_000, 100_000_000: 100_000}
DIM, INTERESTS, CLASSES = 1_280, 4_000, 6
METHODS = {"dense": "lurm", "sparse": "boi"}


def measure(bench: Bench) -> None:
    bench.title, bench.about = TITLE, ABOUT
    if bench.n_events in USERS:
        score(bench, USERS[bench.n_events])


def score(bench: Bench, n_users: int) -> None:
    """Make the users, unless they are there, and score both kinds of numbers."""
    bench.usual_repeats(1)
    root = bench.work / f"evaluate-{n_users}-{DIM}-{INTERESTS}-{CLASSES}"
    if not (root / "boi-all.zarr").is_dir():
        vacate(root).mkdir()
        run(script("prepare.py", "labelled", n_users, DIM, INTERESTS, CLASSES, root))
    # What was scored before would answer at once.
    remembered = root / ".lurm" / "scores"
    outputs = {kind: root / f"evaluation-{kind}" for kind in METHODS}
    found = bench.compare(
        [
            Contender(
                f"lurm evaluate, {kind}",
                lurm("evaluate", "--method", method, "--seeds", 1, "-w", root, "-o", outputs[kind]),
                [outputs[kind]],
                lambda place=outputs[kind]: (vacate(place), vacate(remembered)),
            )
            for kind, method in METHODS.items()
        ],
        events=n_users,
    )
    for kind in METHODS:
        bench.goal(f"memory, {kind}, GB", found[f"lurm evaluate, {kind}"]["peak_bytes"] / 1e9, 2)
