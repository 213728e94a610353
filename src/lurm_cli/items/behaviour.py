"""Item vectors from who chose what, for items whose texts do not tell them apart (ours).

The paper's items have titles. Where a catalogue has codes only, or no texts at all, items that the same users choose
are still alike: in the truncated singular value decomposition of users by items, each item is a row of the right
factor. Nothing is known in this way of an item that nobody has chosen.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import sparse

from lurm_cli.artifacts.ragged import RaggedEvents, user_item_counts
from lurm_cli.decomposition import first_rows, inverse_frequency, principal_directions
from lurm_cli.items.vectors import unit_rows


def behaviour_vectors(histories: Iterable[RaggedEvents], n_items: int, dim: int, seed: int) -> np.ndarray:
    """Vectors of unit length; zeros for items that none of the users has chosen.

    A user's row is ln(1 + count), weighted by the items' inverse document frequency and divided by the root of its
    length. Directions are weighted by the root of their singular values, between those of the items alone (which make
    rare directions as important as common ones) and those of their products with users.

    Parameters
    ----------
    histories
        Users' events, bucket by bucket.

    Returns
    -------
    numpy.ndarray
        float32 (n_items, dim); columns of zeros where users or items are fewer than ``dim``.
    """
    counts = first_rows(_log_counts(events, n_items) for events in histories)
    counts.data *= inverse_frequency(counts.shape[0], np.bincount(counts.indices, minlength=n_items))[counts.indices]
    squares = np.asarray(counts.multiply(counts).sum(axis=1)).ravel()
    bags = sparse.csr_matrix(sparse.diags(np.maximum(squares, 1e-12) ** -0.25) @ counts, dtype=np.float32)
    directions, strength = principal_directions(bags, dim, seed)
    out = np.zeros((n_items, dim), dtype=np.float32)
    out[:, : len(strength)] = directions * np.sqrt(strength)
    if not len(strength):
        # Of a single user's items nothing is known but that they are different.
        chosen = np.unique(counts.indices)
        out[chosen] = np.random.default_rng(seed).normal(size=(len(chosen), dim))
    return unit_rows(out)


def _log_counts(events: RaggedEvents, n_items: int) -> sparse.csr_matrix:
    """ln(1 + how often each user chose each item), float32 CSR."""
    counts = user_item_counts(events, n_items).astype(np.float32)
    np.log1p(counts.data, out=counts.data)
    return counts
