"""Word vectors of item texts, with gensim (section 4.4 of the paper, Amazon variant)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lurm_cli.errors import LurmError
from lurm_cli.items.text import EncodedTexts

# Words gensim should see in training, all epochs together: below it, vectors stay near their random start.
_TRAINING_WORDS = 5_000_000
_LEAST_EPOCHS, _MOST_EPOCHS = 5, 50


@dataclass(frozen=True)
class Word2VecOptions:
    """Options of gensim; None is chosen from the texts.

    Attributes
    ----------
    window
        By default the longest text that is not cut: the order of words in a product's title says little (ours).
    epochs
        By default 5 (gensim's), and up to 50 for small catalogues, which 5 leave untrained (ours).
    """

    dim: int = 128
    window: int | None = None
    epochs: int | None = None
    skip_gram: bool = False


def fit_word2vec(texts: EncodedTexts, options: Word2VecOptions, seed: int) -> np.ndarray:
    """Learn word vectors from texts.

    One thread and a hash of our own make the result the same on every run.

    Returns
    -------
    numpy.ndarray
        float32 (n_words, dim), in the order of the vocabulary; zeros for words that stand in none of these texts.

    Raises
    ------
    LurmError
        If no text holds a word.
    """
    from gensim.models import Word2Vec

    if not len(texts.words):
        raise LurmError("no item has text to learn from; name text columns with `lurm ingest --text-col`")
    words = np.array(texts.vocabulary, dtype=object)
    bounds = zip(texts.indptr[:-1], texts.indptr[1:], strict=True)
    sentences: Sequence[list[str]] = [words[texts.words[a:b]].tolist() for a, b in bounds if b > a]
    epochs = options.epochs or int(np.clip(_TRAINING_WORDS // len(texts.words), _LEAST_EPOCHS, _MOST_EPOCHS))
    model = Word2Vec(
        sentences=sentences,
        vector_size=options.dim,
        window=options.window or max(5, int(texts.lengths().max())),
        min_count=1,
        sg=int(options.skip_gram),
        epochs=epochs,
        seed=seed,
        workers=1,
        hashfxn=stable_hash,
    )
    nothing = np.zeros(options.dim, dtype=np.float32)
    known = model.wv.key_to_index
    return np.stack([model.wv[word] if word in known else nothing for word in texts.vocabulary])


def stable_hash(text: str) -> int:
    """Python's own hash of a text differs from run to run."""
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:4], "big")
