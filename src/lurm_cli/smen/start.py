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

import numpy as np
import torch
from scipy import sparse
from torch import nn

from lurm_cli.smen.batch import InputLaw
from lurm_cli.smen.config import ModelConfig
from lurm_cli.smen.model import Encoder

# Users the decomposition is learnt from at the most.
MOST_USERS = 100_000
# Length of a row of W^e, before it is divided among the anchors: small enough for the tanh of the GRU to stay linear.
_SIZE = 5.0
# Spread of the logits of alpha (Eq. 5): anchors that begin with interests of their own stay different.
_SHARPNESS = 1.0
# The part of the GRU's random weights that is kept, so that anchors do not start as one.
_NOISE = 0.1


def interest_directions(lives: Iterable[sparse.csr_matrix], law: InputLaw, n_components: int, seed: int) -> np.ndarray:
    """Right singular vectors of the users' bags, each bag of unit length.

    Parameters
    ----------
    lives
        Counts of whole lives, CSR (users, D), block by block.
    law
        How counts enter the encoder; the decomposition sees the same weights.

    Returns
    -------
    numpy.ndarray
        float32 (D, at most n_components); no column where there is a single bag or interest.
    """
    from sklearn.decomposition import TruncatedSVD

    blocks, n_users = [], 0
    for counts in lives:
        blocks.append(InputLaw(law.weights, normalize=True).apply(counts[: MOST_USERS - n_users]))
        n_users += blocks[-1].shape[0]
        if n_users >= MOST_USERS:
            break
    bags = sparse.vstack(blocks, format="csr")
    if min(bags.shape) < 2:
        return np.zeros((bags.shape[1], 0), dtype=np.float32)  # one bag or one interest: nothing goes together
    n_components = max(1, min(n_components, min(bags.shape) - 1))
    # Where all users are alike there is no variance to explain; what share is explained is not used.
    with np.errstate(invalid="ignore"):
        found = TruncatedSVD(n_components, random_state=seed).fit(bags)
    return np.ascontiguousarray(found.components_.T, dtype=np.float32)


def n_directions(config: ModelConfig) -> int:
    """Singular vectors that fit into the width: with the ReLU each takes two columns, one a sign."""
    return config.dim // 2 if config.relu else config.dim


def start_from(encoder: Encoder, directions: np.ndarray, n_periods: float) -> None:
    """Set the weights from which training starts.

    Parameters
    ----------
    directions
        (D, k), k at most ``n_directions``.
    n_periods
        Periods of a typical life: the span of the running mean.
    """
    table = encoder.anchors.interests
    k = directions.shape[1]
    with torch.no_grad():
        vectors = torch.from_numpy(directions) * _SIZE
        # What is left of the width, where users or interests are few, keeps small random values.
        table.mul_(_NOISE * _SIZE * len(table) ** -0.5)
        table[:, :k] = vectors
        if encoder.config.relu:
            table[:, k : 2 * k] = -vectors
        keys = torch.relu(table) @ encoder.anchors.key.T
        encoder.anchors.anchors.mul_(
            _SHARPNESS / float((keys @ encoder.anchors.anchors.T).std(correction=0).clamp_min(1e-6))
        )
        for layer in encoder.time.layers or []:
            if isinstance(layer, nn.GRU):
                _running_mean(layer, n_periods)


def _running_mean(layer: nn.GRU, n_periods: float) -> None:
    """h_t = (1 - z) tanh(x_t) + z h_{t-1}, nearly, with 1 / (1 - z) about half the periods of a life."""
    dim = layer.hidden_size
    window = max(2.0, n_periods / 2)
    held = dict(layer.named_parameters())
    held["weight_hh_l0"].mul_(_NOISE)
    held["weight_ih_l0"].mul_(_NOISE)
    held["bias_ih_l0"].zero_()
    held["bias_hh_l0"].zero_()
    # Rows of torch's GRU: reset, update, new.
    held["weight_ih_l0"][2 * dim :] = torch.eye(dim)
    held["bias_ih_l0"][dim : 2 * dim] = float(np.log(window - 1)) if window > 2 else 0.0
