"""Heads and protocol: what can be learnt is learnt, what cannot is not, and nobody looks at the test users."""

import numpy as np
import pytest
import torch
from scipy import sparse

from lurm_cli.evaluation import logistic, mlp
from lurm_cli.evaluation.features import SCALINGS, Features, Scaler, Scaling
from lurm_cli.evaluation.heads import HEADS
from lurm_cli.evaluation.protocol import Score, score, split

N = 400


def planted(n_classes: int, as_sparse: bool = False, noise: float = 0.5) -> tuple[Features, np.ndarray]:
    """Each class raises columns of its own, among others that say nothing."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(N) % n_classes)
    if as_sparse:
        rate = np.full((N, 60), 0.1)
        for k in range(n_classes):
            rate[y == k, 4 * k : 4 * k + 4] = 1.0
        return Features((sparse.csr_matrix(rng.poisson(rate).astype(np.float32)),)), y
    x = rng.normal(size=(N, 20)) * noise
    x[np.arange(N), y] += 1
    return Features((x.astype(np.float32),)), y


def noise(n_classes: int) -> tuple[Features, np.ndarray]:
    rng = np.random.default_rng(1)
    return Features((rng.normal(size=(N, 20)).astype(np.float32),)), rng.permutation(np.arange(N) % n_classes)


def mean_auc(scores: list[Score], head: str) -> float:
    return float(np.mean([entry.auc for entry in scores if entry.head == head]))


@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_both_heads_learn_a_planted_signal(n_classes: int, as_sparse: bool) -> None:
    scores = score(*planted(n_classes, as_sparse), seeds=2)
    for head in HEADS:
        assert mean_auc(scores, head) > 0.9
        assert all(entry.acc > 1.5 / n_classes for entry in scores if entry.head == head)


def test_ten_users_of_each_of_many_classes_are_enough() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(6), 10)
    scores = score(Features((np.eye(6, dtype=np.float32)[y] + rng.normal(size=(60, 6)).astype(np.float32) / 9,)), y, 1)
    assert all(entry.auc > 0.99 for entry in scores)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_neither_head_beats_chance_on_noise(n_classes: int) -> None:
    scores = score(*noise(n_classes), seeds=4)
    for head in HEADS:
        assert abs(mean_auc(scores, head) - 0.5) < 0.08


def test_the_hidden_layer_learns_what_a_line_cannot() -> None:
    # Exclusive or: each column alone says nothing.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 2)).astype(np.float32)
    scores = score(Features((x,)), (x[:, 0] * x[:, 1] > 0).astype(np.int64), seeds=1)
    assert mean_auc(scores, "mlp") > 0.95
    assert abs(mean_auc(scores, "logistic") - 0.5) < 0.15


def test_noise_gets_a_strong_penalty_and_signal_a_weak_one() -> None:
    rows = np.arange(N)
    chosen = {name: logistic.choose(*made, rows, 0).c for name, made in (("noise", noise(2)), ("signal", planted(2)))}
    assert chosen["noise"] <= 0.1 < 1 <= chosen["signal"]


def test_a_scaling_that_cannot_win_is_tried_on_one_fold_only(monkeypatch: pytest.MonkeyPatch) -> None:
    features, y = planted(2)
    # A column that drowns the others, and says nothing, unless each is scaled by itself.
    x = np.hstack([features.blocks[0], 1e4 * np.random.default_rng(0).normal(size=(N, 1)).astype(np.float32)])
    fitted: list[str] = []

    class Spy(Scaler):
        def __init__(self, scaling: Scaling) -> None:
            fitted.append(scaling)
            super().__init__(scaling)

    monkeypatch.setattr(logistic, "Scaler", Spy)
    assert logistic.choose(Features((x,)), y, np.arange(N), 0).scaling == "column"
    assert {scaling: fitted.count(scaling) for scaling in SCALINGS} == {"column": 3, "global": 1, "row": 1}


@pytest.mark.parametrize("made", [planted(2), planted(4), planted(3, as_sparse=True), planted(2, noise=2.0)])
def test_the_race_of_the_scalings_has_the_winner_of_all_folds(
    made: tuple[Features, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = logistic.choose(*made, np.arange(N), 0)
    monkeypatch.setattr(logistic, "_CLEARLY", 1e9)
    assert logistic.choose(*made, np.arange(N), 0) == chosen


def test_splits_follow_from_the_labels_and_the_seed_alone() -> None:
    y = np.array([0] * 70 + [1] * 25 + [2] * 10)
    for seed in range(5):
        train, test = split(y, seed)
        assert [part.tolist() for part in split(y.copy(), seed)] == [train.tolist(), test.tolist()]
        assert sorted([*train, *test]) == list(range(105))
        # A fifth of every class is tested.
        assert np.bincount(y[test]).tolist() == [14, 5, 2]
    assert split(y, 0)[1].tolist() != split(y, 1)[1].tolist()


def test_a_score_says_what_was_settled() -> None:
    scores = score(*planted(2), seeds=2)
    assert [(entry.seed, entry.head) for entry in scores] == [(0, "logistic"), (0, "mlp"), (1, "logistic"), (1, "mlp")]
    for entry in scores:
        assert entry.chosen["scaling"] in SCALINGS
        assert (
            (entry.chosen["c"] in logistic.PENALTIES)
            if entry.head == "logistic"
            else entry.chosen["l2"] in mlp.PENALTIES
        )


@pytest.mark.parametrize("as_sparse", [False, True])
def test_features_of_the_test_rows_settle_nothing(as_sparse: bool) -> None:
    features, y = planted(3, as_sparse)
    train, test = split(y, 0)
    (block,) = features.blocks
    rng = np.random.default_rng(7)
    filled = block.toarray() if as_sparse else block.copy()
    filled[test] = rng.permutation(filled[test].ravel()).reshape(filled[test].shape) * 50 + 3
    changed = Features((sparse.csr_matrix(filled) if as_sparse else filled,))
    before, after = score(features, y, seeds=1), score(changed, y, seeds=1)
    assert [entry.chosen for entry in before] == [entry.chosen for entry in after]
    # The models are the same, too: asked about other rows, they say the same.
    chosen = logistic.choose(features, y, train, 0)
    np.testing.assert_array_equal(
        logistic.predict(features, y, train, train, chosen), logistic.predict(changed, y, train, train, chosen)
    )
    first, second = (mlp.predict(given, y, train, train, "global", 0)[0] for given in (features, changed))
    np.testing.assert_array_equal(first, second)


def test_labels_of_the_test_rows_settle_nothing() -> None:
    features, y = planted(2)
    train, test = split(y, 0)
    other = y.copy()
    other[test] = 1 - other[test]
    assert logistic.choose(features, y, train, 0) == logistic.choose(features, other, train, 0)
    first, second = (mlp.predict(features, given, train, test, "column", 0) for given in (y, other))
    assert first[1] == second[1]
    np.testing.assert_array_equal(first[0], second[0])


def test_scoring_again_gives_the_same_numbers() -> None:
    once, again = (score(*planted(2), seeds=1) for _ in range(2))
    assert once == again


def test_sparse_and_dense_paths_of_the_hidden_layer_agree() -> None:
    features, _ = planted(2, as_sparse=True)
    weight = torch.randn(60, 8, generator=torch.Generator().manual_seed(0))
    rows = np.array([3, 0, 399, 3])
    for chosen in (rows, None):
        of_sparse = mlp._Rows(features.blocks[0]).times(weight, chosen)
        of_dense = mlp._Rows(features.blocks[0].toarray()).times(weight, chosen)
        torch.testing.assert_close(of_sparse, of_dense, rtol=1e-4, atol=1e-4)


def test_what_is_chosen_on_a_part_of_the_rows_keeps_every_class() -> None:
    y = np.concatenate([np.zeros(30_000, dtype=np.int64), np.ones(3_000, dtype=np.int64), np.full(7, 2)])
    rows = np.arange(0, len(y), 1)
    some = logistic._some(rows, y, np.random.default_rng(0))
    assert (np.diff(some) > 0).all()
    sizes = np.bincount(y[some])
    assert sizes[2] == 6
    assert len(some) == pytest.approx(6_000, abs=10)
    assert sizes[0] / sizes[1] == pytest.approx(10, rel=0.01)
