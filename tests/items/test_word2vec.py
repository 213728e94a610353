"""Word vectors: the same on every run, and of every word."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from items.catalogues import random_texts
from lurm_cli.errors import LurmError
from lurm_cli.items.text import EncodedTexts, encode_texts
from lurm_cli.items.word2vec import Word2VecOptions, fit_word2vec

OPTIONS = Word2VecOptions(dim=8, epochs=2)


def digest(seed: int) -> str:
    return hashlib.sha256(fit_word2vec(random_texts(), OPTIONS, seed).tobytes()).hexdigest()


def test_equal_seeds_give_equal_bytes_and_others_do_not() -> None:
    assert digest(5) == digest(5)
    assert digest(5) != digest(6)


def test_another_process_gives_the_same_bytes() -> None:
    # Python salts the hashes of texts anew in every process, and gensim starts from such hashes by default.
    code = "import sys; sys.path.insert(0, sys.argv[1]); from items.test_word2vec import digest; print(digest(5))"
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    environment = {**os.environ, "PYTHONHASHSEED": "1234"}
    run = subprocess.run([sys.executable, "-c", code, tests], env=environment, capture_output=True, text=True)
    assert run.stdout.strip() == digest(5), run.stderr


def test_every_word_has_a_vector_in_the_order_of_the_vocabulary() -> None:
    texts = random_texts()
    vectors = fit_word2vec(texts, OPTIONS, 0)
    assert vectors.shape == (len(texts.vocabulary), 8)
    assert vectors.dtype == np.float32
    assert vectors.any(axis=1).all()


def test_a_word_of_no_text_gets_zeros() -> None:
    held = encode_texts([["a", "b"], ["a", "c"]])
    wider = EncodedTexts(held.indptr, held.words, [*held.vocabulary, "unseen"])
    vectors = fit_word2vec(wider, OPTIONS, 0)
    assert vectors.any(axis=1).tolist() == [True, True, True, False]


def test_words_that_stand_together_come_close() -> None:
    # Enough different words that gensim's sampling of frequent ones leaves most in place.
    rng = np.random.default_rng(0)
    halves = [[f"tea{n}" for n in range(40)], [f"nut{n}" for n in range(40)]]
    texts = encode_texts([list(rng.choice(halves[item % 2], 8, replace=False)) for item in range(1000)])
    vectors = fit_word2vec(texts, Word2VecOptions(dim=8, epochs=20), 0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kind = np.array([word.startswith("tea") for word in texts.vocabulary])
    similarity, same = vectors @ vectors.T, kind[:, None] == kind
    assert similarity[same].min() > similarity[~same].max()


def test_no_text_at_all_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(LurmError, match="no item has text to learn from; name text columns"):
        fit_word2vec(encode_texts([[], []]), OPTIONS, 0)
