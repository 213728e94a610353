"""Scores against scikit-learn, and the interval against a number worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from lurm_cli.evaluation import metrics


def random_scores(n_classes: int, seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    raw = rng.random((n, n_classes)).round(1) + 0.01  # rounded, so that there are ties
    return y, raw / raw.sum(axis=1, keepdims=True)


@given(st.integers(3, 7), st.integers(0, 1000))
def test_auc_of_several_classes_is_the_macro_average_of_one_versus_rest(n_classes: int, seed: int) -> None:
    y, p = random_scores(n_classes, seed)
    assert metrics.auc(y, p) == pytest.approx(roc_auc_score(y, p, multi_class="ovr", average="macro"), abs=1e-12)
    assert metrics.accuracy(y, p) == pytest.approx(accuracy_score(y, p.argmax(axis=1)))
    assert metrics.log_losses(y, p).mean() == pytest.approx(log_loss(y, p))


@given(st.integers(0, 1000))
def test_auc_of_two_classes_is_the_usual_one(seed: int) -> None:
    y, p = random_scores(2, seed)
    assert metrics.auc(y, p) == pytest.approx(roc_auc_score(y, p[:, 1]))


def test_auc_counts_pairs_in_the_right_order() -> None:
    # Of 2 x 2 pairs, three are in order and one is not.
    y, positive = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.5, 0.9])
    assert metrics.auc(y, np.column_stack([1 - positive, positive])) == 0.75
    assert metrics.accuracy(y, np.column_stack([1 - positive, positive])) == 0.5


def test_log_loss_of_a_certain_mistake_is_finite() -> None:
    assert metrics.log_losses(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx([-np.log(1e-12)])


def test_corrected_interval_by_hand() -> None:
    # Differences 1, 2, 3: mean 2, sd 1. sqrt(1/3 + 0.2/0.8) = 0.763763; t(0.975; 2) = 4.302653; product 3.286205.
    low, high = metrics.corrected_interval(np.array([1.0, 2.0, 3.0]), 0.2)
    assert low == pytest.approx(2 - 3.286205, abs=1e-5)
    assert high == pytest.approx(2 + 3.286205, abs=1e-5)


def test_more_splits_cannot_shrink_the_interval_below_what_the_shared_users_allow() -> None:
    # The plain t interval goes to zero with the number of splits; this one keeps sd * 1.96 * sqrt(1/4).
    many = np.tile([-1.0, 1.0], 50_000)
    low, high = metrics.corrected_interval(many, 0.2)
    assert high == pytest.approx(1.959964 * 0.5, abs=1e-3)
    assert low == pytest.approx(-high)


def test_one_split_has_no_interval() -> None:
    assert np.isnan(metrics.corrected_interval(np.array([3.0]), 0.2)).all()
