"""Compressed files that end too early."""

from __future__ import annotations

from pathlib import Path

from lurm_cli.errors import UsageError

_BLOCK = 2**22


def refuse_truncated(path: Path) -> None:
    """Raise UsageError if a .zst file ends within its data: DuckDB would take what is there for the whole log.

    A .gz that ends too early DuckDB refuses itself. The file is unpacked once, without being held.
    """
    if path.suffix.lower() != ".zst":
        return
    import pyarrow as pa

    try:
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
            while stream.read(_BLOCK):
                pass
    except OSError as error:
        raise UsageError(f"{path} cannot be unpacked to its end ({error}); copy or download it again") from None
