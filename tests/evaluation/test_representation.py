"""Rows of the users a task asks about, out of those of all users."""

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.columns import write_columns
from lurm_cli.artifacts.csr import CsrPart, write_csr_part
from lurm_cli.artifacts.manifest import Manifest
from lurm_cli.artifacts.parts import part_name
from lurm_cli.errors import ArtifactError
from lurm_cli.evaluation import representation
from lurm_cli.evaluation.representation import known_users, rows_of


@pytest.mark.parametrize("block", [1, 7, 8, 100])
def test_dense_rows_come_in_the_order_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(representation, "_ROWS", block)
    values = np.random.default_rng(0).random((20, 3), dtype=np.float32)
    ids = np.array([f"u{(7 * number) % 20}" for number in range(20)], dtype=object)
    with Build(tmp_path / "users.zarr", Manifest("users", "encode-users", {})) as build:
        write_columns(build.folder, {"values": values, "ids": ids})
        build.finish(shape=values.shape)
    rows = np.array([19, 0, 3, 12, 8, 7])
    found = rows_of(tmp_path / "users.zarr", ids[rows])
    assert found.dtype == np.float32 and found.tolist() == values[rows].tolist()
    assert known_users(tmp_path / "users.zarr").tolist() == ids.tolist()
    with pytest.raises(KeyError, match="lacks 1 of the users asked for"):
        rows_of(tmp_path / "users.zarr", np.array(["nobody"], dtype=object))


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_a_number_that_is_none_is_named_with_its_user(tmp_path: Path, number: float, is_sparse: bool) -> None:
    values = np.ones((5, 3), dtype=np.float32)
    values[3, 1] = number
    ids = np.array([f"u{row}" for row in range(5)], dtype=object)
    with Build(tmp_path / "theirs.zarr", Manifest("baseline", "baseline", {})) as build:
        if is_sparse:
            rows = np.arange(5, dtype=np.int32)
            write_csr_part(build.folder, part_name(0, 0), CsrPart(sparse.csr_matrix(values), ids, rows, 0 * rows))
        else:
            write_columns(build.folder, {"values": values, "ids": ids})
        build.finish(shape=values.shape)
    with pytest.raises(ArtifactError, match=r"theirs\.zarr: the numbers of user 'u3' are not all finite"):
        rows_of(tmp_path / "theirs.zarr", ids[[4, 3, 0]])
    assert rows_of(tmp_path / "theirs.zarr", ids[[4, 0]]).shape == (2, 3)
