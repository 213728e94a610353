"""Training loop of SMEN: two views of each user, NT-Xent, early stopping on held-out users."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from torch import Tensor

from lurm_cli.boi.periods import Period
from lurm_cli.contrast import nt_xent
from lurm_cli.errors import LurmError
from lurm_cli.process import OF_A_STEP, keep_freed_memory
from lurm_cli.progress import Reporter
from lurm_cli.ranks import ALONE, Ranks
from lurm_cli.smen.batch import Batch, InputLaw, make_batch
from lurm_cli.smen.blocks import UserBlocks, held_out
from lurm_cli.smen.checkpoint import Progress, load_checkpoint, save_checkpoint
from lurm_cli.smen.config import HELD_OUT_SHARE, LEAST_HELD_OUT, MOST_HELD_OUT, ModelConfig, share_held_out
from lurm_cli.smen.memory import available_memory, bytes_of_views, steps_of_lives
from lurm_cli.smen.model import Smen
from lurm_cli.smen.views import Lives, ViewLaw

# Streams of random numbers, told apart by their first word.
_ORDER, _VIEWS, _VALIDATION = 1, 2, 3


@dataclass(frozen=True)
class TrainingOptions:
    """How long and how fast.

    Attributes
    ----------
    batch_size
        n users, 2n views, 256 in the paper.
    lr
        Adam's step, 1e-3 in the paper.
    tau
        Temperature; 0.1 is printed for items only (ours here).
    epochs
        Upper bound; the paper gives none.
    patience
        Validations without improvement after which training ends.
    validation_share, validation_users
        Share of the users held out, and their greatest number.
    round_steps
        A validation comes after whole epochs, and after at least this many steps.
    save_steps
        A checkpoint comes with every validation, and within long epochs after this many steps.
    clip
        Greatest norm of the gradient of all dense parameters; None: off, as in the paper.
    """

    batch_size: int = 256
    lr: float = 1e-3
    tau: float = 0.1
    epochs: int = 100
    patience: int = 5
    validation_share: float = HELD_OUT_SHARE
    validation_users: int = MOST_HELD_OUT
    round_steps: int = 25
    save_steps: int = 500
    clip: float | None = None


def refuse_divergence(loss: float, step: int) -> None:
    """Raise LurmError where a loss is no number."""
    if not np.isfinite(loss):
        raise LurmError(f"training diverged: the loss is {loss} at step {step}; try a lower --lr")


class Trainer:
    """Trains one model; everything it draws follows from the seed and the position in training.

    Parameters
    ----------
    blocks
        Counts of the finest scale.
    n_users
        Number of users, to size the validation part.
    folder
        Where ``last/`` and ``training.jsonl`` are kept; an earlier run's state there is taken up.
    ranks
        This process among those that train the model together: each has a share of every batch's users, the vectors of
        all are each other's negatives, and gradients are added up, so that a step is that of one process. (Ours
        instead of DistributedDataParallel, which knows no loss over the vectors of several processes.)
    """

    def __init__(
        self,
        blocks: UserBlocks,
        n_users: int,
        config: ModelConfig,
        law: InputLaw,
        view_law: ViewLaw,
        options: TrainingOptions,
        folder: Path,
        seed: int,
        reporter: Reporter,
        ranks: Ranks = ALONE,
    ) -> None:
        self.blocks, self.law, self.view_law, self.options = blocks, law, view_law, options
        self.folder, self.seed, self.reporter, self.ranks = folder, seed, reporter, ranks
        self.scales = [Period.parse(name) for name in config.scales]
        torch.manual_seed(seed)
        self.model = Smen(config)
        self.table = self.model.encoder.anchors.interests
        self.dense = [p for p in self.model.parameters() if p is not self.table]
        # Row-wise Adam for the interest table: rows that a batch does not touch cost nothing and do not move.
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Adam(self.dense, lr=options.lr),
            torch.optim.SparseAdam([self.table], lr=options.lr),
        ]
        self.progress = Progress()
        self.best: dict[str, Tensor] = {}
        self.validation_share = share_held_out(n_users, options.validation_share, options.validation_users)
        self.validation = self._validation_batches()

    def train(self) -> dict[str, Tensor]:
        """Run to the end, or go on from the last checkpoint; return the best encoder and head.

        Raises
        ------
        LurmError
            If there are no two users to tell apart, a batch does not fit into memory, or training diverges.
        """
        # The first gives the encoder its start meanwhile.
        self.ranks.wait()
        restored = load_checkpoint(self.folder / "last", self.model, self.optimizers)
        if restored is not None:
            self.progress, self.best = restored
        self.ranks.refuse_other_files((restored is None, self.progress.step))
        self.ranks.take_from_first(self.model)
        self._check_memory()
        # Not before the check, to which memory that is kept would not be available.
        keep_freed_memory(OF_A_STEP)
        options, progress = self.options, self.progress
        with (
            self.reporter.bar("training", options.epochs, "epochs") as bar,
            self._log() as log,
        ):
            bar.advance(progress.epoch)
            while not progress.done:
                began, users = time.monotonic(), 0
                for batch, n in self._batches(progress.epoch, skip=progress.step_in_epoch):
                    loss = self._step(batch, n)
                    progress.step += 1
                    progress.step_in_epoch += 1
                    progress.since_validation += 1
                    users += n
                    log.write(json.dumps({"step": progress.step, "epoch": progress.epoch, "loss": loss}) + "\n")
                    best = "" if progress.best_loss is None else f", best validation {progress.best_loss:.3f}"
                    bar.describe(f"loss {loss:.3f}{best}, {users / (time.monotonic() - began):,.0f} users/s")
                    if progress.step_in_epoch % options.save_steps == 0:
                        self._save(log)
                progress.epoch += 1
                progress.step_in_epoch = 0
                progress.done = progress.epoch >= options.epochs
                bar.advance(1)
                if progress.since_validation >= options.round_steps or progress.done:
                    progress.since_validation = 0
                    self._validate(log)
                    self._save(log)
        return self.best or self._current()

    def _step(self, batch: Batch, n: int) -> float:
        self.model.train()
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss = self._loss(batch, n)
        loss.backward()
        self.ranks.add_gradients(self.dense, self.table)
        if self.options.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.dense, self.options.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        value = loss.item()
        refuse_divergence(value, self.progress.step + 1)
        return value

    def _loss(self, batch: Batch, n: int) -> Tensor:
        """Of n users, of whom the batch has this process's share: first views, then second views."""
        h = self.model(batch)  # (2m, M * H)
        own = self.ranks.share(n)
        pairs = torch.cat([h[: own.stop - own.start], h[own.stop - own.start :]], dim=1)
        first, second = self.ranks.gathered(pairs).chunk(2, dim=1)
        return nt_xent(first, second, self.options.tau)

    def _validate(self, log: TextIO) -> None:
        progress = self.progress
        if not self.validation:
            return
        self.model.eval()
        with torch.no_grad():
            losses = [self._loss(batch, n).item() for batch, n in self.validation]
        # Another machine may round otherwise, and all must end at the same step.
        loss = self.ranks.told_by_first(float(np.mean(losses)))
        # The last step's weights have not been through a step of their own yet.
        refuse_divergence(loss, progress.step)
        progress.losses.append(loss)
        log.write(json.dumps({"step": progress.step, "epoch": progress.epoch, "validation_loss": loss}) + "\n")
        if progress.best_loss is None or loss < progress.best_loss:
            progress.best_loss, progress.best_step, progress.waited = loss, progress.step, 0
            self.best = {name: value.clone() for name, value in self._current().items()}
        else:
            progress.waited += 1
            progress.done = progress.done or progress.waited >= self.options.patience

    def _current(self) -> dict[str, Tensor]:
        return {name: value.detach() for name, value in self.model.state_dict().items()}

    def _save(self, log: TextIO) -> None:
        log.flush()
        if self.ranks.leads:
            save_checkpoint(self.folder / "last", self.model, self.best, self.optimizers, self.progress)

    def _log(self) -> TextIO:
        """The log, without the lines of steps after the checkpoint: they will be done again."""
        if not self.ranks.leads:
            return Path(os.devnull).open("w", encoding="utf-8")
        file = self.folder / "training.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        kept = []
        for line in lines:
            try:
                if json.loads(line)["step"] <= self.progress.step:
                    kept.append(line + "\n")
            except ValueError:
                break  # the half-written last line of a killed run
        file.write_text("".join(kept), encoding="utf-8")
        return file.open("a", encoding="utf-8")

    def _generator(self, *words: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *words])

    def _batch(self, lives: Lives, users: np.ndarray, rng: np.random.Generator) -> Batch:
        """Views of this process's share of some users, as one process that has them all would draw them."""
        views = lives.views(users, self.view_law, rng)
        if self.ranks.size > 1:
            own = np.arange(len(users))[self.ranks.share(len(users))]
            views = views.among(np.concatenate([own, own + len(users)]))
        return make_batch(views, self.blocks.period, self.scales, self.law)

    def _validation_batches(self) -> list[tuple[Batch, int]]:
        if not self.validation_share:
            return []
        batches: list[tuple[Batch, int]] = []
        n_users, size = 0, self.options.batch_size
        for block in self.blocks.order():
            lives = self.blocks.load(block)
            users = lives.splittable()
            users = users[held_out(lives.part.users[users], self.validation_share)]
            for start in range(0, len(users), size):
                chosen = users[start : start + size]
                if len(chosen) >= max(min(size, LEAST_HELD_OUT), self.ranks.size):
                    rng = self._generator(_VALIDATION, len(batches))
                    batches.append((self._batch(lives, chosen, rng), len(chosen)))
                    n_users += len(chosen)
            if n_users >= self.options.validation_users:
                break
        return batches

    def _batches(self, epoch: int, skip: int) -> Iterator[tuple[Batch, int]]:
        """One epoch, the next batch being prepared while the caller computes."""
        with ThreadPoolExecutor(1) as ahead:
            pending = None
            for lives, users, step in self._plan(epoch):
                if step < skip:
                    continue
                rng = self._generator(_VIEWS, epoch, step)
                upcoming = (ahead.submit(self._batch, lives, users, rng), len(users))
                if pending is not None:
                    yield pending[0].result(), pending[1]
                pending = upcoming
            if pending is not None:
                yield pending[0].result(), pending[1]

    def _check_memory(self) -> None:
        """Refuse batches that cannot fit: they cannot be cut, since their users are each other's negatives.

        The first block of an epoch stands for all.
        """
        available = available_memory()
        if available is None or self.progress.done:
            return
        config, rng = self.model.encoder.config, self._generator(_ORDER, self.progress.epoch)
        lives = self.blocks.load(self.blocks.order(rng)[0])
        steps = steps_of_lives(lives, self.law)
        n_steps, n_users = max(
            ((int(steps[users].sum()), len(users)) for users in self._batches_of(lives, rng)), default=(0, 0)
        )
        needed = bytes_of_views(n_steps, config, self.view_law) * self.ranks.beside // self.ranks.size
        if needed > available:
            options = ["coarser --scales", "a smaller --batch-size"] + ["--drop-empty"] * (not self.law.drop_empty)
            raise LurmError(
                f"a training step does not fit into memory: two views of {n_users:,} users by {config.scales[0]} "
                f"with {config.n_anchors} anchors take about {needed / 1e9:,.1f} GB, {available / 1e9:,.1f} GB are "
                f"available; try {' or '.join(options)}"
            )

    def _plan(self, epoch: int) -> Iterator[tuple[Lives, np.ndarray, int]]:
        """The users of each step of an epoch."""
        rng = self._generator(_ORDER, epoch)
        step = 0
        for block in self.blocks.order(rng):
            lives = self.blocks.load(block)
            for users in self._batches_of(lives, rng):
                yield lives, users, step
                step += 1
        if step == 0:
            raise LurmError(
                "there are no two users to tell apart: training needs at least two users, "
                "each with behaviours in two periods or two behaviours in one"
            )

    def _batches_of(self, lives: Lives, rng: np.random.Generator) -> list[np.ndarray]:
        """Users of a block in random order, a batch each."""
        users = lives.splittable()
        if self.validation_share:
            users = users[~held_out(lives.part.users[users], self.validation_share)]
        users = rng.permutation(users)
        # Batches of nearly equal size: a small last one would have few negatives and a different loss.
        n_batches = max(1, round(len(users) / self.options.batch_size))
        return [chosen for chosen in np.array_split(users, n_batches) if len(chosen) >= max(2, self.ranks.size)]
