"""PTUM (method section 7.5 and section 12, 28)."""

from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from baselines.toy import HOUR, catalogue_of, events_of, histories_of
from lurm_cli.baselines import ptum
from lurm_cli.baselines.ptum import Candidates, Lives, Ptum, PtumNetwork, gap_buckets

SECOND = 1_000_000
# Text 3 has no words, as has padding.
TABLE = np.array([[0, 0], [1, 2], [3, 0], [0, 0], [2, 1], [4, 0], [5, 1]])


def network(recent: int = 50) -> PtumNetwork:
    torch.manual_seed(0)
    vectors = torch.randn(6, 12)
    vectors[0] = 0
    return PtumNetwork(torch.from_numpy(TABLE), vectors, recent).eval()


def pretrained() -> Ptum:
    baseline = Ptum()
    baseline.network = network()
    return baseline


def lives(*items: list[int], width: int = 6) -> np.ndarray:
    return np.array([[*life, *[0] * (width - len(life))] for life in items])


@given(st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=6), min_size=2, max_size=6), st.integers(0, 50))
def test_one_of_five_candidates_is_right_and_no_other_has_its_text(held: list[list[int]], seed: int) -> None:
    items = lives(*held)
    if len(np.unique(items[items > 0])) < 2:
        return
    users = np.repeat(np.arange(len(items)), 4)
    positive = items[users, 0]
    choice = Candidates(items).draw(positive, users, np.random.default_rng(seed))
    assert choice.shape == (len(users), 5)
    np.testing.assert_array_equal(choice[:, 0], positive)
    assert (choice == positive[:, None]).sum(1).tolist() == [1] * len(users)
    assert np.isin(choice, items[items > 0]).all()


def test_wrong_candidates_are_drawn_as_often_as_others_have_chosen_them() -> None:
    items = lives([1, 5], [2, 2, 2], [1, 6])
    choice = Candidates(items).draw(np.full(5000, 1), np.zeros(5000, dtype=np.int64), np.random.default_rng(0))
    # Text 5 is the user's own, and text 1 is the right one.
    assert np.unique(choice[:, 1:]).tolist() == [2, 6]
    assert (choice[:, 1:] == 2).mean() == pytest.approx(3 / 4, abs=0.02)


def test_where_others_have_nothing_else_the_user_s_own_behaviours_are_wrong_candidates() -> None:
    items = lives([1, 5, 2], [1])
    choice = Candidates(items).draw(np.full(20, 1), np.zeros(20, dtype=np.int64), np.random.default_rng(0))
    assert set(choice[:, 1:].ravel().tolist()) <= {5, 2}


@pytest.mark.parametrize("k", range(1, 40))
def test_a_gap_bucket_is_the_floor_of_log2_of_seconds_plus_1_and_31_at_most(k: int) -> None:
    times = np.cumsum([[SECOND, (2**k - 2) * SECOND, (2**k - 1) * SECOND, 0]], axis=1)
    buckets = gap_buckets(times, np.ones((1, 4), dtype=bool))
    assert buckets.tolist() == [[min(31, k - 1), min(31, k), 0, 0]]


def test_the_last_behaviour_and_padding_have_gap_bucket_0() -> None:
    times = np.array([[5 * HOUR, 6 * HOUR, 9 * HOUR, 0, 0], [-9 * HOUR, 0, 0, 0, 0]])
    real = np.array([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], dtype=bool)
    assert gap_buckets(times, real).tolist() == [[11, 13, 0, 0, 0], [0, 0, 0, 0, 0]]


def test_padding_changes_no_representation() -> None:
    baseline = pretrained()
    items, gaps = np.array([[1, 2, 3]]), np.array([[4, 7, 0]])
    wide_items, wide_gaps = np.zeros((2, 50), dtype=np.int64), np.zeros((2, 50), dtype=np.int64)
    wide_items[0, :3], wide_gaps[0, :3] = items, gaps
    # Whatever stands at a padded place is not looked at.
    wide_items[1, :50], wide_gaps[0, 3:] = 2, 9
    with torch.no_grad():
        torch.testing.assert_close(baseline._user(wide_items, wide_gaps)[:1], baseline._user(items, gaps))


def test_a_text_does_not_depend_on_its_padding() -> None:
    model, wider = network(), network()
    wider.table = F.pad(wider.table, (0, 3))
    wider.word_position = torch.nn.Parameter(torch.cat([model.word_position, torch.randn(3, 12)]))
    items = torch.tensor([[0, 1, 2, 3]])
    with torch.no_grad():
        torch.testing.assert_close(wider.texts(items), model.texts(items))
        assert not model.texts(items)[0, [0, 3]].any()


def test_attention_of_sixteen_heads_is_torchs() -> None:
    torch.manual_seed(0)
    attention, x = ptum.SelfAttention(12), torch.randn(2, 4, 12)
    mask = torch.tensor([[True, True, True, False], [True, False, False, False]])
    q, k, v = (part.unflatten(2, (16, 16)).transpose(1, 2) for part in attention.qkv(x).chunk(3, dim=2))
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :]).transpose(1, 2).flatten(2)
    torch.testing.assert_close(attention(x, mask), expected)


def shown(step: str, items: np.ndarray) -> dict[str, list]:
    """What a task gives the network: items and positions of the input, and candidates with their places."""
    baseline, seen = pretrained(), {"texts": [], "positions": [], "gaps": [], "place": []}
    texts, users, loss = baseline.network.texts, baseline.network.users, baseline._loss

    def of_texts(given: Tensor) -> Tensor:
        seen["texts"].append(given.numpy())
        return texts(given)

    def of_users(vectors: Tensor, positions: Tensor, gaps: Tensor) -> Tensor:
        seen["positions"].append(positions.numpy())
        seen["gaps"].append(gaps.numpy())
        return users(vectors, positions, gaps)

    def of_loss(user: Tensor, choice: np.ndarray, place: Tensor) -> Tensor:
        seen["place"].append(place)
        return loss(user, choice, place)

    baseline.network.texts, baseline.network.users, baseline._loss = of_texts, of_users, of_loss
    gaps = np.arange(items.size).reshape(items.shape) % 32
    users_of = np.arange(len(items))
    given = Lives(items, gaps, users_of, baseline.network.texts)
    getattr(baseline, step)(given, Candidates(items), np.random.default_rng(0))
    seen["position"], seen["given gaps"] = baseline.network.position.weight, gaps
    return seen


ITEMS = lives([1, 2, 5, 6], [2, 6, 1], [5, 1], [6, 5, 2, 1, 2])


def test_the_masked_behaviours_words_are_hidden_but_its_position_and_gap_stay() -> None:
    seen = shown("_masked", ITEMS)
    (items, choice), (positions,), (gaps,), (place,) = seen["texts"], seen["positions"], seen["gaps"], seen["place"]
    hidden = items != ITEMS
    assert hidden.sum(1).tolist() == [1, 1, 1, 1] and not items[hidden].any()
    np.testing.assert_array_equal(choice[:, 0], ITEMS[hidden])
    np.testing.assert_array_equal(positions, np.where(ITEMS > 0, np.arange(1, 7), 0))
    np.testing.assert_array_equal(gaps, seen["given gaps"])
    # Positions count from 1: the candidates stand where the hidden behaviour stood.
    torch.testing.assert_close(place, seen["position"][np.nonzero(hidden)[1] + 1])


def test_the_last_two_behaviours_are_hidden_from_those_who_have_three() -> None:
    seen = shown("_next", ITEMS)
    items, first, second = seen["texts"]
    assert items.tolist() == lives([1, 2], [2], [6, 5, 2]).tolist()
    assert first[:, 0].tolist() == [5, 6, 1] and second[:, 0].tolist() == [6, 1, 2]
    # Each of the two has a place of its own, behind all fifty positions.
    for k, place in enumerate(seen["place"]):
        torch.testing.assert_close(place, seen["position"][[51 + k] * 3])
    assert len(seen["position"]) == 53


def test_a_text_that_both_tasks_are_shown_is_encoded_once_and_the_same() -> None:
    found = []
    for shared in (True, False):
        baseline = pretrained()
        users = np.arange(len(ITEMS))
        read = baseline._reader(ITEMS) if shared else baseline.network.texts
        given = Lives(ITEMS, np.zeros_like(ITEMS), users, read), Candidates(ITEMS), np.random.default_rng(0)
        with mock.patch.object(baseline.network, "texts", wraps=baseline.network.texts) as texts:
            loss = baseline._masked(*given) + baseline._next(*given)
        # Beside the behaviours there are the candidates: of the masked one and of the next two.
        assert texts.call_count == 3
        loss.backward()
        found.append([loss.detach(), *(weight.grad.clone() for weight in baseline.network.parameters())])
    for once, twice in zip(*found, strict=True):
        torch.testing.assert_close(once, twice)


def test_hidden_words_cannot_be_told_from_the_representation() -> None:
    baseline, gaps = pretrained(), np.array([[3, 5, 0]])
    hidden = np.array([[False, True, False]])
    with torch.no_grad():
        of_two, of_five = (baseline._user(np.array([[1, item, 6]]), gaps, hidden) for item in (2, 5))
        moved = baseline._user(np.array([[1, 2, 6]]), np.array([[3, 6, 0]]), hidden)
        without = baseline._user(np.array([[1, 6, 0]]), np.array([[3, 0, 0]]))
    torch.testing.assert_close(of_two, of_five, rtol=0, atol=0)
    assert not torch.allclose(of_two, moved) and not torch.allclose(of_two, without)


def test_a_score_is_the_product_of_user_and_candidate_and_the_right_one_is_the_first() -> None:
    baseline = pretrained()
    torch.manual_seed(1)
    user, place = torch.randn(2, 256), torch.randn(2, 256)
    choice = np.array([[1, 2, 5, 6, 2], [2, 1, 1, 6, 5]])
    with torch.no_grad():
        scores = ((baseline.network.texts(torch.from_numpy(choice)) + place[:, None]) * user[:, None]).sum(2)
        expected = -F.log_softmax(scores, 1)[:, 0].mean()
        torch.testing.assert_close(baseline._loss(user, choice, place), expected)


def test_where_all_items_have_the_same_words_there_is_nothing_to_learn() -> None:
    events = events_of({"a": [(0, 0), (1, 1)], "b": [(0, 1), (1, 1)]})
    with mock.patch.object(ptum, "train") as train:
        Ptum(word_dim=4).fit(histories_of(events), catalogue_of("red tea", "red tea", "mug"), 0)
    assert not train.called
