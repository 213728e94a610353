"""The loop that the self-supervised competitors share: batches of users, early stopping on held-out ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

# A loss over some users; the generator draws what is random in it.
Loss = Callable[[np.ndarray, np.random.Generator], Tensor]


def train(
    model: nn.Module,
    loss: Loss,
    n_users: int,
    seed: int,
    *,
    batch_size: int,
    epochs: int,
    most_steps: int | None = None,
    lr: float = 1e-3,
    patience: int = 2,
    decay: float = 0.0,
) -> None:
    """Train with Adam until the loss of a held-out tenth stops falling for ``patience`` epochs; keep the best.

    Parameters
    ----------
    most_steps
        Where the users are many, so few epochs (but two) that the steps are no more than this.
    """
    rng = np.random.default_rng([seed, 1])
    order = rng.permutation(n_users)
    n_held = n_users // 10 if n_users >= 100 else 0
    held, own = np.sort(order[:n_held]), np.sort(order[n_held:])
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=decay)
    best, waited, kept = float("inf"), 0, None
    n_steps = max(1, round(len(own) / batch_size))
    if most_steps is not None:
        epochs = min(epochs, max(2, most_steps // n_steps))
    for _ in range(epochs):
        model.train()
        shuffled = rng.permutation(own)
        for users in np.array_split(shuffled, n_steps):
            optimizer.zero_grad(set_to_none=True)
            loss(users, rng).backward()
            optimizer.step()
        if not n_held:
            continue
        value = evaluate(model, loss, held, seed, batch_size)
        if value < best:
            best, waited = value, 0
            kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        else:
            waited += 1
            if waited >= patience:
                break
    if kept is not None:
        model.load_state_dict(kept)
    model.eval()


def evaluate(model: nn.Module, loss: Loss, users: np.ndarray, seed: int, batch_size: int) -> float:
    """Mean loss over users, the same draws each time."""
    model.eval()
    rng = np.random.default_rng([seed, 2])
    parts = np.array_split(users, max(1, round(len(users) / batch_size)))
    with torch.no_grad():
        return float(np.mean([loss(part, rng).item() for part in parts]))


class Attention(nn.Module):
    """Additive attention: weights softmax(v . tanh(W x + b)) over the positions that are no padding."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim, hidden)
        self.context = nn.Linear(hidden, 1, bias=False)

    def weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T) from x (B, T, dim) and mask (B, T); rows sum to 1, or are zeros where all is padding."""
        score = self.context(torch.tanh(self.project(x)))[..., 0].masked_fill(~mask, float("-inf"))
        # A row of padding only has no finite score.
        score = score.masked_fill(~mask.any(-1, keepdim=True), 0.0)
        return torch.softmax(score, dim=-1) * mask

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Weighted sum, (B, dim)."""
        return torch.einsum("bt,btd->bd", self.weights(x, mask), x)


def looked_up(rows: Tensor, place: Tensor) -> Tensor:
    """``rows[place]``, (*place.shape, dim), with a gradient that is the same on every run.

    Indexing's own adds up in whatever order its threads arrive.
    """
    return F.embedding(place, rows)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis where the mask holds; zeros elsewhere, and where it holds nowhere."""
    scores = scores.masked_fill(~mask, float("-inf")).masked_fill(~mask.any(-1, keepdim=True), 0.0)
    return torch.softmax(scores, dim=-1) * mask
