"""Item vectors from who chose what."""

import numpy as np
import pytest

from lurm_cli import decomposition
from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.items.behaviour import behaviour_vectors


def events_of(lives: list[list[int]]) -> RaggedEvents:
    users = np.empty(len(lives), dtype=object)
    users[:] = [f"u{k}" for k in range(len(lives))]
    items = np.array([item for life in lives for item in life], dtype=np.int32)
    indptr = np.concatenate([[0], np.cumsum([len(life) for life in lives])]).astype(np.int64)
    return RaggedEvents(users, indptr, items, np.zeros(len(items), dtype=np.int64))


def two_crowds(n_users: int = 60) -> list[list[int]]:
    """Half of the users choose among items 0 to 9, the others among items 10 to 19; nobody chooses item 20."""
    rng = np.random.default_rng(0)
    return [rng.integers(10 * (k % 2), 10 * (k % 2) + 10, 8).tolist() for k in range(n_users)]


def test_items_of_one_crowd_are_near_and_those_of_two_are_not() -> None:
    vectors = behaviour_vectors([events_of(two_crowds())], 21, 2, seed=0)
    np.testing.assert_allclose(np.linalg.norm(vectors[:20], axis=1), 1, rtol=1e-5)
    near = vectors[:20] @ vectors[:20].T
    assert near[:10, :10].min() > 0.9 and near[10:, 10:].min() > 0.9
    assert np.abs(near[:10, 10:]).max() < 0.1


def test_an_item_that_nobody_chose_has_no_vector() -> None:
    assert not behaviour_vectors([events_of(two_crowds())], 21, 4, seed=0)[20].any()


def test_buckets_and_order_of_events_do_not_matter_and_few_users_leave_columns_empty() -> None:
    lives = two_crowds(6)
    whole = behaviour_vectors([events_of(lives)], 21, 16, seed=0)
    pieces = behaviour_vectors([events_of([life[::-1] for life in lives[:2]]), events_of(lives[2:])], 21, 16, seed=0)
    np.testing.assert_allclose(whole, pieces, atol=1e-6)
    assert whole.shape == (21, 16) and not whole[:, 5:].any()


def test_a_single_users_items_are_different_and_nothing_else() -> None:
    vectors = behaviour_vectors([events_of([[0, 2, 2]])], 4, 3, seed=0)
    assert vectors.any(axis=1).tolist() == [True, False, True, False]
    assert (vectors[0] != vectors[2]).all()


def test_items_of_later_users_lie_where_their_users_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decomposition, "MOST_ROWS", 60)
    # Nobody of the first 60 has chosen items 20 to 24; 25 and 26 are chosen together, and with nothing known.
    later = [[0, 1, 2, 20], [3, 4, 20, 21], [11, 12, 22], [13, 22, 23], [14, 15, 24], [25, 26]]
    lives = two_crowds(60) + later
    first = behaviour_vectors([events_of(lives[:60])], 28, 2, seed=0)
    whole = behaviour_vectors([events_of(lives)], 28, 2, seed=0)
    np.testing.assert_array_equal(whole[:20], first[:20])
    assert not first[20:].any()
    near = whole[20:25] @ whole[:20].T
    assert near[:2, :10].min() > 0.9 and near[2:, 10:].min() > 0.9
    assert np.abs(near[:2, 10:]).max() < 0.2 and np.abs(near[2:, :10]).max() < 0.2
    assert not whole[25:].any()
    by_bucket = [events_of(lives[start : start + 7]) for start in range(0, len(lives), 7)]
    np.testing.assert_allclose(behaviour_vectors(by_bucket, 28, 2, seed=0), whole, atol=1e-5)


def test_an_item_is_folded_in_where_the_decomposition_would_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    # Four crowds with ten items each; everybody chooses item 40, which draws nobody's other items near to it.
    lives = [[40, 40, 40, *rng.integers(10 * (k % 4), 10 * (k % 4) + 10, 4)] for k in range(500)]
    # Later on item 39 bears another number.
    lives[400:] = [[41 if item == 39 else item for item in life] for life in lives[400:]]
    monkeypatch.setattr(decomposition, "MOST_ROWS", 400)
    vectors = behaviour_vectors([events_of(lives)], 42, 4, seed=0)
    assert vectors[41] @ vectors[39] > 0.99
    assert vectors[41] @ vectors[40] == pytest.approx(vectors[39] @ vectors[40], abs=0.1)
