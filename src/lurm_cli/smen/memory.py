"""How many steps the recurrent layer makes over users' lives, and what these take in memory while training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lurm_cli.smen.batch import InputLaw
from lurm_cli.smen.config import ModelConfig
from lurm_cli.smen.views import Lives, ViewLaw

_MEMORY_FILE = Path("/proc/meminfo")


def steps_of_lives(lives: Lives, law: InputLaw) -> np.ndarray:
    """Finest periods of each user's life that enter the encoder, int64 (n_users,)."""
    return np.diff(lives.start) if law.drop_empty else lives.last - lives.first + 1


def bytes_of_views(steps: int, config: ModelConfig, law: ViewLaw) -> int:
    """What the tape holds of two views of lives that have so many steps together; the finest scale alone.

    Views cut in time are (1 + shortest) / 2 of a life on average, halves of the behaviours span all of it.
    """
    # A recurrent layer keeps gates, states and their part of the new gate; a mean or maximum the packed inputs.
    width = (5 if config.aggregation in ("gru", "lstm") else 1) * config.dim
    share = law.split + (1 - law.split) * (1 + law.shortest) / 2
    return int(2 * steps * share * config.n_anchors * width * np.dtype(np.float32).itemsize)


def available_memory() -> int | None:
    """Bytes that can be used without swapping; None where the system does not say."""
    try:
        lines = _MEMORY_FILE.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return 1024 * int(found[0]) if found else None
