"""Readable names of interests."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lurm_cli.interests.labels import interest_labels, nearest_items
from lurm_cli.items.text import encode_texts

TEXTS = encode_texts(
    [["green", "tea", "the"], ["black", "tea", "the"], ["tea", "pot"], ["nut", "bar", "the"], ["nut", "mix"], []]
)
LABELS = np.array([0, 0, 0, 1, 1, 2])
IDS = np.array(["i0", "i1", "i2", "i3", "i4", "i5"], dtype=object)
SIMILARITY = np.array([0.5, 0.9, 0.7, 0.1, 0.2, 0.3])


def test_central_items_come_best_first_and_ties_by_number() -> None:
    assert nearest_items(LABELS, SIMILARITY, 4).tolist() == [[1, 2, 0], [4, 3, -1], [5, -1, -1], [-1, -1, -1]]
    assert nearest_items(np.array([0, 0, 0]), np.ones(3), 1, n=2).tolist() == [[0, 1]]


def test_items_without_an_interest_are_central_to_none() -> None:
    assert nearest_items(np.array([-1, 0, -1]), np.array([9.0, 1.0, 9.0]), 1).tolist() == [[1, -1, -1]]


def test_telling_words_come_first_and_interests_without_text_are_named_by_items() -> None:
    names = interest_labels(LABELS, TEXTS, nearest_items(LABELS, SIMILARITY, 4), IDS)
    assert [name.split(" · ")[0] for name in names] == ["tea", "nut", "i5", "(empty)"]


def test_the_score_is_the_share_in_the_interest_times_the_rarity_outside() -> None:
    names = interest_labels(LABELS, TEXTS, nearest_items(LABELS, SIMILARITY, 4), IDS, n_words=8)
    words = [word for number in range(5) for word in TEXTS.words[TEXTS.indptr[number] : TEXTS.indptr[number + 1]]]
    average = len(words) / 4
    own = [TEXTS.vocabulary[word] for word in TEXTS.words[: TEXTS.indptr[3]]]
    everywhere = [TEXTS.vocabulary[word] for word in words]
    score = {w: own.count(w) / len(own) * np.log1p(average / everywhere.count(w)) for w in own}
    assert names[0].split(" · ") == sorted(score, key=lambda w: (-score[w], TEXTS.vocabulary.index(w)))


words_of = st.lists(st.lists(st.sampled_from(["a", "b", "c"]), max_size=3), min_size=1, max_size=12)


@given(words_of, st.data())
def test_names_are_unique_and_the_same_on_every_run(texts: list[list[str]], data: st.DataObject) -> None:
    n = len(texts)
    labels = np.array(data.draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n)))
    similarity = np.array(data.draw(st.lists(st.sampled_from([0.1, 0.2]), min_size=n, max_size=n)))
    # Ids that look like the numbered names themselves.
    ids = np.array([f"a ({number})" for number in range(n)], dtype=object)
    encoded, central = encode_texts(texts), nearest_items(labels, similarity, 4)
    names = interest_labels(labels, encoded, central, ids)
    assert len(set(names)) == len(names) == 4
    assert interest_labels(labels, encoded, central, ids) == names


def test_equal_names_are_numbered_past_names_that_exist() -> None:
    texts = encode_texts([["a"], ["a"], []])
    ids = np.array(["x", "y", "a (2)"], dtype=object)
    labels = np.array([0, 1, 2])
    names = interest_labels(labels, texts, nearest_items(labels, np.ones(3), 3), ids)
    assert names == ["a", "a (3)", "a (2)"]
