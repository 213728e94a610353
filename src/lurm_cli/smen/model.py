"""SMEN: anchors, time, scales; and, while training, the projection head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lurm_cli.smen.aggregation import TimeAggregation
from lurm_cli.smen.anchors import MultiAnchor
from lurm_cli.smen.batch import Batch
from lurm_cli.smen.config import ModelConfig
from lurm_cli.smen.gate import ScaleGate
from lurm_cli.smen.head import ProjectionHead


class Encoder(nn.Module):
    """From a batch of sequences to user representations, (S, M * H).

    The modules are shared by the scales (section 3.2.3 of the paper); each further scale has a gate of its own.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.anchors = MultiAnchor(
            config.n_interests, config.n_anchors, config.dim, config.relu, config.n_groups, config.group_anchors
        )
        self.time = TimeAggregation(config.aggregation, config.n_anchors, config.dim, config.gru_per_anchor)
        n_gates = len(config.scales) - 1 if config.gate else 0
        self.gates = nn.ModuleList(ScaleGate(config.n_anchors, config.dim) for _ in range(n_gates))

    def forward(self, batch: Batch, alpha: Tensor | None = None) -> Tensor:
        """Representation by anchor, (S, M, H).

        Parameters
        ----------
        alpha
            ``anchors.alpha`` of all interests, (C, M), where it is known already.
        """
        vectors = self.anchors.gather(batch.touched)  # (J, H)
        alpha = self.anchors.alpha(vectors, batch.touched) if alpha is None else alpha[batch.touched]  # (J, M)
        by_scale = [self.time(self.anchors(scale.rows, vectors, alpha), scale) for scale in batch.scales]
        if not self.config.gate:
            return torch.stack(by_scale).mean(0)
        mixed = by_scale[0]
        for gate, coarse in zip(self.gates, by_scale[1:], strict=True):
            mixed = gate(mixed, coarse)
        return mixed


class Smen(nn.Module):
    """Encoder and projection head, as trained."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.head = ProjectionHead(config.n_anchors, config.dim)

    def forward(self, batch: Batch) -> Tensor:
        """h of Eq. 9, (S, M * H): what the contrastive loss compares."""
        out: Tensor = self.head(self.encoder(batch))
        return out
