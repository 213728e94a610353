"""Encoding by batches: what a user gets does not depend on how the work is divided."""

import numpy as np
import pytest
import torch

from lives import MONTH, YEAR, random_part, whole_batch
from lurm_cli.smen import encoding
from lurm_cli.smen.batch import InputLaw
from lurm_cli.smen.config import ModelConfig
from lurm_cli.smen.model import Encoder
from lurm_cli.smen.views import Lives


def encoder(n_interests: int = 30) -> Encoder:
    torch.manual_seed(0)
    return Encoder(ModelConfig(n_interests, 4, 8, ("month", "year"))).eval()


@pytest.mark.parametrize("threads", [2, 5])
def test_batches_side_by_side_give_the_same_bytes(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "_USERS_AT_ONCE", 3)
    model, lives = encoder(), Lives(random_part())
    one_by_one = encoding.encode(model, lives, MONTH, InputLaw(), slice(2, 19))
    assert one_by_one.shape == (17, 32)
    found = encoding.encode(model, lives, MONTH, InputLaw(), slice(2, 19), threads)
    np.testing.assert_array_equal(found, one_by_one)


@pytest.mark.parametrize(
    ("steps", "sizes"),
    [([4, 4, 4, 4], [2, 2]), ([9, 1, 1], [1, 2]), ([1] * 7, [3, 3, 1]), ([2, 20, 6, 2], [1, 1, 2]), ([], [])],
)
def test_a_batch_ends_before_too_many_steps_or_users(
    steps: list[int], sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "_STEPS_AT_ONCE", 8)
    monkeypatch.setattr(encoding, "_USERS_AT_ONCE", 3)
    batches = encoding._batches(np.array(steps, dtype=np.int64))
    assert [len(batch) for batch in batches] == sizes
    assert [user for batch in batches for user in batch] == list(range(len(steps)))


@pytest.mark.parametrize("drop_empty", [False, True])
def test_long_lives_go_through_in_smaller_batches_and_get_the_same_vectors(
    drop_empty: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, lives, law = encoder(), Lives(random_part()), InputLaw(drop_empty=drop_empty)
    together = encoding.encode(model, lives, MONTH, law)
    monkeypatch.setattr(encoding, "_STEPS_AT_ONCE", 4 * 40)  # 40 months of four anchors
    np.testing.assert_allclose(encoding.encode(model, lives, MONTH, law), together, rtol=1e-5, atol=1e-6)


def test_shares_known_beforehand_change_nothing() -> None:
    model, part = encoder(), random_part()
    with torch.no_grad():
        expected = model(whole_batch(part, [MONTH, YEAR])).flatten(1)
    torch.testing.assert_close(torch.from_numpy(encoding.encode(model, Lives(part), MONTH, InputLaw())), expected)


def test_a_failure_in_a_batch_is_raised() -> None:
    model, lives = encoder(n_interests=5), Lives(random_part(n_interests=30))
    with pytest.raises(IndexError):
        encoding.encode(model, lives, MONTH, InputLaw(), threads=2)
