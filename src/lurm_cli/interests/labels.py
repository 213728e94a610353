"""A readable name for every interest: its most telling words, and its most central items."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from lurm_cli.items.text import EncodedTexts

SEPARATOR = " · "


def nearest_items(labels: np.ndarray, similarity: np.ndarray, k: int, n: int = 3) -> np.ndarray:
    """The ``n`` most similar items of each interest, best first; int32 (k, n), -1 where there are fewer."""
    order = np.lexsort((np.arange(len(labels)), -similarity, labels))
    order = order[labels[order] >= 0]
    sorted_labels = labels[order]
    sizes = np.bincount(sorted_labels, minlength=k)
    rank = np.arange(len(order)) - (np.cumsum(sizes) - sizes)[sorted_labels]
    out = np.full((k, n), -1, dtype=np.int32)
    kept = rank < n
    out[sorted_labels[kept], rank[kept]] = order[kept]
    return out


def interest_labels(
    labels: np.ndarray, texts: EncodedTexts, central: np.ndarray, names: np.ndarray, n_words: int = 4
) -> list[str]:
    """Name each interest by the words that are frequent in it and rare elsewhere (class-based tf-idf, ours).

    Parameters
    ----------
    labels
        Interest of each item, -1: none.
    central
        (k, n) from ``nearest_items``: interests without text are named by these items.
    names
        Item ids.

    Returns
    -------
    list of str
        One a interest; equal names get a number.
    """
    k = len(central)
    owner = np.repeat(labels, texts.lengths())
    kept = owner >= 0
    counts = sparse.csr_matrix(
        (np.ones(int(kept.sum()), dtype=np.float32), (owner[kept], texts.words[kept])),
        shape=(k, max(1, len(texts.vocabulary))),
    )
    counts.sum_duplicates()
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
        words[rows[place]].append(texts.vocabulary[counts.indices[place]])
    found = [
        SEPARATOR.join(chosen) if chosen else SEPARATOR.join(str(names[i]) for i in items if i >= 0) or "(empty)"
        for chosen, items in zip(words, central, strict=True)
    ]
    return _unique(found)


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
