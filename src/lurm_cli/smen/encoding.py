"""From whole lives to user representations, with a trained (or a random) encoder."""

from __future__ import annotations

import numpy as np
import torch

from lurm_cli.boi.periods import Period
from lurm_cli.smen.batch import InputLaw, make_batch
from lurm_cli.smen.model import Encoder
from lurm_cli.smen.views import Lives

_USERS_AT_ONCE = 512


def encode(encoder: Encoder, lives: Lives, finest: Period, law: InputLaw, users: slice = slice(None)) -> np.ndarray:
    """Representation of users (section 3.2.3 of the paper: R-hat, raw, without the head).

    Returns
    -------
    numpy.ndarray
        float32 (n_users, M * H).
    """
    scales = [Period.parse(name) for name in encoder.config.scales]
    first, end, _ = users.indices(len(lives))
    out = np.empty((end - first, encoder.config.user_dim), dtype=np.float32)
    encoder.eval()
    with torch.no_grad():
        for start in range(first, end, _USERS_AT_ONCE):
            some = np.arange(start, min(start + _USERS_AT_ONCE, end))
            batch = make_batch(lives.whole(some), finest, scales, law)
            out[some - first] = encoder(batch).flatten(1).numpy()
    return out
