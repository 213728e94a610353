"""Training the encoder and encoding users, at the paper's width: 10^5 interests, 10 anchors of 128, years of months."""

from __future__ import annotations

from pathlib import Path

from harness import Bench, Contender, lurm, run, script, told, vacate

from lurm_cli.smen.config import HELD_OUT_SHARE, MOST_HELD_OUT, share_held_out

TITLE = "Encoder"
ABOUT = """Lives of 60 months with about ten interests a month, out of 10^5; ten anchors of 128, scales month, year and
all. Training: one pass over the users from random weights (start-up and writing included). Encoding: every user's whole
life. Beside each the same command with torch.nn.GRU in place of the recurrent layer written out. The share of the roof
counts the operations of the recurrent layer and of the anchors alone, against the machine's own matrix product.
Users/s stand in place of events/s."""
# Users by size of the log: the small sizes of events do not differ here.
USERS = {1_000_000: 2_048, 100_000_000: 20_480}
MONTHS, INTERESTS, NONZERO = 60, 100_000, 10
ANCHORS, DIM = 10, 128


def measure(bench: Bench) -> None:
    bench.title, bench.about = TITLE, ABOUT
    if bench.n_events not in USERS:
        return
    n_users = USERS[bench.n_events]
    bench.usual_repeats(1)
    root = bench.work / f"smen-{n_users}-{MONTHS}-{INTERESTS}-{NONZERO}"
    if not (root / "boi-month.zarr").is_dir():
        root.mkdir(exist_ok=True)
        (root / "lurm.toml").touch()
        run(script("prepare.py", "counts", n_users, MONTHS, INTERESTS, root))
    train = ("train-smen", "--epochs", 1, "--start", "random", "--scales", "month,year,all", "--no-groups", "-w", root)
    encode = ("encode-users", root / "smen", "-w", root)
    found = bench.compare(beside_torch(train, "train", root / "smen"), events=n_users)
    # Without work to do, a command takes this long: it is no part of what the roof is about.
    idle = run(lurm(*train)).seconds
    found |= bench.compare(beside_torch(encode, "encode", root / "users.zarr"), events=n_users)
    roof = told(script("machine.py"))
    plain = {"lurm train-smen": "train, torch.nn.GRU", "lurm encode-users": "encode, torch.nn.GRU"}
    # Training goes through two views of each user, forwards and backwards, which is two forward passes' work more; of
    # those who are held out it only looks at both.
    held_out = share_held_out(n_users, HELD_OUT_SHARE, MOST_HELD_OUT)
    for what, passes in (("lurm train-smen", 6 * (1 - held_out) + 2 * held_out), ("lurm encode-users", 1)):
        share = passes * n_users * flops() / (found[what]["seconds"] - idle) / roof["flops"]
        bench.goal(f"share of the roof, {what}", share, 0.3, least=True)
        ratio = found[plain[what]]["seconds"] / found[what]["seconds"]
        bench.goal(f"times faster than with torch.nn.GRU, {what}", ratio, 1, least=True)
    bench.goal("memory of training, GB", found["lurm train-smen"]["peak_bytes"] / 1e9, 2)


def beside_torch(command: tuple, verb: str, output: Path) -> list[Contender]:
    """A command of lurm, and the same with torch's recurrent layer, each to a place that is emptied before."""
    other = output.with_name(f"torch-{output.name}")
    return [
        Contender(
            f"{verb}, torch.nn.GRU",
            script("peers.py", "torch-gru", *command, "-o", other),
            prepare=lambda: vacate(other),
        ),
        Contender(f"lurm {command[0]}", lurm(*command), [output], lambda: vacate(output)),
    ]


def flops() -> float:
    """Of one life's forward pass: two products of H x 3H a step and anchor, and the bags."""
    steps = MONTHS + MONTHS / 12 + 1
    return ANCHORS * steps * 2 * 2 * DIM * 3 * DIM + 3 * 2 * MONTHS * NONZERO * ANCHORS * DIM
