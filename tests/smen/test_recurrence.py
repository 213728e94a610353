"""The written-out recurrent layer against torch's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lurm_cli.smen.recurrence import last_state


def torch_last_state(layer: nn.GRU, packed: Tensor, sizes: list[int]) -> Tensor:
    return layer(PackedSequence(packed, torch.tensor(sizes)))[1][0]


@pytest.fixture
def layer() -> nn.GRU:
    torch.manual_seed(0)
    return nn.GRU(5, 7).double()


@pytest.mark.parametrize("sizes", [[4], [1, 1, 1], [6, 4, 4, 1], [3, 3, 3, 3, 2, 2, 1]])
def test_states_and_gradients_are_those_of_torch(layer: nn.GRU, sizes: list[int]) -> None:
    packed = torch.randn(sum(sizes), 5, dtype=torch.float64)
    upstream = torch.randn(sizes[0], 7, dtype=torch.float64)
    found = []
    for state in (last_state, torch_last_state):
        start = packed.clone().requires_grad_()
        layer.zero_grad()
        out = state(layer, start, sizes)
        out.backward(upstream)
        found.append([out.detach(), start.grad, *(weight.grad.clone() for weight in layer.parameters())])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_gradients_are_those_of_finite_differences(layer: nn.GRU) -> None:
    packed = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: last_state(layer, x, [3, 2, 1]), packed)


def test_without_gradients_the_states_are_the_same(layer: nn.GRU) -> None:
    packed = torch.randn(9, 5, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(
            last_state(layer, packed, [4, 3, 2]), torch_last_state(layer, packed, [4, 3, 2]), rtol=1e-10, atol=1e-12
        )
