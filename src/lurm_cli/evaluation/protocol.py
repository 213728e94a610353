"""Repeated random 80/20 splits, two heads, the same for every method (method section 8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lurm_cli.evaluation import metrics
from lurm_cli.evaluation.features import Features
from lurm_cli.evaluation.heads import HEADS

TEST_SHARE = 0.2


@dataclass(frozen=True)
class Score:
    """Of one method on one task, with one head on one split."""

    head: str
    seed: int
    auc: float
    acc: float
    chosen: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; six digits are more than the splits can tell."""
        held = {"auc": round(self.auc, 6), "acc": round(self.acc, 6)}
        return {"head": self.head, "seed": self.seed, **held, "chosen": self.chosen}


def split(y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and test rows: a random fifth of each class is tested; the same for every method."""
    from sklearn.model_selection import StratifiedShuffleSplit

    splitter = StratifiedShuffleSplit(1, test_size=TEST_SHARE, random_state=seed)
    train, test = next(splitter.split(np.zeros(len(y)), y))
    return np.sort(train), np.sort(test)


def score(features: Features, y: np.ndarray, seeds: int, heads: tuple[str, ...] = HEADS) -> list[Score]:
    """Score one representation on one task.

    Everything that is chosen (scaling, penalty, when to stop) is chosen inside the training rows.

    Parameters
    ----------
    y
        int64 (n,), classes 0..K-1, all of them present.
    seeds
        Number of splits.
    heads
        Of ``HEADS``. The first settles the scaling of both, so that it is tuned whether or not it is asked for.
    """
    from lurm_cli.evaluation import logistic, mlp

    scores = []
    for seed in range(seeds):
        train, test = split(y, seed)
        chosen = logistic.choose(features, y, train, seed)
        for head in heads:
            settled: dict[str, Any] = {"scaling": chosen.scaling}
            if head == "logistic":
                probabilities = logistic.predict(features, y, train, test, chosen)
                settled["c"] = chosen.c
            else:
                probabilities, settled["l2"] = mlp.predict(features, y, train, test, chosen.scaling, seed)
            scores.append(
                Score(
                    head,
                    seed,
                    metrics.auc(y[test], probabilities),
                    metrics.accuracy(y[test], probabilities),
                    settled,
                )
            )
    return scores


def score_supervised(
    predict: Callable[[np.ndarray, np.ndarray, int], np.ndarray],
    y: np.ndarray,
    seeds: int,
    heads: tuple[str, ...] = HEADS,
) -> list[Score]:
    """Score a method that is trained on the labels itself: the same splits, its own last layer in place of a head.

    Parameters
    ----------
    predict
        From training rows, test rows and seed to probabilities, float64 (n_test, K).
    heads
        Under which names the figures are given.

    Returns
    -------
    list of Score
        The same figures under each head, so that the method stands in every table.
    """
    scores = []
    for seed in range(seeds):
        train, test = split(y, seed)
        probabilities = predict(train, test, seed)
        auc, acc = metrics.auc(y[test], probabilities), metrics.accuracy(y[test], probabilities)
        scores += [Score(head, seed, auc, acc, {"head": "its own"}) for head in heads]
    return scores
