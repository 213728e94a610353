"""``lurm verify`` knows what an artifact promises, and not only its checksums."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from baselines.toy import texts
from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.csr import CsrPart, write_csr_part
from lurm_cli.artifacts.manifest import Manifest
from lurm_cli.artifacts.ragged import RaggedEvents, write_ragged_part
from lurm_cli.artifacts.verify import verify

SOUND: dict[str, Any] = {
    "data": [1, 2, 1],
    "indices": [1, 3, 0],
    "indptr": [0, 2, 3],
    "row_user": [0, 1],
    "row_period": [5, 5],
}


def faults_of_counts(root: Path, **changed: Any) -> list[str]:
    held = {name: np.array(values, dtype=np.int32) for name, values in (SOUND | changed).items()}
    counts = sparse.csr_matrix((2, 4), dtype=np.int32)
    # As they are: scipy would look at them.
    counts.data, counts.indices, counts.indptr = held["data"], held["indices"], held["indptr"]
    part = CsrPart(counts, texts("ann", "bob"), held["row_user"], held["row_period"])
    with Build(root / "boi-month.zarr", Manifest("boi", "boi", {"period": "month"})) as build:
        write_csr_part(build.folder, "2017-00000", part)
        build.finish(shape=(2, 4))
    return verify(root / "boi-month.zarr")


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({}, None),
        ({"indices": [3, 1, 0]}, "interest numbers are not ascending within a row"),
        ({"indices": [1, 1, 0]}, "interest numbers are not ascending within a row"),
        ({"indices": [1, 4, 0]}, "an interest number lies outside 0..3"),
        ({"data": [1, 0, 1]}, "a stored count is not positive"),
        ({"row_user": [1, 0]}, "rows are not sorted by user and period"),
        ({"row_user": [0, 0], "row_period": [6, 5]}, "rows are not sorted by user and period"),
    ],
)
def test_counts_that_break_a_promise_are_named(tmp_path: Path, changed: dict[str, Any], fault: str | None) -> None:
    found = faults_of_counts(tmp_path, **changed)
    assert len(found) == (fault is not None)
    assert fault is None or fault in found[0]


@pytest.mark.parametrize(
    ("indptr", "times", "fault"),
    [
        ([0, 2, 3], [10, 20, 5], None),
        ([0, 2, 3], [20, 10, 5], "a user's events are not sorted by time"),
        ([0, 3, 3], [10, 20, 30], "a user has no event"),
        ([0, 0, 3], [10, 20, 30], "a user has no event"),
    ],
)
def test_events_that_break_a_promise_are_named(
    tmp_path: Path, indptr: list[int], times: list[int], fault: str | None
) -> None:
    events = RaggedEvents(texts("ann", "bob"), np.array(indptr), np.zeros(3, dtype=np.int32), np.array(times))
    with Build(tmp_path / "events.zarr", Manifest("events", "ingest", {})) as build:
        write_ragged_part(build.folder, "2017-00000", events)
        build.finish(shape=(2, 1))
    found = verify(tmp_path / "events.zarr")
    assert len(found) == (fault is not None)
    assert fault is None or fault in found[0]
