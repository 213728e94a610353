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


def test_shares_known_beforehand_change_nothing() -> None:
    model, part = encoder(), random_part()
    with torch.no_grad():
        expected = model(whole_batch(part, [MONTH, YEAR])).flatten(1)
    torch.testing.assert_close(torch.from_numpy(encoding.encode(model, Lives(part), MONTH, InputLaw())), expected)


def test_a_failure_in_a_batch_is_raised() -> None:
    model, lives = encoder(n_interests=5), Lives(random_part(n_interests=30))
    with pytest.raises(IndexError):
        encoding.encode(model, lives, MONTH, InputLaw(), threads=2)
