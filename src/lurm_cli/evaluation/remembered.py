"""Scores that are known already: the same numbers for the same users and classes are not scored again.

What a score follows from is what it is kept under, so that nothing here can be out of date: a method that is added, or
one representation made anew, costs its own scores and no others.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

# Raised whenever splits, heads or supervised methods change: scores of earlier ones are not to be met again.
_PROTOCOL = 1


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
        """Keep a JSON value; of two writers at once either wins, as both know the same."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f"{key}.{os.getpid()}.new"
        temporary.write_text(json.dumps(value), encoding="utf-8")
        temporary.replace(self.folder / f"{key}.json")


def key_of(what: Any, arrays: Iterable[Any]) -> str:
    """What scores are kept under: sha256 over a JSON value, the bytes of arrays, and the protocol.

    Parameters
    ----------
    arrays
        Dense arrays of numbers or strings, and CSR matrices.
    """
    digest = hashlib.sha256(json.dumps([_PROTOCOL, what], sort_keys=True).encode())
    for array in arrays:
        parts = (array.data, array.indices, array.indptr) if sparse.issparse(array) else (array,)
        for part in parts:
            # Strings of any length have no bytes of one size.
            held = np.ascontiguousarray(part.astype(str) if part.dtype == object else part)
            digest.update(f"{held.dtype.str}{held.shape}".encode())
            digest.update(held.view(np.uint8).data if held.size else b"")
    return digest.hexdigest()
