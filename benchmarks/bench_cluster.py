"""Finding interests and assigning items, next to Lloyd's rounds over all pairs."""

from __future__ import annotations

from harness import Bench, Contender, run, script, told, vacate

TITLE = "Clustering"
ABOUT = """Centres of unit vectors of 128 numbers (300 topics, log-normal groups, noise): 10^4 from 10^5 at the small
size, 10^5 from 10^6 in the full form; then ten times as many points are assigned in blocks. The yardstick is
faiss.Kmeans, twenty rounds over all pairs. k-means and HDSC are what `lurm cluster` calls, on the points alone: without
reading vectors and naming interests. Inertia is exact, over 20,000 points; recall is the share of 20,000 points that
get the nearest of all centres. Items/s stand in place of events/s."""
# One size of clustering for the small form and one for the full: the small sizes of events do not differ here.
SIZES = {1_000_000: (100_000, 10_000), 100_000_000: (1_000_000, 100_000)}


def measure(bench: Bench) -> None:
    bench.title, bench.about = TITLE, ABOUT
    if bench.n_events not in SIZES:
        return
    n, k = SIZES[bench.n_events]
    bench.usual_repeats(1)
    folder = bench.work / "cluster"
    folder.mkdir(exist_ok=True)
    points, many = folder / f"points-{n}-{k}.npy", folder / f"points-{10 * n}-{k}.npy"
    for file, size in ((points, n), (many, 10 * n)):
        if not file.is_file():
            run(script("prepare.py", "points", size, k, file))
    names = {"lurm k-means": "lurm-kmeans", "lurm HDSC": "lurm-hdsc", "faiss.Kmeans, all pairs": "faiss-kmeans"}
    centers = {name: folder / f"{peer}.npy" for name, peer in names.items()}
    found = bench.compare(
        [Contender(name, script("peers.py", peer, points, k, centers[name])) for name, peer in names.items()], events=n
    )
    for name, file in centers.items():
        found[name].update(told(script("prepare.py", "scored", points, file)))
    labels = folder / "labels.npy"
    assigned = Contender(
        "lurm assigns ten times as many",
        script("peers.py", "lurm-assign", many, centers["lurm HDSC"], labels),
        prepare=lambda: vacate(labels),
    )
    assigning = bench.compare([assigned], events=10 * n)[assigned.name]
    assigning.update(told(script("prepare.py", "agreed", many, centers["lurm HDSC"], labels)))
    ours, theirs = found["lurm k-means"], found["faiss.Kmeans, all pairs"]
    bench.goal("times faster than all pairs", theirs["seconds"] / ours["seconds"], 20, least=True)
    bench.goal("inertia, as a multiple of that of all pairs", ours["inertia"] / theirs["inertia"], 1.02)
    bench.goal("recall of the assignment", ours["recall"], 0.98, least=True)
    bench.goal("recall of assigning ten times as many", assigning["recall"], 0.98, least=True)
    bench.goal("memory of assigning, GB", assigning["peak_bytes"] / 1e9, 1.0)
