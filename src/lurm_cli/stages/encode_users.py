"""``lurm encode-users``: one row of M x H numbers a user, from the whole life or a window of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.manifest import Manifest
from lurm_cli.clock import format_time
from lurm_cli.errors import ArtifactError, LurmError, UsageError
from lurm_cli.process import OF_A_STEP, keep_freed_memory
from lurm_cli.stages.context import Context, Outcome, cut_time, input_fingerprint, later_knowledge, latest_cut, settled
from lurm_cli.stages.options import option

if TYPE_CHECKING:
    import numpy as np

    from lurm_cli.artifacts.store import Counts
    from lurm_cli.smen.blocks import Window
    from lurm_cli.smen.encoding import Encoding
    from lurm_cli.smen.views import Lives

# Rows a task: whole chunks of the dense array, small enough to keep all workers busy.
_ROWS = 16_384


@dataclass(frozen=True)
class EncodeConfig:
    """Options of ``lurm encode-users``."""

    since: str | None = option(None, "use only periods that begin at or after this time", shown="whole life")
    until: str | None = option(None, "use only periods that end by this time", shown="as the counts")


@dataclass(frozen=True)
class _Task:
    """Encode rows ``start`` onwards: some users of some buckets."""

    smen: Path
    fingerprint: str
    boi: Path
    window: Window
    output: Path
    start: int
    pieces: tuple[tuple[int, int, int], ...]
    threads: int = 1

    @property
    def n_users(self) -> int:
        """Rows of the block."""
        return sum(stop - start for _, start, stop in self.pieces)


def run_encode_users(context: Context, smen: Path, boi: Path | None, config: EncodeConfig, target: Path) -> Outcome:
    """Encode every user who has behaviours in the window.

    Parameters
    ----------
    smen
        Trained model folder.
    boi
        Counts of the model's finest scale; by default the workspace's artifact of that period.
    """
    # Batches are under way in several threads.
    keep_freed_memory(OF_A_STEP, one_heap=True)
    smen_manifest, smen_ref = context.input(smen, "smen")
    finest = smen_manifest.parameters["scales"][0]
    boi = boi or context.root / f"boi-{finest}.zarr"
    counts_manifest, counts_ref = context.input(boi, "boi")
    _check_fit(smen, smen_manifest, boi, counts_manifest)
    since, until = cut_time(config.since, "since"), cut_time(config.until)
    if until is not None and counts_manifest.until is not None and until >= counts_manifest.until:
        until = None  # the counts end there already
    window = life_window(finest, since, until)
    draft = Manifest(
        "users",
        "encode-users",
        # An end within the life is a choice of its own, even where the encoder knows a later one.
        {
            "since": None if since is None else format_time(since),
            "until": None if until is None else format_time(until),
        },
        (smen_ref, counts_ref),
        None,
        # The encoder has learnt from events up to its own cut: that, too, is what the vectors know.
        latest_cut(smen_manifest.until, counts_manifest.until if until is None else until),
    )
    outcome = settled(context, target, draft)
    if outcome is None:
        outcome = _encode(context, smen, smen_manifest, boi, window, target, draft)
    return outcome


def _check_fit(smen: Path, model: Manifest, boi: Path, counts: Manifest) -> None:
    if counts.parameters["period"] != model.parameters["scales"][0]:
        raise ArtifactError(
            f"{boi} counts by {counts.parameters['period']}, {smen} was trained on {model.parameters['scales'][0]}"
        )
    trained = {entry.fingerprint for entry in model.inputs}
    if counts.fingerprint in trained:
        return
    expected, found = model.facts.get("interests"), input_fingerprint(counts, "interests")
    if None not in (expected, found) and expected != found:
        raise ArtifactError(
            f"{boi} counts other interests than those that {smen} was trained on, of which it knows what each means; "
            "train again (`lurm train-smen --overwrite`), or name counts of the same interests"
        )
    assert counts.shape is not None and model.shape is not None
    if counts.shape[1] != model.shape[0]:
        raise ArtifactError(
            f"{boi} has {counts.shape[1]} interests, {smen} was trained on {model.shape[0]}; "
            "train again, or name the counts it was trained on"
        )


def life_window(finest: str, since: int | None, until: int | None) -> Window:
    """The periods between two times; raises UsageError where a period does not begin there."""
    import numpy as np

    from lurm_cli.boi.periods import Period
    from lurm_cli.smen.blocks import Window

    period, bounds = Period(finest), []
    for name, time in (("since", since), ("until", until)):
        if time is not None and not period.aligned(time):
            raise UsageError(
                f"--{name}: the counts are by {finest}, so it must be the beginning of one; "
                "build the counts with `lurm boi --until` to cut within a period"
            )
        bounds.append(None if time is None else int(period.number(np.array([time]))[0]))
    return Window(*bounds)


def _encode(
    context: Context, smen: Path, model: Manifest, boi: Path, window: Window, target: Path, draft: Manifest
) -> Outcome:
    from lurm_cli.artifacts.arrays import create_matrix
    from lurm_cli.artifacts.store import Counts

    assert model.shape is not None
    counts, dim, ranks = Counts.open(boi), model.shape[1], context.ranks
    build = Build(target, draft)
    values = build.folder / "values"

    def encode_share(sizes: dict[int, int]) -> None:
        """Encode this process's share of the blocks of rows."""
        blocks = list(row_blocks(sizes))[ranks.rank :: ranks.size]
        _encode_blocks(
            context, [_Task(smen, model.fingerprint, boi, window, values, start, pieces) for start, pieces in blocks]
        )
        ranks.wait()

    if not ranks.leads:
        with ranks.joined():
            ranks.wait()  # the first counts the users
            sizes = ranks.told_by_first(None)
            ranks.refuse_other_files((values / "zarr.json").is_file())
            encode_share(sizes)
        return Outcome(target, draft, "written")
    with build, ranks.joined():
        sizes = _write_ids(counts, window, build.folder / "ids")
        n_users = sum(sizes.values())
        if n_users == 0:
            raise LurmError(f"{boi}: no user has behaviours in the window asked for; check --since and --until")
        if not (values / "zarr.json").is_file():
            create_matrix(values, (n_users, dim))
        ranks.wait()
        ranks.told_by_first(sizes)
        ranks.refuse_other_files(True)
        encode_share(sizes)
        facts = {"n_users": n_users, **later_knowledge(draft.until, model, counts.manifest)}
        manifest = build.finish(shape=(n_users, dim), facts=facts)
    return Outcome(target, manifest, "written")


def _encode_blocks(context: Context, blocks: list[_Task]) -> None:
    """Encode the blocks of rows that no earlier run has written."""
    from lurm_cli.artifacts.arrays import chunk_files
    from lurm_cli.engine import run_tasks

    tasks = [
        task
        for task in blocks
        if not all(file.is_file() for file in chunk_files(task.output, task.start, task.start + task.n_users))
    ]
    # Too few to share out evenly: one after the other, each with all cores.
    one_by_one = len(tasks) < 2 * context.workers and context.scheduler is None
    if one_by_one:
        tasks = [dataclasses.replace(task, threads=context.workers) for task in tasks]
    n_users = sum(task.n_users for task in blocks)
    with (
        context.workers_for(1 if one_by_one else len(tasks)) as workers,
        context.reporter.bar("encoding", n_users, "users") as bar,
    ):
        bar.advance(n_users - sum(task.n_users for task in tasks))
        for done in run_tasks(workers, _encode_rows, tasks):
            bar.advance(done)


def _users(counts: Counts, window: Window, bucket: int) -> np.ndarray:
    """Ids of the users of a bucket who have behaviours in the window; without bounds only the ids are read."""
    return counts.users(bucket) if window.unbounded else window.cut(counts.bucket(bucket)).users


def _write_ids(counts: Counts, window: Window, path: Path) -> dict[int, int]:
    """Write the ids of all rows, bucket after bucket; return the number of users of each bucket."""
    import shutil

    import numpy as np

    from lurm_cli.artifacts.arrays import CHUNK, create_texts, write_rows

    sizes = {bucket: len(_users(counts, window, bucket)) for bucket in counts.buckets()}
    shutil.rmtree(path, ignore_errors=True)
    create_texts(path, sum(sizes.values()))
    start, waiting = 0, np.empty(0, dtype=object)
    for bucket, size in sizes.items():
        if size:
            waiting = np.concatenate([waiting, _users(counts, window, bucket)])
        while len(waiting) >= CHUNK:
            write_rows(path, start, waiting[:CHUNK].astype(np.dtypes.StringDType()))
            start, waiting = start + CHUNK, waiting[CHUNK:]
    write_rows(path, start, waiting.astype(np.dtypes.StringDType()))
    return sizes


def row_blocks(sizes: dict[int, int]) -> Iterator[tuple[int, tuple[tuple[int, int, int], ...]]]:
    """Cut the rows into blocks; of each, its first row and the (bucket, first user, end) it is made of."""
    start, room, pieces = 0, _ROWS, []
    for bucket, size in sizes.items():
        first = 0
        while first < size:
            taken = min(room, size - first)
            pieces.append((bucket, first, first + taken))
            first, room = first + taken, room - taken
            if room == 0:
                yield start, tuple(pieces)
                start, room, pieces = start + _ROWS, _ROWS, []
    if pieces:
        yield start, tuple(pieces)


@lru_cache(maxsize=1)
def _encoding(smen: Path, fingerprint: str, finest: str) -> Encoding:
    """The encoder, kept by a worker from one block of rows to the next."""
    from lurm_cli.boi.periods import Period
    from lurm_cli.smen.encoding import Encoding
    from lurm_cli.stages.train_smen import load_encoder

    encoder, law, _ = load_encoder(smen)
    return Encoding(encoder, law, Period(finest))


def _encode_rows(task: _Task) -> int:
    import numpy as np

    from lurm_cli.artifacts.arrays import write_rows
    from lurm_cli.artifacts.store import Counts

    counts = Counts.open(task.boi)
    encoding = _encoding(task.smen, task.fingerprint, counts.manifest.parameters["period"])
    rows = encoding.encode(lives_of(counts, task.window, task.pieces), task.threads)
    write_rows(task.output, task.start, np.concatenate(rows))
    return sum(len(block) for block in rows)


def lives_of(counts: Counts, window: Window, pieces: Iterable[tuple[int, int, int]]) -> Iterator[tuple[Lives, slice]]:
    """The lives of some users of some buckets, bucket by bucket."""
    from lurm_cli.smen.views import Lives

    for bucket, first, end in pieces:
        yield Lives(window.cut(counts.bucket(bucket))), slice(first, end)
