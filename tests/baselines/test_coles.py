"""CoLES: slices of lives, the loss over their pairs, and the encoder."""

from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from baselines.toy import DAY, catalogue_of, events_of, histories_of
from lurm_cli.baselines import coles
from lurm_cli.baselines.coles import Coles, ColesNetwork, contrastive_loss, slices

CODES = torch.tensor([[0, 0], [1, 2], [2, 1], [3, 1], [0, 1]])


def network() -> ColesNetwork:
    torch.manual_seed(0)
    return ColesNetwork(CODES, dim=6)


def lives(sizes: list[int], width: int) -> tuple[np.ndarray, np.ndarray]:
    """Users whose events tell whose they are and which: user u's k-th item is 1000 u + k + 1, at 10 times that."""
    column = np.arange(width)[None]
    items = np.where(column < np.array(sizes)[:, None], 1000 * np.arange(len(sizes))[:, None] + column + 1, 0)
    return items, items * 10


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(1, 6), st.integers(6, 12), st.integers(0, 99))
def test_a_slice_is_a_run_of_one_users_events(sizes: list[int], shortest: int, longest: int, seed: int) -> None:
    items, times = lives(sizes, 20)
    cut, cut_times = slices(items, times, shortest, longest, np.random.default_rng(seed))
    np.testing.assert_array_equal(cut_times, cut * 10)
    for user, size in enumerate(sizes):
        held = cut[user][cut[user] > 0]
        assert min(shortest, size) <= len(held) <= min(longest, size)
        assert not cut[user, len(held) :].any()
        assert (np.diff(held) == 1).all() and (held // 1000 == user).all()


def test_every_start_and_length_is_drawn() -> None:
    items, times = lives([4] * 3000, 4)
    cut, _ = slices(items, times, 2, 3, np.random.default_rng(0))
    found, counts = np.unique(np.where(cut > 0, (cut - 1) % 1000 + 1, 0), axis=0, return_counts=True)
    assert found.tolist() == [[1, 2, 0], [1, 2, 3], [2, 3, 0], [2, 3, 4], [3, 4, 0]]
    # Half have length 2, from three starts; half length 3, from two.
    np.testing.assert_allclose(counts / 3000, [1 / 6, 1 / 4, 1 / 6, 1 / 4, 1 / 6], atol=0.03)


def test_the_loss_is_that_of_all_pairs_and_the_nearest_strangers_written_out() -> None:
    torch.manual_seed(0)
    vectors = F.normalize(torch.randn(9, 3, dtype=torch.float64), dim=1)
    owner = torch.arange(3).repeat(3)
    for margin, hardest in ((0.5, 5), (1.0, 2), (3.0, 8)):
        terms = []
        for i in range(9):
            apart = sorted(float((vectors[i] - vectors[j]).norm()) for j in range(9) if owner[j] != owner[i])
            # There are but six strangers.
            terms += [max(0.0, margin - distance) ** 2 for distance in apart[:hardest]]
            terms += [0.0] * (hardest - len(apart[:hardest]))
            terms += [float((vectors[i] - vectors[j]).norm()) ** 2 for j in range(i) if owner[j] == owner[i]]
        assert contrastive_loss(vectors, owner, margin, hardest).item() == pytest.approx(np.mean(terms), rel=1e-6)


def test_one_point_a_user_at_the_margin_or_farther_costs_nothing() -> None:
    vectors = torch.eye(3, dtype=torch.float64).repeat(2, 1)  # sqrt(2) apart
    owner = torch.arange(3).repeat(2)
    assert contrastive_loss(vectors, owner).item() == pytest.approx(0, abs=1e-10)
    # Three pairs at sqrt(2), and each vector's one stranger nearer than the margin in the same place.
    swapped = torch.tensor([0, 1, 2, 1, 2, 0])
    assert contrastive_loss(vectors, swapped, hardest=1).item() == pytest.approx((3 * 2 + 6 * 0.25) / 9, rel=1e-5)


def test_the_loss_has_a_gradient_where_two_slices_are_the_same() -> None:
    vectors = torch.ones(4, 2, requires_grad=True)
    contrastive_loss(F.normalize(vectors, dim=1), torch.tensor([0, 1, 0, 1])).backward()
    assert vectors.grad.isfinite().all()


def test_the_five_slices_of_a_user_are_its_positives() -> None:
    # Even items are chosen by a alone, odd ones by b.
    events = events_of(
        {"a": [(t * DAY, 2 * (t % 3)) for t in range(30)], "b": [(t, 2 * (t % 3) + 1) for t in range(4)]}
    )
    caught = []
    with mock.patch.object(coles, "train", lambda model, loss, *_, **__: caught.append((model, loss))):
        Coles(dim=4).fit(histories_of(events), catalogue_of(*"abcdef"), 0)
    (model, loss), read = caught[0], []
    model.register_forward_pre_hook(lambda _, given: read.extend(given[0].tolist()))
    with mock.patch.object(coles, "contrastive_loss") as asked:
        loss(np.array([1, 0]), np.random.default_rng(0))
    vectors, owner = asked.call_args.args
    whose = [{"ab"[(code - 1) % 2] for code in row if code} for row in read]
    assert whose == [{"ba"[place]} for place in owner.tolist()]
    assert len(vectors) == 10 and owner.bincount().tolist() == [5, 5]


def test_vectors_have_length_1_and_do_not_see_padding_or_other_users() -> None:
    model = network()
    items = torch.tensor([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0], [3, 2, 1, 2, 1]])
    times = torch.tensor([[DAY, 2 * DAY, 5 * DAY, 0, 0], [-DAY, 0, 0, 0, 0], [0, DAY, DAY, DAY, 9 * DAY]])
    with torch.no_grad():
        together = model(items, times)
        for row, size in enumerate((3, 1, 5)):
            alone = model(items[row : row + 1, :size], times[row : row + 1, :size])
            torch.testing.assert_close(together[row : row + 1], alone)
        torch.testing.assert_close(model(items, torch.where(items > 0, times, 77 * DAY)), together)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(3))


def test_an_event_is_its_values_the_log_of_days_since_the_last_and_the_time_of_the_week() -> None:
    model = network()
    items, times = torch.tensor([[1, 2]]), torch.tensor([[7 * DAY, 10 * DAY + DAY // 2]])
    turn = 2 * np.pi / 7
    when = torch.tensor([[0, 0, 1], [np.log1p(3.5), np.sin(3.5 * turn), np.cos(3.5 * turn)]], dtype=torch.float32)
    with torch.no_grad():
        of_item, of_kind = (table(CODES[[1, 2], k]) for k, table in enumerate(model.embeddings))
        state = model.gru(torch.cat([of_item, of_kind, when], dim=1)[None])[1][0]
        torch.testing.assert_close(model(items, times), F.normalize(state, dim=1), rtol=1e-4, atol=1e-5)


def test_what_a_slice_leaves_out_before_it_is_not_seen_in_its_first_gap() -> None:
    model, items = network(), torch.tensor([[1, 2]])
    with torch.no_grad():
        early, late = (model(items, torch.tensor([[start, start + DAY]])) for start in (0, 7 * 52 * DAY))
    torch.testing.assert_close(early, late, rtol=1e-4, atol=1e-5)


def test_values_are_numbered_by_how_many_events_have_them_and_those_of_none_are_0() -> None:
    catalogue = catalogue_of("a", "b", "c", "d", kind=("tea", "mug", "tea", "pen"))
    items = np.array([[2, 2, 2, 1], [3, 1, 3, 0]])  # item 1 three times, items 0 and 2 twice
    assert coles._codes(catalogue, items).tolist() == [[0, 0], [2, 1], [1, 2], [3, 1], [0, 0]]
    with mock.patch.object(coles, "_MOST_VALUES", 1):
        assert coles._codes(catalogue, items).tolist() == [[0, 0], [0, 1], [1, 0], [0, 1], [0, 0]]
