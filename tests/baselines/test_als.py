"""ALS against the package implicit called directly, and against the problem it solves."""

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy import optimize, sparse
from threadpoolctl import threadpool_limits

from baselines.toy import catalogue_of, events_of, histories_of, random_lives
from lurm_cli.baselines.als import Als

N_ITEMS, DIM = 15, 6
CATALOGUE = catalogue_of(*(["w"] * N_ITEMS))
LIVES = random_lives(40, N_ITEMS, longest=30)
EVENTS = events_of(LIVES)


def confidence() -> np.ndarray:
    """1 + 10 log(1 + count) where a user has chosen an item, else 0: nothing stored."""
    counts = np.zeros((len(LIVES), N_ITEMS))
    for row, user in enumerate(sorted(LIVES, key=str.encode)):
        for _, item in LIVES[user]:
            counts[row, item] += 1
    assert counts.max() > 1
    return np.where(counts > 0, 1 + 10 * np.log1p(counts), 0)


@pytest.fixture(scope="module")
def fitted() -> Als:
    return Als(dim=DIM, iterations=5).fit(histories_of(EVENTS), CATALOGUE, 3)


def test_items_and_users_are_those_of_implicit(fitted: Als) -> None:
    matrix = sparse.csr_matrix(confidence().astype(np.float32))
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(factors=DIM, regularization=1.0, iterations=5, random_state=3)
        model.fit(matrix, show_progress=False)
        users = model.recalculate_user(np.arange(len(LIVES)), matrix)
    np.testing.assert_allclose(fitted.items, model.item_factors, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(fitted.transform(EVENTS), users, rtol=1e-3, atol=1e-4)


def test_a_row_is_the_least_of_the_weighted_squares(fitted: Als) -> None:
    """Hu, Koren and Volinsky, Eq. 3: sum over all items of c (p - x.y)^2, plus lambda |x|^2; c = 1 where p = 0."""
    rows = fitted.transform(EVENTS)
    for row, held in zip(rows[:5], confidence(), strict=False):
        c, p = np.where(held > 0, held, 1), (held > 0).astype(float)
        root = np.concatenate([np.sqrt(c)[:, None] * fitted.items, np.eye(DIM)])
        least = optimize.lsq_linear(root, np.concatenate([np.sqrt(c) * p, np.zeros(DIM)])).x
        np.testing.assert_allclose(row, least, rtol=1e-3, atol=1e-5)


def test_an_item_nobody_chose_is_in_no_row() -> None:
    events = events_of({"a": [(1, 0)], "b": [(1, 1)]})
    baseline = Als(dim=2).fit(histories_of(events), catalogue_of("w", "w", "w"), 0)
    np.testing.assert_allclose(baseline.items[2], 0, atol=1e-6)
    np.testing.assert_allclose(baseline.transform(events_of({"new": [(1, 2)]})), 0, atol=1e-4)
