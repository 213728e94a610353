"""Helpers that every item encoder shares: averaging words, unit length, joining encoders."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from lurm_cli.items.text import EncodedTexts

# Rows at once: a million items of 128 numbers are half a gigabyte, which no step should hold once more.
_ROWS = 65_536
# Between these the squares of a row's numbers keep their digits as float32.
_SHORTEST, _LONGEST = 1e-15, 1e18


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Scale rows to length 1, float32; zero rows stay zero."""
    out = np.empty(vectors.shape, dtype=np.float32)
    for some in _blocks(len(vectors)):
        out[some] = _unit(vectors[some])
    return out


def _blocks(n_rows: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS) for start in range(0, n_rows, _ROWS))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """``unit_rows`` of one block."""
    with np.errstate(over="ignore", under="ignore"):
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    out = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
    inexact = np.flatnonzero(~((norms > _SHORTEST) & (norms < _LONGEST)).ravel() & vectors.any(axis=1))
    rows = vectors[inexact].astype(np.float64)
    out[inexact] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return out


def mean_vectors(texts: EncodedTexts, word_vectors: np.ndarray) -> np.ndarray:
    """Average the words of each text and scale to unit length; texts without a word give zeros.

    Source: section 4.4 of the paper (word2vec and average pooling); the unit length is ours, as HDSC assigns by
    inner product.

    Parameters
    ----------
    word_vectors
        (n_words, dim).

    Returns
    -------
    numpy.ndarray
        float32 (n_texts, dim).
    """
    n_texts = len(texts.indptr) - 1
    counts = sparse.csr_matrix(
        (np.ones(len(texts.words), dtype=np.float32), texts.words, texts.indptr),
        shape=(n_texts, len(word_vectors)),
    )
    out = np.empty((n_texts, word_vectors.shape[1]), dtype=np.float32)
    for some in _blocks(n_texts):
        out[some] = _unit(np.asarray(counts[some] @ word_vectors))
    return out


def concatenate(blocks: list[np.ndarray]) -> np.ndarray:
    """Vectors of several encoders side by side, of unit length as a whole.

    A row that is zero in one block, because that encoder knows nothing of the item, is carried by the others (ours).
    """
    n_rows = len(blocks[0])
    out = np.empty((n_rows, sum(block.shape[1] for block in blocks)), dtype=np.float32)
    for some in _blocks(n_rows):
        out[some] = _unit(np.concatenate([_unit(block[some]) for block in blocks], axis=1))
    return out
