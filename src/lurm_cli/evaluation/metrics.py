"""AUC and accuracy, and what may be said of their differences."""

from __future__ import annotations

import numpy as np


def auc(y: np.ndarray, probabilities: np.ndarray) -> float:
    """Macro one-versus-rest area under the ROC curve; for two classes the usual one (the paper defines none).

    Parameters
    ----------
    y
        int (n,), classes 0..K-1.
    probabilities
        (n, K).
    """
    from sklearn.metrics import roc_auc_score

    if probabilities.shape[1] == 2:
        return float(roc_auc_score(y, probabilities[:, 1]))
    columns = [roc_auc_score(y == k, probabilities[:, k]) for k in range(probabilities.shape[1])]
    return float(np.mean(columns))


def accuracy(y: np.ndarray, probabilities: np.ndarray) -> float:
    """Share of users whose most probable class is right."""
    return float((probabilities.argmax(axis=1) == y).mean())


def log_losses(y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Negative log-probability of each row's true class, float64 (n,)."""
    held: np.ndarray = -np.log(np.maximum(probabilities[np.arange(len(y)), y], 1e-12))
    return held


def corrected_interval(differences: np.ndarray, test_share: float, level: float = 0.95) -> tuple[float, float]:
    """Confidence interval of a mean paired difference over repeated random splits.

    The splits share users, so the plain t interval is too narrow: the variance is multiplied by
    1/J + test/train instead of 1/J (Nadeau and Bengio, 2003, corrected resampled t-test).

    Returns
    -------
    tuple of float
        Half-open on neither side; (nan, nan) for fewer than two splits.
    """
    from scipy.stats import t

    n = len(differences)
    if n < 2:
        return float("nan"), float("nan")
    mean = float(np.mean(differences))
    spread = float(np.std(differences, ddof=1)) * np.sqrt(1 / n + test_share / (1 - test_share))
    half = float(t.ppf(0.5 + level / 2, n - 1)) * float(spread)
    return mean - half, mean + half
