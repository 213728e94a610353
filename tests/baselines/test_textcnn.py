"""TextCNN (method section 7.3 and section 12, 29)."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from lurm_cli.baselines.textcnn import TextCnnNetwork, classifier

# Words of items 1 to 4; row 0 is the padding item. Item 4 has no known word.
TABLE = torch.tensor([[0, 0, 0], [1, 2, 0], [3, 0, 0], [2, 4, 5], [0, 0, 0]])
DIM = 7


def network() -> TextCnnNetwork:
    torch.manual_seed(0)
    vectors = torch.randn(6, DIM)
    vectors[0] = 0
    model = TextCnnNetwork(TABLE, vectors, 3).eval()
    with torch.no_grad():
        for bias in model.biases:
            bias.uniform_(-1, 1)
    return model


def by_conv1d(model: TextCnnNetwork, words: list[int]) -> torch.Tensor:
    """Each filter over one text with height - 1 zeros at both ends, ReLU, maximum over time."""
    pooled = []
    for weight, bias in zip(model.filters, model.biases, strict=True):
        height = weight.shape[0]
        text = F.pad(model.words(torch.tensor(words)).T, (height - 1, height - 1))  # (dim, T)
        pooled.append(F.relu(F.conv1d(text[None], weight.permute(2, 1, 0), bias))[0].amax(1))
    return torch.cat(pooled)


def test_a_document_is_the_words_of_all_behaviours_with_padding_at_the_end() -> None:
    items = torch.tensor([[1, 3, 2, 0], [4, 2, 0, 0], [0, 0, 0, 0]])
    documents = network().documents(items)
    assert documents.tolist() == [[1, 2, 2, 4, 5, 3], [3, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]


@settings(max_examples=15)
@given(st.lists(st.lists(st.integers(1, 4), max_size=5), min_size=1, max_size=4))
def test_looked_up_products_are_torchs_convolution_text_by_text(lives: list[list[int]]) -> None:
    model = network()
    items = torch.tensor([life + [0] * (5 - len(life)) for life in lives])
    with torch.no_grad():
        logits = model(items)
        for row, life in zip(logits, lives, strict=True):
            words = [word for item in life for word in TABLE[item].tolist() if word]
            pooled = by_conv1d(model, words) if words else torch.zeros(300)
            torch.testing.assert_close(row, model.out(pooled), rtol=1e-4, atol=1e-5)


def test_gradients_are_those_of_the_convolution() -> None:
    ours, torchs = network(), network()
    items = torch.tensor([[1, 3, 2, 1], [3, 0, 0, 0]])
    ours(items).square().sum().backward()
    documents = ([1, 2, 2, 4, 5, 3, 1, 2], [2, 4, 5])
    torchs.out(torch.stack([by_conv1d(torchs, words) for words in documents])).square().sum().backward()
    for found, expected in zip(ours.parameters(), torchs.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-4, atol=1e-5)


def test_the_maximum_does_not_see_padding() -> None:
    model = network()
    with torch.no_grad():
        # A window of nothing but zeros would give the bias: the greatest value by far.
        for bias in model.biases:
            bias.fill_(5)
        for weight in model.filters:
            weight.copy_(-weight.abs())
        model.words.weight[1:] = 1
        alone = model(torch.tensor([[2]]))
        padded = model(torch.tensor([[2, 0, 0, 0], [3, 3, 3, 3]]))
    torch.testing.assert_close(padded[:1], alone)
    assert not torch.allclose(alone, model.out(torch.full((1, 300), 5.0)))


def test_no_class_has_weights_longer_than_3() -> None:
    model = network()
    with torch.no_grad():
        model.out.weight.copy_(torch.stack([torch.full((300,), 1.0), torch.full((300,), 0.1), torch.zeros(300)]))
        model(torch.tensor([[1]]))
    lengths = model.out.weight.norm(dim=1)
    assert lengths.tolist() == pytest.approx([3, 0.1 * 300**0.5, 0], rel=1e-5)
    # Its direction stays.
    assert model.out.weight[0].tolist() == pytest.approx([3 / 300**0.5] * 300, rel=1e-5)


def test_labels_that_follow_from_the_words_are_learnt() -> None:
    items = np.tile(np.array([[1.0, 0.0], [2.0, 0.0]], dtype=np.float32), (20, 1))
    vectors = network().words.weight.detach().numpy() * 10
    trained = classifier().fit(items, np.arange(40) % 2, TABLE.numpy(), vectors, 0)
    probabilities = trained.predict_proba(items)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert (probabilities.argmax(1) == np.arange(40) % 2).all()


def test_logits_of_a_user_do_not_depend_on_the_others() -> None:
    model, items = network(), torch.tensor([[1, 3, 2], [2, 0, 0], [3, 1, 0]])
    with torch.no_grad():
        alone = torch.cat([model(row[None]) for row in items])
        torch.testing.assert_close(model(items), alone)
