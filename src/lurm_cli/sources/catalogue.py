"""The items table: ids and texts, one row an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lurm_cli.errors import UsageError
from lurm_cli.sources.database import name
from lurm_cli.sources.reading import RawFile, forget_malformed, malformed_rows, open_file, require_columns
from lurm_cli.sources.spec import ItemSource, expand_files


@dataclass(frozen=True)
class CatalogueTable:
    """The items table, loaded as the DuckDB table ``catalogue`` with columns id, c0, c1, ...

    Attributes
    ----------
    text_columns
        Names of the text columns, in order: those of the words first, then those that are kept for tasks only.
    n_words
        How many of them, from the first, make the items' words.
    n_duplicates
        Rows left out because their id had stood before.
    n_malformed
        Rows left out because they cannot be read.
    """

    text_columns: tuple[str, ...]
    n_words: int
    n_duplicates: int
    n_malformed: int = 0


def load_catalogue(connection: Any, source: ItemSource, bad_rows: str = "stop") -> CatalogueTable:
    """Read the items table.

    Of several rows with one id the one whose texts sort first is kept, so that the order of rows and files does not
    matter.

    Raises
    ------
    UsageError
        If a column is missing, no row has an id, or a row is malformed and these are not to be skipped.
    """
    files = [open_file(connection, path, source.format) for path in expand_files(source.files)]
    aside = {source.item_col, *source.task_cols}
    words = source.text_cols or tuple(column for column in files[0].columns if column not in aside)
    kept = tuple(column for column in source.task_cols if column not in words)
    texts = (*words, *kept)
    flags = {f"--text-col {c}": c for c in words} | {f"--task-col {c}": c for c in kept}
    for file in files:
        require_columns(file, {"--item-col": source.item_col, **flags})
    held = " UNION ALL ".join(_selected(file, source.item_col, texts) for file in files)
    fields = ", ".join(f"c{k} := c{k}" for k in range(len(texts))) or "c0 := ''"
    picked = "".join(f", best.c{k} AS c{k}" for k in range(len(texts)))
    forget_malformed(connection)
    connection.execute(
        f"CREATE TABLE catalogue AS SELECT id{picked}, n FROM "
        f"(SELECT id, min(struct_pack({fields})) AS best, count(*) AS n FROM ({held}) "
        "WHERE id IS NOT NULL AND trim(id) <> '' GROUP BY id)"
    )
    n_malformed, first = malformed_rows(connection)
    if n_malformed and bad_rows == "stop":
        raise UsageError(f"{first}. Mend it, or use --bad-rows skip to leave out such rows")
    rows, duplicates = connection.execute("SELECT count(*), sum(n) - count(*) FROM catalogue").fetchone()
    if rows == 0:
        raise UsageError(f"{files[0].path}: no row has an item id in column {source.item_col!r}")
    return CatalogueTable(texts, len(words), int(duplicates), n_malformed)


def _selected(file: RawFile, item_col: str, texts: tuple[str, ...]) -> str:
    wanted = {"item": item_col, **{f"c{k}": column for k, column in enumerate(texts)}}
    columns = [f"{identifier('item', file.columns.get(item_col, 'VARCHAR'))} AS id"]
    columns += [f"coalesce(CAST({name(f'c{k}')} AS VARCHAR), '') AS c{k}" for k in range(len(texts))]
    return f"SELECT {', '.join(columns)} FROM {file.relation(wanted)}"


def identifier(column: str, kind: str) -> str:
    """SQL for an id as text; a float that is a whole number is written as one."""
    text = f"CAST({name(column)} AS VARCHAR)"
    if kind not in ("FLOAT", "DOUBLE"):
        return text
    value = name(column)
    whole = f"CAST(TRY_CAST({value} AS HUGEINT) AS VARCHAR)"
    small = f"abs({value}) < 1e18 AND {value} = floor({value})"
    return f"CASE WHEN isnan({value}) THEN NULL WHEN {small} THEN {whole} ELSE {text} END"
