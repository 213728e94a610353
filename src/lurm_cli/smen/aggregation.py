"""Time aggregation: each anchor's sequence of periods becomes one vector (section 3.2.2 of the paper)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lurm_cli.recurrence import last_state
from lurm_cli.smen.batch import ScaleBatch


class TimeAggregation(nn.Module):
    """GRU over the periods of each anchor, last state; or LSTM, mean, max.

    One layer, one direction, zero start. The recurrent layer is shared by scales (paper) and by anchors (ours, the
    paper does not say), unless ``per_anchor``.
    """

    def __init__(self, kind: str, n_anchors: int, dim: int, per_anchor: bool = False) -> None:
        super().__init__()
        self.kind = kind
        layer = {"gru": nn.GRU, "lstm": nn.LSTM}.get(kind)
        if layer is None and kind not in ("mean", "max"):
            raise ValueError(f"aggregation {kind!r} is not gru, lstm, mean or max")
        self.layers = nn.ModuleList(layer(dim, dim) for _ in range(n_anchors if per_anchor else 1)) if layer else None

    def forward(self, vectors: Tensor, scale: ScaleBatch) -> Tensor:
        """Aggregate.

        Parameters
        ----------
        vectors
            (P, M, H): the non-empty periods of the batch.

        Returns
        -------
        Tensor
            (S, M, H), in the order of the batch's sequences.
        """
        if self.layers is None:
            return self._pooled(_packed(vectors, scale.place, int(scale.batch_sizes.sum())), scale)[scale.restore]
        sizes, n_anchors = scale.batch_sizes.tolist(), vectors.shape[1]
        if len(self.layers) > 1:
            states = [
                _last_state(layer, vectors[:, anchor], scale.place, sizes) for anchor, layer in enumerate(self.layers)
            ]
            return torch.stack(states, dim=1)[scale.restore]
        # Anchors are folded into the batch: step t has batch_sizes[t] * M rows.
        place = (scale.place[:, None] * n_anchors + torch.arange(n_anchors)).flatten()
        state = _last_state(self.layers[0], vectors.flatten(0, 1), place, [size * n_anchors for size in sizes])
        return state.unflatten(0, (-1, n_anchors))[scale.restore]

    def _pooled(self, packed: Tensor, scale: ScaleBatch) -> Tensor:
        """Mean or max over a sequence's periods, empty ones counted as zeros; in the order of falling length."""
        sizes = scale.batch_sizes.tolist()
        steps = packed.split(sizes)
        lengths = (scale.batch_sizes[:, None] > torch.arange(sizes[0])).sum(0)
        out = steps[0]
        for step in steps[1:]:
            head, tail = out[: len(step)], out[len(step) :]
            head = head + step if self.kind == "mean" else torch.maximum(head, step)
            out = torch.cat([head, tail])
        return out / lengths[:, None, None] if self.kind == "mean" else out


def _packed(vectors: Tensor, place: Tensor, n_rows: int) -> Tensor:
    """The packed layout; periods without behaviours stay zero: b = 0 gives r = 0."""
    return vectors.new_zeros(n_rows, *vectors.shape[1:]).index_copy(0, place, vectors)


def _last_state(layer: nn.Module, vectors: Tensor, place: Tensor, sizes: list[int]) -> Tensor:
    if isinstance(layer, nn.GRU):
        return last_state(layer, vectors, place, sizes)
    _, (state, _) = layer(PackedSequence(_packed(vectors, place, sum(sizes)), torch.tensor(sizes)))
    return state[0]
