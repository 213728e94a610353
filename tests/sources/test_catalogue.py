"""The items table adds texts to items; it takes no event away."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lurm_cli.artifacts.columns import Columns
from lurm_cli.errors import UsageError
from lurm_cli.progress import Reporter
from lurm_cli.stages.context import Context
from lurm_cli.stages.embed_items import item_texts
from lurm_cli.stages.ingest import IngestConfig, run_ingest
from sources.raw import ingest, lives, lives_of, table

ROWS = [("ann", "tea", "2017-01-01"), ("ann", "gone", "2017-01-02"), ("bob", "gone", "2017-01-03")]
HEADER = ("item", "title", "brand")


def columns_of(root: Path) -> dict[str, list]:
    items = Columns(root / "items.zarr", "items")
    return {name: items.read(name).tolist() for name in items.names()}


def test_events_of_items_outside_the_table_are_kept_and_counted(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS))
    (tmp_path / "items.csv").write_text(table([("tea", "Green tea", "Leaf"), ("cup", "A cup", "")], HEADER))
    events, items = ingest(tmp_path, "log.csv", items=("items.csv",))
    assert lives(tmp_path) == lives_of(ROWS)
    assert events.manifest.facts["events_without_item_row"] == 2
    assert items.manifest.facts["items_without_events"] == 1
    assert items.manifest.facts["text_columns"] == ["title", "brand"]
    assert columns_of(tmp_path) == {
        "ids": ["cup", "gone", "tea"],
        "in_table": [1, 0, 1],
        "n_events": [0, 2, 1],
        "text_0": ["A cup", "", "Green tea"],
        "text_1": ["", "", "Leaf"],
    }


class Heard(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def heard(root: Path, **options: str) -> list[str]:
    reporter = Heard()
    config = IngestConfig(events=(str(root / "log.csv"),), items=(str(root / "items.csv"),), **options)
    run_ingest(Context(root, reporter=reporter), config, root / "events.zarr")
    return reporter.warnings


def test_the_user_hears_of_events_outside_the_table(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS))
    (tmp_path / "items.csv").write_text(table([("tea", "Green tea")], ("item", "title")))
    assert heard(tmp_path) == ["2 events have an item that is not in the items table; they are kept"]


def test_of_several_rows_with_one_id_the_first_by_text_is_used_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS[:1]))
    (tmp_path / "items.csv").write_text(table([("tea", "B", "1"), ("tea", "A", "2"), ("tea", "A", "3")], HEADER))
    (warning,) = heard(tmp_path)
    assert warning.startswith("the items table has 2 rows whose id stood before")
    assert columns_of(tmp_path)["text_0"] == ["A"]
    assert columns_of(tmp_path)["text_1"] == ["2"]


def test_named_text_columns_and_another_name_of_the_id(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS[:1]))
    (tmp_path / "items.csv").write_text(table([("tea", "Green tea", "Leaf")], ("sku", "title", "brand")))
    _, items = ingest(tmp_path, "log.csv", items=("items.csv",), items_id_col="sku", text_col=("brand",))
    assert items.manifest.facts["text_columns"] == ["brand"]
    assert columns_of(tmp_path)["text_0"] == ["Leaf"]


def test_ids_of_the_log_and_of_the_table_meet_whatever_their_types(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table([("ann", "12", "2017-01-01")]))
    pq.write_table(pa.table({"item": np.array([12.0]), "title": ["Tea"]}), tmp_path / "items.parquet")
    events, _ = ingest(tmp_path, "log.csv", items=("items.parquet",))
    assert events.manifest.facts["events_without_item_row"] == 0
    assert columns_of(tmp_path)["text_0"] == ["Tea"]


def test_a_malformed_row_of_the_table_is_not_lost_in_silence(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS[:1]))
    (tmp_path / "items.csv").write_text("item,title\ncup,A cup\ntea,Tea, green\n")
    with pytest.raises(UsageError, match=r"items\.csv, row 3: .*Found: 3; the row reads 'tea,Tea, green'"):
        ingest(tmp_path, "log.csv", items=("items.csv",))
    assert heard(tmp_path, bad_rows="skip") == [
        "left out 1 malformed rows of the items table",
        "1 events have an item that is not in the items table; they are kept",
    ]


def test_a_missing_column_of_the_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS))
    (tmp_path / "items.csv").write_text(table([("tea", "Green tea")], ("item", "title")))
    with pytest.raises(UsageError, match=r"items\.csv has no column 'brand' \(--text-col brand\)"):
        ingest(tmp_path, "log.csv", items=("items.csv",), text_col=("brand",))


def test_a_column_for_tasks_is_kept_but_is_no_part_of_the_words(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS[:1]))
    (tmp_path / "items.csv").write_text(table([("tea", "Drinks", "Green tea")], ("item", "kind", "title")))
    _, items = ingest(tmp_path, "log.csv", items=("items.csv",), task_col=("kind",))
    assert items.manifest.facts["text_columns"] == ["title", "kind"]
    assert items.manifest.facts["word_columns"] == ["title"]
    assert columns_of(tmp_path)["text_1"] == ["Drinks"]
    assert item_texts(Columns(tmp_path / "items.zarr", "items")) == [["green", "tea"]]


def test_a_column_may_describe_an_item_and_serve_tasks(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS[:1]))
    (tmp_path / "items.csv").write_text(table([("tea", "Drinks", "Green tea")], ("item", "kind", "title")))
    _, items = ingest(tmp_path, "log.csv", items=("items.csv",), text_col=("title", "kind"), task_col=("kind",))
    assert items.manifest.facts["text_columns"] == items.manifest.facts["word_columns"] == ["title", "kind"]


def test_a_missing_column_for_tasks_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS))
    (tmp_path / "items.csv").write_text(table([("tea", "Green tea")], ("item", "title")))
    with pytest.raises(UsageError, match=r"items\.csv has no column 'kind' \(--task-col kind\)"):
        ingest(tmp_path, "log.csv", items=("items.csv",), task_col=("kind",))


def test_of_several_rows_with_one_id_one_with_texts_goes_before_one_without(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS[:1]))
    rows = [("tea", "", "1"), ("tea", "B", ""), ("tea", "C", "2"), ("tea", "D", "1")]
    (tmp_path / "items.csv").write_text(table(rows, HEADER))
    ingest(tmp_path, "log.csv", items=("items.csv",))
    assert columns_of(tmp_path)["text_0"] == ["C"]


def test_a_broken_line_of_a_json_table_is_not_lost_in_silence(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS[:1]))
    (tmp_path / "items.jsonl").write_text('{"item": "tea", "title": "Green tea"}\n\n{"item": "cup"\n')
    with pytest.raises(UsageError, match=r"items\.jsonl, row 3: broken line, expected a JSON object"):
        ingest(tmp_path, "log.csv", items=("items.jsonl",))
    ingest(tmp_path, "log.csv", items=("items.jsonl",), bad_rows="skip")
    assert columns_of(tmp_path)["ids"] == ["tea"]


def test_many_files_fit_into_the_default_memory(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS[:1]))
    names = [f"items-{k}.jsonl" for k in range(6)]
    for k, name in enumerate(names):
        (tmp_path / name).write_text(f'{{"item": "i{k}", "title": "Tea"}}\n')
    ingest(tmp_path, "log.csv", items=tuple(names))
    assert len(columns_of(tmp_path)["ids"]) == 7


def test_keys_that_the_first_json_object_lacks_are_columns_too(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table([("ann", "tea", "2017-01-01"), ("ann", "cup", "2017-01-02")]))
    (tmp_path / "items.jsonl").write_text('{"item": "tea"}\n{"item": "cup", "title": "A cup"}\n')
    _, items = ingest(tmp_path, "log.csv", items=("items.jsonl",))
    assert items.manifest.facts["text_columns"] == ["title"]
    assert Columns(tmp_path / "items.zarr", "items").read("text_0").tolist() == ["A cup", ""]
