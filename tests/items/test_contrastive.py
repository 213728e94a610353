"""The contrastive encoder learns which words go together in users' behaviour."""

import dataclasses
from unittest import mock

import numpy as np
import pytest

from lurm_cli.boi.periods import DAY_US
from lurm_cli.errors import LurmError
from lurm_cli.items import contrastive
from lurm_cli.items.contrastive import ContrastiveOptions, encode_items, fit_contrastive
from lurm_cli.items.pairs import PairSampler
from lurm_cli.items.text import EncodedTexts, encode_texts
from lurm_cli.progress import SILENT

N_ITEMS = 24
OPTIONS = ContrastiveOptions(dim=16, lr=1e-2, batch_size=32, max_steps=60, round_steps=20)
# Every item has a word of its own: texts alone do not tell the two kinds of items apart.
TEXTS = encode_texts([[f"w{item}"] for item in range(N_ITEMS)])
KIND = np.arange(N_ITEMS) % 2


@pytest.fixture(autouse=True)
def _quick(one_thread: None) -> None:
    pass


def behaviour(n_users: int, seed: int) -> PairSampler:
    """Users who like items of one kind, either the even or the odd ones."""
    rng = np.random.default_rng(seed)
    items = np.concatenate([rng.choice(np.flatnonzero(user % 2 == KIND), 6) for user in range(n_users)])
    times = np.tile(np.arange(6) * DAY_US // 8, n_users)
    return PairSampler(6 * np.arange(n_users + 1), items, times, np.ones(N_ITEMS, dtype=bool))


def fitted(texts: EncodedTexts = TEXTS, seed: int = 0) -> np.ndarray:
    return encode_items(fit_contrastive(texts, behaviour(80, 1), behaviour(40, 2), None, OPTIONS, seed, SILENT), texts)


def test_items_that_the_same_users_like_come_close() -> None:
    vectors = fitted()
    similarity = vectors @ vectors.T
    same = (KIND[:, None] == KIND) & ~np.eye(N_ITEMS, dtype=bool)
    different = KIND[:, None] != KIND
    assert similarity[same].mean() - similarity[different].mean() > 0.5


def test_equal_seeds_give_equal_bytes_and_others_do_not() -> None:
    assert fitted(seed=3).tobytes() == fitted(seed=3).tobytes()
    assert fitted(seed=3).tobytes() != fitted(seed=4).tobytes()


def test_too_few_users_with_pairs_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(LurmError, match="fewer than two of them; use --method word2vec"):
        fit_contrastive(TEXTS, behaviour(1, 0), behaviour(4, 0), None, OPTIONS, 0, SILENT)


def trained(max_steps: int, n_held_out: int, round_steps: int = 20, patience: int = 5) -> np.ndarray:
    options = dataclasses.replace(OPTIONS, max_steps=max_steps, round_steps=round_steps, patience=patience)
    encoder = fit_contrastive(TEXTS, behaviour(80, 1), behaviour(n_held_out, 2), None, options, 0, SILENT)
    return encode_items(encoder, TEXTS)


def test_without_two_held_out_users_the_last_step_is_kept_and_none_is_left_out() -> None:
    every_step = trained(7, 1, round_steps=1, patience=1)
    np.testing.assert_array_equal(every_step, trained(7, 40, round_steps=7))
    assert (every_step != trained(6, 1)).any()


@pytest.mark.parametrize(("max_steps", "n_validations"), [(7, 1), (19, 1), (20, 1), (25, 2), (40, 2)])
def test_the_last_step_is_validated_too_and_kept_if_it_is_best(max_steps: int, n_validations: int) -> None:
    with mock.patch.object(contrastive, "_validate", side_effect=[1.0, 0.5]) as validate:
        found = trained(max_steps, 40)
    assert validate.call_count == n_validations
    np.testing.assert_array_equal(found, trained(max_steps, 1))


def test_steps_after_the_best_validation_are_not_kept() -> None:
    with mock.patch.object(contrastive, "_validate", side_effect=[0.5, 1.0]):
        found = trained(25, 40)
    np.testing.assert_array_equal(found, trained(20, 1))


def with_empty_draws(n_empty: int, max_steps: int) -> np.ndarray:
    """Vectors where the first draws of training give no pair."""
    training, nothing = behaviour(80, 1), np.empty(0, dtype=np.int64)
    drawn = PairSampler.draw
    left = n_empty

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        nonlocal left
        left -= 1
        return (nothing, nothing) if left >= 0 else drawn(training, n, rng)

    options = dataclasses.replace(OPTIONS, max_steps=max_steps)
    with mock.patch.object(training, "draw", draw):
        return encode_items(fit_contrastive(TEXTS, training, behaviour(1, 2), None, options, 0, SILENT), TEXTS)


def test_a_draw_without_a_pair_is_drawn_again() -> None:
    np.testing.assert_array_equal(with_empty_draws(9, max_steps=1), trained(1, 1))


def test_a_step_without_a_pair_is_left_out() -> None:
    start = with_empty_draws(10, max_steps=1)
    assert np.isfinite(start).all()
    np.testing.assert_array_equal(with_empty_draws(20, max_steps=2), start)
    assert (with_empty_draws(10, max_steps=2) != start).any()


def test_held_out_users_who_give_no_pair_validate_nothing() -> None:
    validation, nothing = behaviour(40, 2), np.empty(0, dtype=np.int64)
    options = dataclasses.replace(OPTIONS, max_steps=3)
    with mock.patch.object(validation, "draw", return_value=(nothing, nothing)):
        encoder = fit_contrastive(TEXTS, behaviour(80, 1), validation, None, options, 0, SILENT)
    np.testing.assert_array_equal(encode_items(encoder, TEXTS), trained(3, 1))


def test_a_loss_that_is_no_number_ends_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrastive, "nt_xent", lambda x, y, tau: (x * float("nan")).sum())
    with pytest.raises(LurmError, match=r"diverged: its loss is nan at step 1; try a lower --lr"):
        fitted()
