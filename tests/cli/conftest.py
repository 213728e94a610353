"""One small workspace that everything was made in once; tests that write get a copy."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.logs import write_workspace
from cli.shell import lurm


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace after ``lurm run``; for reading only."""
    root = write_workspace(tmp_path_factory.mktemp("made") / "work space")
    lurm(root, "run").wrote()
    return root


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Callable[..., Path]:
    """Copy parts of the finished workspace: the raw data and the artifacts named."""

    def copy(*artifacts: str) -> Path:
        root = tmp_path / "copy"
        root.mkdir()
        shutil.copy2(made / "lurm.toml", root)
        for name in ("data", *artifacts):
            shutil.copytree(made / name, root / name)
        return root

    return copy
