"""What goes together in many bags: a truncated singular value decomposition of sparse rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from scipy import sparse

# Bags a decomposition is learnt from at the most.
MOST_ROWS = 100_000


def first_rows(blocks: Iterable[sparse.csr_matrix]) -> sparse.csr_matrix:
    """The first ``MOST_ROWS`` rows of blocks of rows; later blocks are not asked for."""
    return first_rows_and_others(blocks)[0]


def first_rows_and_others(
    blocks: Iterable[sparse.csr_matrix],
) -> tuple[sparse.csr_matrix, Iterator[sparse.csr_matrix]]:
    """The first ``MOST_ROWS`` rows of blocks of rows, and the others, still in blocks."""
    kept, n_rows, cut = [], 0, []
    blocks = iter(blocks)
    for block in blocks:
        kept.append(block[: MOST_ROWS - n_rows])
        cut = [block[kept[-1].shape[0] :]]
        n_rows += kept[-1].shape[0]
        if n_rows >= MOST_ROWS:
            break
    return sparse.vstack(kept, format="csr"), chain(cut, blocks)


def inverse_frequency(n_rows: int, holders: np.ndarray) -> np.ndarray:
    """Weight of each column, ln((1 + rows) / (1 + rows that have it)) + 1, float32; the idf of TF-IDF."""
    return (np.log((1 + n_rows) / (1 + holders)) + 1).astype(np.float32)


def principal_directions(bags: sparse.csr_matrix, n_components: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Right singular vectors of the greatest singular values, and these.

    Parameters
    ----------
    bags
        float32 CSR (rows, columns).

    Returns
    -------
    tuple
        float32 (columns, k) and float32 (k,), k at most ``n_components``; k = 0 where there is a single row or column.
    """
    from sklearn.decomposition import TruncatedSVD

    if min(bags.shape) < 2:  # nothing goes together
        return np.zeros((bags.shape[1], 0), dtype=np.float32), np.zeros(0, dtype=np.float32)
    n_components = max(1, min(n_components, min(bags.shape) - 1))
    # Where all rows are alike there is no variance to explain; what share is explained is not used.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = TruncatedSVD(n_components, random_state=seed).fit(bags)
    return np.ascontiguousarray(found.components_.T, dtype=np.float32), found.singular_values_.astype(np.float32)
