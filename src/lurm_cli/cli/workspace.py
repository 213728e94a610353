"""Finding the workspace and reading its lurm.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lurm_cli.errors import UsageError

CONFIG = "lurm.toml"


@dataclass(frozen=True)
class Workspace:
    """A folder whose ``lurm.toml`` holds the settings and in which every artifact has its default place."""

    root: Path
    settings: dict[str, Any]

    def section(self, command: str) -> dict[str, Any]:
        """The table of one command, empty where there is none; raises UsageError if it is no table."""
        held = self.settings.get(command, {})
        if not isinstance(held, dict):
            raise UsageError(f"{self.root / CONFIG}: {command} must be a table, [{command}]")
        return held


def find_workspace(explicit: str | None, environment: dict[str, str]) -> Workspace:
    """The folder named by ``--workspace`` or ``LURM_WORKSPACE``, else the nearest one above with a lurm.toml.

    A folder that is named need not hold a lurm.toml: all settings then have their defaults.

    Raises
    ------
    UsageError
        If there is none, or its lurm.toml is not valid TOML.
    """
    named = explicit or environment.get("LURM_WORKSPACE")
    if named:
        root = Path(named).absolute()
        if not root.is_dir():
            raise UsageError(f"workspace {named} is not a folder; `lurm init {named}` makes one")
        return Workspace(root, _read(root / CONFIG) if (root / CONFIG).is_file() else {})
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / CONFIG).is_file():
            return Workspace(folder, _read(folder / CONFIG))
    raise UsageError(
        f"no {CONFIG} in {here} or above it; `lurm init` writes one here, --workspace DIR names another folder"
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}") from None
