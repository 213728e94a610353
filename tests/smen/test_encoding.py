"""Encoding by batches: what a user gets does not depend on how the work is divided."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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


def encoded(model: Encoder, lives: Lives, law: InputLaw | None = None) -> np.ndarray:
    (rows,) = encoding.Encoding(model, law or InputLaw(), MONTH).encode([(lives, slice(None))])
    return rows


@pytest.mark.parametrize("threads", [2, 5])
def test_batches_side_by_side_give_the_same_bytes(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "_USERS_AT_ONCE", 3)
    ready = encoding.Encoding(encoder(), InputLaw(), MONTH)
    one, other = Lives(random_part()), Lives(random_part(seed=1))
    pieces = [(one, slice(2, 19)), (other, slice(0, 0)), (other, slice(0, 5)), (one, slice(1, 2))]
    one_by_one = ready.encode(pieces)
    assert [rows.shape for rows in one_by_one] == [(17, 32), (0, 32), (5, 32), (1, 32)]
    for found, expected in zip(ready.encode(iter(pieces), threads), one_by_one, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(one_by_one[2], encoded(ready.encoder, other)[:5], rtol=1e-5, atol=1e-6)


def test_no_more_lives_are_read_than_keep_the_threads_busy() -> None:
    ready, read = encoding.Encoding(encoder(), InputLaw(), MONTH), []

    def pieces() -> Iterator[tuple[Lives, slice]]:
        for number in range(40):
            read.append(number)
            yield Lives(random_part()), slice(0, 1)

    taken = pieces()
    waiting = threading.Event()

    def wait(*_: object) -> None:
        waiting.wait(30)

    ready.encoder.register_forward_pre_hook(wait)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(ready.encode, taken, 2)
        deadline = time.monotonic() + 20
        while len(read) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        held = len(read)
        waiting.set()
        assert len(done.result()) == 40
    assert held <= 5


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
    together = encoded(model, lives, law)
    monkeypatch.setattr(encoding, "_STEPS_AT_ONCE", 4 * 40)  # 40 months of four anchors
    np.testing.assert_allclose(encoded(model, lives, law), together, rtol=1e-5, atol=1e-6)


def test_shares_known_beforehand_change_nothing() -> None:
    model, part = encoder(), random_part()
    with torch.no_grad():
        expected = model(whole_batch(part, [MONTH, YEAR])).flatten(1)
    torch.testing.assert_close(torch.from_numpy(encoded(model, Lives(part))), expected)


def test_a_failure_in_a_batch_is_raised() -> None:
    model, lives = encoder(n_interests=5), Lives(random_part(n_interests=30))
    with pytest.raises(IndexError):
        encoding.Encoding(model, InputLaw(), MONTH).encode([(lives, slice(None))], threads=2)
