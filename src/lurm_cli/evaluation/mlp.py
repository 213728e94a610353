"""The paper's "simple MLP": one hidden layer of 128, stopped on log-loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from torch import Tensor, nn

from lurm_cli.evaluation.features import Features, Matrix, Scaler, Scaling

HIDDEN = 128
# Strength of the L2 penalty on both layers, from hardly any to strong.
PENALTIES = (0.01, 0.05, 0.25)
_BATCH, _LR, _EPOCHS = 256, 3e-3, 60
# Training ends after so many epochs without the log-loss falling by at least so much.
_PATIENCE, _LEAST_GAIN = 6, 1e-3
# Rows come with mean square length 1; Adam's step suits inputs of about this length.
_LENGTH = float(np.sqrt(128))


def predict(
    features: Features, y: np.ndarray, train: np.ndarray, test: np.ndarray, scaling: Scaling, seed: int
) -> tuple[np.ndarray, float]:
    """Class probabilities of the test rows, and the penalty chosen.

    A stratified tenth of the training rows decides when to stop and which penalty is best, both by log-loss. The
    scaling is the one that inner splits settled for the logistic head: it is as cheap there as it is dear here.

    Returns
    -------
    tuple
        float64 (n_test, K) and the L2 strength.
    """
    from sklearn.model_selection import train_test_split

    n_classes = int(y.max()) + 1
    # Of each class one row at least.
    n_outside = max(n_classes, math.ceil(0.1 * len(train)))
    inside, outside = train_test_split(train, test_size=n_outside, stratify=y[train], random_state=seed)
    scaler = Scaler(scaling).fit(features, inside)
    parts = [_Rows(scaler.transform(features, rows)) for rows in (inside, outside, test)]
    best: tuple[float, float, np.ndarray] | None = None
    for penalty in PENALTIES:
        loss, logits = _train(parts, y[inside], y[outside], n_classes, penalty, seed)
        if best is None or loss < best[0]:
            best = loss, penalty, torch.softmax(logits.double(), dim=1).numpy()
    assert best is not None
    return best[2], best[1]


class _Rows:
    """Rows of features for the first layer, dense or sparse."""

    def __init__(self, matrix: Matrix) -> None:
        self.shape = matrix.shape
        self.dense = None if sparse.issparse(matrix) else torch.from_numpy(np.ascontiguousarray(matrix) * _LENGTH)
        self.sparse: Any = matrix * _LENGTH if sparse.issparse(matrix) else None

    def __len__(self) -> int:
        return int(self.shape[0])

    def times(self, weight: Tensor, rows: np.ndarray | None = None) -> Tensor:
        """Some rows times ``weight`` (d, HIDDEN), without ever filling in the zeros of a sparse matrix."""
        if self.dense is not None:
            return (self.dense if rows is None else self.dense[torch.from_numpy(rows)]) @ weight
        some = self.sparse if rows is None else self.sparse[rows]
        return F.embedding_bag(
            torch.from_numpy(some.indices.astype(np.int64)),
            weight,
            torch.from_numpy(some.indptr.astype(np.int64)),
            mode="sum",
            per_sample_weights=torch.from_numpy(some.data.astype(np.float32)),
            include_last_offset=True,
        )


class _Net(nn.Module):
    def __init__(self, dim: int, n_classes: int, generator: torch.Generator) -> None:
        super().__init__()
        scale = 1 / _LENGTH
        self.first = nn.Parameter(torch.randn(dim, HIDDEN, generator=generator) * scale)
        self.shift = nn.Parameter(torch.zeros(HIDDEN))
        self.second = nn.Parameter(torch.randn(HIDDEN, n_classes, generator=generator) * HIDDEN**-0.5)
        self.bias = nn.Parameter(torch.zeros(n_classes))

    def forward(self, x: _Rows, rows: np.ndarray | None = None) -> Tensor:
        hidden = torch.relu(x.times(self.first, rows) + self.shift)
        return hidden @ self.second + self.bias


def _train(
    parts: list[_Rows], y: np.ndarray, y_out: np.ndarray, n_classes: int, penalty: float, seed: int
) -> tuple[float, Tensor]:
    """Train until the log-loss outside has not fallen for some epochs; test logits at its least."""
    inside, outside, test = parts
    net = _Net(inside.shape[1], n_classes, torch.Generator().manual_seed(seed))
    # Adam's weight decay adds penalty * W to the gradient: the L2 penalty, without a pass over W in the graph.
    optimizer = torch.optim.Adam(
        [
            {"params": [net.first, net.second], "weight_decay": penalty},
            {"params": [net.shift, net.bias], "weight_decay": 0.0},
        ],
        lr=_LR,
        fused=True,
    )
    target, target_out = torch.from_numpy(y), torch.from_numpy(y_out)
    rng = np.random.default_rng(seed)
    best, mark, waited = float("inf"), float("inf"), 0
    best_state = {name: value.clone() for name, value in net.state_dict().items()}
    for _ in range(_EPOCHS):
        order = rng.permutation(len(y))
        for rows in np.array_split(order, max(1, round(len(order) / _BATCH))):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(net(inside, rows), target[torch.from_numpy(rows)]).backward()
            optimizer.step()
        with torch.no_grad():
            held = float(F.cross_entropy(net(outside), target_out))
        if held < mark - _LEAST_GAIN:
            mark, waited = held, 0
        else:
            waited += 1
        if held < best:
            best = held
            best_state = {name: value.clone() for name, value in net.state_dict().items()}
        if waited >= _PATIENCE:
            break
    net.load_state_dict(best_state)
    with torch.no_grad():
        return best, net(test)
