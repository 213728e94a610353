"""``lurm export``: an artifact as one ordinary file: npz, npy, Parquet, CSV or h5ad."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lurm_cli.artifacts.manifest import read_manifest
from lurm_cli.errors import OutputExistsError, UsageError

FORMATS = ("npz", "npy", "parquet", "csv", "h5ad")
_DENSE = ("users", "item-embeddings")
_TABLES = ("parquet", "csv")


def run_export(artifact: Path, output: Path, format: str | None, overwrite: bool) -> Path:
    """Write an artifact as one file; it is held in memory as a whole.

    Parameters
    ----------
    format
        One of ``FORMATS``; by default from the output's suffix.

    Raises
    ------
    UsageError
        If the format is unknown or cannot hold this kind of artifact.
    OutputExistsError
        If the file exists and ``overwrite`` is off.
    """
    manifest = read_manifest(artifact)
    chosen = (format or output.suffix.lstrip(".")).lower()
    if chosen not in FORMATS:
        raise UsageError(f"format {chosen or '(none)'!r} is not one of {', '.join(FORMATS)}; give --format")
    if output.exists() and not overwrite:
        raise OutputExistsError(f"{output} exists; --overwrite replaces it")
    if manifest.kind in _DENSE or (manifest.kind == "baseline" and not manifest.parts):
        table = _dense(artifact)
    elif manifest.kind == "boi" or (manifest.kind == "baseline" and manifest.parts):
        table = _counts(artifact, manifest.kind)
    elif manifest.kind == "interests":
        if chosen not in _TABLES:
            raise UsageError(f"{artifact} holds interests, which are exported as {' or '.join(_TABLES)}, not {chosen}")
        table = _interests(artifact)
    else:
        raise UsageError(
            f"{artifact} holds {manifest.kind}, which has no single-file form; "
            "users, item embeddings, interests, counts and baselines can be exported"
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.name}.partial")
    try:
        _WRITERS[chosen](table, temporary)
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)
    return output


def _dense(artifact: Path) -> dict[str, Any]:
    from lurm_cli.artifacts.columns import Columns

    columns = Columns(artifact)
    return {"ids": columns.read("ids"), "matrix": columns.read("values")}


def _counts(artifact: Path, kind: str) -> dict[str, Any]:
    import numpy as np
    from scipy import sparse

    from lurm_cli.artifacts.store import Counts
    from lurm_cli.boi.periods import Period

    counts = Counts.open(artifact, kind)
    parts = [counts.bucket(bucket) for bucket in counts.buckets()]
    out: dict[str, Any] = {
        "ids": np.concatenate([part.users[part.row_user] for part in parts]),
        "matrix": sparse.vstack([part.counts for part in parts], format="csr"),
    }
    if "period" in counts.manifest.parameters:
        period = Period(counts.manifest.parameters["period"])
        out["periods"] = np.array([period.label(n) for part in parts for n in part.row_period.tolist()], dtype=object)
    return out


def _interests(artifact: Path) -> dict[str, Any]:
    """Which interest each item belongs to; with soft assignment each of its interests and their weights."""
    import numpy as np

    from lurm_cli.artifacts.columns import Columns

    columns = Columns(artifact, "interests")
    numbers = columns.read("item_interest")
    top = numbers.shape[1] if numbers.ndim == 2 else 1
    numbers = numbers.reshape(-1)
    # An item without a vector has no interest; its number is -1.
    has = numbers >= 0
    ids, numbers = np.repeat(columns.read("ids"), top)[has], numbers[has]
    out = {"ids": ids, "interest": numbers, "label": columns.read("labels")[numbers]}
    if "item_weight" in columns.names():
        out["weight"] = columns.read("item_weight").reshape(-1)[has]
    return out


def _sparse(table: dict[str, Any]) -> bool:
    from scipy import sparse

    return sparse.issparse(table["matrix"])


def _write_npz(table: dict[str, Any], file: Path) -> None:
    import numpy as np

    texts = {name: values.astype(str) for name, values in table.items() if name != "matrix"}
    matrix = table["matrix"]
    with file.open("wb") as stream:
        if _sparse(table):
            # The keys are those of scipy.sparse.save_npz, so that scipy.sparse.load_npz opens the file.
            held = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
            np.savez_compressed(stream, **held, shape=matrix.shape, format=np.array(b"csr"), **texts)
        else:
            np.savez(stream, values=matrix, **texts)


def _write_npy(table: dict[str, Any], file: Path) -> None:
    import numpy as np

    if _sparse(table):
        raise UsageError("npy holds dense matrices only; use npz for counts")
    with file.open("wb") as stream:
        np.save(stream, table["matrix"])


def _arrow(table: dict[str, Any]) -> Any:
    """One row a user with numbered columns; for counts one row a stored value; for interests one row an item."""
    import numpy as np
    import pyarrow as pa

    if "matrix" not in table:
        return pa.table({{"ids": "id"}.get(name, name): pa.array(values.tolist()) for name, values in table.items()})
    if not _sparse(table):
        matrix = table["matrix"]
        columns = {"id": pa.array(table["ids"].tolist())}
        columns |= {f"v{j}": pa.array(np.ascontiguousarray(matrix[:, j])) for j in range(matrix.shape[1])}
        return pa.table(columns)
    held = table["matrix"].tocoo()
    columns = {"id": pa.array(table["ids"][held.row].tolist())}
    # What has no periods is a baseline, whose columns are words or items.
    named = "interest" if "periods" in table else "column"
    if "periods" in table:
        columns["period"] = pa.array(table["periods"][held.row].tolist())
    return pa.table({**columns, named: pa.array(held.col), "value": pa.array(held.data)})


def _write_parquet(table: dict[str, Any], file: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(_arrow(table), file)


def _write_csv(table: dict[str, Any], file: Path) -> None:
    import pyarrow.csv as pc

    pc.write_csv(_arrow(table), file)


def _write_h5ad(table: dict[str, Any], file: Path) -> None:
    try:
        import anndata
        import pandas as pd
    except ImportError:
        raise UsageError("h5ad needs AnnData: pip install 'lurm-cli[anndata]'") from None
    ids = [str(name) for name in table["ids"]]
    obs = {"user": ids} | ({"period": table["periods"].tolist()} if "periods" in table else {})
    names = [f"{u} {p}" for u, p in zip(ids, obs["period"], strict=True)] if "period" in obs else ids
    anndata.AnnData(table["matrix"], obs=pd.DataFrame(obs, index=names)).write_h5ad(file)


_WRITERS = {
    "npz": _write_npz,
    "npy": _write_npy,
    "parquet": _write_parquet,
    "csv": _write_csv,
    "h5ad": _write_h5ad,
}
