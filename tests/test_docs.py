"""The documentation says what is: its snippets run, its examples hold, its command reference is that of the command."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.csr import CsrPart, write_csr_part
from lurm_cli.artifacts.manifest import InputRef, Manifest
from lurm_cli.artifacts.ragged import bucket_of
from lurm_cli.boi.periods import Period
from lurm_cli.clock import parse_time

DOCS = Path(__file__).parent.parent / "docs"
FORMAT = (DOCS / "format.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", FORMAT, re.MULTILINE | re.DOTALL)


def rows_of_table(head: str) -> list[list[str]]:
    """Cells of the table with this head, without the marks of code."""
    lines = FORMAT.split(head + "\n", 1)[1].splitlines()
    table = lines[1 : next(n for n, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table]


def counts_of_two_users() -> CsrPart:
    counts = sparse.csr_matrix(np.array([[0, 3, 1], [2, 0, 0], [0, 0, 5]], dtype=np.int32))
    users = np.array(["ann", "用户"], dtype=object)
    return CsrPart(counts, users, np.array([0, 0, 1], np.int32), np.array([564, 570, 566], np.int32))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with counts, in which the snippets run."""
    inputs = (InputRef("interests.zarr", "interests", "b" * 64), InputRef("événements.zarr", "events", "a" * 64))
    until = parse_time("2017-10-01T08:00:00.5+02:00")
    draft = Manifest("boi", "boi", {"period": "month", "größe": 1e-05}, inputs, until=until)
    with Build(tmp_path / "boi-month.zarr", draft) as build:
        write_csr_part(build.folder, "2017-00000", counts_of_two_users())
        build.finish(shape=(3, 3))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(snippet: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(snippet, str(DOCS / "format.md"), "exec"), names)
    return names


def snippet_with(text: str) -> str:
    (found,) = (snippet for snippet in SNIPPETS if text in snippet)
    return found


def test_every_snippet_is_tested() -> None:
    known = ("fingerprint", "def bucket_of", "read_elem", "sparse.csr_matrix(")
    assert sorted(snippet_with(text) for text in known) == sorted(SNIPPETS)


def test_the_snippet_of_root_metadata_finds_checksum_and_fingerprint(workspace: Path) -> None:
    assert run(snippet_with("fingerprint"))["manifest"]["kind"] == "boi"


def test_the_snippet_of_root_metadata_finds_a_changed_value(workspace: Path) -> None:
    file = workspace / "boi-month.zarr/zarr.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"nnz": 4', '"nnz": 5'), encoding="utf-8")
    with pytest.raises(AssertionError):
        run(snippet_with("fingerprint"))


@pytest.mark.parametrize("reader", ["read_elem", "sparse.csr_matrix("])
def test_the_snippets_of_readers_give_counts_users_and_periods(workspace: Path, reader: str) -> None:
    names = run(snippet_with(reader))
    assert names["counts"].toarray().tolist() == [[0, 3, 1], [2, 0, 0], [0, 0, 5]]
    assert names["counts"].indices.dtype == np.int32
    assert names["users"].tolist() == ["ann", "ann", "用户"]
    if "months" in names:
        assert names["months"].tolist() == [564, 570, 566]
    else:
        assert names["years"].tolist() == [2017, 2017, 2017]


def test_the_examples_of_buckets_hold() -> None:
    examples = rows_of_table("| user | first digits of the md5 | of 8 buckets | of 64 buckets |")
    documented = run(snippet_with("def bucket_of"))["bucket_of"]
    assert len(examples) == 5
    for user, digits, of_8, of_64 in examples:
        assert documented(user, 2**32) == bucket_of(user, 2**32) == int(digits, 16)
        assert [documented(user, 8), documented(user, 64)] == [int(of_8), int(of_64)]


def test_the_examples_of_periods_hold() -> None:
    examples = rows_of_table("| time | period | number | label |")
    assert len(examples) == 12
    for time, name, number, label in examples:
        period = Period.parse(name)
        assert period.number(np.array([parse_time(time)])).tolist() == [int(number)]
        assert period.label(int(number)) == label


def test_links_lead_to_headings_and_files() -> None:
    slugs = {}
    for file in DOCS.glob("*.md"):
        headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        slugs[file.name] = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for name in slugs:
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", (DOCS / name).read_text(encoding="utf-8")):
            file, _, heading = target.partition("#")
            assert (DOCS / (file or name)).is_file(), f"{name} links to {target}"
            assert not heading or heading in slugs[file or name], f"{name} links to {target}"


def test_the_command_reference_is_what_the_command_prints() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate_cli.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_page_of_benchmarks_is_what_the_results_say() -> None:
    render = DOCS.parent / "benchmarks" / "render.py"
    done = subprocess.run([sys.executable, render, "--check"], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
