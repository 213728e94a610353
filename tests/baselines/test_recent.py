"""What methods with short input see."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.toy import catalogue_of, events_of, histories_of
from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines import recent
from lurm_cli.baselines.recent import item_words, of_first_users, recent_items, recent_times, word_vectors
from lurm_cli.baselines.supervised import RecentTexts

lives = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=9), min_size=1, max_size=5)


@given(lives, st.integers(1, 10))
def test_the_last_events_are_kept_oldest_first_and_padded_at_the_end(held: list[list[int]], n: int) -> None:
    events = events_of({f"u{user}": [(100 + t, item) for t, item in enumerate(life)] for user, life in enumerate(held)})
    items, times = recent_items(events, n), recent_times(events, n)
    for row, life in enumerate(held):
        kept = life[-n:]
        first = 100 + len(life) - len(kept)
        assert items[row].tolist() == [item + 1 for item in kept] + [0] * (n - len(kept))
        assert times[row].tolist() == [*range(first, 100 + len(life))] + [0] * (n - len(kept))


def test_words_of_unseen_items_are_not_known() -> None:
    catalogue = catalogue_of("green tea", "black tea", "tea pot", "")
    words = item_words(catalogue, histories_of(events_of({"a": [(0, 0), (1, 3)], "b": [(0, 1)]})))
    assert words.vocabulary == ["tea", "black", "green"]
    # Row 0 is the padding item; an item nobody chose has the words that others have.
    assert words.table[words.of_item].tolist() == [[0, 0], [3, 1], [2, 1], [1, 0], [0, 0]]


def test_items_of_the_same_words_are_one_text_and_one_without_words_is_no_padding() -> None:
    catalogue = catalogue_of("red tea", "", "tea", "red tea", "tea red", "unheard")
    events = events_of({"a": [(0, 0), (1, 1), (2, 3)], "b": [(0, 2), (1, 4)]})
    words = item_words(catalogue, histories_of(events))
    assert words.vocabulary == ["tea", "red"]
    assert words.table.tolist() == [[0, 0], [0, 0], [1, 0], [1, 2], [2, 1]]
    assert words.of_item.tolist() == [0, 4, 1, 2, 4, 3, 1]
    assert words.recent_texts(events)[:, :4].tolist() == [[4, 1, 4, 0], [2, 3, 0, 0]]


def test_the_most_frequent_words_are_kept_and_texts_are_cut() -> None:
    catalogue = catalogue_of("a b c", "a b", "a d")
    histories = histories_of(events_of({"u": [(0, 0), (1, 1), (2, 2)]}))
    two = item_words(catalogue, histories, most_words=2)
    assert two.table[two.of_item].tolist() == [[0, 0], [1, 2], [1, 2], [1, 0]]
    one = item_words(catalogue, histories, longest=1)
    assert one.table.tolist() == [[0], [1]] and one.of_item.tolist() == [0, 1, 1, 1]


def test_word_vectors_know_nothing_of_items_that_nobody_had_before_the_cut() -> None:
    histories = histories_of(events_of({"a": [(0, 0), (1, 1)]}))
    vectors = [
        word_vectors(item_words(catalogue_of("green tea", "black tea", later), histories), 6, seed=0)
        for later in ("", "tea black tea green", "tea tea")
    ]
    for other in vectors[1:]:
        np.testing.assert_array_equal(vectors[0], other)


def test_no_more_users_are_read_than_networks_learn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_USERS", 5)
    buckets = [events_of({f"{bucket} {user}": [(0, user)] for user in range(3)}) for bucket in range(4)]
    read = []

    def histories() -> Iterator[RaggedEvents]:
        for bucket in buckets:
            read.append(bucket)
            yield bucket

    found = of_first_users(histories, lambda events: recent_items(events, 1))
    assert found.tolist() == [[1], [2], [3], [1], [2]]
    assert len(read) == 2


def test_word_vectors_have_zeros_for_padding_and_a_row_a_word() -> None:
    catalogue = catalogue_of("green tea", "black tea", "mug")
    words = item_words(catalogue, histories_of(events_of({"a": [(0, 0), (1, 1), (2, 2)]})))
    vectors = word_vectors(words, 6, seed=0)
    assert vectors.shape == (5, 6) and vectors.dtype == np.float32
    assert not vectors[0].any() and vectors[1:].any(axis=1).all()


def test_the_input_of_supervised_methods_is_the_texts_of_the_last_fifty_items() -> None:
    catalogue = catalogue_of("green tea", "black tea", "mug")
    events = events_of({"a": [(t, t % 3) for t in range(60)], "b": [(0, 2)]})
    made = RecentTexts(word_dim=4).fit(histories_of(events), catalogue, 0)
    rows = made.transform(events)
    assert rows.dtype == np.float32 and rows.shape == (2, 50)
    words = made.extras["text_words"][rows.astype(int)]
    assert words[0].tolist() == [[[3, 1], [2, 1], [4, 0]][t % 3] for t in range(10, 60)]
    assert words[1].tolist() == [[4, 0]] + [[0, 0]] * 49
    assert made.extras["text_words"].shape == (4, 2) and made.extras["word_vectors"].shape == (5, 4)
