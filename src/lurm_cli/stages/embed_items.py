"""``lurm embed-items``: one vector an item, from its text, from behaviour, or made elsewhere."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.manifest import InputRef, Manifest
from lurm_cli.errors import LurmError, UsageError
from lurm_cli.stages.context import Context, Outcome, cut_time, earliest, item_ids, refuse_other_items, settled
from lurm_cli.stages.options import option

if TYPE_CHECKING:
    import numpy as np

    from lurm_cli.artifacts.columns import Columns
    from lurm_cli.artifacts.store import Events
    from lurm_cli.items.text import EncodedTexts

# Texts tell items apart if there are at least so many different ones for each interest that there is to be. Behaviour
# beside texts that do is no gain: on Complete Journey it makes interests worse.
_TOLD_APART = 0.75
# Items whose texts are held as words at once.
_TEXTS = 65_536
# Contrastive pairs are drawn from so many events at the most, which take a gigabyte while they are prepared; a training
# draws some hundred thousand pairs.
_PAIR_EVENTS = 2**24


@dataclass(frozen=True)
class EmbedConfig:
    """Options of ``lurm embed-items``."""

    method: Literal["word2vec", "contrastive", "precomputed"] = option("word2vec", "how items get their vectors")
    dim: int = option(128, "numbers an item", minimum=1, maximum=8192)
    behaviour: bool | None = option(
        None, "join vectors from who chose what to those of the texts", shown="where texts do not tell items apart"
    )
    vectors: str | None = option(None, "file of precomputed vectors: .npz, .npy or .parquet", shown="none", paths=True)
    min_count: int = option(1, "leave out words that occur fewer times in all texts", minimum=1)
    window: int | None = option(None, "word2vec window", minimum=1, shown="covers an item's text")
    epochs: int | None = option(None, "word2vec epochs", minimum=1, shown="5 to 50 by the size of the catalogue")
    beta_days: float = option(5.0, "contrastive: a pair's events are less than so many days apart", minimum=1e-6)
    tau: float = option(0.1, "contrastive: temperature", minimum=1e-4)
    lr: float = option(1e-3, "contrastive: step of Adam", minimum=1e-9, maximum=10.0)
    batch_size: int = option(256, "contrastive: pairs a step", minimum=2)
    max_steps: int = option(3000, "contrastive: at most so many steps", minimum=1)
    until: str | None = option(None, "learn only from items seen before this time", shown="until in lurm.toml")


def run_embed_items(context: Context, items: Path, events: Path, config: EmbedConfig, target: Path) -> Outcome:
    """Embed every item of the catalogue; what is learnt is learnt from items with events before the cut."""
    item_manifest, item_ref = context.input(items, "items")
    event_manifest, event_ref = context.input(events, "events")
    refuse_other_items((items, item_manifest), (events, event_manifest))
    until = earliest(cut_time(config.until), event_manifest.until)
    parameters: dict[str, Any] = {"method": config.method}
    inputs = [item_ref, event_ref]
    if config.method == "precomputed":
        if config.vectors is None:
            raise UsageError("--method precomputed needs --vectors FILE (.npz, .npy or .parquet)")
        inputs += _vector_files(context, Path(config.vectors))
    else:
        parameters |= {name: getattr(config, name) for name in ("dim", "behaviour", "min_count", "window", "epochs")}
    if config.method == "contrastive":
        parameters |= {name: getattr(config, name) for name in ("beta_days", "tau", "lr", "batch_size", "max_steps")}
    draft = Manifest("item-embeddings", "embed-items", parameters, tuple(inputs), context.seed, until)
    outcome = settled(context, target, draft)
    return outcome or _build(context, items, events, config, target, draft)


def _vector_files(context: Context, path: Path) -> list[InputRef]:
    """The file of vectors, and that of their ids where these stand beside it."""
    from lurm_cli.items.precomputed import ids_beside

    if not path.is_file():
        raise UsageError(f"{path}: no such file of vectors")
    references, ids = [context.raw_input(path, "raw vectors")], ids_beside(path)
    if ids is not None and ids.is_file():
        references.append(context.raw_input(ids, "raw ids of vectors"))
    return references


def _build(context: Context, items: Path, events: Path, config: EmbedConfig, target: Path, draft: Manifest) -> Outcome:
    from lurm_cli.artifacts.columns import Columns, write_columns
    from lurm_cli.artifacts.store import Events

    columns, store = Columns(items, "items"), Events.open(events)
    with Build(target, draft) as build:
        ids = columns.read("ids")
        seen = count_items(store, len(ids), draft.until, context)
        if config.method == "precomputed":
            from lurm_cli.items.precomputed import read_vectors
            from lurm_cli.items.vectors import unit_rows

            vectors, found = read_vectors(Path(config.vectors or ""), ids.tolist())
            vectors = unit_rows(vectors)
            context.reporter.note(f"vectors for {found.sum():,} of {len(ids):,} items")
        else:
            vectors = _learn(context, columns, store, seen, config, draft.until)
        filled = vectors.any(axis=1)
        without = int(((seen > 0) & ~filled).sum())
        if without:
            context.reporter.warn(f"{without:,} items with events have no vector; their events will not be counted")
        if not (filled & (seen > 0)).any():
            raise LurmError("no item with events before the cut has a vector; check the items table and `until`")
        write_columns(build.folder, {"values": vectors, "ids": ids, "n_events": seen})
        facts = {
            "items_seen": int((seen > 0).sum()),
            "items_seen_without_vector": without,
            **item_ids(columns.manifest),
        }
        manifest = build.finish(shape=vectors.shape, facts=facts)
    return Outcome(target, manifest, "written")


def count_items(events: Events, n_items: int, until: int | None, context: Context) -> np.ndarray:
    """Events of each item before the cut, int64 (n_items,)."""
    import numpy as np

    seen = np.zeros(n_items, dtype=np.int64)
    with context.reporter.bar("counting items", len(events.manifest.parts), "parts") as bar:
        for name in events.manifest.parts:
            seen += np.bincount(events.part(name).before(until).items, minlength=n_items)
            bar.advance()
    if not seen.any():
        raise LurmError("no event lies before the cut; check `until`")
    return seen


def has_texts(columns: Columns) -> bool:
    """Whether items have words at all."""
    return _n_word_columns(columns) > 0


def _n_word_columns(columns: Columns) -> int:
    facts = columns.manifest.facts
    # Word columns stand before those kept for tasks only; older artifacts know no difference.
    return len(facts.get("word_columns", facts["text_columns"]))


def item_texts(columns: Columns, start: int = 0, stop: int | None = None) -> list[list[str]]:
    """Words of the items ``start:stop``, from their word columns; without any, an item is known by its id alone."""
    from lurm_cli.items.text import join_columns, tokenize

    if not has_texts(columns):
        return [[str(name)] for name in columns.read("ids", start, stop)]
    numbers = range(_n_word_columns(columns))
    joined = join_columns([columns.read(f"text_{number}", start, stop).tolist() for number in numbers])
    return [tokenize(text) for text in joined]


def _learn(
    context: Context, columns: Columns, events: Events, seen: np.ndarray, config: EmbedConfig, until: int | None
) -> np.ndarray:
    """Vectors from texts, from behaviour, or from both side by side."""
    from lurm_cli.items.behaviour import behaviour_vectors
    from lurm_cli.items.vectors import concatenate

    vectors = _from_texts(context, columns, events, seen, config, until) if has_texts(columns) else None
    blocks = [] if vectors is None else [vectors]
    joins = config.behaviour
    if vectors is None:
        joins = True
    elif joins is None:
        joins = not _told_apart(context, vectors, seen)
    if joins:
        how = " (--no-behaviour changes this)" if blocks and config.behaviour is None else ""
        context.reporter.note(f"items get vectors from who chose what{how}")
        with context.reporter.bar("who chose what", None):
            blocks.append(behaviour_vectors(events.iter_buckets(until), len(seen), config.dim, context.seed))
    return concatenate(blocks)


def _told_apart(context: Context, vectors: np.ndarray, seen: np.ndarray) -> bool:
    """Whether the texts of items with events differ enough to make the interests there are to be (ours)."""
    from lurm_cli.interests.size import default_n_interests, distinct_rows

    known = (seen > 0) & vectors.any(axis=1)
    n_known = int(known.sum())
    if not n_known:
        return False
    distinct, wanted = distinct_rows(vectors, known), default_n_interests(n_known)
    if distinct >= _TOLD_APART * wanted:
        return True
    context.reporter.note(f"{n_known:,} items have only {distinct:,} different texts")
    return False


def _from_texts(
    context: Context, columns: Columns, events: Events, seen: np.ndarray, config: EmbedConfig, until: int | None
) -> np.ndarray | None:
    """Vectors of the items' words; None where there are none."""
    from lurm_cli.items.text import encode_texts, truncation_length
    from lurm_cli.items.vectors import mean_vectors
    from lurm_cli.items.word2vec import Word2VecOptions, fit_word2vec

    blocks = (item_texts(columns, start, start + _TEXTS) for start in range(0, len(seen), _TEXTS))
    # The vocabulary, too, is learnt from items seen before the cut only.
    encoded = encode_texts(itertools.chain.from_iterable(blocks), config.min_count, seen > 0)
    length = truncation_length(encoded.lengths()[seen > 0])
    encoded = encoded.truncated(length)
    learnt_from = _only(encoded, seen > 0)
    if not len(learnt_from.words) and config.method == "word2vec":
        context.reporter.note("no item with events has a word")
        return None
    context.reporter.note(f"{len(encoded.vocabulary):,} words; the first {length} of an item's text are used")
    words = fit_word2vec(learnt_from, Word2VecOptions(config.dim, config.window, config.epochs), context.seed)
    if config.method == "word2vec":
        return mean_vectors(encoded, words)
    from lurm_cli.items.contrastive import ContrastiveOptions, encode_items, fit_contrastive

    training, validation = _pair_samplers(context, events, encoded, config, until)
    options = ContrastiveOptions(
        dim=config.dim, tau=config.tau, lr=config.lr, batch_size=config.batch_size, max_steps=config.max_steps
    )
    encoder = fit_contrastive(encoded, training, validation, words, options, context.seed, context.reporter)
    return encode_items(encoder, encoded)


def _only(texts: EncodedTexts, rows: np.ndarray) -> EncodedTexts:
    import numpy as np

    from lurm_cli.items.text import EncodedTexts

    sizes = texts.lengths()
    indptr = np.concatenate([[0], np.cumsum(sizes[rows])]).astype(np.int64)
    return EncodedTexts(indptr, texts.words[np.repeat(rows, sizes)], texts.vocabulary)


def _pair_samplers(
    context: Context, events: Events, texts: EncodedTexts, config: EmbedConfig, until: int | None
) -> tuple[Any, Any]:
    """Pairs of training users and of held-out users."""
    import numpy as np

    from lurm_cli.items.pairs import PairSampler
    from lurm_cli.smen.blocks import held_out

    chosen = events.some_buckets(_PAIR_EVENTS, np.random.default_rng([context.seed, 2]))
    if len(chosen) < len(events.buckets()):
        context.reporter.note(f"pairs are drawn from the users of {len(chosen):,} of {len(events.buckets()):,} buckets")
    usable = texts.lengths() > 0
    # Events per user, items and times: of the users trained on, and of those held out.
    sides: list[list[tuple[np.ndarray, ...]]] = [[], []]
    for bucket in (events.bucket(number, until) for number in chosen):
        validates, sizes = held_out(bucket.users, 0.1), np.diff(bucket.indptr)
        for side, users in zip(sides, (~validates, validates), strict=True):
            mask = np.repeat(users, sizes)
            side.append((sizes[users], bucket.items[mask], bucket.times[mask]))
    samplers = []
    for side in sides:
        sizes, items, times = (np.concatenate(arrays) for arrays in zip(*side, strict=True))
        # The sampler keeps what it needs of them.
        side.clear()
        indptr = np.concatenate([[0], np.cumsum(sizes)])
        samplers.append(PairSampler(indptr, items, times, usable, config.beta_days))
    return samplers[0], samplers[1]
