"""``lurm cluster``: items become interests, each with a readable label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.manifest import Manifest
from lurm_cli.stages.context import Context, Outcome, item_ids, refuse_other_items, settled
from lurm_cli.stages.options import option

if TYPE_CHECKING:
    import numpy as np

    from lurm_cli.artifacts.columns import Columns
    from lurm_cli.interests.sample import Census

# Items assigned at once; fewer items at a time gain little memory and cost time.
_LEAST_BLOCK = 65_536


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
    item_manifest, item_ref = context.input(items, "items")
    refuse_other_items((embeddings, embedding_manifest), (items, item_manifest))
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
    from functools import partial

    import numpy as np

    from lurm_cli.artifacts.columns import Columns, write_columns
    from lurm_cli.interests.all_items import assign_items
    from lurm_cli.interests.groups import default_n_groups, group_interests
    from lurm_cli.interests.item_arrays import AssignmentLaw
    from lurm_cli.interests.sample import census
    from lurm_cli.stages.embed_items import has_texts, item_texts

    with Build(target, draft) as build:
        held, catalogue = Columns(embeddings, "item-embeddings"), Columns(items, "items")
        counted = census(held)
        # The vectors learnt from are let go before as many others are held, to be assigned.
        centers = _centers(context, held, counted, config)
        law = AssignmentLaw("ip" if config.method == "hdsc" else "l2")
        if config.assign == "soft":
            law = AssignmentLaw(law.metric, config.top, config.temperature)
        texts = partial(item_texts, catalogue) if has_texts(catalogue) else None
        block = max(config.sample, _LEAST_BLOCK)
        with context.reporter.bar("assigning", counted.n_items, "items") as bar:
            found = assign_items(held, counted, centers, law, texts, build.folder, block, bar)
        columns = {
            "centers": centers,
            "labels": np.array(found.labels, dtype=object),
            "sizes": found.sizes,
            "nearest_items": found.nearest_items,
        }
        n_groups = config.n_groups
        if n_groups is None:
            n_groups = default_n_groups(len(centers), counted.n_usable)
        if n_groups:
            columns["groups"] = group_interests(centers, found.sizes, n_groups, context.seed)
        write_columns(build.folder, columns)
        figures = found.figures
        if "recall" in figures:
            context.reporter.note(f"items were compared with the nearest cells only; recall {figures['recall']:.1%}")
        context.reporter.note(
            f"{len(centers):,} interests: inertia {figures['inertia']:.4f}, {figures['empty']:,} empty, "
            f"median {figures['median_size']:.0f} items, the largest holds {figures['largest']:.1%}"
        )
        manifest = build.finish(
            shape=centers.shape, facts={"n_interests": len(centers), **figures, **item_ids(held.manifest)}
        )
    return Outcome(target, manifest, "written")


def _centers(context: Context, embeddings: Columns, counted: Census, config: ClusterConfig) -> np.ndarray:
    """Centres from the items that have a vector and were seen before the cut."""
    import numpy as np

    from lurm_cli.interests.hdsc import hdsc
    from lurm_cli.interests.kmeans import kmeans
    from lurm_cli.interests.sample import learning_sample
    from lurm_cli.interests.size import default_n_interests, distinct_rows, most_from_sample

    points = learning_sample(embeddings, counted, config.sample, np.random.default_rng([context.seed, 0]))
    k = config.n_interests
    if k is None:
        k = min(default_n_interests(counted.n_usable), most_from_sample(len(points)))
        context.reporter.note(
            f"interests: {k:,}, for {counted.n_usable:,} items with events (--n-interests changes this)"
        )
    distinct = distinct_rows(points)
    if k > distinct:
        where = "" if len(points) < config.sample else f" in the sample of {len(points):,} items"
        context.reporter.note(
            f"only {distinct:,} different item vectors{where}, so {distinct:,} interests instead of {k:,}"
        )
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
