"""The items table: ids and texts, one row an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lurm_cli.errors import UsageError
from lurm_cli.sources import amazon2018
from lurm_cli.sources.database import in_order, name, threads_that_fit
from lurm_cli.sources.reading import (
    THREAD_BYTES,
    UNNAMED,
    RawFile,
    forget_malformed,
    malformed_rows,
    open_file,
    require_columns,
    with_all_columns,
)
from lurm_cli.sources.spec import ItemSource, expand_files

# Columns that pandas adds: its row numbers are no texts.
_ROW_NUMBERS = (UNNAMED, "__index_level_")
_NO_ID = "id IS NULL OR trim(id) = ''"


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

    Of several rows with one id one is kept, by its texts, so that the order of rows and files does not matter: the one
    with a text in the first column, then in the second, and so on; among equals the one whose texts sort first.

    Raises
    ------
    UsageError
        If a column is missing, no row has an id, or a row is malformed and these are not to be skipped.
    """
    is_amazon = source.format == amazon2018.FORMAT
    files: list[RawFile] = [
        amazon2018.open_products(connection, path) if is_amazon else open_file(connection, path, source.format)
        for path in expand_files(source.files)
    ]
    if not source.text_cols:
        files[0] = with_all_columns(connection, files[0])
    aside = {source.item_col, *source.task_cols}
    words = source.text_cols or tuple(
        column for column in files[0].columns if column not in aside and not column.startswith(_ROW_NUMBERS)
    )
    kept = tuple(column for column in source.task_cols if column not in words)
    texts = (*words, *kept)
    flags = {f"--text-col {c}": c for c in words} | {f"--task-col {c}": c for c in kept}
    for file in files:
        require_columns(connection, file, {"--items-id-col": source.item_col, **flags})
    forget_malformed(connection)
    # One after the other: the readers of many files at once would hold a buffer each.
    for number, file in enumerate(files):
        into = "INSERT INTO item_rows" if number else "CREATE TABLE item_rows AS"
        with threads_that_fit(connection, THREAD_BYTES):
            connection.execute(f"{into} {_selected(file, source.item_col, texts)}")
    n_malformed, first = malformed_rows(connection)
    # A product without an id is a fault of the file; in a table at large it may be a row of totals.
    bad = f"broken OR {_NO_ID}" if is_amazon else "broken"
    n_bad = connection.execute(f"SELECT count(*) FROM item_rows WHERE {bad}").fetchone()[0]
    if n_bad and bad_rows == "stop":
        first = _first_bad(connection, files, source.item_col)
    if (n_malformed or n_bad) and bad_rows == "stop":
        raise UsageError(f"{first}. Mend it, or use --bad-rows skip to leave out such rows")
    _keep_one_row_an_id(connection, len(texts))
    rows, duplicates = connection.execute("SELECT count(*), sum(n) - count(*) FROM catalogue").fetchone()
    if rows == 0:
        raise UsageError(f"{files[0].path}: no row has an item id in column {source.item_col!r}")
    return CatalogueTable(texts, len(words), int(duplicates), n_malformed + n_bad)


def _keep_one_row_an_id(connection: Any, n_texts: int) -> None:
    """Table ``catalogue`` from ``item_rows``."""
    picked = "".join(f", c{k}" for k in range(n_texts))
    chosen = "".join(f", best.c{k} AS c{k}" for k in range(n_texts))
    fields = [f"e{k} := c{k} = ''" for k in range(n_texts)] + [f"c{k} := c{k}" for k in range(n_texts)]
    # Only rows of repeated ids are compared: groups of texts do not spill to the disk, and there are few of these.
    connection.execute(
        f"CREATE TABLE repeated AS SELECT id, count(*) AS n FROM item_rows WHERE NOT ({_NO_ID}) "
        "GROUP BY id HAVING count(*) > 1"
    )
    connection.execute(
        f"CREATE TABLE catalogue AS SELECT id{picked}, 1 AS n FROM item_rows "
        f"WHERE NOT ({_NO_ID}) AND id NOT IN (SELECT id FROM repeated) UNION ALL "
        f"SELECT id{chosen}, n FROM (SELECT id, min(struct_pack({', '.join(fields) or 'c0 := 0'})) AS best, "
        "count(*) AS n FROM item_rows SEMI JOIN repeated USING (id) GROUP BY id)"
    )
    connection.execute("DROP TABLE item_rows; DROP TABLE repeated")


def _first_bad(connection: Any, files: list[RawFile], item_col: str) -> str:
    """A message on the first row that is no JSON object, or no product."""
    # Row numbers need the file's order, which only a scan that preserves it has.
    for file in files:
        if file.format not in ("jsonl", amazon2018.FORMAT):
            continue
        bad = f"broken OR {_NO_ID}" if file.format == amazon2018.FORMAT else "broken"
        with in_order(connection):
            found = connection.execute(
                f"SELECT row_number, broken FROM {file.relation({'id': item_col}, numbered=True)} WHERE {bad} "
                "ORDER BY row_number LIMIT 1"
            ).fetchone()
        if found is not None:
            reason = "broken line, expected a JSON object" if found[1] else f"no item id in {item_col!r}"
            return f"{file.path}, row {found[0] + file.first_row}: {reason}"
    raise AssertionError("a bad row was counted, but none is found")


def _selected(file: RawFile, item_col: str, texts: tuple[str, ...]) -> str:
    wanted = {"item": item_col, **{f"c{k}": column for k, column in enumerate(texts)}}
    columns = [f"{identifier('item', file.columns.get(item_col, 'VARCHAR'))} AS id"]
    columns += [f"coalesce(CAST({name(f'c{k}')} AS VARCHAR), '') AS c{k}" for k in range(len(texts))]
    return f"SELECT {', '.join(columns)}, broken FROM {file.relation(wanted)}"


def identifier(column: str, kind: str) -> str:
    """SQL for an id as text; a float that is a whole number is written as one."""
    text = f"CAST({name(column)} AS VARCHAR)"
    if kind not in ("FLOAT", "DOUBLE"):
        return text
    value = name(column)
    whole = f"CAST(TRY_CAST({value} AS HUGEINT) AS VARCHAR)"
    small = f"abs({value}) < 1e18 AND {value} = floor({value})"
    return f"CASE WHEN isnan({value}) THEN NULL WHEN {small} THEN {whole} ELSE {text} END"
