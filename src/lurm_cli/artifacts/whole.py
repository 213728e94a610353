"""Small files that a workspace keeps for itself, in ``.lurm``: written whole, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write a file at once: another process meets the old text or the new one, and of two writers either wins."""
    temporary = file.with_name(f"{file.name}.{os.urandom(8).hex()}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
