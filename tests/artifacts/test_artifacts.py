"""What is on disk: exact round trips, damage that is found and named, builds that resume."""

import errno
import fcntl
import json
import os
import threading
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from unittest import mock

import anndata
import numpy as np
import pytest
import zarr
from safetensors import SafetensorError
from scipy import sparse

from baselines.toy import texts
from lurm_cli.artifacts.arrays import (
    CHUNK,
    DENSE_ROWS,
    create_matrix,
    read_array,
    write_matrix,
    write_rows,
    write_strings,
    write_vector,
)
from lurm_cli.artifacts.build import Build, up_to_date
from lurm_cli.artifacts.columns import Columns, write_columns
from lurm_cli.artifacts.csr import CsrPart, write_csr_part
from lurm_cli.artifacts.manifest import InputRef, Manifest, differences, read_manifest
from lurm_cli.artifacts.ragged import RaggedEvents, bucket_of, merge_years, write_ragged_part
from lurm_cli.artifacts.store import Counts, Events
from lurm_cli.errors import ArtifactError, IncompleteError, LurmError, OutputExistsError


def some_counts(seed: int = 0, rows: int = 6, interests: int = 40) -> CsrPart:
    counts = sparse.random(rows, interests, density=0.2, format="csr", dtype=np.float64, random_state=seed)
    counts.data = np.arange(1, counts.nnz + 1, dtype=np.int32)
    row_user = np.repeat(np.arange(rows // 2, dtype=np.int32), 2)
    row_period = np.tile(np.array([564, 565], dtype=np.int32), rows // 2)
    return CsrPart(counts.astype(np.int32), texts("a b", "é", "用户"), row_user, row_period)


def build_counts(target: Path, parameters: dict | None = None, names: tuple[str, ...] = ("2017-00000",)) -> None:
    with Build(target, Manifest("boi", "boi", parameters or {})) as build:
        for seed, name in enumerate(names):
            write_csr_part(build.folder, name, some_counts(seed))
        build.finish(shape=(6 * len(names), 40))


def test_a_csr_part_is_what_scipy_and_anndata_hold(tmp_path: Path) -> None:
    build_counts(tmp_path / "boi-month.zarr")
    expected = some_counts()
    group = zarr.open_group(str(tmp_path / "boi-month.zarr/parts/2017-00000"), mode="r")
    opened = anndata.io.read_elem(group)
    assert (opened != expected.counts).nnz == 0
    assert opened.indices.dtype == np.int32
    assert group["indptr"].dtype == np.int64
    read = Counts.open(tmp_path / "boi-month.zarr").part("2017-00000")
    assert (read.counts != expected.counts).nnz == 0
    assert read.users.tolist() == ["a b", "é", "用户"]
    assert read.row_period.tolist() == expected.row_period.tolist()


def test_rows_of_one_user_and_period_in_two_parts_add_up(tmp_path: Path) -> None:
    build_counts(tmp_path / "boi.zarr", names=("2016-00000", "2017-00000"))
    merged = Counts.open(tmp_path / "boi.zarr").bucket(0)
    assert (merged.counts != some_counts(0).counts + some_counts(1).counts).nnz == 0
    assert merged.row_user.tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1])
def test_vectors_come_back_as_written(tmp_path: Path, length: int) -> None:
    values = np.arange(length, dtype=np.int32)
    write_vector(tmp_path / "v", values)
    assert np.array_equal(read_array(tmp_path / "v"), values)


def test_texts_come_back_as_written(tmp_path: Path) -> None:
    values = ["", "two words", "naïve", "日本語", "🛒", 'quote " and \n newline']
    write_strings(tmp_path / "s", values)
    assert read_array(tmp_path / "s").tolist() == values


def test_rows_must_cover_whole_chunks(tmp_path: Path) -> None:
    create_matrix(tmp_path / "m", (DENSE_ROWS + 5, 3))
    write_rows(tmp_path / "m", DENSE_ROWS, np.ones((5, 3), dtype=np.float32))
    with pytest.raises(ValueError, match="whole chunks"):
        write_rows(tmp_path / "m", 0, np.ones((5, 3), dtype=np.float32))


def test_a_lost_chunk_is_not_read_as_zeros(tmp_path: Path) -> None:
    write_matrix(tmp_path / "m", np.zeros((DENSE_ROWS + 1, 2), dtype=np.float32))
    (tmp_path / "m/c/1/0").unlink()
    with pytest.raises(ArtifactError, match=r"c/1/0 is missing"):
        read_array(tmp_path / "m")


def every_file(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_flipped_byte_in_any_file_is_found_and_named(tmp_path: Path, place: str) -> None:
    target = tmp_path / "boi.zarr"
    build_counts(target)
    names = every_file(target)
    assert len(names) == 14  # the root, the part's group, six arrays with metadata and one shard each
    for name in names:
        file = target / name
        sound = file.read_bytes()
        at = {"first": 0, "middle": len(sound) // 2, "last": len(sound) - 1}[place]
        file.write_bytes(sound[:at] + bytes([sound[at] ^ 0xFF]) + sound[at + 1 :])
        with pytest.raises(ArtifactError) as caught:
            Counts.open(target).part("2017-00000")
        assert name in str(caught.value)
        assert caught.value.exit_code == 3
        file.write_bytes(sound)
    Counts.open(target).part("2017-00000")


def test_equal_content_makes_equal_bytes(tmp_path: Path) -> None:
    build_counts(tmp_path / "one.zarr")
    build_counts(tmp_path / "two.zarr")
    assert every_file(tmp_path / "one.zarr") == every_file(tmp_path / "two.zarr")
    for name in every_file(tmp_path / "one.zarr"):
        assert (tmp_path / "one.zarr" / name).read_bytes() == (tmp_path / "two.zarr" / name).read_bytes()


def test_nothing_stands_under_the_final_name_before_the_end_and_parts_survive(tmp_path: Path) -> None:
    target, manifest = tmp_path / "boi.zarr", Manifest("boi", "boi", {"period": "month"})
    with Build(target, manifest) as build:
        write_csr_part(build.folder, "2016-00000", some_counts(0))
    assert not target.exists()
    before = (tmp_path / ".boi.zarr.partial/parts/2016-00000/data/c/0").stat().st_mtime_ns
    with Build(target, manifest) as build:
        assert build.resumed
        assert build.missing_parts(["2016-00000", "2017-00000"]) == ["2017-00000"]
        write_csr_part(build.folder, "2017-00000", some_counts(1))
        build.finish(shape=(12, 40))
    assert (target / "parts/2016-00000/data/c/0").stat().st_mtime_ns == before
    assert read_manifest(target).status == "complete"
    assert not (tmp_path / ".boi.zarr.partial").exists()


def test_a_model_killed_while_its_metadata_are_written_ends_the_same(tmp_path: Path) -> None:
    target, manifest = tmp_path / "smen", Manifest("smen", "train-smen", {})
    with Build(target, manifest, metadata="config.json") as build:
        (build.folder / "model.safetensors").write_bytes(b"weights")
        (build.folder / "last").mkdir()
        for name in ("config.json.new", "last/state.safetensors.new"):
            (build.folder / name).write_bytes(b"half")
    with Build(target, manifest, metadata="config.json") as build:
        assert build.resumed
        build.finish()
    assert list(read_manifest(target).files) == ["model.safetensors"]


@pytest.mark.parametrize(
    "fault",
    [OSError(errno.ENOSPC, "No space left on device"), MemoryError(), BrokenProcessPool("a child process terminated")],
)
def test_what_stops_a_build_leaves_it_to_go_on_from(tmp_path: Path, fault: Exception) -> None:
    target, manifest = tmp_path / "boi.zarr", Manifest("boi", "boi", {})

    def stopped() -> None:
        with Build(target, manifest) as build:
            write_csr_part(build.folder, "2016-00000", some_counts())
            raise fault

    with pytest.raises(IncompleteError, match=r"boi\.zarr: .*the same command goes on from there") as caught:
        stopped()
    assert caught.value.exit_code == 5
    with Build(target, manifest) as build:
        assert build.missing_parts(["2016-00000"]) == []


def test_partial_work_of_other_parameters_is_dropped(tmp_path: Path) -> None:
    target = tmp_path / "boi.zarr"
    with Build(target, Manifest("boi", "boi", {"period": "month"})) as build:
        write_csr_part(build.folder, "2016-00000", some_counts())
    with Build(target, Manifest("boi", "boi", {"period": "year"})) as build:
        assert not build.resumed
        assert build.missing_parts(["2016-00000"]) == ["2016-00000"]


def test_a_live_builder_is_not_disturbed(tmp_path: Path) -> None:
    target, manifest = tmp_path / "boi.zarr", Manifest("boi", "boi", {})
    with Build(target, manifest) as build:
        owner = json.loads((build.folder / "owner.json").read_text())
        parent = os.getppid()
        started = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[19]
        (build.folder / "owner.json").write_text(json.dumps({**owner, "pid": parent, "started": started}))
        with pytest.raises(LurmError, match=f"process {parent}"):
            Build(target, manifest).__enter__()


def test_up_to_date_or_the_differing_parameter(tmp_path: Path) -> None:
    target = tmp_path / "boi.zarr"
    build_counts(target, {"period": "month"})
    assert up_to_date(target, Manifest("boi", "boi", {"period": "month"}), overwrite=False) is not None
    with pytest.raises(OutputExistsError, match='period: "month" there, "year" asked for') as caught:
        up_to_date(target, Manifest("boi", "boi", {"period": "year"}), overwrite=False)
    assert caught.value.exit_code == 4
    assert up_to_date(target, Manifest("boi", "boi", {"period": "year"}), overwrite=True) is None


def test_a_foreign_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "boi.zarr").mkdir()
    (tmp_path / "boi.zarr/thesis.txt").write_text("years of work")
    with pytest.raises(OutputExistsError, match="not an artifact"):
        up_to_date(tmp_path / "boi.zarr", Manifest("boi", "boi", {}), overwrite=True)


def test_a_zarr_store_of_someone_else_is_never_replaced(tmp_path: Path) -> None:
    zarr.create_array(store=str(tmp_path / "boi.zarr"), shape=(3,), dtype="int32")[:] = 1
    with pytest.raises(OutputExistsError, match="not an artifact"):
        up_to_date(tmp_path / "boi.zarr", Manifest("boi", "boi", {}), overwrite=True)


def test_a_damaged_artifact_may_be_replaced(tmp_path: Path) -> None:
    build_counts(tmp_path / "boi.zarr", {"period": "month"})
    metadata = tmp_path / "boi.zarr/zarr.json"
    metadata.write_text(metadata.read_text()[:-20])
    assert up_to_date(tmp_path / "boi.zarr", Manifest("boi", "boi", {"period": "month"}), overwrite=True) is None


def test_a_disk_that_is_full_from_the_start_is_incomplete_work(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with mock.patch.object(Path, "write_text", side_effect=full), pytest.raises(IncompleteError, match="No space left"):
        Build(tmp_path / "boi.zarr", Manifest("boi", "boi", {})).__enter__()


def test_a_model_file_that_finds_no_room_is_incomplete_work(tmp_path: Path) -> None:
    # Its writer has an error of its own, of this form.
    full = SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
    with pytest.raises(IncompleteError, match="No space left"), Build(tmp_path / "smen", Manifest("smen", "s", {})):
        raise full
    with pytest.raises(SafetensorError), Build(tmp_path / "smen", Manifest("smen", "s", {})):
        raise SafetensorError("Error while serializing: I/O error: File too large (os error 27)")


def test_a_second_process_waits_while_a_build_is_begun(tmp_path: Path) -> None:
    """Between making the folder and saying whose it is, another would take it for abandoned and delete it."""
    target, manifest = tmp_path / "boi.zarr", Manifest("boi", "boi", {})
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    (tmp_path / ".boi.zarr.partial").mkdir()
    second = threading.Thread(target=Build(target, manifest).__enter__)
    second.start()
    second.join(0.2)
    assert second.is_alive() and not list((tmp_path / ".boi.zarr.partial").iterdir())
    os.close(descriptor)
    second.join(10)
    assert (tmp_path / ".boi.zarr.partial/owner.json").is_file()


def test_differences_name_inputs_by_fingerprint() -> None:
    old = Manifest("boi", "boi", {}, (InputRef("interests.zarr", "interests", "aaaaaaaa1"),))
    new = Manifest("boi", "boi", {}, (InputRef("interests.zarr", "interests", "bbbbbbbb2"),))
    assert any("interests.zarr has changed (bbbbbbbb now)" in line for line in differences(old, new))
    assert old.fingerprint != new.fingerprint


def test_fingerprint_ignores_where_inputs_lie_and_in_which_order() -> None:
    a, b = InputRef("a", "raw", "1"), InputRef("b", "raw", "2")
    moved = InputRef("elsewhere/a", "raw", "1")
    assert (
        Manifest("events", "ingest", {}, (a, b)).fingerprint == Manifest("events", "ingest", {}, (b, moved)).fingerprint
    )


def test_columns_round_trip_and_kind_is_checked(tmp_path: Path) -> None:
    with Build(tmp_path / "items.zarr", Manifest("items", "ingest", {})) as build:
        write_columns(build.folder, {"ids": texts("x", "y"), "n_events": np.array([3, 4])})
        build.finish()
    items = Columns(tmp_path / "items.zarr", "items")
    assert items.names() == ["ids", "n_events"]
    assert items.read("ids").tolist() == ["x", "y"]
    with pytest.raises(ArtifactError, match="holds items, expected boi"):
        read_manifest(tmp_path / "items.zarr", "boi")


def test_events_of_several_years_become_one_life(tmp_path: Path) -> None:
    first = RaggedEvents(texts("a", "b"), np.array([0, 1, 3]), np.array([7, 8, 9], np.int32), np.array([1, 2, 3]))
    second = RaggedEvents(texts("b", "c"), np.array([0, 1, 2]), np.array([5, 6], np.int32), np.array([10, 11]))
    life = merge_years([first, second])
    assert life.users.tolist() == ["a", "b", "c"]
    assert life.indptr.tolist() == [0, 1, 4, 5]
    assert life.items.tolist() == [7, 8, 9, 5, 6]
    cut = life.before(3)
    assert cut.users.tolist() == ["a", "b"] and cut.items.tolist() == [7, 8]
    with Build(tmp_path / "events.zarr", Manifest("events", "ingest", {})) as build:
        write_ragged_part(build.folder, "2016-00000", first)
        write_ragged_part(build.folder, "2017-00000", second)
        assert build.finish().nnz == 5
    assert Events.open(tmp_path / "events.zarr").bucket(0).times.tolist() == [1, 2, 3, 10, 11]


def test_some_buckets_hold_no_more_events_than_asked_for(tmp_path: Path) -> None:
    with Build(tmp_path / "events.zarr", Manifest("events", "ingest", {})) as build:
        for bucket, n_events in enumerate([3, 1, 4, 2]):
            for year in (2016, 2017):
                part = RaggedEvents(
                    texts("a"), np.array([0, n_events]), np.zeros(n_events, np.int32), np.arange(n_events)
                )
                write_ragged_part(build.folder, f"{year}-{bucket:05}", part)
        build.finish()
    events, sizes = Events.open(tmp_path / "events.zarr"), [6, 2, 8, 4]
    drawn = {tuple(events.some_buckets(10, np.random.default_rng(seed))) for seed in range(50)}
    assert len(drawn) > 3 and all(sum(sizes[bucket] for bucket in some) <= 10 for some in drawn)
    assert all(list(some) == sorted(some) for some in drawn) and {1, 2} in map(set, drawn)
    assert events.some_buckets(20, np.random.default_rng(0)) == [0, 1, 2, 3]
    # One bucket at the least.
    assert {len(events.some_buckets(0, np.random.default_rng(seed))) for seed in range(9)} == {1}


def test_bucket_is_the_first_32_bits_of_md5() -> None:
    assert bucket_of("", 1 << 32) == 0xD41D8CD9  # md5 of nothing: d41d8cd98f00b204...
    assert bucket_of("", 8) == 0xD41D8CD9 % 8


def test_a_dense_matrix_is_laid_out_as_the_format_says(tmp_path: Path) -> None:
    values = np.arange(3 * (DENSE_ROWS + 1), dtype=np.float32).reshape(-1, 3)
    write_matrix(tmp_path / "m", values)
    held = json.loads((tmp_path / "m/zarr.json").read_text())
    assert held["chunk_grid"]["configuration"]["chunk_shape"] == [2048, 3]
    assert [codec["name"] for codec in held["codecs"]] == ["bytes", "crc32c"]
    assert held["attributes"]["encoding-type"] == "array"
    opened = anndata.io.read_elem(zarr.open_array(str(tmp_path / "m"), mode="r"))
    np.testing.assert_array_equal(opened, values)
