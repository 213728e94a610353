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
from lurm_cli.decomposition import first_rows_and_others, inverse_frequency, principal_directions
from lurm_cli.items.vectors import unit_rows


def behaviour_vectors(histories: Iterable[RaggedEvents], n_items: int, dim: int, seed: int) -> np.ndarray:
    """Vectors of unit length; zeros for items that no user has chosen.

    A user's row is ln(1 + count), weighted by the items' inverse document frequency and divided by the root of its
    length. Directions are weighted by the root of their singular values, between those of the items alone (which make
    rare directions as important as common ones) and those of their products with users.

    The decomposition sees the first users only, of a long log. An item that none of them has chosen is folded in: it
    lies where its users do, by what else they have chosen; it gets zeros, too, where nothing is known of that.

    Parameters
    ----------
    histories
        Users' events, bucket by bucket; gone through once.

    Returns
    -------
    numpy.ndarray
        float32 (n_items, dim); columns of zeros where users or items are fewer than ``dim``.
    """
    counts, others = first_rows_and_others(_log_counts(events, n_items) for events in histories)
    holders = np.bincount(counts.indices, minlength=n_items)
    weights = inverse_frequency(counts.shape[0], holders)
    directions, strength = principal_directions(_bags(counts, weights), dim, seed)
    out = np.zeros((n_items, dim), dtype=np.float32)
    out[:, : len(strength)] = directions * np.sqrt(strength)
    if len(strength):
        unseen = np.flatnonzero(holders == 0)
        sums = _folded_in(others, unseen, weights, directions, strength)
        found = sums.any(axis=1)
        out[unseen[found], : len(strength)] = sums[found]
    else:
        # Of a single user's items nothing is known but that they are different.
        chosen = np.unique(counts.indices)
        out[chosen] = np.random.default_rng(seed).normal(size=(len(chosen), dim))
    return unit_rows(out)


def _folded_in(
    others: Iterable[sparse.csr_matrix],
    unseen: np.ndarray,
    weights: np.ndarray,
    directions: np.ndarray,
    strength: np.ndarray,
) -> np.ndarray:
    """Vectors of items that the decomposition has not seen, float32 (n_unseen, k): sums of their users' vectors.

    V S^(1/2) = B^T B V S^(-3/2): with B the rows of those users, this is where a decomposition of B would put an item,
    were its directions the same. Directions that the first users hardly have are left out.
    """
    sums = np.zeros((len(unseen), len(strength)), dtype=np.float32)
    told = strength > 1e-3 * strength.max()
    to_user = directions[:, told] * strength[told] ** -1.5
    for counts in others:
        bags = _bags(counts, weights)
        sums[:, told] += bags[:, unseen].T @ (bags @ to_user)
    return sums


def _bags(counts: sparse.csr_matrix, weights: np.ndarray) -> sparse.csr_matrix:
    """Users' rows as they enter the decomposition; ``counts`` are overwritten."""
    counts.data *= weights[counts.indices]
    squares = np.asarray(counts.multiply(counts).sum(axis=1)).ravel()
    return sparse.csr_matrix(sparse.diags(np.maximum(squares, 1e-12) ** -0.25) @ counts, dtype=np.float32)


def _log_counts(events: RaggedEvents, n_items: int) -> sparse.csr_matrix:
    """ln(1 + how often each user chose each item), float32 CSR."""
    counts = user_item_counts(events, n_items).astype(np.float32)
    np.log1p(counts.data, out=counts.data)
    return counts
