"""Rows of the users a task asks about, out of those of all users."""

from pathlib import Path

import numpy as np
import pytest

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.columns import write_columns
from lurm_cli.artifacts.manifest import Manifest
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
    rows = np.array([19, 0, 3, 3, 12, 8, 7])
    found = rows_of(tmp_path / "users.zarr", ids[rows])
    assert found.dtype == np.float32 and found.tolist() == values[rows].tolist()
    assert known_users(tmp_path / "users.zarr").tolist() == ids.tolist()
    with pytest.raises(KeyError, match="nobody"):
        rows_of(tmp_path / "users.zarr", np.array(["nobody"], dtype=object))
