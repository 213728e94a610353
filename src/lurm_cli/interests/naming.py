"""Names of interests, from the texts of items that are read block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lurm_cli.interests.central import CentralItems
from lurm_cli.interests.labels import N_WORDS, interest_labels, names_by_items
from lurm_cli.interests.words import WordCounts

# Words of the items start:stop.
Texts = Callable[[int, int], Sequence[Sequence[str]]]
# Items whose texts are held at once: as objects they take a kilobyte each.
_TEXTS_AT_ONCE = 65_536


class Naming:
    """Collects what interests are named by.

    Parameters
    ----------
    k
        Number of interests.
    texts
        Reads words; None: there are none, and an item's id is its only word. All ids are equally telling, so that the
        first of an interest, which are the least, name it; no vocabulary of ids is made.
    """

    def __init__(self, k: int, texts: Texts | None) -> None:
        self._texts, self._passed = texts, 0
        self._words, self._first = WordCounts(k), CentralItems(k, N_WORDS)

    def add(self, labels: np.ndarray) -> None:
        """Take in the next items by their interests, (n,), -1: none."""
        if self._texts is None:
            self._first.add(labels, np.zeros(len(labels), dtype=np.float32))
            return
        for start in range(0, len(labels), _TEXTS_AT_ONCE):
            some = labels[start : start + _TEXTS_AT_ONCE]
            self._words.add(some, self._texts(self._passed, self._passed + len(some)))
            self._passed += len(some)

    def names(self, central: np.ndarray, ids: Callable[[np.ndarray], dict[int, str]]) -> list[str]:
        """A name of each interest, as ``interest_labels`` gives them.

        Parameters
        ----------
        central
            The most central items of each interest, int32 (k, n); -1: none.
        ids
            Reads the ids of items given by their codes, ascending.
        """
        counts, vocabulary = self._words.table()
        codes = central if self._texts is not None else self._first.codes()
        # Ids of items are needed where there are no words.
        codes = np.where(np.diff(counts.indptr)[:, None] > 0, -1, codes)
        return interest_labels(counts, vocabulary, names_by_items(codes, ids(np.unique(codes[codes >= 0]))))
