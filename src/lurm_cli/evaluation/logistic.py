"""Logistic-regression head: scaling and penalty settled by log-loss inside the training users."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from lurm_cli.evaluation.features import SCALINGS, Features, Matrix, Scaler, Scaling
from lurm_cli.evaluation.metrics import log_losses

# From very strong to weak: with rows of length 1, C = 0.03 leaves hardly more than the class shares.
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
_FOLDS = 3
# So many standard errors behind the best on some folds, a scaling is not tried on the others.
_CLEARLY = 2.0
# Scaling and penalty are settled on a random part of larger training sets: what suits 6,000 users suits their like, and
# sixty fits of all of them would take most of an evaluation's time.
_MOST_ROWS = 6_000


@dataclass(frozen=True)
class Chosen:
    """What the inner splits settled: the scaling and C, the inverse penalty."""

    scaling: Scaling
    c: float


def choose(features: Features, y: np.ndarray, rows: np.ndarray, seed: int) -> Chosen:
    """Scaling and penalty of least mean log-loss over three inner folds of the training rows.

    Parameters
    ----------
    rows
        int (n_train,): the training rows of ``features`` and ``y``.
    """
    from sklearn.model_selection import StratifiedKFold

    if len(rows) > _MOST_ROWS:
        rows = _some(rows, y, np.random.default_rng(seed))

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(rows, y[rows])
    paths: dict[Scaling, list[np.ndarray]] = {scaling: [] for scaling in SCALINGS}
    for inside, outside in folds:
        for scaling, found in paths.items():
            scaler = Scaler(scaling).fit(features, rows[inside])
            x, x_out = (scaler.transform(features, rows[some]) for some in (inside, outside))
            found.append(_path(x, y[rows[inside]], x_out, y[rows[outside]]))
        paths = _still_possible(paths)
    # A path ends where its loss has turned upwards, so only the part that all folds have is compared.
    best: tuple[float, Chosen] | None = None
    for scaling, found in paths.items():
        shortest = min(map(len, found))
        losses = np.mean([path[:shortest].mean(axis=1) for path in found], axis=0)
        place = int(np.argmin(losses))
        if best is None or losses[place] < best[0]:
            best = float(losses[place]), Chosen(scaling, PENALTIES[place])
    assert best is not None
    return best[1]


def _still_possible(paths: dict[Scaling, list[np.ndarray]]) -> dict[Scaling, list[np.ndarray]]:
    """Scalings that may yet turn out best: a race after every fold spares the fits of those that cannot win.

    One leaves whose loss on the rows so far, each row compared with itself, is above the leader's by more than
    ``_CLEARLY`` standard errors.
    """
    so_far = {
        scaling: np.concatenate([path[path.mean(1).argmin()] for path in found]) for scaling, found in paths.items()
    }
    leader = min(so_far.values(), key=np.mean)

    def behind(losses: np.ndarray) -> bool:
        difference = losses - leader
        return bool(difference.mean() > _CLEARLY * difference.std() / np.sqrt(len(difference)))

    return {scaling: paths[scaling] for scaling, losses in so_far.items() if not behind(losses)}


def _some(rows: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """About ``_MOST_ROWS`` of the rows, the classes in their shares, but enough of each for every fold."""
    chosen = []
    for members in (rows[y[rows] == label] for label in np.unique(y[rows])):
        size = max(round(len(members) * _MOST_ROWS / len(rows)), min(len(members), 2 * _FOLDS))
        chosen.append(rng.choice(members, size, replace=False))
    return np.sort(np.concatenate(chosen))


def _path(x: Matrix, y: np.ndarray, x_out: Matrix, y_out: np.ndarray) -> np.ndarray:
    """Log-loss of each row outside along the penalties, (penalties, n), each fit starting from the one before."""
    model, losses = _model(PENALTIES[0]), []
    for c in PENALTIES:
        model.set_params(C=c)
        _fit(model, x, y)
        losses.append(log_losses(y_out, model.predict_proba(x_out)))
        if len(losses) > 2 and losses[-1].mean() > losses[-2].mean() > losses[-3].mean():
            break
    return np.array(losses)


def _model(c: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, tol=1e-3, max_iter=300, warm_start=True)


def _fit(model: Any, x: Matrix, y: np.ndarray) -> None:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # 300 steps from a warm start end close enough; what is compared is the loss that was reached.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, y)


def predict(features: Features, y: np.ndarray, train: np.ndarray, test: np.ndarray, chosen: Chosen) -> np.ndarray:
    """Class probabilities of the test rows, (n_test, K), from a model of all training rows."""
    scaler = Scaler(chosen.scaling).fit(features, train)
    model = _model(chosen.c)
    _fit(model, scaler.transform(features, train), y[train])
    out: np.ndarray = model.predict_proba(scaler.transform(features, test))
    return out
