"""NT-Xent, method section 12 (3)."""

import math

import pytest
import torch

from lurm_cli.contrast import nt_xent


def test_equal_vectors_give_ln_of_2n_minus_1() -> None:
    same = torch.ones(8, 5)
    assert nt_xent(same, same, 0.1).item() == pytest.approx(math.log(15), abs=1e-5)
    assert nt_xent(same, same, 0.1).item() == pytest.approx(2.70805, abs=1e-5)


def test_orthonormal_perfect_pairs() -> None:
    x = torch.eye(8, dtype=torch.float64)
    assert nt_xent(x, x, 0.1).item() == pytest.approx(6.3540e-4, rel=1e-4)


def test_swapping_and_rescaling_change_nothing() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(6, 4), torch.randn(6, 4)
    value = nt_xent(x, y, 0.1)
    assert torch.allclose(nt_xent(y, x, 0.1), value)
    assert torch.allclose(nt_xent(3 * x, 0.2 * y, 0.1), value)


def test_agrees_with_equations_2_and_3_written_out() -> None:
    torch.manual_seed(0)
    x, y, tau = torch.randn(5, 4, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64), 0.3
    delta = [v / v.norm() for v in (*x, *y)]
    total = 0.0
    for anchor in range(10):
        similar = [math.exp(float(delta[anchor] @ v) / tau) for v in delta]
        denominator = sum(value for place, value in enumerate(similar) if place != anchor)
        total += -math.log(similar[(anchor + 5) % 10] / denominator)
    assert nt_xent(x, y, tau).item() == pytest.approx(total / 10)
