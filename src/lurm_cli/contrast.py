"""NT-Xent, the contrastive loss of items (Eqs. 2-3) and of users (section 3.2.4)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def nt_xent(x: Tensor, y: Tensor, tau: float) -> Tensor:
    """Normalised-temperature cross-entropy over n positive pairs.

    Each of the 2n elements is an anchor once; its denominator holds every other element, the positive among
    them, and leaves out only the anchor itself. The mean is over all 2n anchors (SimCLR's own code gives twice
    this value).

    Parameters
    ----------
    x, y
        (n, d): row i of both is a positive pair. They are brought to unit length here.
    tau
        Temperature.

    Returns
    -------
    Tensor
        A scalar.
    """
    n = len(x)
    both = F.normalize(torch.cat([x, y]), dim=1)
    similarity = (both @ both.T / tau).fill_diagonal_(float("-inf"))  # (2n, 2n)
    positive = torch.cat([torch.arange(n, 2 * n), torch.arange(n)])
    return F.cross_entropy(similarity, positive)
