"""Words of a text, their numbers, and how many of them count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lurm_cli.items.text import encode_texts, join_columns, tokenize, truncation_length

word_lists = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), max_size=15)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Green TEA, 250g!", ["green", "tea", "250g"]),
        ("<b>Tom &amp; Jerry</b><br/>Season&nbsp;1", ["tom", "jerry", "season", "1"]),
        ("Café Über 咖啡", ["café", "über", "咖啡"]),
        ("3 < 4 & so on", ["3", "4", "so", "on"]),
        ("... !", []),
        ("", []),
    ],
)
def test_words_are_lower_case_and_without_markup(text: str, words: list[str]) -> None:
    assert tokenize(text) == words


@given(word_lists, st.integers(1, 4))
def test_numbers_stand_for_the_words_of_sufficient_count_in_their_order(texts: list[list[str]], least: int) -> None:
    encoded = encode_texts(texts, least)
    flat = [word for text in texts for word in text]
    counts = {word: flat.count(word) for word in set(flat)}
    # Most frequent first, ties in alphabetical order: numbers do not depend on the order of the items.
    expected = sorted((w for w in counts if counts[w] >= least), key=lambda w: (-counts[w], w))
    assert encoded.vocabulary == expected
    for row, text in enumerate(texts):
        own = encoded.words[encoded.indptr[row] : encoded.indptr[row + 1]]
        assert [encoded.vocabulary[number] for number in own] == [word for word in text if counts[word] >= least]


@given(word_lists, st.integers(1, 3), st.data())
def test_words_that_no_taught_text_holds_are_left_out(texts: list[list[str]], least: int, data: st.DataObject) -> None:
    taught = np.array(data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts))), dtype=bool)
    known = {word for text, is_taught in zip(texts, taught, strict=True) if is_taught for word in text}
    expected = encode_texts([[word for word in text if word in known] for text in texts], least)
    found = encode_texts(iter(texts), least, taught)
    assert found.vocabulary == expected.vocabulary
    assert found.words.tolist() == expected.words.tolist() and found.indptr.tolist() == expected.indptr.tolist()


@given(word_lists, st.integers(1, 9))
def test_truncation_keeps_the_first_words_of_every_text(texts: list[list[str]], length: int) -> None:
    cut = encode_texts(texts).truncated(length)
    for row, text in enumerate(texts):
        own = cut.words[cut.indptr[row] : cut.indptr[row + 1]]
        assert [cut.vocabulary[number] for number in own] == text[:length]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=80))
def test_the_truncation_length_is_the_shortest_that_covers_95_percent_of_the_texts(sizes: list[int]) -> None:
    lengths = np.array(sizes)
    filled = lengths[lengths > 0]
    found = truncation_length(lengths)
    if not len(filled):
        assert found == 1
        return
    # In whole numbers, as .95 has no exact float.
    assert 100 * (filled <= found).sum() >= 95 * len(filled)
    assert 100 * (filled <= found - 1).sum() < 95 * len(filled)


def test_the_truncation_length_of_texts_of_1_to_100_words_is_95() -> None:
    assert truncation_length(np.arange(1, 101)) == 95
    # Items without text say nothing of how long texts are.
    assert truncation_length(np.concatenate([np.zeros(900, dtype=int), np.arange(1, 101)])) == 95


def test_columns_are_joined_without_gaps() -> None:
    assert join_columns([["a", "", "c"], ["x", "y", ""]]) == ["a x", "y", "c"]
