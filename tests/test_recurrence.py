"""The written-out recurrent layer against torch's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from lurm_cli import recurrence
from lurm_cli.recurrence import both_ways, last_state, packing


def torch_last_state(layer: nn.GRU, vectors: Tensor, place: Tensor, sizes: list[int]) -> Tensor:
    packed = vectors.new_zeros(sum(sizes), vectors.shape[1]).index_copy(0, place, vectors)
    return layer(PackedSequence(packed, torch.tensor(sizes)))[1][0]


def some_places(sizes: list[int]) -> Tensor:
    """Two rows in three, in no order: the others are zero."""
    return torch.randperm(sum(sizes))[: -(-2 * sum(sizes) // 3)]


@pytest.fixture
def layer() -> nn.GRU:
    torch.manual_seed(0)
    return nn.GRU(5, 7).double()


@pytest.fixture(params=[512, 2])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrence, "_BLOCK", request.param)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("sizes", [[4], [1, 1, 1], [6, 4, 4, 1], [3, 3, 3, 3, 2, 2, 1]])
def test_states_and_gradients_are_those_of_torch(layer: nn.GRU, sizes: list[int]) -> None:
    place = some_places(sizes)
    vectors = torch.randn(len(place), 5, dtype=torch.float64)
    upstream = torch.randn(sizes[0], 7, dtype=torch.float64)
    found = []
    for state in (last_state, torch_last_state):
        start = vectors.clone().requires_grad_()
        layer.zero_grad()
        out = state(layer, start, place, sizes)
        out.backward(upstream)
        found.append([out.detach(), start.grad, *(weight.grad.clone() for weight in layer.parameters())])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("rows", [2**15, 7, 1])
@pytest.mark.parametrize("sizes", [[4], [4, 3, 2], [3, 3, 3, 3, 2, 2, 1]])
def test_without_gradients_the_states_are_the_same(
    layer: nn.GRU, sizes: list[int], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recurrence, "_ROWS", rows)
    place = some_places(sizes)
    vectors = torch.randn(len(place), 5, dtype=torch.float64)
    with torch.no_grad():
        ours, theirs = (state(layer, vectors, place, sizes) for state in (last_state, torch_last_state))
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_without_gradients_the_gates_of_some_steps_are_held_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrence, "_ROWS", 7)
    assert recurrence._step_blocks([4, 3, 3, 9, 1, 1]) == [(0, 2, 0), (2, 3, 7), (3, 4, 10), (4, 6, 19)]


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("lengths", [[3], [1, 4, 2], [2, 2, 2], [5, 1, 1, 4, 3]])
def test_both_directions_are_those_of_torch(lengths: list[int]) -> None:
    torch.manual_seed(0)
    layer = nn.GRU(5, 7, batch_first=True, bidirectional=True).double()
    sizes, width = torch.tensor(lengths), max(lengths) + 1
    rows = torch.randn(4, 5, dtype=torch.float64)
    # Some rows occur several times, and one perhaps never.
    index = torch.randint(4, (len(lengths), width))
    upstream = torch.randn(len(lengths), width, 14, dtype=torch.float64)

    def ours(x: Tensor) -> Tensor:
        place, running = packing(sizes, width)
        states = both_ways(layer, x, index.flatten()[place], running)
        return states.new_zeros(len(lengths) * width, 14).index_copy(0, place, states).unflatten(0, (-1, width))

    def of_torch(x: Tensor) -> Tensor:
        packed = pack_padded_sequence(x[index], sizes, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(layer(packed)[0], batch_first=True, total_length=width)[0]

    found = []
    for states in (ours, of_torch):
        start = rows.clone().requires_grad_()
        layer.zero_grad()
        out = states(start)
        out.backward(upstream)
        found.append([out.detach(), start.grad, *(weight.grad.clone() for weight in layer.parameters())])
        with torch.no_grad():
            torch.testing.assert_close(states(rows), out, rtol=1e-10, atol=1e-12)
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_the_packed_layout_goes_step_by_step_longest_sequence_first() -> None:
    place, sizes = packing(torch.tensor([1, 3, 2]), 4)
    assert place.tolist() == [4, 8, 0, 5, 9, 6]
    assert sizes == [3, 2, 1]
