"""Rows that are alike are decomposed without a word; long logs are cut once."""

import numpy as np
import pytest
from scipy import sparse

from lurm_cli import decomposition
from lurm_cli.decomposition import first_rows, first_rows_and_others, principal_directions


@pytest.mark.parametrize("row", [[1, 1, 1, 1], [1, 2, 0, 3], [0, 0, 0, 0]])
@pytest.mark.parametrize("n_rows", [2, 6, 30])
@pytest.mark.filterwarnings("error")
def test_rows_that_are_alike_give_no_warning(row: list[int], n_rows: int) -> None:
    bags = sparse.csr_matrix(np.tile(np.array(row, dtype=np.float32), (n_rows, 1)))
    directions, strength = principal_directions(bags, 3, seed=0)
    assert np.isfinite(directions).all()
    assert strength[0] == pytest.approx(np.linalg.norm(row) * n_rows**0.5, rel=1e-5)


@pytest.mark.parametrize(("most", "n_first"), [(1, 1), (3, 3), (4, 4), (5, 5), (9, 9), (20, 9)])
def test_first_rows_and_the_others_are_all_rows(most: int, n_first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decomposition, "MOST_ROWS", most)
    rows = np.arange(18, dtype=np.float32).reshape(9, 2)
    blocks = [sparse.csr_matrix(rows[start : start + 3]) for start in range(0, 9, 3)]
    first, others = first_rows_and_others(blocks)
    assert first.toarray().tolist() == rows[:n_first].tolist()
    assert [row for block in others for row in block.toarray().tolist()] == rows[n_first:].tolist()
    assert first_rows(blocks).toarray().tolist() == rows[:n_first].tolist()
