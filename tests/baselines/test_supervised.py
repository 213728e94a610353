"""What holds for every method that is trained on a task's labels."""

import numpy as np
import pytest

from lurm_cli.baselines.registry import SUPERVISED, make_classifier

# Words of four texts; row 0 is padding.
TABLE = np.array([[0, 0, 0], [1, 2, 0], [3, 0, 0], [2, 4, 5], [5, 1, 0]])
VECTORS = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
TEXTS = np.random.default_rng(1).integers(1, 5, (120, 6)).astype(np.float32)
Y = np.arange(120) % 3


@pytest.mark.parametrize("name", sorted(SUPERVISED))
def test_what_one_split_learns_does_not_reach_the_next(name: str) -> None:
    vectors = VECTORS.copy()
    vectors[0] = 0
    given = vectors.copy()
    first, again = (make_classifier(name).fit(TEXTS, Y, TABLE, vectors, 0).predict_proba(TEXTS[:20]) for _ in range(2))
    np.testing.assert_array_equal(vectors, given)
    np.testing.assert_array_equal(again, first)
