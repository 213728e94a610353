"""Where training starts: from a decomposition of the bags, with a recurrent layer that averages."""

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import nn

from lurm_cli.smen.batch import InputLaw
from lurm_cli.smen.config import ModelConfig
from lurm_cli.smen.model import Encoder
from lurm_cli.smen.start import _running_mean, _span, interest_directions, n_directions, start_from
from lurm_cli.stages.train_smen import TrainConfig, default_epochs, with_preset


def two_tastes(n_users: int = 40) -> sparse.csr_matrix:
    """Users who choose either only the first three of six interests, or only the last three."""
    counts = np.zeros((n_users, 6), dtype=np.int32)
    rng = np.random.default_rng(0)
    counts[: n_users // 2, :3] = rng.integers(1, 5, (n_users // 2, 3))
    counts[n_users // 2 :, 3:] = rng.integers(1, 5, (n_users - n_users // 2, 3))
    return sparse.csr_matrix(counts)


def test_directions_tell_planted_tastes_apart():
    (found,) = interest_directions([two_tastes()], InputLaw(), 2, seed=0)
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), 1, rtol=1e-5)
    # Each direction lives on the interests of one taste.
    on_first = (found[:3] ** 2).sum(axis=0)
    assert sorted(on_first.round(2).tolist()) == [0.0, 1.0]


def test_directions_do_not_depend_on_how_users_lie_in_blocks():
    lives = two_tastes()
    (whole,) = interest_directions([lives], InputLaw(), 2, seed=0)
    (pieces,) = interest_directions([lives[:7], lives[7:]], InputLaw(), 2, seed=0)
    np.testing.assert_array_equal(whole, pieces)


def test_groups_have_directions_of_their_own() -> None:
    law = InputLaw(scaling="root", groups=np.array([0, 0, 0, 1, 1, 1], dtype=np.int32))
    interests, groups = interest_directions([two_tastes()], law, 2, seed=0)
    assert interests.shape == (6, 2)
    # Each taste is one group, so a direction of the groups is one of them.
    assert groups.shape == (2, 1)
    np.testing.assert_allclose(np.abs(groups).min(), 0, atol=1e-6)
    encoder = Encoder(ModelConfig(6, 5, 4, ("month",), relu=False, n_groups=2))
    start_from(encoder, [interests, groups], 6)
    table = encoder.anchors.interests.detach().numpy()
    for rows, level in ((table[:6], interests), (table[6:], groups)):
        width = level.shape[1]
        factor = np.linalg.norm(rows[:, :width]) / np.linalg.norm(level)
        np.testing.assert_allclose(rows[:, :width], factor * level, rtol=1e-5, atol=1e-7)


def test_both_signs_of_every_direction_are_kept():
    # ReLU(x) - ReLU(-x) = x: what Eq. 6's ReLU takes away from one half stands in the other.
    encoder = Encoder(ModelConfig(6, 2, 8, ("month",)))
    directions = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    start_from(encoder, [directions], 6)
    table = encoder.anchors.interests.detach()
    torch.testing.assert_close(table[:, :4], -table[:, 4:])
    bag = torch.tensor([1.0, 0, 2, 0, 0, 1])
    kept = torch.relu(bag @ table)
    torch.testing.assert_close(kept[:4] - kept[4:], bag @ table[:, :4])


def test_without_the_relu_every_column_has_a_direction_of_its_own():
    config = ModelConfig(6, 2, 4, ("month",), relu=False)
    assert n_directions(config) == 4
    assert n_directions(ModelConfig(6, 2, 4, ("month",))) == 2
    encoder = Encoder(config)
    directions = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    start_from(encoder, [directions], 6)
    table = encoder.anchors.interests.detach()
    np.testing.assert_allclose(table.numpy() / directions, np.full((6, 4), table[0, 0] / directions[0, 0]), rtol=1e-5)


def test_few_interests_leave_the_rest_of_the_width_random():
    encoder = Encoder(ModelConfig(3, 2, 16, ("month",)))
    start_from(encoder, interest_directions([two_tastes()[:, :3]], InputLaw(), 8, seed=0), 6)
    assert torch.isfinite(encoder.anchors.interests).all()
    assert (encoder.anchors.interests[:, -1] != 0).all()


def test_recurrent_layer_starts_as_a_running_mean():
    torch.manual_seed(0)
    layer = nn.GRU(4, 4)
    with torch.no_grad():
        _running_mean(layer, span=4)
        # A small constant input is approached as 1 - z^t, with 1 / (1 - z) = 4 periods.
        x = torch.full((6, 1, 4), 0.01)
        state = layer(x)[1][0, 0]
    expected = 0.01 * (1 - 0.75**6)
    np.testing.assert_allclose(state.numpy(), expected, rtol=0.05)


def test_the_finest_of_several_scales_keeps_the_root_of_a_life_and_a_single_one_half_of_it() -> None:
    assert _span(36, n_scales=3) == 6
    assert _span(36, n_scales=1) == 18
    # Never less than two periods: one would forget all but the last.
    assert _span(1, n_scales=1) == _span(3, n_scales=2) == 2


@pytest.mark.parametrize(
    ("n_users", "config", "epochs"),
    [
        (20, TrainConfig(), 12),  # nobody is held out to say when to stop
        (200, TrainConfig(), 100),  # a step a pass
        (943, TrainConfig(), 28),  # 100 steps in all
        (2_469, TrainConfig(), 12),
        (32_000, TrainConfig(), 8),  # 125 steps a pass, 1,000 in all
        (10_000_000, TrainConfig(), 1),
        (2_469, TrainConfig(preset="paper"), 100),
    ],
)
def test_epochs_follow_from_the_number_of_users(n_users: int, config: TrainConfig, epochs: int) -> None:
    assert default_epochs(n_users, with_preset(config)) == epochs


def test_one_bag_or_one_interest_has_no_direction() -> None:
    for shape in ((1, 7), (5, 1)):
        (found,) = interest_directions([sparse.csr_matrix(np.ones(shape, dtype=np.float32))], InputLaw(), 4, seed=0)
        assert found.shape == (shape[1], 0)
