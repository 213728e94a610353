"""Readable names of interests."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lurm_cli.interests.central import CentralItems, nearest_items
from lurm_cli.interests.labels import N_WORDS, interest_labels, names_by_items
from lurm_cli.interests.naming import Naming
from lurm_cli.interests.words import WordCounts
from lurm_cli.items.text import encode_texts

TEXTS = [["green", "tea", "the"], ["black", "tea", "the"], ["tea", "pot"], ["nut", "bar", "the"], ["nut", "mix"], []]
LABELS = np.array([0, 0, 0, 1, 1, 2])
IDS = np.array(["i0", "i1", "i2", "i3", "i4", "i5"], dtype=object)
SIMILARITY = np.array([0.5, 0.9, 0.7, 0.1, 0.2, 0.3])


def names_of(
    labels: np.ndarray, texts: list[list[str]], central: np.ndarray, ids: np.ndarray, n_words: int = N_WORDS
) -> list[str]:
    words = WordCounts(len(central))
    words.add(labels, texts)
    return interest_labels(*words.table(), names_by_items(central, dict(enumerate(ids))), n_words)


def test_central_items_come_best_first_and_ties_by_number() -> None:
    assert nearest_items(LABELS, SIMILARITY, 4).tolist() == [[1, 2, 0], [4, 3, -1], [5, -1, -1], [-1, -1, -1]]
    assert nearest_items(np.array([0, 0, 0]), np.ones(3), 1, n=2).tolist() == [[0, 1]]


def test_items_without_an_interest_are_central_to_none() -> None:
    assert nearest_items(np.array([-1, 0, -1]), np.array([9.0, 1.0, 9.0]), 1).tolist() == [[1, -1, -1]]


def test_telling_words_come_first_and_interests_without_text_are_named_by_items() -> None:
    names = names_of(LABELS, TEXTS, nearest_items(LABELS, SIMILARITY, 4), IDS)
    assert [name.split(" · ")[0] for name in names] == ["tea", "nut", "i5", "(empty)"]


def test_the_score_is_the_share_in_the_interest_times_the_rarity_outside() -> None:
    names = names_of(LABELS, TEXTS, nearest_items(LABELS, SIMILARITY, 4), IDS, n_words=8)
    everywhere = [word for text in TEXTS for word in text]
    average = len(everywhere) / 4
    own = [word for text in TEXTS[:3] for word in text]
    vocabulary = encode_texts(TEXTS).vocabulary
    score = {w: own.count(w) / len(own) * np.log1p(average / everywhere.count(w)) for w in own}
    assert names[0].split(" · ") == sorted(score, key=lambda w: (-score[w], vocabulary.index(w)))


words_of = st.lists(st.lists(st.sampled_from(["a", "b", "c"]), max_size=3), min_size=1, max_size=12)


@given(words_of, st.data())
def test_names_are_unique_and_the_same_on_every_run(texts: list[list[str]], data: st.DataObject) -> None:
    n = len(texts)
    labels = np.array(data.draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n)))
    similarity = np.array(data.draw(st.lists(st.sampled_from([0.1, 0.2]), min_size=n, max_size=n)))
    # Ids that look like the numbered names themselves.
    ids = np.array([f"a ({number})" for number in range(n)], dtype=object)
    central = nearest_items(labels, similarity, 4)
    names = names_of(labels, texts, central, ids)
    assert len(set(names)) == len(names) == 4
    assert names_of(labels, texts, central, ids) == names


def test_equal_names_are_numbered_past_names_that_exist() -> None:
    texts = [["a"], ["a"], []]
    ids = np.array(["x", "y", "a (2)"], dtype=object)
    labels = np.array([0, 1, 2])
    names = names_of(labels, texts, nearest_items(labels, np.ones(3), 3), ids)
    assert names == ["a", "a (3)", "a (2)"]


@given(words_of, st.integers(1, 5), st.data())
def test_words_and_central_items_are_the_same_by_block(texts: list[list[str]], block: int, data: st.DataObject) -> None:
    n = len(texts)
    labels = np.array(data.draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n)))
    similarity = np.array(data.draw(st.lists(st.sampled_from([0.1, 0.2]), min_size=n, max_size=n)))
    whole, by_block, central = WordCounts(4), WordCounts(4), CentralItems(4)
    whole.add(labels, texts)
    for start in range(0, n, block):
        by_block.add(labels[start : start + block], texts[start : start + block])
        central.add(labels[start : start + block], similarity[start : start + block])
    (counts, vocabulary), (expected, words) = by_block.table(), whole.table()
    assert vocabulary == words == encode_texts(texts).vocabulary
    assert counts.toarray().tolist() == expected.toarray().tolist()
    for interest, row in enumerate(counts.toarray()[:, : len(words)]):
        own = [word for text, label in zip(texts, labels, strict=True) if label == interest for word in text]
        assert row.tolist() == [own.count(word) for word in words]
    assert central.codes().tolist() == nearest_items(labels, similarity, 4).tolist()


def test_without_words_an_interest_is_named_as_if_ids_were_words() -> None:
    rng = np.random.default_rng(0)
    labels, ids = rng.integers(-1, 5, 60), np.array([f"i{number:02}" for number in range(60)], dtype=object)
    central = nearest_items(labels, rng.random(60), 6)
    naming = Naming(6, None)
    for start in range(0, 60, 25):
        naming.add(labels[start : start + 25])
    names = naming.names(central, lambda codes: {code: ids[code] for code in codes.tolist()})
    assert names == names_of(labels, [[name] for name in ids], central, ids)
    assert names[0] == " · ".join(ids[labels == 0][:4]) and names[5] == "(empty)"
