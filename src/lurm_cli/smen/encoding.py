"""From whole lives to user representations, with a trained (or a random) encoder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from lurm_cli.boi.periods import Period
from lurm_cli.engine import open_executor, run_tasks
from lurm_cli.process import OF_A_STEP, keep_freed_memory
from lurm_cli.smen.batch import InputLaw, make_batch
from lurm_cli.smen.memory import steps_of_lives
from lurm_cli.smen.model import Encoder
from lurm_cli.smen.views import Lives

_USERS_AT_ONCE = 256
# Steps of the recurrent layer a batch, over all users and anchors.
_STEPS_AT_ONCE = 2**20


@dataclass(frozen=True)
class _Batch:
    """Users who are encoded together, and the rows of the output that they fill."""

    lives: Lives
    users: np.ndarray
    rows: np.ndarray


class Encoding:
    """An encoder made ready for whole lives: alpha is folded once, however many are encoded.

    Parameters
    ----------
    law
        How counts become the encoder's input.
    finest
        Period of the lives.
    """

    def __init__(self, encoder: Encoder, law: InputLaw, finest: Period) -> None:
        self.encoder, self.law, self.finest = encoder.eval(), law, finest
        self.scales = [Period.parse(name) for name in encoder.config.scales]
        with _one_thread_a_product(), torch.no_grad():
            self.alpha = encoder.anchors.alpha(encoder.anchors.interests)

    def encode(self, pieces: Iterable[tuple[Lives, slice]], threads: int = 1) -> list[np.ndarray]:
        """Representation of some users of each of several lives (section 3.2.3: R-hat, raw, without the head).

        Parameters
        ----------
        pieces
            Taken one by one: those of the batches under way, of as many that wait, and one more are in memory.
        threads
            Batches of users that are under way at a time; the numbers do not depend on it.

        Returns
        -------
        list of numpy.ndarray
            float32 (n_users, M * H), one a piece.
        """
        found: list[np.ndarray] = []

        def batches() -> Iterator[_Batch]:
            for lives, users in pieces:
                first, end, _ = users.indices(len(lives))
                rows = np.empty((end - first, self.encoder.config.user_dim), dtype=np.float32)
                found.append(rows)
                steps = steps_of_lives(lives, self.law)[first:end] * self.encoder.config.n_anchors
                for some in _batches(steps):
                    yield _Batch(lives, first + some, rows[some[0] : some[-1] + 1])

        with _one_thread_a_product(), open_executor(threads, light=True) as workers:
            # Batches are of the size of training's.
            keep_freed_memory(OF_A_STEP)
            for _ in run_tasks(workers, self._fill, batches()):
                pass
        return found

    def _fill(self, batch: _Batch) -> None:
        # Gradients are off by thread.
        with torch.no_grad():
            bags = make_batch(batch.lives.whole(batch.users), self.finest, self.scales, self.law)
            batch.rows[:] = self.encoder(bags, self.alpha).flatten(1).numpy()


@contextmanager
def _one_thread_a_product() -> Iterator[None]:
    """The bytes of a product depend on how many threads share it, which is not to be seen in what is encoded."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _batches(steps: np.ndarray) -> list[np.ndarray]:
    """Neighbouring users, as many as their steps allow, and one at least."""
    running, found, start = np.cumsum(steps), [], 0
    while start < len(steps):
        before = running[start - 1] if start else 0
        fitting = int(np.searchsorted(running, before + _STEPS_AT_ONCE, side="right"))
        end = max(start + 1, min(fitting, start + _USERS_AT_ONCE))
        found.append(np.arange(start, end))
        start = end
    return found
