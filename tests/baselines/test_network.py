"""What the networks of the competitors share: attention, and training that keeps the best weights."""

import numpy as np
import torch
from torch import Tensor, nn

from lurm_cli.baselines.network import Attention, looked_up, masked_softmax, train

MASK = torch.tensor([[True, True, False, True], [False, False, False, False], [True, False, False, False]])


def test_weights_of_attention_sum_to_1_on_real_positions_and_are_0_elsewhere() -> None:
    torch.manual_seed(0)
    attention, x = Attention(6, 5), torch.randn(3, 4, 6)
    with torch.no_grad():
        weights = attention.weights(x, MASK)
        # u = tanh(W h + b), softmax of u . context over the real positions.
        score = (torch.tanh(x[0] @ attention.project.weight.T + attention.project.bias) @ attention.context.weight[0])[
            MASK[0]
        ]
    torch.testing.assert_close(weights.sum(1), torch.tensor([1.0, 0.0, 1.0]))
    assert not weights[~MASK].any()
    torch.testing.assert_close(weights[0, MASK[0]], torch.softmax(score, 0))


def test_attention_gives_the_weighted_sum_and_does_not_look_at_padding() -> None:
    torch.manual_seed(0)
    attention, x = Attention(6, 5), torch.randn(3, 4, 6)
    other = torch.where(MASK[..., None], x, 1e4)
    with torch.no_grad():
        out = attention(x, MASK)
        torch.testing.assert_close(out, (attention.weights(x, MASK)[..., None] * x).sum(1))
        torch.testing.assert_close(attention(other, MASK), out)
        torch.testing.assert_close(out[2], x[2, 0])
        assert not out[1].any()


def test_masked_softmax_is_the_softmax_of_what_the_mask_holds() -> None:
    scores = torch.tensor([[0.0, 100.0, 500.0, 100.0]]).expand(3, -1).clone().requires_grad_()
    weights = masked_softmax(scores, MASK)
    torch.testing.assert_close(weights, torch.tensor([[0, 0.5, 0, 0.5], [0, 0, 0, 0], [1, 0, 0, 0]]))
    weights.square().sum().backward()
    assert scores.grad.isfinite().all() and not scores.grad[~MASK].any()


def test_looking_up_is_indexing_with_the_same_gradient() -> None:
    place, torch_rows = torch.tensor([[0, 2], [2, 2]]), torch.arange(6.0).reshape(3, 2).requires_grad_()
    rows = torch_rows.detach().clone().requires_grad_()
    for held, out in ((torch_rows, torch_rows[place]), (rows, looked_up(rows, place))):
        out.square().sum().backward()
        torch.testing.assert_close(out, held[place])
    torch.testing.assert_close(rows.grad, torch_rows.grad)


def test_training_goes_through_everyone_each_epoch_but_a_tenth_that_says_when_to_stop() -> None:
    model, trained, held = nn.Linear(1, 1), [], []

    def loss(users: np.ndarray, rng: np.random.Generator) -> Tensor:
        (trained if model.training else held).append(users)
        # What is held out gets worse from the second epoch on.
        return model.weight.sum() * 0 + len(held)

    train(model, loss, 200, 0, batch_size=60, epochs=10, patience=2)
    assert len(trained) == 3 * 3 and len(held) == 3
    first, own = np.unique(held[0]), np.unique(np.concatenate(trained[:3]))
    assert len(first) == 20 and all((part == first).all() for part in held)
    assert sorted([*first, *own]) == list(range(200))
    assert np.concatenate(trained[:3]).tolist() != np.concatenate(trained[3:6]).tolist()


def test_the_weights_of_the_best_epoch_are_kept() -> None:
    model, seen = nn.Linear(1, 1, bias=False), []

    def loss(users: np.ndarray, rng: np.random.Generator) -> Tensor:
        if not model.training:
            seen.append(model.weight.item())
            return torch.tensor([3.0, 1.0, 2.0, 2.0][len(seen) - 1])
        return model.weight.sum()

    train(model, loss, 100, 0, batch_size=100, epochs=10, patience=2)
    assert len(seen) == 4 and model.weight.item() == seen[1] != seen[3]
    assert not model.training
