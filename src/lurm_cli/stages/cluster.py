"""``lurm cluster``: items become interests, each with a readable label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.manifest import Manifest
from lurm_cli.errors import LurmError
from lurm_cli.stages.context import Context, Outcome, settled
from lurm_cli.stages.options import option

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class ClusterConfig:
    """Options of ``lurm cluster``."""

    n_interests: int | None = option(None, "number of interests D", minimum=1, shown="by the number of items")
    method: Literal["hdsc", "kmeans"] = option("hdsc", "how the centres are found")
    assign: Literal["hard", "soft"] = option("hard", "one interest an item, or the best --top with weights")
    top: int = option(3, "soft: interests an item", minimum=1, maximum=100)
    temperature: float = option(0.1, "soft: the lower, the harder", minimum=1e-4)
    lam1: float = option(0.01, "HDSC: l1 weight of the first round", minimum=0.0)
    rounds: int = option(4, "HDSC: rounds m, each on twice the points", minimum=1, maximum=20)
    init: Literal["auto", "hier", "kmeans++", "random"] = option("auto", "HDSC: how the first centres are found")
    normalize_centers: bool = option(False, "HDSC: scale centres to unit length")
    iterations: int = option(20, "kmeans: rounds over all points", minimum=1)
    sample: int = option(1_000_000, "learn from at most so many items", minimum=1)
    n_groups: int | None = option(
        None,
        "groups of neighbouring interests, which the encoder counts too",
        minimum=0,
        shown="4 sqrt(D); none for few or small interests",
    )


_OF_METHOD = {
    "hdsc": ("lam1", "rounds", "init", "normalize_centers"),
    "kmeans": ("iterations",),
    "soft": ("top", "temperature"),
    "hard": (),
}


def run_cluster(context: Context, embeddings: Path, items: Path, config: ClusterConfig, target: Path) -> Outcome:
    """Cluster items into interests and assign every item.

    Parameters
    ----------
    embeddings
        ``item_embeddings.zarr``.
    items
        ``items.zarr``, for the words of the labels.
    """
    embedding_manifest, embedding_ref = context.input(embeddings, "item-embeddings")
    _, item_ref = context.input(items, "items")
    names = (
        "n_interests",
        "method",
        "assign",
        "sample",
        "n_groups",
        *_OF_METHOD[config.method],
        *_OF_METHOD[config.assign],
    )
    parameters = {name: getattr(config, name) for name in names}
    draft = Manifest(
        "interests",
        "cluster",
        parameters,
        (embedding_ref, item_ref),
        context.seed,
        embedding_manifest.until,
    )
    outcome = settled(context, target, draft)
    return outcome or _build(context, embeddings, items, config, target, draft)


def _build(
    context: Context, embeddings: Path, items: Path, config: ClusterConfig, target: Path, draft: Manifest
) -> Outcome:
    import numpy as np

    from lurm_cli.artifacts.columns import Columns, write_columns
    from lurm_cli.interests.assignment import assign_hard, assign_soft
    from lurm_cli.interests.groups import default_n_groups, group_interests
    from lurm_cli.interests.labels import interest_labels, nearest_items
    from lurm_cli.interests.large import is_large, recall
    from lurm_cli.interests.quality import quality
    from lurm_cli.items.text import encode_texts
    from lurm_cli.stages.embed_items import item_texts

    with Build(target, draft) as build:
        held, catalogue = Columns(embeddings, "item-embeddings"), Columns(items, "items")
        vectors, seen, ids = held.read("values"), held.read("n_events"), held.read("ids")
        if not np.isfinite(vectors).all():
            raise LurmError(f"{embeddings} holds NaN or infinity; run `lurm embed-items --overwrite`")
        centers = _centers(context, vectors, seen, config)
        metric = "ip" if config.method == "hdsc" else "l2"
        labels, similarity = assign_hard(vectors, centers, metric)
        central = nearest_items(labels, similarity, len(centers))
        columns = {"centers": centers, "ids": ids, "item_interest": labels, "item_similarity": similarity}
        if config.assign == "soft":
            interests, weights = assign_soft(vectors, centers, metric, config.top, config.temperature)
            columns |= {"item_interest": interests, "item_weight": weights}
        names = interest_labels(labels, encode_texts(item_texts(catalogue)), central, ids)
        columns["labels"] = np.array(names, dtype=object)
        columns["sizes"] = np.bincount(labels[labels >= 0], minlength=len(centers)).astype(np.int64)
        columns["nearest_items"] = central
        n_groups = config.n_groups
        if n_groups is None:
            n_groups = default_n_groups(len(centers), int(((seen > 0) & (labels >= 0)).sum()))
        if n_groups:
            columns["groups"] = group_interests(centers, columns["sizes"], n_groups, context.seed)
        write_columns(build.folder, columns)
        found = quality(vectors, labels, centers)
        if is_large(len(vectors), len(centers)):
            # Zero vectors have no interest to be found.
            held_rows = np.flatnonzero(labels >= 0)
            some = held_rows[np.linspace(0, len(held_rows) - 1, 2_000).astype(np.int64)]
            found["recall"] = recall(vectors[some], centers, metric, similarity[some])
            context.reporter.note(f"items were compared with the nearest cells only; recall {found['recall']:.1%}")
        context.reporter.note(
            f"{len(centers):,} interests: inertia {found['inertia']:.4f}, {found['empty']:,} empty, "
            f"median {found['median_size']:.0f} items, the largest holds {found['largest']:.1%}"
        )
        manifest = build.finish(shape=centers.shape, facts={"n_interests": len(centers), **found})
    return Outcome(target, manifest, "written")


def _centers(context: Context, vectors: np.ndarray, seen: np.ndarray, config: ClusterConfig) -> np.ndarray:
    """Centres from the items that have a vector and were seen before the cut."""
    import numpy as np

    from lurm_cli.interests.hdsc import hdsc
    from lurm_cli.interests.kmeans import kmeans
    from lurm_cli.interests.size import default_n_interests, distinct_rows

    usable = np.flatnonzero((seen > 0) & vectors.any(axis=1))
    rng = np.random.default_rng([context.seed, 0])
    if len(usable) > config.sample:
        usable = np.sort(rng.choice(usable, config.sample, replace=False))
    points = np.ascontiguousarray(vectors[usable])
    k = config.n_interests
    if k is None:
        k = default_n_interests(len(points))
        context.reporter.note(f"interests: {k:,}, for {len(points):,} items with events (--n-interests changes this)")
    distinct = distinct_rows(points)
    if k > distinct:
        context.reporter.note(f"only {distinct:,} different item vectors, so {distinct:,} interests instead of {k:,}")
        k = distinct
    if k == distinct:
        return np.unique(points, axis=0)
    with context.reporter.bar(f"clustering with {config.method}", None):
        if config.method == "kmeans":
            return kmeans(points, k, iterations=config.iterations, seed=context.seed)
        found = hdsc(
            points,
            k,
            lam1=config.lam1,
            m=config.rounds,
            init=config.init,
            normalize_centers=config.normalize_centers,
            seed=context.seed,
        )
    context.reporter.note(f"HDSC: subsets of {', '.join(f'{n:,}' for n in found.sizes)} items, one pass")
    return found.centers
