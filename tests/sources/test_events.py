"""Which events are kept: all of them, unless asked otherwise."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lurm_cli.clock import format_time, parse_time
from lurm_cli.errors import UsageError
from sources.raw import ingest, lives, lives_of, table

ROWS = [
    ("ann", "x", "2017-01-01T10:00:00Z"),
    ("ann", "x", "2017-01-01T10:00:00Z"),
    ("ann", "y", "2017-01-01T10:00:00Z"),
    ("bob", "x", "2017-01-01T10:00:00Z"),
    ("ann", "x", "2017-01-01T10:00:01Z"),
    ("ann", "x", "2017-01-01T10:00:00Z"),
]


def test_exact_duplicates_are_events_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS))
    events, _ = ingest(tmp_path, "log.csv")
    assert lives(tmp_path) == lives_of(ROWS)
    assert (events.manifest.facts["n_events"], events.manifest.facts["duplicates_removed"]) == (6, 0)


def test_dedupe_drops_exact_duplicates_only_also_across_files(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(table(ROWS[:3]))
    (tmp_path / "two.csv").write_text(table(ROWS[3:]))
    events, _ = ingest(tmp_path, "one.csv", "two.csv", dedupe=True)
    assert lives(tmp_path) == lives_of(set(ROWS))
    assert (events.manifest.facts["n_events"], events.manifest.facts["duplicates_removed"]) == (4, 2)


def test_until_leaves_out_events_at_or_after_it_and_counts_them(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS))
    events, items = ingest(tmp_path, "log.csv", until="2017-01-01T10:00:01Z")
    assert lives(tmp_path) == lives_of([row for row in ROWS if row[2] < "2017-01-01T10:00:01Z"])
    assert events.manifest.facts["dropped_after"] == 1
    assert events.manifest.until == items.manifest.until == parse_time("2017-01-01T10:00:01Z")


def test_since_leaves_out_events_before_it_and_counts_them(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table([*ROWS, ("cay", "x", "2018-01-01T00:00:00Z")]))
    since = "2017-01-01T10:00:01Z"
    events, _ = ingest(tmp_path, "log.csv", since=since, until="2018-01-01")
    assert lives(tmp_path) == lives_of([row for row in ROWS if row[2] >= since])
    facts = events.manifest.facts
    assert (facts["n_events"], facts["dropped_before"], facts["dropped_after"]) == (1, 5, 1)
    assert facts["first_time"] == parse_time(since)


def test_a_window_without_events_says_where_they_were(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(ROWS))
    with pytest.raises(UsageError, match=r"no events in .*: 6 before --since$"):
        ingest(tmp_path, "log.csv", since="2050-01-01")
    with pytest.raises(UsageError, match=r"--since 2050-01-01 does not lie before --until 2040-01-01"):
        ingest(tmp_path, "log.csv", since="2050-01-01", until="2040-01-01")


# NUL ends a text in C libraries; a carriage return within a value is read as a line end by some CSV tools.
texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda t: t.strip(" ")
)
moments = st.integers(parse_time("1900-01-01"), parse_time("2099-12-31")).map(format_time)


@settings(max_examples=12)
@given(st.lists(st.tuples(texts, texts, moments), min_size=1, max_size=20), st.sampled_from([",", "\t"]))
def test_any_ids_and_times_come_back(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "log.csv").write_text(table(rows, delimiter=delimiter), encoding="utf-8", newline="")
        events, items = ingest(root, "log.csv")
        assert lives(root) == lives_of(rows)
        assert events.manifest.facts["n_users"] == len({user for user, _, _ in rows})
        assert items.manifest.facts["n_items"] == len({item for _, item, _ in rows})


def test_spaces_within_and_around_ids_belong_to_them(tmp_path: Path) -> None:
    rows = [(user, "x", "2017-01-01") for user in ("a b", "a  b", " a b", "A B", "a\u00a0b")]
    (tmp_path / "log.csv").write_text(table(rows), encoding="utf-8")
    ingest(tmp_path, "log.csv")
    assert lives(tmp_path) == lives_of(rows)


def test_composed_and_decomposed_letters_are_different_ids(tmp_path: Path) -> None:
    rows = [("zo\u00eb", "x", "2017-01-01"), ("zoe\u0308", "x", "2017-01-01")]
    (tmp_path / "log.csv").write_text(table(rows), encoding="utf-8")
    ingest(tmp_path, "log.csv")
    assert len(lives(tmp_path)) == 2
