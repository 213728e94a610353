"""TF-IDF and its decomposition against scikit-learn (method section 12, 26)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from baselines.toy import catalogue_of, events_of, histories_of, random_lives
from lurm_cli.baselines.svd import Svd
from lurm_cli.baselines.tfidf import TfIdf

TOY = catalogue_of("green tea", "black tea tea", "coffee beans", "milk", "", "never chosen")
LIVES = {"ann": [(1, 0), (2, 1), (3, 1)], "bob": [(1, 2), (2, 3)], "cem": [(5, 3), (9, 0)], "dan": [(1, 4)]}


def documents(lives: dict[str, list[tuple[int, int]]], words: list[list[str]]) -> list[str]:
    """All words of all behaviours of each user, in the order of the users' bytes."""
    return [" ".join(word for _, item in lives[user] for word in words[item]) for user in sorted(lives, key=str.encode)]


def by_scikit_learn(lives: dict[str, list[tuple[int, int]]], words: list[list[str]]) -> tuple[list[str], np.ndarray]:
    vectorizer = TfidfVectorizer(analyzer=str.split)
    rows = vectorizer.fit_transform(documents(lives, words)).toarray()
    return vectorizer.get_feature_names_out().tolist(), rows


def test_tfidf_is_scikit_learns() -> None:
    events = events_of(LIVES)
    fitted = TfIdf().fit(histories_of(events), TOY, 0)
    names, expected = by_scikit_learn(LIVES, TOY.words)
    # Words of items that nobody has chosen are not known.
    assert fitted.vocabulary == names == ["beans", "black", "coffee", "green", "milk", "tea"]
    rows = fitted.transform(events)
    assert rows.dtype == np.float32 and rows.has_sorted_indices
    np.testing.assert_allclose(rows.toarray(), expected, atol=1e-6)
    # idf = ln((1 + n) / (1 + df)) + 1: tea stands in two of four documents.
    assert fitted.idf[names.index("tea")] == pytest.approx(np.log(5 / 3) + 1)
    # A user of items without words is a row of zeros, not of NaN.
    assert rows[3].nnz == 0


words = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=4), min_size=1, max_size=6)


@given(words, st.data())
def test_tfidf_is_scikit_learns_on_any_corpus(texts: list[list[str]], data: st.DataObject) -> None:
    chosen = st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=8)
    lives = {
        f"u{k}": list(enumerate(items)) for k, items in enumerate(data.draw(st.lists(chosen, min_size=2, max_size=6)))
    }
    if not any(texts[item] for life in lives.values() for _, item in life):
        return
    names, expected = by_scikit_learn(lives, texts)
    users = sorted(lives)
    buckets = [events_of({u: lives[u] for u in users[:1]}), events_of({u: lives[u] for u in users[1:]})]
    fitted = TfIdf().fit(histories_of(*buckets), catalogue_of(*map(" ".join, texts)), 0)
    assert fitted.vocabulary == names
    rows = np.vstack([fitted.transform(bucket).toarray() for bucket in buckets])
    np.testing.assert_allclose(rows, expected, atol=1e-6)


def test_a_cap_keeps_the_words_of_most_users() -> None:
    fitted = TfIdf(max_features=2).fit(histories_of(events_of(LIVES)), TOY, 0)
    # Three words stand in two documents each; of these the first two by spelling.
    assert fitted.vocabulary == ["green", "milk"]
    assert fitted.parameters == {"max_features": 2}


def test_an_unseen_user_gets_weights_of_the_known_users() -> None:
    fitted = TfIdf().fit(histories_of(events_of(LIVES)), TOY, 0)
    row = fitted.transform(events_of({"new": [(1, 2), (2, 5)]})).toarray()[0]
    assert row[[fitted.vocabulary.index("beans"), fitted.vocabulary.index("coffee")]] == pytest.approx([0.5**0.5] * 2)
    assert np.count_nonzero(row) == 2


def test_svd_is_scikit_learns_up_to_sign() -> None:
    rng = np.random.default_rng(0)
    vocabulary = [f"w{k}" for k in range(25)]
    catalogue = catalogue_of(*(" ".join(rng.choice(vocabulary, 3)) for _ in range(30)))
    lives = random_lives(60, 30)
    _, rows = by_scikit_learn(lives, catalogue.words)
    events = events_of(lives)
    found = Svd(dim=4).fit(histories_of(events), catalogue, 0).transform(events)
    # The exact solver, whereas ours is randomised: what they agree on is the decomposition.
    expected = TruncatedSVD(4, algorithm="arpack", random_state=1).fit_transform(rows)
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * signs, expected, atol=2e-3)
    same = TruncatedSVD(4, random_state=0).fit_transform(rows)
    np.testing.assert_allclose(np.abs(found), np.abs(same), atol=1e-4)


def test_svd_has_no_more_components_than_there_are() -> None:
    events = events_of(LIVES)
    rows = Svd(dim=128).fit(histories_of(events), TOY, 0).transform(events)
    assert rows.shape == (4, 3) and rows.dtype == np.float32


def test_of_one_word_or_one_user_the_rows_stay_as_they_are() -> None:
    one_word = events_of({"a": [(1, 0)], "b": [(1, 0)]})
    rows = Svd().fit(histories_of(one_word), catalogue_of("tea"), 0).transform(one_word)
    assert rows.tolist() == [[1.0], [1.0]]
    one_user = events_of({"a": [(1, 0), (2, 1)]})
    made = Svd().fit(histories_of(one_user), TOY, 0)
    np.testing.assert_allclose(made.transform(one_user), made._tfidf.transform(one_user).toarray())
