"""SUMN (method section 7.6 and section 12, 27)."""

from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from baselines.toy import catalogue_of, events_of, histories_of
from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines import sumn
from lurm_cli.baselines.network import Loss
from lurm_cli.baselines.sumn import Sumn, SumnNetwork, halves, target_words

# Words of items 1 to 5; row 0 is the padding item. Item 5 has no known word.
TABLE = np.array([[0, 0, 0], [1, 2, 0], [3, 0, 0], [2, 3, 4], [5, 5, 1], [0, 0, 0]])
N_WORDS = 5
A_FEW = np.array([[1, 3, 2, 0, 0], [4, 4, 0, 0, 0]])

histories = st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=8), min_size=1, max_size=5)


def padded(lives: list[list[int]]) -> np.ndarray:
    return np.array([life + [0] * (8 - len(life)) for life in lives])


def network(**options: int) -> SumnNetwork:
    torch.manual_seed(0)
    return SumnNetwork(torch.from_numpy(TABLE), N_WORDS, dim=8, decoder=16, **options).eval()


def untrained(events: RaggedEvents, n_items: int) -> tuple[SumnNetwork, Loss]:
    """The network and the loss that would be trained, on items of one word each."""
    caught = []
    with mock.patch.object(sumn, "train", lambda model, loss, *_, **__: caught.append((model, loss))):
        Sumn(dim=4).fit(histories_of(events), catalogue_of(*(f"word{k}" for k in range(n_items))), 0)
    return caught[0]


def attention(model: SumnNetwork, items: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Weights of every hop, as the network computed them, and its states."""
    weights = []

    def spy(scores: Tensor, mask: Tensor) -> Tensor:
        weights.append(original(scores, mask))
        return weights[-1]

    original = sumn.masked_softmax
    with mock.patch.object(sumn, "masked_softmax", spy), torch.no_grad():
        states = model(items)
    return weights, states


@given(histories)
def test_targets_are_uniform_over_the_distinct_words_and_sum_to_1(lives: list[list[int]]) -> None:
    targets = target_words(TABLE, padded(lives), N_WORDS)
    for row, life in zip(targets, lives, strict=True):
        words = sorted({word for item in life for word in TABLE[item].tolist()} - {0})
        assert (np.flatnonzero(row) + 1).tolist() == words
        if words:
            assert row.sum() == pytest.approx(1, abs=1e-6)
            np.testing.assert_allclose(row[np.array(words) - 1], 1 / len(words), rtol=1e-6)


@given(histories, st.integers(0, 100))
def test_every_behaviour_is_either_read_or_predicted(lives: list[list[int]], seed: int) -> None:
    items = padded(lives)
    read, rest = halves(items, np.random.default_rng(seed))
    assert not ((read > 0) & (rest > 0)).any()
    np.testing.assert_array_equal(read + rest, items)
    n_read, n_rest = (read > 0).sum(1), (rest > 0).sum(1)
    assert (n_read - n_rest <= 1).all() and (n_read >= n_rest).all()


def test_every_split_in_halves_is_as_likely_as_any_other() -> None:
    draws = np.tile([[1, 2, 3, 4, 0]], (6000, 1))
    read, _ = halves(draws, np.random.default_rng(0))
    # Six ways to choose two of four; 1000 +- 29 each.
    counts = np.unique(read, axis=0, return_counts=True)[1]
    assert len(counts) == 6 and (abs(counts - 1000) < 150).all()


def test_the_loss_asks_for_words_of_the_behaviours_that_were_not_read() -> None:
    # Each item has one word of its own and no user has an item twice, so that words tell behaviours.
    model, loss = untrained(events_of({"a": [(t, t) for t in range(6)], "b": [(t, t) for t in range(4)]}), 6)
    read, asked = [], []
    model.register_forward_pre_hook(lambda _, given: read.append(target_words(model.table.numpy(), *given, 6) > 0))

    def spy(*given: object) -> np.ndarray:
        asked.append(target_words(*given) > 0)
        return target_words(*given)

    with mock.patch.object(sumn, "target_words", spy):
        for seed in range(5):
            loss(np.array([0, 1]), np.random.default_rng(seed))
    for words, others in zip(asked, read, strict=True):
        assert not (words & others).any()
        assert words.sum(1).tolist() == [3, 2] and others.sum(1).tolist() == [3, 2]


def test_the_loss_is_the_mean_over_hops_of_the_cross_entropy_with_the_target() -> None:
    model, loss = untrained(events_of({"a": [(0, 0), (1, 2), (2, 1)], "b": [(0, 2), (1, 0)]}), 3)
    model.eval()
    read, rest = np.array([[1, 3, 0], [3, 0, 0]]), np.array([[0, 0, 2], [0, 1, 0]])
    with mock.patch.object(sumn, "halves", return_value=(read, rest)), torch.no_grad():
        value = loss(np.array([0, 1]), np.random.default_rng(0)).item()
        target = torch.from_numpy(target_words(model.table.numpy(), rest, 3))
        by_hop = [F.cross_entropy(model.decoder(state), target).item() for state in model(torch.from_numpy(read))]
    assert len(set(by_hop)) == 5
    assert value == pytest.approx(np.mean(by_hop), rel=1e-6)


def test_a_behaviour_is_the_mean_of_its_word_vectors() -> None:
    model = network()
    with torch.no_grad():
        words = model.words.weight
        one = F.relu(model.behaviour(words[[2, 3, 4]].mean(0)))
        keys, values = model.read(torch.tensor([[3, 0]]))
        torch.testing.assert_close(keys[0, 0], model.key_norm(model.key(one)))
        torch.testing.assert_close(values[0, 0], model.value_norm(model.value(one)))
    assert not values[0, 1].any() and not words[0].any()


def test_padding_gets_weight_zero_and_real_behaviours_share_1() -> None:
    items = torch.tensor([[1, 3, 2, 0, 0], [4, 5, 0, 0, 2]])
    weights, _ = attention(network(), items)
    assert len(weights) == 5
    for hop in weights:
        # Item 5 has no word and is padding, too.
        assert not hop[torch.tensor([[0, 0, 0, 1, 1], [0, 1, 1, 1, 0]], dtype=torch.bool)].any()
        torch.testing.assert_close(hop.sum(1), torch.ones(2))
        assert (hop[0, :3] > 0).all()


def test_padding_changes_nothing() -> None:
    model = network()
    with torch.no_grad():
        bare = torch.stack(model(torch.tensor([[1, 3, 2]])))
        behind = torch.stack(model(torch.tensor([[1, 3, 2, 0, 0, 0]])))
        between = torch.stack(model(torch.tensor([[0, 1, 0, 3, 5, 2]])))
    torch.testing.assert_close(behind, bare)
    torch.testing.assert_close(between, bare)


def test_who_has_read_nothing_stays_at_the_learnt_start() -> None:
    model = network()
    with torch.no_grad():
        states = model(torch.zeros(1, 3, dtype=torch.int64))
        for state in states:
            torch.testing.assert_close(state, model.state_norm(model.start))


def test_five_states_each_from_the_one_before() -> None:
    model, items = network(), torch.from_numpy(A_FEW)
    weights, states = attention(model, items)
    assert len(states) == 5 and all(state.shape == (2, 8) for state in states)
    with torch.no_grad():
        keys, values = model.read(items)
        state = query = model.start.expand(2, -1)
        real = items > 0
        for found, expected_state in zip(weights, states, strict=True):
            score = (keys @ query[..., None])[..., 0]
            score[~real] -= 1e8
            hop = torch.softmax(score, 1)
            torch.testing.assert_close(found, hop)
            state = state + (hop[..., None] * values).sum(1)
            query = F.layer_norm(state, (8,))
            torch.testing.assert_close(expected_state, query)


def test_one_decoder_serves_all_hops() -> None:
    model, loss = untrained(events_of({"a": [(0, 0), (1, 1)]}), 2)
    calls = []
    model.decoder.register_forward_hook(lambda *_: calls.append(1))
    loss(np.array([0]), np.random.default_rng(0))
    assert len(calls) == 5
    # More hops need no more weights.
    sizes = [sum(weight.numel() for weight in network(hops=hops).parameters()) for hops in (1, 5)]
    assert sizes[0] == sizes[1]


def test_the_representation_is_the_last_hop() -> None:
    catalogue, events = catalogue_of("red tea", "mug", "cap"), events_of({"a": [(0, 0), (1, 1)], "b": [(0, 2), (5, 0)]})
    baseline = Sumn(dim=4, epochs=1).fit(histories_of(events), catalogue, 0)
    with torch.no_grad():
        states = baseline.network(torch.from_numpy(baseline.words.of_item[[[1, 2], [3, 1]]]))
    np.testing.assert_allclose(baseline.transform(events), states[4].numpy(), rtol=1e-5, atol=1e-6)
    assert not torch.allclose(states[4], states[3])
