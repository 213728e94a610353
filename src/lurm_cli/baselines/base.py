"""What a baseline is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.ragged import RaggedEvents


@dataclass(frozen=True)
class Catalogue:
    """The items.

    Attributes
    ----------
    ids
        Object array (n_items,).
    columns
        Texts by column name, object arrays (n_items,).
    words
        The words of each item, as the item encoders see them.
    by_ids
        Whether these are the ids, for want of words.
    """

    ids: np.ndarray
    columns: dict[str, np.ndarray]
    words: list[list[str]]
    by_ids: bool = False

    def __len__(self) -> int:
        return len(self.ids)


# Users' events before the cut, bucket by bucket; can be gone through again and again.
Histories = Callable[[], Iterator[RaggedEvents]]


class Baseline(Protocol):
    """A competitor: learns without labels from all users' events before the cut, then describes each user.

    ``parameters`` says what it was made with, JSON values only.
    """

    parameters: dict[str, Any]

    def fit(self, histories: Histories, catalogue: Catalogue, seed: int) -> Baseline:
        """Learn whatever has to be learnt."""
        ...

    def transform(self, events: RaggedEvents) -> np.ndarray | sparse.csr_matrix:
        """One row a user, float32 (n_users, d), dense or CSR; the columns are the same for every call."""
        ...
