"""Scores that are known already: the same numbers for the same users and classes are not scored again.

What a score follows from is what it is kept under: the numbers, the classes, the splits, the code that scores and the
versions of its libraries. A method that is added, or one representation made anew, costs its own scores and no others,
as long as the users that all methods represent stay the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.whole import write_whole

# Modules whose code settles scores: splits and heads, and what supervised methods add to them.
HEADS = tuple(f"evaluation/{name}.py" for name in ("features", "heads", "logistic", "metrics", "mlp", "protocol"))
SUPERVISED = (
    "baselines/han.py",
    "baselines/network.py",
    "baselines/supervised.py",
    "baselines/textcnn.py",
    "recurrence.py",
)


class RememberedScores:
    """A folder with one small JSON file a score.

    Parameters
    ----------
    folder
        Made when the first score is kept; may be removed at any time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, key: str) -> Any | None:
        """What is kept under a key; None where nothing is, or nothing that can be read."""
        try:
            return json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def keep(self, key: str, value: Any) -> None:
        """Keep a JSON value, where there is room and leave to write: what cannot be kept is scored again, no more."""
        with suppress(OSError):
            write_whole(self.folder / f"{key}.json", json.dumps(value))


def key_of(settings: Any, arrays: Iterable[Any], supervised: bool = False) -> str:
    """What scores are kept under: sha256 over the code that scores, a JSON value, and arrays.

    Parameters
    ----------
    arrays
        Dense arrays of numbers, and CSR matrices.
    supervised
        Whether the method is trained on the labels itself.
    """
    digest = hashlib.sha256(json.dumps([scoring_code(supervised), settings], sort_keys=True).encode())
    for array in arrays:
        digest.update(f"{type(array).__name__}{array.shape}".encode())
        parts = (array.data, array.indices, array.indptr) if sparse.issparse(array) else (array,)
        for part in parts:
            held = np.ascontiguousarray(part)
            digest.update(f"{held.dtype.str}{held.shape}".encode())
            digest.update(held.view(np.uint8).data if held.size else b"")
    return digest.hexdigest()


@cache
def scoring_code(supervised: bool) -> str:
    """Sha256 over the source that settles a score: after an update nothing stale is met again."""
    digest = hashlib.sha256()
    for name in HEADS + SUPERVISED * supervised:
        digest.update(name.encode() + b"\0" + files("lurm_cli").joinpath(name).read_bytes())
    return digest.hexdigest()
