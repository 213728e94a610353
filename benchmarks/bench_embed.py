"""Item vectors from texts, and from texts and what users do within days of each other."""

from __future__ import annotations

from harness import Bench, Contender, ingested, lurm, vacate

TITLE = "Item vectors"
ABOUT = """`lurm embed-items` with 128 numbers an item, from titles of four words: word2vec, and the contrastive
encoder, 500 steps of 256 pairs from a word2vec start. Pairs/s are of what the second takes beyond the first: reading
the events for pairs, training, and importing PyTorch."""
STEPS, PAIRS = 500, 256
# A training of 3,000 steps takes five minutes then.
PAIRS_A_SECOND = 3_000 * PAIRS / 300


def measure(bench: Bench) -> None:
    bench.title, bench.about = TITLE, ABOUT
    root = ingested(bench)
    # Five rounds of 100 steps: training cannot end earlier, however the loss goes.
    contrastive = ("--method", "contrastive", "--max-steps", STEPS, "--batch-size", PAIRS)
    contenders = {
        "lurm embed-items, contrastive": contrastive,
        "lurm embed-items, word2vec": ("--method", "word2vec"),
    }
    outputs = {name: root / f"embeddings-{arguments[1]}.zarr" for name, arguments in contenders.items()}
    found = bench.compare(
        [
            Contender(
                name,
                lurm("embed-items", "--no-behaviour", *arguments, "-w", root, "-o", outputs[name]),
                [outputs[name]],
                lambda place=outputs[name]: vacate(place),
            )
            for name, arguments in contenders.items()
        ]
    )
    pairs, texts = found.values()
    # On a tiny log the difference can be lost in the noise.
    pairs["pairs/s"] = round(STEPS * PAIRS / max(pairs["seconds"] - texts["seconds"], 1e-3))
    bench.goal("pairs a second", pairs["pairs/s"], PAIRS_A_SECOND, least=True)
    bench.goal("memory of the contrastive encoder, GB", pairs["peak_bytes"] / 1e9, 2)
    bench.goal("memory of word2vec, GB", texts["peak_bytes"] / 1e9, 2)
    for place in outputs.values():
        vacate(place)
