"""Doc2Vec against gensim called directly (method section 7.2)."""

from functools import partial
from unittest import mock

import numpy as np
import pytest
from gensim.models import doc2vec as gensim_doc2vec

from baselines.toy import catalogue_of, events_of, histories_of, random_lives
from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines import doc2vec
from lurm_cli.baselines.doc2vec import Doc2Vec
from lurm_cli.items.word2vec import stable_hash

WORDS = ["green tea", "black tea", "red mug", "blue mug", "ink pen", ""]
CATALOGUE = catalogue_of(*WORDS)
LIVES = random_lives(12, 5)


def documents(lives: dict[str, list[tuple[int, int]]]) -> list[list[str]]:
    users = sorted(lives, key=str.encode)
    return [[word for _, item in sorted(lives[user]) for word in WORDS[item].split()] for user in users]


def by_gensim(texts: list[list[str]], dim: int, seed: int) -> np.ndarray:
    tagged = [gensim_doc2vec.TaggedDocument(words, [number]) for number, words in enumerate(texts)]
    model = gensim_doc2vec.Doc2Vec(tagged, vector_size=dim, seed=seed, workers=1, hashfxn=stable_hash)
    # Gensim begins where Python's hash of the text says, which is elsewhere on every run.
    stable = partial(gensim_doc2vec.pseudorandom_weak_vector, hashfxn=stable_hash)
    rows = []
    with mock.patch.object(gensim_doc2vec, "pseudorandom_weak_vector", stable):
        for words in texts:
            model.random.seed(seed)
            rows.append(model.infer_vector(words))
    return np.stack(rows)


@pytest.mark.parametrize("seed", [0, 3])
def test_rows_are_what_gensim_infers(seed: int) -> None:
    events = events_of(LIVES)
    rows = Doc2Vec(dim=8).fit(histories_of(events), CATALOGUE, seed).transform(events)
    np.testing.assert_allclose(rows, by_gensim(documents(LIVES), 8, seed), rtol=1e-5, atol=1e-7)


def test_a_user_without_words_has_the_same_row_every_time() -> None:
    events = events_of({**LIVES, "wordless": [(1, 5)]})
    baseline = Doc2Vec(dim=8).fit(histories_of(events), CATALOGUE, 0)
    once, again = baseline.transform(events), baseline.transform(events)
    np.testing.assert_array_equal(once, again)


def test_the_last_behaviours_and_the_last_words_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    life = {"a": [(1, 0), (2, 2), (3, 4), (4, 1)]}
    whole, short = Doc2Vec(), Doc2Vec(recent=2)
    whole._words = short._words = CATALOGUE.words
    events: RaggedEvents = events_of(life)
    assert whole._documents(events) == [["green", "tea", "red", "mug", "ink", "pen", "black", "tea"]]
    assert short._documents(events) == [["ink", "pen", "black", "tea"]]
    monkeypatch.setattr(doc2vec, "_MOST_WORDS", 3)
    assert whole._documents(events) == [["pen", "black", "tea"]]
