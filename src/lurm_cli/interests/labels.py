"""A readable name for every interest: its most telling words, or its most central items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

SEPARATOR = " · "
N_WORDS = 4


def interest_labels(
    counts: sparse.csr_matrix, vocabulary: Sequence[str], by_items: Sequence[str], n_words: int = N_WORDS
) -> list[str]:
    """Name each interest by the words that are frequent in it and rare elsewhere (class-based tf-idf, ours).

    Parameters
    ----------
    counts
        float32 CSR (k, words) from ``WordCounts``.
    vocabulary
        The word of each column; of equal scores the first column's comes first.
    by_items
        What each interest is called if it has no words, from ``names_by_items``.

    Returns
    -------
    list of str
        One a interest; equal names get a number.
    """
    k = len(by_items)
    total = np.asarray(counts.sum(axis=0)).ravel()
    average = counts.sum() / max(1, k)
    sizes = np.repeat(np.asarray(counts.sum(axis=1)).ravel(), np.diff(counts.indptr))
    score = counts.data / np.maximum(sizes, 1) * np.log1p(average / np.maximum(total[counts.indices], 1))
    rows = np.repeat(np.arange(k), np.diff(counts.indptr))
    order = np.lexsort((counts.indices, -score, rows))
    rank = np.arange(len(order)) - counts.indptr[:-1][rows[order]]
    best = order[rank < n_words]
    words: list[list[str]] = [[] for _ in range(k)]
    for place in best:
        words[rows[place]].append(vocabulary[counts.indices[place]])
    return _unique([SEPARATOR.join(chosen) or name for chosen, name in zip(words, by_items, strict=True)])


def names_by_items(codes: np.ndarray, ids: dict[int, str]) -> list[str]:
    """Name interests by items.

    Parameters
    ----------
    codes
        Items of each interest, int32 (k, n), from ``CentralItems``; -1: none.
    ids
        Ids of these items.
    """
    return [SEPARATOR.join(ids[code] for code in row if code >= 0) or "(empty)" for row in codes.tolist()]


def _unique(names: list[str]) -> list[str]:
    taken = set(names)
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique = name
        if seen[name] > 1:
            # An item's id can itself end in such a number.
            while (unique := f"{name} ({seen[name]})") in taken:
                seen[name] += 1
            taken.add(unique)
        out.append(unique)
    return out
