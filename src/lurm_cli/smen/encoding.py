"""From whole lives to user representations, with a trained (or a random) encoder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from lurm_cli.boi.periods import Period
from lurm_cli.smen.batch import InputLaw, make_batch
from lurm_cli.smen.memory import steps_of_lives
from lurm_cli.smen.model import Encoder
from lurm_cli.smen.views import Lives

_USERS_AT_ONCE = 256
# Steps of the recurrent layer a batch, over all users and anchors.
_STEPS_AT_ONCE = 2**20


def encode(
    encoder: Encoder, lives: Lives, finest: Period, law: InputLaw, users: slice = slice(None), threads: int = 1
) -> np.ndarray:
    """Representation of users (section 3.2.3 of the paper: R-hat, raw, without the head).

    Parameters
    ----------
    threads
        Batches of users that are under way at a time; the numbers do not depend on it.

    Returns
    -------
    numpy.ndarray
        float32 (n_users, M * H).
    """
    scales = [Period.parse(name) for name in encoder.config.scales]
    first, end, _ = users.indices(len(lives))
    out = np.empty((end - first, encoder.config.user_dim), dtype=np.float32)
    encoder.eval()

    def fill(some: np.ndarray) -> None:
        batch = make_batch(lives.whole(some), finest, scales, law)
        # Gradients are off by thread.
        with torch.no_grad():
            out[some - first] = encoder(batch, alpha).flatten(1).numpy()

    with torch.no_grad():
        alpha = encoder.anchors.alpha(encoder.anchors.interests)
    steps = steps_of_lives(lives, law)[first:end] * encoder.config.n_anchors
    batches = [first + some for some in _batches(steps)]
    with ThreadPoolExecutor(max(1, min(threads, len(batches)))) as pool:
        for _ in pool.map(fill, batches):
            pass
    return out


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
