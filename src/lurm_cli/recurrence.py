"""GRU over packed sequences that keeps only what is asked of it: the last state of each sequence, or every state.

The recurrent layer takes most of a training step, its backward pass above all. ``torch.nn.GRU`` records every small
operation of every step on the tape and returns all states. Here both passes are written out: only the rows that are
not zero are multiplied by the input weights, gradients take the memory of the gates that they no longer need, and
those of the weights are a few large matrix products at the end. Sequences go through in blocks whose states and gates
stay in the cache. Where no gradient is asked for, last states need the gates of a few steps at a time. Results equal
``torch.nn.GRU``'s within rounding; that layer stays the holder of the weights, and the reference of the tests.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

# Sequences of a block: at H = 128 a step's gates take 0.8 MB.
_BLOCK = 512
# Rows that are multiplied by the input weights at once: their gates take 25 MB at H = 128, and the next rows' take the
# same memory. A larger array is given back to the system each time, whose pages are then cleared anew.
_ROWS = 2**14


def packing(lengths: Tensor, width: int) -> tuple[Tensor, list[int]]:
    """The packed layout of padded sequences: step after step, in each the sequences that still run, longest first.

    Parameters
    ----------
    lengths
        int64 (B,), 1 or more.
    width
        Steps that the padded sequences have room for.

    Returns
    -------
    place
        int64 (N,): the row of the (B * width) padded ones that each row of the layout is.
    sizes
        Sequences that run at each step; never rising.
    """
    order = torch.argsort(lengths, descending=True, stable=True)
    runs = torch.arange(int(lengths.max()))[:, None] < lengths[order][None]  # (T, B)
    step, sequence = runs.nonzero(as_tuple=True)
    return order[sequence] * width + step, runs.sum(1).tolist()


def last_state(layer: nn.GRU, vectors: Tensor, place: Tensor, sizes: list[int]) -> Tensor:
    """Last state of each sequence, from a zero start.

    Parameters
    ----------
    layer
        One layer, one direction, with biases.
    vectors
        (N, H_in): the inputs that are not zero.
    place
        int64 (N,): row of each in the packed layout: step after step, in each the sequences that still run, longest
        sequence first.
    sizes
        Sequences that run at each step; never rising.

    Returns
    -------
    Tensor
        (sizes[0], H), in the order of falling length.
    """
    weights = _weights(layer)
    # Within a function of autograd it no longer shows that gradients are off.
    if not torch.is_grad_enabled():
        return _without_tape(vectors, weights, place, sizes)
    out: Tensor = _LastState.apply(vectors, *weights, place, sizes)
    return out


def both_ways(layer: nn.GRU, rows: Tensor, index: Tensor, sizes: list[int]) -> Tensor:
    """Every state of a layer that reads each sequence from its start and from its end.

    A row that several inputs are is multiplied by the input weights once.

    Parameters
    ----------
    layer
        One layer, both directions, with biases.
    rows
        (J, H_in): different inputs.
    index
        int64 (N,): which of them each input is, in the packed layout of ``last_state``.
    sizes
        Sequences that run at each step; never rising.

    Returns
    -------
    Tensor
        (N, 2 H): beside each other the states of both directions, where the inputs stood.
    """
    turned = _turned(sizes)
    forwards = _every_state(layer, rows, index, sizes)
    return torch.cat([forwards, _every_state(layer, rows, index[turned], sizes, "_reverse")[turned]], 1)


def _every_state(layer: nn.GRU, rows: Tensor, index: Tensor, sizes: list[int], way: str = "") -> Tensor:
    """The state after each input, (N, H)."""
    w_in, w_state, b_in, b_state = _weights(layer, way)
    products = torch.addmm(b_in, rows, w_in.T)
    if not torch.is_grad_enabled():
        states, after = rows.new_zeros(sizes[0], layer.hidden_size), rows.new_empty(len(index), layer.hidden_size)
        _run(states, products.index_select(0, index), w_state, b_state, sizes, after=after)
        return after
    out: Tensor = _EveryState.apply(products, index, w_state, b_state, sizes)
    return out


def _weights(layer: nn.GRU, way: str = "") -> list[Tensor]:
    return [getattr(layer, f"{kind}_l0{way}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]


def _turned(sizes: list[int]) -> Tensor:
    """Where each row goes when every sequence is turned round, int64 (N,); turned twice it is back."""
    running = torch.tensor(sizes)
    start = running.cumsum(0) - running
    runs = torch.arange(sizes[0])[None] < running[:, None]  # (T, B)
    step, sequence = runs.nonzero(as_tuple=True)
    return start[runs.sum(0)[sequence] - 1 - step] + sequence


def _without_tape(vectors: Tensor, weights: list[Tensor], place: Tensor, sizes: list[int]) -> Tensor:
    """Last states alone; a step's rows lie together, so that gates are formed for some steps, and then forgotten."""
    w_in, w_state, b_in, b_state = weights
    states = vectors.new_zeros(sizes[0], w_state.shape[1])
    in_order, order = place.sort()
    for first, end, start in _step_blocks(sizes):
        some = sizes[first:end]
        n_rows = sum(some)
        low, high = torch.searchsorted(in_order, torch.tensor([start, start + n_rows])).tolist()
        gates = b_in.expand(n_rows, -1).clone()
        inputs = torch.addmm(b_in, vectors[order[low:high]], w_in.T)
        gates.index_copy_(0, in_order[low:high] - start, inputs)
        _run(states[: some[0]], gates, w_state, b_state, some)
    return states


def _row_blocks(n_rows: int) -> list[slice]:
    return [slice(start, start + _ROWS) for start in range(0, n_rows, _ROWS)]


def _step_blocks(sizes: list[int]) -> list[tuple[int, int, int]]:
    """Runs of steps of at most ``_ROWS`` rows, one step at least: first step, end, first row."""
    found, first, start, n_rows = [], 0, 0, 0
    for step, size in enumerate(sizes):
        if n_rows and n_rows + size > _ROWS:
            found.append((first, step, start))
            first, start, n_rows = step, start + n_rows, 0
        n_rows += size
    return [*found, (first, len(sizes), start)]


def _steps(sizes: list[int], first: int) -> list[tuple[slice, int]]:
    """Of the block of sequences from ``first`` on: the rows of each step, and how many sequences still run."""
    found, start = [], 0
    for size in sizes:
        running = min(size - first, _BLOCK)
        if running <= 0:
            break
        found.append((slice(start + first, start + first + running), running))
        start += size
    return found


def _run(
    states: Tensor,
    gates: Tensor,
    w_state: Tensor,
    b_state: Tensor,
    sizes: list[int],
    news: Tensor | None = None,
    before: Tensor | None = None,
    after: Tensor | None = None,
) -> None:
    """Go through the steps; ``states`` are overwritten with the last ones, ``gates`` (at first i) with r, z, n.

    Rows of the weights are torch's: reset, update, new. With i = W_i x + b_i and g = W_h h + b_h,

    r = s(i_r + g_r), z = s(i_z + g_z), n = tanh(i_n + r g_n), h' = n + z (h - n).

    Parameters
    ----------
    news, before
        Filled, where they are given, with what the backward pass asks for besides the gates: g_n, and the state before
        each step.
    after
        Filled, where it is given, with the state after each step.
    """
    width = w_state.shape[1]
    product = states.new_empty(min(sizes[0], _BLOCK), 3 * width)
    for first in range(0, sizes[0], _BLOCK):
        state = states[first : first + _BLOCK]
        for here, running in _steps(sizes, first):
            gate, old = gates[here], state[:running]
            from_state = torch.addmm(b_state, old, w_state.T, out=product[:running])
            reset_update = gate[:, : 2 * width]
            reset_update.add_(from_state[:, : 2 * width]).sigmoid_()
            reset, update, new = gate.split(width, dim=1)
            # tanh(x) = 2 s(2 x) - 1: torch's own tanh takes several times as long as its logistic function.
            new.addcmul_(reset, from_state[:, 2 * width :]).mul_(2).sigmoid_().mul_(2).sub_(1)
            if news is not None and before is not None:
                news[here] = from_state[:, 2 * width :]
                before[here] = old
            torch.lerp(new, old, update, out=old)
            if after is not None:
                after[here] = old


def _forward(
    ctx: Any, gates: Tensor, w_state: Tensor, b_state: Tensor, sizes: list[int], after: Tensor | None = None
) -> Tensor:
    """The last states, (sizes[0], H), from i in ``gates``; keeps what ``_backward`` asks for."""
    width = w_state.shape[1]
    news, before = gates.new_empty(len(gates), width), gates.new_empty(len(gates), width)
    states = gates.new_zeros(sizes[0], width)
    _run(states, gates, w_state, b_state, sizes, news, before, after)
    ctx.held, ctx.sizes = (gates, news, before), sizes
    return states


def _backward(
    ctx: Any, w_state: Tensor, to_states: Tensor, of_each: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of i, of W_h and of b_h.

    Parameters
    ----------
    to_states
        (sizes[0], H): gradient of the last states. Overwritten.
    of_each
        (N, H): gradient of the state after each input, if those are what was asked for.

    Returns
    -------
    tuple
        (N, 3 H), (3 H, H) and (3 H,).
    """
    gates, news, before = ctx.held
    ctx.held = None  # what follows writes into them: there is no second backward pass
    sizes: list[int] = ctx.sizes
    width = w_state.shape[1]
    scratch = gates.new_empty(min(sizes[0], _BLOCK), 2 * width)
    for first in range(0, sizes[0], _BLOCK):
        # Rows past the running ones hold the gradient of sequences that end earlier, until their last step comes.
        to_state = to_states[first : first + _BLOCK]
        for here, running in reversed(_steps(sizes, first)):
            reset, update, new = gates[here].split(width, dim=1)
            from_state, old, grad = news[here], before[here], to_state[:running]
            if of_each is not None:
                grad.add_(of_each[here])
            in_new, in_update = scratch[:running].split(width, dim=1)
            # Gradients of i_z, i_n, i_r and of g_n, from that of h'.
            torch.sub(old, new, out=in_update)
            in_update.mul_(grad).mul_(update).addcmul_(in_update, update, value=-1)
            torch.addcmul(grad, grad, update, value=-1, out=in_new)
            new.square_().mul_(in_new)
            in_new.sub_(new)
            from_state.mul_(in_new)
            grad.mul_(update)
            update.copy_(in_update)
            new.copy_(in_new)
            in_new.mul_(reset)  # of g_n
            from_state.mul_(reset).addcmul_(from_state, reset, value=-1)
            reset.copy_(from_state)
            from_state.copy_(in_new)
            # From here on the rows of gates hold the gradients of i, those of news that of g_n.
            grad.addmm_(gates[here][:, : 2 * width], w_state[: 2 * width]).addmm_(from_state, w_state[2 * width :])
    # The first step starts from zeros: nothing of it reaches the weights of the state.
    later = slice(sizes[0], None)
    to_w_state = torch.cat([gates[later][:, : 2 * width].T @ before[later], news[later].T @ before[later]])
    return gates, to_w_state, torch.cat([gates[:, : 2 * width].sum(0), news.sum(0)])


class _LastState(torch.autograd.Function):
    """The last state of each sequence, and by hand the gradients."""

    @staticmethod
    def forward(
        ctx: Any,
        vectors: Tensor,
        w_in: Tensor,
        w_state: Tensor,
        b_in: Tensor,
        b_state: Tensor,
        place: Tensor,
        sizes: list[int],
    ) -> Tensor:
        gates = b_in.expand(sum(sizes), -1).clone()
        for some in _row_blocks(len(vectors)):
            gates.index_copy_(0, place[some], torch.addmm(b_in, vectors[some], w_in.T))
        ctx.save_for_backward(vectors, w_in, w_state, place)
        return _forward(ctx, gates, w_state, b_state, sizes)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, Tensor, Tensor, Tensor, Tensor, None, None]:
        vectors, w_in, w_state, place = ctx.saved_tensors
        gates, to_w_state, to_b_state = _backward(ctx, w_state, upstream[0].clone())
        to_vectors = torch.empty_like(vectors) if ctx.needs_input_grad[0] else None
        to_w_in = torch.zeros_like(w_in)
        for some in _row_blocks(len(vectors)):
            to_in = gates[place[some]]
            to_w_in.addmm_(to_in.T, vectors[some])
            if to_vectors is not None:
                torch.mm(to_in, w_in, out=to_vectors[some])
        return to_vectors, to_w_in, to_w_state, gates.sum(0), to_b_state, None, None


class _EveryState(torch.autograd.Function):
    """The state after each input, from W_i x + b_i of the different ones, and by hand the gradients."""

    @staticmethod
    def forward(
        ctx: Any, products: Tensor, index: Tensor, w_state: Tensor, b_state: Tensor, sizes: list[int]
    ) -> Tensor:
        after = products.new_empty(len(index), w_state.shape[1])
        ctx.save_for_backward(index, w_state)
        ctx.n_products = len(products)
        _forward(ctx, products.index_select(0, index), w_state, b_state, sizes, after)
        return after

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, Tensor, Tensor, None]:
        index, w_state = ctx.saved_tensors
        to_states = upstream[0].new_zeros(ctx.sizes[0], w_state.shape[1])
        gates, to_w_state, to_b_state = _backward(ctx, w_state, to_states, upstream[0])
        # An embedding's gradient is summed in the same order on every run.
        to_products = torch.ops.aten.embedding_dense_backward(gates, index, ctx.n_products, -1, False)
        return to_products, None, to_w_state, to_b_state, None
