"""Processes that share one command's work; what they exchange is tested with real ones in ``cli/test_torchrun.py``."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lurm_cli.errors import LurmError
from lurm_cli.ranks import ALONE, Ranks

TORCHRUN = {"RANK": "3", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}


@given(n=st.integers(0, 10**9), size=st.integers(1, 100))
def test_shares_are_all_things_once_and_even(n: int, size: int) -> None:
    shares = [Ranks(rank, size).share(n) for rank in range(size)]
    assert shares[0].start == 0 and shares[-1].stop == n
    assert all(one.stop == next_one.start for one, next_one in itertools.pairwise(shares))
    lengths = [share.stop - share.start for share in shares]
    assert max(lengths) - min(lengths) <= 1


def test_torchrun_says_who_is_there() -> None:
    assert Ranks.from_environment(TORCHRUN) == Ranks(3, 8, 4)
    assert not Ranks(3, 8, 4).leads and Ranks(0, 8, 4).leads


@pytest.mark.parametrize("missing", ["RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR"])
def test_a_part_of_what_torchrun_says_is_nothing(missing: str) -> None:
    environment = {name: value for name, value in TORCHRUN.items() if name != missing}
    assert Ranks.from_environment(environment) == ALONE


def test_one_process_exchanges_nothing() -> None:
    rows = torch.arange(6.0).reshape(3, 2)
    assert ALONE.share(3) == slice(0, 3)
    assert ALONE.gathered(rows) is rows
    assert ALONE.told_by_first([1, 2]) == [1, 2]
    with ALONE.joined():
        ALONE.wait()


def test_a_process_that_sees_other_files_than_the_first_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ranks, "told_by_first", lambda self, value: (False, 54))
    Ranks(1, 2).refuse_other_files((False, 54))
    with pytest.raises(LurmError, match=r"process 1 of 2 does not find the files that the first one does; put the w"):
        Ranks(1, 2).refuse_other_files((True, 0))
