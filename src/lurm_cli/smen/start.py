"""Where training starts: interest vectors that already tell users apart, instead of random ones (ours).

The paper prints no initialisation. From random weights the anchors first have to find out which interests go
together, and on logs of thousands rather than millions of users they never quite do. What goes together is what a
truncated singular value decomposition of the users' bags finds in a second. ``W^e`` starts from its right singular
vectors V, or, where the ReLU after the sum (Eq. 6) would lose the negative half, from [V, -V] of half as many; the
recurrent layer starts as a running mean of its input. The encoder then begins as good as that decomposition, and
training goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from scipy import sparse
from torch import nn

from lurm_cli.decomposition import first_rows, principal_directions
from lurm_cli.smen.batch import InputLaw
from lurm_cli.smen.config import ModelConfig
from lurm_cli.smen.model import Encoder

# Length of a row of W^e, before it is divided among the anchors: small enough for the tanh of the GRU to stay linear.
_SIZE = 5.0
# Spread of the logits of alpha (Eq. 5): anchors that begin with interests of their own stay different.
_SHARPNESS = 1.0
# The part of the GRU's random weights that is kept, so that anchors do not start as one.
_NOISE = 0.1


def interest_directions(
    lives: Iterable[sparse.csr_matrix], law: InputLaw, n_components: int, seed: int
) -> list[np.ndarray]:
    """Right singular vectors of the users' bags, by level: of the interests, and of their groups where there are any.

    Parameters
    ----------
    lives
        Counts of whole lives, CSR (users, D), block by block.
    law
        How counts enter the encoder; the decomposition sees the same, but bags that the law does not scale are
        brought to unit length.

    Returns
    -------
    list of numpy.ndarray
        float32 (D, at most n_components) and (G, at most n_components), over the mean length of the level's bags; no
        column where there is a single bag or a single interest or group.
    """
    seen = replace(law, scaling="unit") if law.scaling == "none" else law
    stacked = first_rows(seen.apply(counts) for counts in lives)
    n_interests = stacked.shape[1] - (0 if law.groups is None else 1 + int(law.groups.max()))
    levels = [stacked[:, :n_interests], stacked[:, n_interests:]] if law.groups is not None else [stacked]
    return [_directions(level, n_components, seed) for level in levels]


def _directions(bags: sparse.csr_matrix, n_components: int, seed: int) -> np.ndarray:
    found, _ = principal_directions(bags, n_components, seed)
    length = np.sqrt(float(bags.multiply(bags).sum()) / max(1, bags.shape[0]))
    return found / np.float32(max(length, 1e-6))


def n_directions(config: ModelConfig) -> int:
    """Singular vectors that fit into the width: with the ReLU each takes two columns, one a sign."""
    return config.dim // 2 if config.relu else config.dim


def start_from(encoder: Encoder, directions: list[np.ndarray], n_periods: float) -> None:
    """Set the weights from which training starts.

    Parameters
    ----------
    directions
        Of each level, (columns, k), k at most ``n_directions``.
    n_periods
        Periods of a typical life.
    """
    table = encoder.anchors.interests
    with torch.no_grad():
        # What is left of the width, where users or interests are few, keeps small random values.
        table.mul_(_NOISE * _SIZE * len(table) ** -0.5)
        first = 0
        for level in directions:
            vectors, k = torch.from_numpy(level) * _SIZE, level.shape[1]
            rows = table[first : first + len(vectors)]
            rows[:, :k] = vectors
            if encoder.config.relu:
                rows[:, k : 2 * k] = -vectors
            first += len(vectors)
        keys = torch.relu(table) @ encoder.anchors.key.T
        encoder.anchors.anchors.mul_(
            _SHARPNESS / float((keys @ encoder.anchors.anchors.T).std(correction=0).clamp_min(1e-6))
        )
        for layer in encoder.time.layers or []:
            if isinstance(layer, nn.GRU):
                _running_mean(layer, _span(n_periods, len(encoder.config.scales)))


def _span(n_periods: float, n_scales: int) -> float:
    """Periods that the running mean spans: half a life where there is one scale only, else the root of a life.

    Of the finest scale it is the recent periods that the coarser ones do not keep.
    """
    return max(2.0, n_periods / 2 if n_scales == 1 else n_periods**0.5)


def _running_mean(layer: nn.GRU, span: float) -> None:
    """h_t = (1 - z) tanh(x_t) + z h_{t-1}, nearly, with 1 / (1 - z) = ``span``."""
    dim = layer.hidden_size
    held = dict(layer.named_parameters())
    held["weight_hh_l0"].mul_(_NOISE)
    held["weight_ih_l0"].mul_(_NOISE)
    held["bias_ih_l0"].zero_()
    held["bias_hh_l0"].zero_()
    # Rows of torch's GRU: reset, update, new.
    held["weight_ih_l0"][2 * dim :] = torch.eye(dim)
    held["bias_ih_l0"][dim : 2 * dim] = float(np.log(span - 1))
