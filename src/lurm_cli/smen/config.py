"""What a SMEN is made of. Light: imported by the command line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

AGGREGATIONS = ("gru", "lstm", "mean", "max")
# Share of the users that say when to stop, and the most and the fewest that do.
HELD_OUT_SHARE, MOST_HELD_OUT, LEAST_HELD_OUT = 0.1, 4096, 20


def share_held_out(n_users: int, share: float = HELD_OUT_SHARE, most: int = MOST_HELD_OUT) -> float:
    """Share of so many users that is held out; none where they would be too few to say anything."""
    share = min(share, most / max(1, n_users))
    return share if n_users * share >= LEAST_HELD_OUT else 0.0


@dataclass(frozen=True)
class ModelConfig:
    """Shape of a Self-supervised Multi-anchor Encoder Network.

    Attributes
    ----------
    n_interests
        D, columns of the Bag of Interests.
    n_anchors
        M, 10 in the paper.
    dim
        H, width of every hidden layer, 128 in the paper.
    scales
        Periods from fine to coarse, one or two of them in the paper (month, year).
    aggregation
        What turns an anchor's sequence into one vector: ``gru`` (paper), ``lstm``, ``mean`` or ``max``.
    gru_per_anchor
        One recurrent layer an anchor instead of one for all (the paper does not index it by anchor).
    gate
        Eq. 7's gate between two scales; without it their mean is taken.
    relu
        The ReLU after the sum over interests (Eq. 6); without it an anchor's vector keeps both signs (ours).
    n_groups
        Groups of interests that are counted beside these, 0 in the paper (ours). With more than one anchor, some
        anchors read the groups, the others the interests.
    """

    n_interests: int
    n_anchors: int = 10
    dim: int = 128
    scales: tuple[str, ...] = ("month", "year")
    aggregation: str = "gru"
    gru_per_anchor: bool = False
    gate: bool = True
    relu: bool = True
    n_groups: int = 0

    @property
    def group_anchors(self) -> int:
        """Anchors that read the groups: two of five; 0 where all anchors read everything."""
        return round(0.4 * self.n_anchors) if self.n_groups and self.n_anchors > 1 else 0

    @property
    def user_dim(self) -> int:
        """Numbers a user: M x H."""
        return self.n_anchors * self.dim

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {**asdict(self), "scales": list(self.scales)}

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> ModelConfig:
        """From ``to_json``'s object."""
        return cls(**{**held, "scales": tuple(held["scales"])})
