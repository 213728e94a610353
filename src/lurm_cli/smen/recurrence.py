"""GRU over packed sequences that keeps only what is asked of it: the last state of each sequence.

The recurrent layer takes four fifths of a training step, its backward pass above all. ``torch.nn.GRU`` records every
small operation of every step on the tape and returns all states. Here the forward and the backward pass are written
out: the products with the input are one matrix product for all steps, the gates are kept in two blocks of memory, and
the gradients of the weights are two matrix products at the end. Results equal ``torch.nn.GRU``'s within rounding;
that layer stays the holder of the weights, and the reference of the tests.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def last_state(layer: nn.GRU, packed: Tensor, sizes: list[int]) -> Tensor:
    """Last state of each sequence, from a zero start.

    Parameters
    ----------
    layer
        One layer, one direction, with biases.
    packed
        (sum of sizes, H_in): step after step, in each the sequences that still run, longest sequence first.
    sizes
        Sequences that run at each step; never rising.

    Returns
    -------
    Tensor
        (sizes[0], H), in the order of falling length.
    """
    out: Tensor = _LastState.apply(
        packed, layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0, sizes
    )
    return out


class _LastState(torch.autograd.Function):
    """Rows of the weights are torch's: reset, update, new. With i = W_i x + b_i and g = W_h h + b_h,

    r = s(i_r + g_r), z = s(i_z + g_z), n = tanh(i_n + r g_n), h' = n + z (h - n).
    """

    @staticmethod
    def forward(
        ctx: Any, packed: Tensor, w_in: Tensor, w_state: Tensor, b_in: Tensor, b_state: Tensor, sizes: list[int]
    ) -> Tensor:
        width = w_state.shape[1]
        keep = any(ctx.needs_input_grad)
        gates = torch.addmm(b_in, packed, w_in.T)  # (rows, 3 H): i, then overwritten with r, z, n
        state = packed.new_zeros(sizes[0], width)
        # What the backward pass asks for besides the gates: g_n, and the state before each step.
        news = packed.new_empty(len(packed), width) if keep else None
        before = packed.new_empty(len(packed), width) if keep else None
        from_state = packed.new_empty(sizes[0], 3 * width)
        start = 0
        for step, size in enumerate(sizes):
            here = slice(start, start + size)
            gate, old = gates[here], state[:size]
            if step:
                product = torch.addmm(b_state, old, w_state.T, out=from_state[:size])
                gate[:, : 2 * width].add_(product[:, : 2 * width])
                new_from_state = product[:, 2 * width :]
            else:  # from a zero state
                gate[:, : 2 * width].add_(b_state[: 2 * width])
                new_from_state = b_state[2 * width :].expand(size, width)
            reset_update = gate[:, : 2 * width].sigmoid_()
            reset, update, new = reset_update[:, :width], reset_update[:, width:], gate[:, 2 * width :]
            new.addcmul_(reset, new_from_state).tanh_()
            if news is not None and before is not None:
                news[here] = new_from_state
                before[here] = old
            torch.lerp(new, old, update, out=old)
            start += size
        if keep:
            ctx.save_for_backward(packed, w_in, w_state, gates, news, before)
            ctx.sizes = sizes
        return state

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, Tensor, Tensor, Tensor, Tensor, None]:
        packed, w_in, w_state, gates, news, before = ctx.saved_tensors
        sizes: list[int] = ctx.sizes
        width = w_state.shape[1]
        # Rows past the running ones hold the gradient of sequences that end earlier, until their last step comes.
        to_state = upstream[0].clone()
        to_in = torch.empty_like(gates)  # gradients of i
        to_product = torch.empty_like(gates)  # gradients of g
        start = len(packed)
        for step in range(len(sizes) - 1, -1, -1):
            size = sizes[step]
            start -= size
            here = slice(start, start + size)
            reset, update, new = gates[here].split(width, dim=1)
            old, from_state, grad = before[here], news[here], to_state[:size]
            in_reset, in_update, in_new = to_in[here].split(width, dim=1)
            torch.sub(old, new, out=in_update)
            in_update.mul_(grad).mul_(update).addcmul_(in_update, update, value=-1)
            torch.addcmul(grad, grad, update, value=-1, out=in_new)
            in_new.addcmul_(in_new * new, new, value=-1)
            torch.mul(in_new, from_state, out=in_reset)
            in_reset.mul_(reset).addcmul_(in_reset, reset, value=-1)
            product = to_product[here]
            product[:, : 2 * width] = to_in[here][:, : 2 * width]
            torch.mul(in_new, reset, out=product[:, 2 * width :])
            if step:
                grad.mul_(update).addmm_(product, w_state)
        to_packed = to_in @ w_in if ctx.needs_input_grad[0] else None
        # The first step starts from zeros: nothing of it reaches the weights of the state.
        later = slice(sizes[0], None)
        return (
            to_packed,
            to_in.T @ packed,
            to_product[later].T @ before[later],
            to_in.sum(0),
            to_product.sum(0),
            None,
        )
