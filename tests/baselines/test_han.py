"""HAN (method section 7.4 and section 12, 29)."""

import numpy as np
import torch
from torch import Tensor, nn

from lurm_cli.baselines.han import HanNetwork, Level, classifier

# Words of items 1 to 4; row 0 is the padding item. Item 4 has no known word.
TABLE = torch.tensor([[0, 0, 0], [1, 2, 0], [3, 0, 0], [2, 4, 5], [0, 0, 0]])
DIM = 7


def network(table: Tensor = TABLE) -> HanNetwork:
    torch.manual_seed(0)
    vectors = torch.randn(6, DIM)
    vectors[0] = 0
    return HanNetwork(table, vectors, 3).eval()


def attention_of(level: Level) -> list[tuple[Tensor, Tensor]]:
    """Weights and masks that the level's attention uses from now on."""
    seen: list[tuple[Tensor, Tensor]] = []
    weights = level.attention.weights

    def spy(x: Tensor, mask: Tensor) -> Tensor:
        seen.append((weights(x, mask), mask))
        return seen[-1][0]

    level.attention.weights = spy
    return seen


def test_attention_sums_to_1_on_real_words_and_behaviours() -> None:
    model = network()
    of_words, of_behaviours = attention_of(model.behaviour), attention_of(model.user)
    with torch.no_grad():
        model(torch.tensor([[1, 3, 2, 0], [2, 0, 0, 0], [3, 1, 0, 0]]))
    ((words, word_mask),) = of_words
    assert word_mask.tolist() == (TABLE[:4] > 0).tolist()
    torch.testing.assert_close(words.sum(1), torch.tensor([0.0, 1.0, 1.0, 1.0]))
    ((behaviours, behaviour_mask),) = of_behaviours
    assert behaviour_mask.sum(1).tolist() == [3, 1, 2]
    torch.testing.assert_close(behaviours.sum(1), torch.ones(3))
    for weights, mask in (*of_words, *of_behaviours):
        assert not weights[~mask].any() and (weights[mask] > 0).all()


def test_padding_changes_nothing_at_either_level() -> None:
    items = torch.tensor([[1, 3, 2]])
    with torch.no_grad():
        bare = network()(items)
        padded = network()(torch.tensor([[1, 3, 2, 0, 0], [3, 3, 3, 3, 3]]))[:1]
        wider = network(nn.functional.pad(TABLE, (0, 4)))(items)
    torch.testing.assert_close(padded, bare)
    torch.testing.assert_close(wider, bare)


def test_a_level_reads_in_both_directions_and_sums_what_it_attends_to() -> None:
    torch.manual_seed(0)
    level, rows = Level(DIM).eval(), torch.randn(5, DIM)
    index = torch.tensor([[3, 0, 4, 4], [1, 2, 0, 0]])
    lengths = torch.tensor([4, 2])
    with torch.no_grad():
        out = level(rows, index, lengths)
        for sequence, length, user in zip(index, lengths, out, strict=True):
            states = level.gru(rows[sequence[:length], None])[0].transpose(0, 1)
            assert states.shape == (1, length, 100)
            weights = level.attention.weights(states, torch.ones(1, int(length), dtype=torch.bool))
            torch.testing.assert_close(user[None], (weights[..., None] * states).sum(1))


def test_what_is_dropped_of_a_word_is_dropped_wherever_it_occurs() -> None:
    torch.manual_seed(0)
    level, rows = Level(DIM).train(), torch.randn(5, DIM)
    index, lengths = torch.tensor([[2], [2]]), torch.tensor([1, 1])
    here, there = level(rows, index, lengths)
    torch.testing.assert_close(here, there)
    assert not torch.allclose(here, level(rows, index, lengths)[0])


def test_an_item_without_words_is_a_behaviour_of_zeros() -> None:
    model = network()
    seen = []
    model.user.register_forward_pre_hook(lambda _, given: seen.append(given))
    with torch.no_grad():
        model(torch.tensor([[1, 4, 0]]))
    ((behaviours, place, lengths),) = seen
    first, second = behaviours[place[0, :2]]
    assert lengths.tolist() == [2] and not second.any() and first.any()


def test_the_order_of_behaviours_matters() -> None:
    model = network()
    with torch.no_grad():
        one, other = model(torch.tensor([[1, 3, 2]])), model(torch.tensor([[2, 3, 1]]))
    assert not torch.allclose(one, other)


def test_labels_that_follow_from_the_words_are_learnt() -> None:
    items = np.tile(np.array([[1.0, 0.0], [2.0, 0.0]], dtype=np.float32), (60, 1))
    vectors = network().words.detach().numpy()
    trained = classifier().fit(items, np.arange(120) % 2, TABLE.numpy(), vectors, 0)
    probabilities = trained.predict_proba(items)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert (probabilities.argmax(1) == np.arange(120) % 2).all()
