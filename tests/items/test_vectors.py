"""Method section 12 (1): vectors of unit length that see neither the order of words nor other items."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from items.catalogues import random_texts, reordered, select
from lurm_cli.items import vectors
from lurm_cli.items.contrastive import ItemEncoder, encode_items
from lurm_cli.items.text import EncodedTexts, encode_texts
from lurm_cli.items.vectors import concatenate, mean_vectors, unit_rows


def contrastive(texts: EncodedTexts) -> np.ndarray:
    torch.manual_seed(0)
    return encode_items(ItemEncoder(torch.randn(12, 16)), texts)


def averaged(texts: EncodedTexts) -> np.ndarray:
    return mean_vectors(texts, np.random.default_rng(0).normal(size=(12, 16)).astype(np.float32))


Encode = Callable[[EncodedTexts], np.ndarray]
both = pytest.mark.parametrize("encode", [contrastive, averaged])


@both
def test_1_vectors_have_unit_length(encode: Encode) -> None:
    assert np.linalg.norm(encode(random_texts()), axis=1) == pytest.approx(np.ones(40), abs=1e-6)


@both
def test_1_the_order_of_words_does_not_matter(encode: Encode) -> None:
    texts = random_texts()
    other = reordered(texts)
    assert (other.words != texts.words).any()
    assert encode(other) == pytest.approx(encode(texts), abs=1e-6)


@both
def test_1_padding_does_not_matter(encode: Encode) -> None:
    # What would pad a short text are the longer ones beside it: alone, with all, and among others it is the same.
    texts = random_texts()
    together = encode(texts)
    for row in range(40):
        assert encode(select(texts, [row]))[0] == pytest.approx(together[row], abs=1e-6)
    assert encode(select(texts, [39, 0, 0])) == pytest.approx(together[[39, 0, 0]], abs=1e-6)


@both
def test_an_item_without_a_word_gets_zeros_and_changes_no_other(encode: Encode) -> None:
    words = [f"w{number}" for number in range(12)]
    filled = [words, words[:3], words[5:6]]
    with_gaps = encode(encode_texts([[], *filled[:2], [], filled[2], []]))
    assert not with_gaps[[0, 3, 5]].any()
    assert with_gaps[[1, 2, 4]] == pytest.approx(encode(encode_texts(filled)), abs=1e-6)


def test_the_average_counts_a_repeated_word_as_often_as_it_stands() -> None:
    texts = encode_texts([["a", "a", "a", "b"]])
    assert mean_vectors(texts, np.eye(2, dtype=np.float32))[0] == pytest.approx(np.array([3, 1]) / np.sqrt(10))


def test_equation_1_by_hand() -> None:
    """The mean of the words, two residual blocks z + A2 ReLU(A1 z + a1) + a2, unit length."""
    torch.manual_seed(0)
    encoder, texts = ItemEncoder(torch.randn(12, 16)), random_texts()
    own = texts.words[texts.indptr[4] : texts.indptr[5]]
    z = encoder.words.weight[torch.from_numpy(own.astype(np.int64))].mean(0)
    for block in encoder.blocks:
        inner = torch.relu(block.first.weight @ z + block.first.bias)
        z = z + block.second.weight @ inner + block.second.bias
    expected = (z / z.norm()).detach().numpy()
    assert encode_items(encoder, texts)[4] == pytest.approx(expected, abs=1e-6)


def test_unit_rows_leave_zeros_as_they_are() -> None:
    assert unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])) == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0]]))


@pytest.mark.parametrize("scale", [1e-42, 1e-25, 1e-16, 1.0, 1e18, 1e25, 1e38])
def test_unit_rows_have_length_1_wherever_floats_reach(scale: float) -> None:
    rows = np.array([[3.0, 0.0], [3.0, 4.0], [0.0, 0.0]]) * [[1.0], [scale / 2], [1.0]]
    assert unit_rows(rows.astype(np.float32)) == pytest.approx(np.array([[1, 0], [0.6, 0.8], [0, 0]]), abs=1e-3)


def test_rows_by_blocks_are_the_rows_of_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    long, short = rng.normal(size=(10, 7)), rng.normal(size=(10, 3)).astype(np.float32)
    texts, words = encode_texts([list(rng.choice(list("abcde"), size)) for size in range(10)]), rng.normal(size=(5, 4))
    whole = unit_rows(long), concatenate([long, short]), mean_vectors(texts, words)
    monkeypatch.setattr(vectors, "_ROWS", 4)
    for by_blocks, at_once in zip(
        (unit_rows(long), concatenate([long, short]), mean_vectors(texts, words)), whole, strict=True
    ):
        np.testing.assert_array_equal(by_blocks, at_once)
        assert by_blocks.dtype == np.float32


def test_joined_encoders_weigh_the_same_and_one_may_be_silent() -> None:
    long, short = np.array([[30.0, 40.0], [0.0, 0.0]]), np.array([[0.1], [0.1]])
    joined = concatenate([long, short])
    assert joined[0] == pytest.approx(np.array([0.6, 0.8, 1.0]) / np.sqrt(2), abs=1e-6)
    assert joined[1].tolist() == [0, 0, 1]
