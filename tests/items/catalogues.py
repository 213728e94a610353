"""Item texts for the tests of item encoders."""

import numpy as np

from lurm_cli.items.text import EncodedTexts, encode_texts


def random_texts(n_items: int = 40, n_words: int = 12, seed: int = 0) -> EncodedTexts:
    """Texts of one to eight words."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, n_items)
    return encode_texts([[f"w{word}" for word in rng.integers(0, n_words, size)] for size in sizes])


def reordered(texts: EncodedTexts, seed: int = 0) -> EncodedTexts:
    """The same words in another order within each text."""
    rng = np.random.default_rng(seed)
    words = texts.words.copy()
    for start, stop in zip(texts.indptr[:-1], texts.indptr[1:], strict=True):
        words[start:stop] = rng.permutation(words[start:stop])
    return EncodedTexts(texts.indptr, words, texts.vocabulary)


def select(texts: EncodedTexts, rows: list[int]) -> EncodedTexts:
    """Some of the texts."""
    parts = [texts.words[texts.indptr[row] : texts.indptr[row + 1]] for row in rows]
    indptr = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    return EncodedTexts(indptr, np.concatenate(parts), texts.vocabulary)
