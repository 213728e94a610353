"""Facts of method section 12, (13) to (24), with their numbers."""

import numpy as np
import pytest
import torch
from scipy import sparse

from lives import MONTH, YEAR, part_of, random_part, whole_batch
from lurm_cli.boi.periods import Period
from lurm_cli.contrast import nt_xent
from lurm_cli.smen.anchors import MultiAnchor, pool
from lurm_cli.smen.batch import InputLaw, Scaling, SparseRows
from lurm_cli.smen.config import ModelConfig
from lurm_cli.smen.gate import ScaleGate
from lurm_cli.smen.head import ProjectionHead
from lurm_cli.smen.model import Encoder, Smen


def bags(seed: int = 0, rows: int = 7, interests: int = 12) -> tuple[torch.Tensor, SparseRows]:
    from scipy import sparse

    dense = np.random.default_rng(seed).random((rows, interests)).astype(np.float32)
    dense[dense < 0.6] = 0
    return torch.from_numpy(dense), SparseRows.from_csr(sparse.csr_matrix(dense))


def dense_pool(b: torch.Tensor, w: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    return torch.einsum("pj,jm,jh->pmh", b, alpha, w)


def test_13_alpha_sums_to_one_over_anchors_not_over_interests() -> None:
    layer = MultiAnchor(12, 5, 8)
    alpha = layer.alpha(layer.interests)
    assert alpha.shape == (12, 5)
    assert torch.allclose(alpha.sum(1), torch.ones(12))
    assert not torch.allclose(alpha.sum(0), torch.ones(5))


def test_alpha_is_eq_5_written_out() -> None:
    layer = MultiAnchor(6, 3, 4)
    shares = []
    for vector in layer.interests:
        key = layer.key @ torch.relu(vector)  # W^p ReLU(W^e_j)
        shares.append(torch.softmax(torch.stack([anchor @ key for anchor in layer.anchors]), 0))
    torch.testing.assert_close(layer.alpha(layer.interests), torch.stack(shares))


def test_14_one_anchor_is_relu_of_the_plain_product() -> None:
    b, rows = bags()
    layer = MultiAnchor(12, 1, 8)
    r = layer(rows, layer.interests, layer.alpha(layer.interests))
    assert torch.allclose(r[:, 0], torch.relu(b @ layer.interests), atol=1e-6)


@pytest.mark.parametrize("n_anchors", [1, 3, 10])
def test_15_anchors_sum_to_the_plain_product_before_the_relu(n_anchors: int) -> None:
    b, rows = bags()
    layer = MultiAnchor(12, n_anchors, 8)
    pooled = pool(rows, layer.interests, layer.alpha(layer.interests))
    assert torch.allclose(pooled.sum(1), b @ layer.interests, atol=1e-6)


@pytest.mark.parametrize("block", [1, 12 * 8 * 2, 2**23])
def test_16_sparse_and_dense_paths_agree_forward_and_backward(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lurm_cli.smen.anchors._BLOCK", block)
    b, rows = bags()
    torch.manual_seed(0)
    w, alpha = torch.randn(12, 8, requires_grad=True), torch.rand(12, 5, requires_grad=True)
    upstream = torch.randn(7, 5, 8)
    sparse_out, dense_out = pool(rows, w, alpha), dense_pool(b, w, alpha)
    assert torch.allclose(sparse_out, dense_out, atol=1e-5)
    for one, other in zip(
        torch.autograd.grad(sparse_out, (w, alpha), upstream),
        torch.autograd.grad(dense_out, (w, alpha), upstream),
        strict=True,
    ):
        assert torch.allclose(one, other, atol=1e-5)


def test_17_the_relu_stands_after_the_sum_over_interests() -> None:
    from scipy import sparse

    rows = SparseRows.from_csr(sparse.csr_matrix(np.array([[1.0, 1.0]], dtype=np.float32)))
    layer = MultiAnchor(2, 1, 1)
    with torch.no_grad():
        layer.interests.copy_(torch.tensor([[3.0], [-2.0]]))
    r = layer(rows, layer.interests, layer.alpha(layer.interests))
    assert r.item() == 1.0  # a ReLU on each term would give 3


def test_an_empty_bag_gives_zero_and_scale_passes_through() -> None:
    from scipy import sparse

    layer = MultiAnchor(3, 4, 8)
    alpha = layer.alpha(layer.interests)
    dense = np.array([[0, 0, 0], [1, 2, 0], [2.5, 5, 0]], dtype=np.float32)
    r = layer(SparseRows.from_csr(sparse.csr_matrix(dense)), layer.interests, alpha)
    assert torch.equal(r[0], torch.zeros(4, 8))
    assert torch.allclose(r[2], 2.5 * r[1], atol=1e-6)


@pytest.mark.parametrize("aggregation", ["gru", "lstm", "mean", "max"])
@pytest.mark.parametrize("per_anchor", [False, True])
def test_18_a_user_does_not_depend_on_who_else_is_in_the_batch(aggregation: str, per_anchor: bool) -> None:
    part = random_part()
    torch.manual_seed(0)
    config = ModelConfig(30, 3, 8, ("month", "year"), aggregation, per_anchor)
    encoder = Encoder(config).eval()
    together = encoder(whole_batch(part)).detach()
    from lurm_cli.smen.batch import make_batch
    from lurm_cli.smen.views import Lives

    lives = Lives(part)
    for user in range(len(lives)):
        alone = make_batch(lives.whole(np.array([user])), MONTH, [MONTH, YEAR], InputLaw())
        assert torch.allclose(encoder(alone)[0], together[user], atol=1e-5)


def test_empty_months_are_steps_of_zero_input() -> None:
    part = part_of([(0, 600, {0: 1}), (0, 603, {1: 2})], 2)
    encoder = Encoder(ModelConfig(2, 2, 4, ("month",))).eval()
    kept = encoder(whole_batch(part, [MONTH])).detach()
    layer, anchors = encoder.time.layers[0], encoder.anchors
    alpha = anchors.alpha(anchors.interests)
    r = torch.zeros(4, 2, 4)  # months 600..603
    r[0] = torch.relu(alpha[0, :, None] * anchors.interests[0] * np.log(2))
    r[3] = torch.relu(alpha[1, :, None] * anchors.interests[1] * np.log(3))
    _, state = layer(r)
    assert torch.allclose(kept[0], state[0], atol=1e-6)
    dropped = encoder(whole_batch(part, [MONTH], InputLaw(drop_empty=True)))
    assert torch.allclose(dropped[0], layer(r[[0, 3]])[1][0], atol=1e-6)


def test_mean_and_max_count_empty_months_as_zeros() -> None:
    part = part_of([(0, 600, {0: 1}), (0, 603, {0: 1}), (1, 601, {0: 1})], 1)
    one = {}
    for kind in ("mean", "max"):
        torch.manual_seed(0)
        out = Encoder(ModelConfig(1, 1, 4, ("month",), kind))(whole_batch(part, [MONTH]))
        one[kind] = out.detach()
    assert torch.allclose(one["mean"][0], one["mean"][1] / 2)  # two of four months
    assert torch.allclose(one["max"][0], one["max"][1])


def test_19_the_gate_mixes_between_its_inputs() -> None:
    torch.manual_seed(0)
    gate = ScaleGate(3, 5)
    fine, coarse = torch.randn(4, 3, 5), torch.randn(4, 3, 5)
    assert torch.allclose(gate(fine, fine), fine, atol=1e-6)
    mixed = gate(fine, coarse)
    assert (mixed >= torch.minimum(fine, coarse) - 1e-6).all()
    assert (mixed <= torch.maximum(fine, coarse) + 1e-6).all()


def test_the_gate_is_eq_7_written_out() -> None:
    torch.manual_seed(0)
    gate = ScaleGate(3, 5)
    torch.nn.init.normal_(gate.bias)
    fine, coarse = torch.randn(4, 3, 5), torch.randn(4, 3, 5)
    mixed = gate(fine, coarse)
    for user in range(4):
        for anchor in range(3):
            r, other = fine[user, anchor], coarse[user, anchor]
            switch = torch.sigmoid(torch.cat([r, other]) @ gate.weight[anchor] + gate.bias[anchor])
            torch.testing.assert_close(mixed[user, anchor], switch * r + (1 - switch) * other)


def test_a_switch_that_is_on_keeps_the_finer_scale() -> None:
    gate, fine, coarse = ScaleGate(2, 3), torch.zeros(1, 2, 3), torch.ones(1, 2, 3)
    torch.nn.init.constant_(gate.bias, 50)
    torch.testing.assert_close(gate(fine, coarse), fine)
    torch.nn.init.constant_(gate.bias, -50)
    torch.testing.assert_close(gate(fine, coarse), coarse)


@pytest.mark.parametrize("gated", [True, False])
def test_three_scales_are_mixed_one_after_the_other(gated: bool) -> None:
    """The finest with the next, what comes of it with the last; without gates all count alike."""
    torch.manual_seed(0)
    part, scales = random_part(), [MONTH, YEAR, Period("all")]
    config = ModelConfig(30, 3, 8, ("month", "year", "all"), gate=gated)
    encoder = Encoder(config).eval()
    batch = whole_batch(part, scales)
    vectors = encoder.anchors.gather(batch.touched)
    alpha = encoder.anchors.alpha(vectors)
    month, year, life = (encoder.time(encoder.anchors(s.rows, vectors, alpha), s) for s in batch.scales)
    gates = encoder.gates
    expected = gates[1](gates[0](month, year), life) if gated else (month + year + life) / 3
    torch.testing.assert_close(encoder(batch), expected)


def test_20_parameter_counts_at_full_size() -> None:
    model = Smen(ModelConfig(100_000, 10, 128))
    count = {name: sum(p.numel() for p in module.parameters()) for name, module in model.named_modules()}
    assert count["encoder.anchors"] == 12_800_000 + 1_280 + 16_384
    assert count["encoder.time"] == 99_072
    assert count["encoder.gates"] == 328_960
    assert model.head.anchor.numel() == 163_840
    assert model.head.out.numel() == 1_638_400
    assert model.head.mix.numel() == 100
    assert count[""] == 15_048_036
    assert count["encoder"] == 13_245_696


def test_21_the_mixing_matrix() -> None:
    torch.manual_seed(0)
    head, r = ProjectionHead(3, 4), torch.randn(5, 3, 4)
    v = torch.relu(torch.stack([r[:, m] @ head.anchor[m].T for m in range(3)], dim=1))
    with torch.no_grad():
        head.mix.zero_()
    assert torch.allclose(head(r), torch.relu(v).flatten(1) @ head.out.T, atol=1e-5)
    with torch.no_grad():
        head.mix.copy_(torch.eye(3))
    assert torch.allclose(head(r), torch.relu(2 * v).flatten(1) @ head.out.T, atol=1e-5)
    with torch.no_grad():  # row i of r1(v) is anchor i's slice: row 0 now also receives anchor 2's
        head.mix.zero_()
        head.mix[0, 2] = 1
    expected = v.clone()
    expected[:, 0] += v[:, 2]
    assert torch.allclose(head(r), torch.relu(expected).flatten(1) @ head.out.T, atol=1e-5)


def test_22_a_user_is_m_times_h_numbers() -> None:
    config = ModelConfig(30, scales=("month", "year"))
    part = part_of([(0, 600, {4: 1}), (1, 600, {7: 1}), (1, 601, {7: 1})], 30)
    assert Encoder(config)(whole_batch(part)).flatten(1).shape == (2, 1280)
    assert config.user_dim == 1280


def test_23_permuted_anchors_permute_the_vectors_before_the_per_anchor_layers() -> None:
    _, rows = bags()
    layer, order = MultiAnchor(12, 4, 8), torch.tensor([2, 0, 3, 1])
    before = layer(rows, layer.interests, layer.alpha(layer.interests))
    with torch.no_grad():
        layer.anchors.copy_(layer.anchors[order])
    assert torch.allclose(layer(rows, layer.interests, layer.alpha(layer.interests)), before[:, order], atol=1e-6)


@pytest.mark.parametrize("aggregation", ["gru", "lstm", "mean", "max"])
def test_24_gradients_reach_every_parameter(aggregation: str) -> None:
    torch.manual_seed(0)
    model = Smen(ModelConfig(30, 3, 8, ("month", "year"), aggregation))
    h = model(whole_batch(random_part()))
    nt_xent(h[:10], h[10:], 0.1).backward()
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        assert gradient is not None, name
        assert (gradient.to_dense() if gradient.is_sparse else gradient).abs().sum() > 0, name


def test_the_interest_tables_gradient_touches_only_the_batchs_rows() -> None:
    part = part_of([(0, 600, {4: 1}), (1, 600, {7: 1})], 100)
    model = Smen(ModelConfig(100, 2, 4, ("month",)))
    model(whole_batch(part, [MONTH])).sum().backward()
    gradient = model.encoder.anchors.interests.grad
    assert gradient.is_sparse
    assert gradient.coalesce().indices()[0].tolist() == [4, 7]


def test_coarse_scale_enters_as_log1p_of_summed_counts() -> None:
    part = part_of([(0, 600, {0: 3}), (0, 601, {0: 4})], 1)
    year = whole_batch(part, [MONTH, YEAR]).scales[1]
    assert year.rows.values.tolist() == pytest.approx([np.log1p(7)])


@pytest.mark.parametrize(
    ("scaling", "length"), [("none", 5 * np.log(2)), ("unit", 1), ("root", (5 * np.log(2)) ** 0.5)]
)
def test_input_law_weights_and_length(scaling: Scaling, length: float) -> None:
    part = part_of([(0, 600, {0: 1, 1: 1})], 2)
    law = InputLaw(np.array([3.0, 4.0], dtype=np.float32), scaling)
    values = whole_batch(part, [MONTH], law).scales[0].rows.values.tolist()
    assert values == pytest.approx([0.6 * length, 0.8 * length])


def test_groups_enter_as_log1p_of_their_interests_summed_counts() -> None:
    law = InputLaw(groups=np.array([0, 1, 0], dtype=np.int32))
    bags = law.apply(sparse.csr_matrix(np.array([[3, 0, 4], [0, 2, 0]], dtype=np.int32))).toarray()
    np.testing.assert_allclose(bags, np.log1p([[3, 0, 4, 7, 0], [0, 2, 0, 0, 2]]), rtol=1e-6)


def test_interests_and_groups_are_scaled_each_by_their_own_length() -> None:
    law = InputLaw(scaling="unit", groups=np.array([0, 1, 0], dtype=np.int32))
    bags = law.apply(sparse.csr_matrix(np.array([[3, 5, 4], [0, 0, 0]], dtype=np.int32))).toarray()
    np.testing.assert_allclose(np.linalg.norm(bags[:, :3], axis=1), [1, 0], atol=1e-6)
    # Of the groups by the root of theirs: how much there was is kept.
    root = np.linalg.norm(np.log1p([7, 5])) ** 0.5
    np.testing.assert_allclose(np.linalg.norm(bags[:, 3:], axis=1), [root, 0], atol=1e-6)


def test_coarse_scales_groups_are_log1p_of_counts_summed_over_time_too() -> None:
    part = part_of([(0, 600, {0: 3}), (0, 601, {1: 4})], 2)
    year = whole_batch(part, [MONTH, YEAR], InputLaw(groups=np.zeros(2, dtype=np.int32))).scales[1]
    assert sorted(year.rows.values.tolist()) == pytest.approx(np.log1p([3, 4, 7]).tolist())


def test_an_anchor_reads_interests_or_groups_and_shares_still_sum_to_one() -> None:
    torch.manual_seed(0)
    encoder = Encoder(ModelConfig(6, 5, 8, ("month",), n_groups=3))
    layer = encoder.anchors
    alpha = layer.alpha(layer.gather(torch.arange(9)))
    torch.testing.assert_close(alpha.sum(1), torch.ones(9))
    # Two of five anchors are the groups'.
    assert (alpha[:6, 3:] == 0).all() and (alpha[6:, :3] == 0).all()
    assert (alpha[:6, :3] > 0).all() and (alpha[6:, 3:] > 0).all()
    # The same whichever of them a batch touches.
    some = torch.tensor([1, 4, 7])
    torch.testing.assert_close(layer.alpha(layer.gather(some), some), alpha[some])


def test_a_single_anchor_reads_interests_and_groups() -> None:
    config = ModelConfig(6, 1, 8, ("month",), n_groups=3)
    assert config.group_anchors == 0
    layer = Encoder(config).anchors
    assert (layer.alpha(layer.gather(torch.arange(9))) == 1).all()


def test_without_the_relu_the_sum_keeps_its_signs() -> None:
    torch.manual_seed(0)
    layer = MultiAnchor(5, 3, 4, relu=False)
    rows = SparseRows.from_csr(sparse.csr_matrix(np.array([[1.0, 0, 2, 0, 0], [0, 1, 0, 0, 3]], dtype=np.float32)))
    vectors = layer.gather(torch.arange(5))
    summed = layer(rows, vectors, layer.alpha(vectors))
    assert (summed < 0).any()
    layer.relu = True
    torch.testing.assert_close(layer(rows, vectors, layer.alpha(vectors)), torch.relu(summed))
