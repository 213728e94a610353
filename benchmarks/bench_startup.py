"""What a command takes that has nothing to do."""

from __future__ import annotations

from harness import Bench, Contender, ingest, log_folder, lurm, run, with_interests

TITLE = "Start-up"
ABOUT = """`lurm --help`, and commands whose output is there already, whatever its size: inputs and parameters are
compared by their fingerprints, and raw files are read again only when their size or time has changed. Events/s say
nothing here."""


def measure(bench: Bench) -> None:
    bench.title, bench.about = TITLE, ABOUT
    bench.usual_repeats(5)
    root, _ = with_interests(bench)
    boi = ("boi", "--period", "month", "-w", root)
    run(lurm(*boi))
    found = bench.compare(
        [
            Contender("lurm --help", lurm("--help")),
            Contender("lurm ingest, up to date", ingest(log_folder(bench), root)),
            Contender("lurm boi, up to date", lurm(*boi)),
            Contender("lurm status", lurm("status", "-w", root)),
        ]
    )
    for name, row in found.items():
        bench.goal(f"seconds, {name}", row["seconds"], 0.25 if name == "lurm --help" else 1.0)
