"""Scaling: what every method's columns go through before a head sees them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from lurm_cli.evaluation.features import SCALINGS, Features, Scaler

every_scaling = pytest.mark.parametrize("scaling", SCALINGS)


def dense(seed: int = 0, n: int = 40, d: int = 7, size: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (size * (rng.normal(size=(n, d)) * rng.uniform(0.1, 10, d) + rng.normal(size=d))).astype(np.float32)


def counts(seed: int = 0, n: int = 40, d: int = 30) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    return sparse.csr_matrix(rng.poisson(0.3, (n, d)).astype(np.float32))


def scaled(scaling: str, *blocks: object, rows: np.ndarray | None = None) -> object:
    features = Features(tuple(blocks))
    rows = np.arange(blocks[0].shape[0]) if rows is None else rows
    return Scaler(scaling).fit(features, rows).transform(features, rows)


def mean_square_length(matrix: object) -> float:
    held = matrix.toarray() if sparse.issparse(matrix) else matrix
    return float((held.astype(np.float64) ** 2).sum(axis=1).mean())


@every_scaling
@given(seed=st.integers(0, 100), size=st.sampled_from([1e-3, 1.0, 1e3]))
def test_training_rows_come_out_with_mean_square_length_one(scaling: str, seed: int, size: float) -> None:
    for block in (dense(seed, size=size), counts(seed) * size):
        assert mean_square_length(scaled(scaling, block)) == pytest.approx(1, rel=1e-3)


@every_scaling
def test_a_sparse_block_is_multiplied_but_never_shifted(scaling: str) -> None:
    block = counts()
    out = scaled(scaling, block)
    assert sparse.issparse(out) and out.format == "csr" and out.dtype == np.float32
    # A zero stays a zero that is not stored, and no other value disappears.
    assert out.nnz == block.nnz
    assert ((out != 0) != (block != 0)).nnz == 0


def test_column_scaling_of_a_sparse_block_gives_every_column_one_variance() -> None:
    spread = scaled("column", counts(n=200)).toarray().var(axis=0)
    np.testing.assert_allclose(spread, spread[0], rtol=1e-3)


def test_column_scaling_of_a_dense_block_is_standardising() -> None:
    block = dense()
    expected = (block - block.mean(axis=0)) / block.std(axis=0) / np.sqrt(block.shape[1])
    np.testing.assert_allclose(scaled("column", block), expected, atol=1e-5)


def test_global_scaling_keeps_the_ratio_of_the_columns() -> None:
    block = dense()
    spread = scaled("global", block).std(axis=0) / block.std(axis=0)
    np.testing.assert_allclose(spread, spread[0], rtol=1e-4)


def test_row_scaling_does_not_see_the_length_of_a_row() -> None:
    block = counts()
    longer = sparse.csr_matrix(sparse.diags(np.arange(1.0, 41.0)) @ block)
    np.testing.assert_allclose(scaled("row", block).toarray(), scaled("row", longer).toarray(), rtol=1e-5)
    filled = dense()
    np.testing.assert_allclose(
        scaled("row", filled), scaled("row", filled * np.arange(1, 41)[:, None]), rtol=1e-4, atol=1e-6
    )


@every_scaling
def test_blocks_weigh_the_same_whatever_their_size_and_width(scaling: str) -> None:
    both = scaled(scaling, dense(1, d=3, size=1e4), dense(2, d=50, size=1e-2))
    assert both.shape == (40, 53)
    assert mean_square_length(both[:, :3]) == pytest.approx(1, rel=1e-3)
    assert mean_square_length(both[:, 3:]) == pytest.approx(1, rel=1e-3)


@every_scaling
def test_a_sparse_and_a_dense_block_make_one_csr(scaling: str) -> None:
    features = Features((counts(d=30), dense(d=4)))
    assert features.dim == 34 and features.is_sparse
    both = scaled(scaling, *features.blocks)
    assert both.format == "csr" and both.shape == (40, 34) and both.dtype == np.float32
    np.testing.assert_array_equal(both[:, :30].toarray(), scaled(scaling, features.blocks[0]).toarray())
    np.testing.assert_array_equal(both[:, 30:].toarray(), scaled(scaling, features.blocks[1]))


@every_scaling
def test_a_user_without_anything_is_a_row_of_zeros(scaling: str) -> None:
    block = counts().tolil()
    block[3] = 0
    out = scaled(scaling, block.tocsr())
    assert out[3].nnz == 0 and np.isfinite(out.data).all()
    filled = dense()
    filled[3] = 0
    assert np.isfinite(scaled(scaling, filled)).all()


@every_scaling
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_columns_that_tell_nothing_do_not_explode(scaling: str, value: float) -> None:
    constant = np.full((40, 3), value, dtype=np.float32)
    assert np.abs(scaled(scaling, constant)).max() < 1e-3
    assert np.isfinite(scaled(scaling, sparse.csr_matrix(constant)).toarray()).all()
    # Beside a column that does tell something, it is the one that counts.
    mixed = np.hstack([constant, dense(d=1)])
    if scaling != "row":
        assert np.abs(scaled(scaling, mixed)[:, :3]).max() < 1e-3


@every_scaling
def test_only_the_training_rows_are_learnt_from(scaling: str) -> None:
    train, test = np.arange(30), np.arange(30, 40)
    for block in (dense(), counts()):
        changed = block.copy() if not sparse.issparse(block) else block.tolil()
        changed[30:] = 1e3
        changed = changed.tocsr() if sparse.issparse(block) else changed
        before, after = (Scaler(scaling).fit(Features((b,)), train) for b in (block, changed))
        features = Features((block,))
        first, second = before.transform(features, test), after.transform(features, test)
        assert (first != second).nnz == 0 if sparse.issparse(block) else np.array_equal(first, second)


def test_an_unknown_scaling_is_refused() -> None:
    with pytest.raises(ValueError, match="'max' is not one of column, global, row"):
        Scaler("max")


@pytest.mark.parametrize("d", [1, 2, 63, 65, 129, 200])
def test_scaling_in_pieces_is_exactly_that_of_whole_matrices(d: int) -> None:
    block, rows = dense(n=9_000, d=d), np.arange(100, 9_000)
    before, held = block.copy(), block[rows]
    square = held.var(axis=0, dtype=np.float64)
    shift, factor = held.mean(axis=0, dtype=np.float64).astype(np.float32), float(1 / np.sqrt(square.sum()))
    assert (scaled("global", block, rows=rows) == (held - shift) * factor).all()
    held = held / np.linalg.norm(held, axis=1, keepdims=True)
    square = held.var(axis=0, dtype=np.float64)
    shift, factor = held.mean(axis=0, dtype=np.float64).astype(np.float32), float(1 / max(np.sqrt(square.sum()), 1e-12))
    assert (scaled("row", block, rows=rows) == (held - shift) * factor).all()
    # What was handed in is not touched.
    assert (block == before).all()
