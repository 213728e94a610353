"""Who a task asks about, and the class of each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.toy import texts
from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.errors import UsageError
from lurm_cli.evaluation.labels import (
    LEAST_MEMBERS,
    Labels,
    in_order,
    matching_items,
    preference_labels,
    profile_labels,
)
from lurm_cli.evaluation.tasks import Task


def events_of(lives: dict[str, list[tuple[int, int]]]) -> RaggedEvents:
    """Users' (time, item)."""
    users = sorted(lives, key=str.encode)
    flat = [event for user in users for event in sorted(lives[user])]
    return RaggedEvents(
        texts(*users),
        np.cumsum([0] + [len(lives[user]) for user in users]).astype(np.int64),
        np.array([item for _, item in flat], dtype=np.int32),
        np.array([time for time, _ in flat], dtype=np.int64),
    )


def by_user(labels: Labels) -> dict[str, str]:
    return {user: labels.classes[k] for user, k in zip(labels.users, labels.y, strict=True)}


def preference(**options: object) -> Task:
    return Task(**{"name": "p", "kind": "preference", "column": "c", "since": 100, "until": 200, **options})


@pytest.mark.parametrize(
    ("given_order", "natural"),
    [
        (["10", "5", "1"], ("1", "5", "10")),
        (["65+", "19-24", "5-9", "25-34"], ("5-9", "19-24", "25-34", "65+")),
        (["group 10", "group 9", "Group 2"], ("Group 2", "group 9", "group 10")),
        (["high", "3", "low"], ("3", "high", "low")),
    ],
)
def test_classes_stand_in_natural_order(given_order: list[str], natural: tuple[str, ...]) -> None:
    assert profile_labels([f"u{k}" for k in range(len(given_order))], given_order).classes == natural


@given(st.dictionaries(st.text(min_size=1), st.sampled_from(["05", "5", "²", "m²", "٣", "3", "a5", "a05", "-", "½"])))
def test_profile_labels_say_what_the_table_says_whatever_its_order(table: dict[str, str]) -> None:
    # "05" and "5" have one value and "²" is a digit that is no number: neither may decide the order by chance.
    table = {user: label for user, label in table.items() if not any("\ud800" <= c <= "\udfff" for c in user)}
    labels = profile_labels(list(table), list(table.values()))
    assert by_user(labels) == table
    assert labels.users.tolist() == sorted(table, key=str.encode)
    backwards = profile_labels(list(table)[::-1], list(table.values())[::-1])
    assert backwards.classes == labels.classes
    assert labels.classes == profile_labels(list(table), list(table.values())).classes


def test_labels_of_equal_value_have_an_order_of_their_own() -> None:
    for spelled in (["05", "5", "005"], ["5", "005", "05"]):
        assert profile_labels(["a", "b", "c"], spelled).classes == ("005", "05", "5")


def test_a_class_below_ten_known_users_is_left_out_and_the_others_are_renumbered() -> None:
    sizes = {"few": LEAST_MEMBERS - 1, "many": LEAST_MEMBERS, "more": 15}
    users = [f"{label}{k}" for label, size in sizes.items() for k in range(size)]
    labels = profile_labels(users, [user.rstrip("0123456789") for user in users])
    assert labels.classes == ("few", "many", "more")
    kept = labels.among(users)
    assert kept.classes == ("many", "more")
    assert np.bincount(kept.y).tolist() == [10, 15]
    assert all(user.startswith(cls) for user, cls in by_user(kept).items())
    assert kept.shares() == [0.4, 0.6]
    # Only users that are represented count as members.
    assert labels.among([user for user in users if user != "many0"]).classes == ("more",)
    assert labels.among([]).classes == () and len(labels.among([]).users) == 0


def test_the_window_is_half_open_and_asks_only_who_is_active_in_it() -> None:
    lives = {
        "at the start": [(100, 0)],
        "at the last moment": [(199, 0)],
        "at the end": [(200, 0)],
        "just before": [(99, 0)],
        "other item": [(150, 1)],
        "before and other": [(99, 0), (150, 1)],
        "other and after": [(150, 1), (200, 0)],
        "both": [(120, 1), (130, 0)],
    }
    member = np.array([True, False])
    expected = {
        "at the start": "yes",
        "at the last moment": "yes",
        "other item": "no",
        "before and other": "no",
        "other and after": "no",
        "both": "yes",
    }
    assert by_user(preference_labels(preference(), member, [events_of(lives)], seed=0)) == expected
    # How users lie in buckets does not matter.
    one_each = [events_of({user: life}) for user, life in lives.items()]
    found = preference_labels(preference(), member, one_each, seed=0)
    assert by_user(found) == expected
    assert found.users.tolist() == sorted(expected, key=str.encode)


def test_without_an_end_the_window_goes_to_the_end_of_the_log() -> None:
    lives = {"a": [(10**15, 0)], "b": [(99, 0)]}
    found = preference_labels(preference(until=None), np.array([True]), [events_of(lives)], seed=0)
    assert by_user(found) == {"a": "yes"}


def test_a_window_without_events_labels_nobody() -> None:
    found = preference_labels(preference(positive_share=0.3), np.array([True]), [events_of({"a": [(1, 0)]})], seed=0)
    assert len(found.users) == 0 and len(found.y) == 0


@given(st.integers(1, 40), st.integers(0, 120), st.floats(0.05, 0.95), st.integers(0, 5))
def test_positive_share_drops_negatives_only(n_yes: int, n_no: int, share: float, seed: int) -> None:
    lives = {f"y{k}": [(150, 0)] for k in range(n_yes)} | {f"n{k}": [(150, 1)] for k in range(n_no)}
    task, member = preference(positive_share=share), np.array([True, False])
    found = by_user(preference_labels(task, member, [events_of(lives)], seed))
    assert sum(label == "yes" for label in found.values()) == n_yes
    assert all((label == "yes") == user.startswith("y") for user, label in found.items())
    kept = sum(label == "no" for label in found.values())
    assert kept == min(n_no, round(n_yes * (1 - share) / share))
    assert by_user(preference_labels(task, member, [events_of(lives)], seed)) == found


def test_thirty_percent_of_positives_is_seven_to_three() -> None:
    lives = {f"y{k}": [(150, 0)] for k in range(30)} | {f"n{k}": [(150, 1)] for k in range(500)}
    found = preference_labels(preference(positive_share=0.3), np.array([True, False]), [events_of(lives)], 0)
    assert found.shares() == [0.7, 0.3]


def test_negatives_are_drawn_among_those_who_are_represented() -> None:
    lives = {f"y{k}": [(150, 0)] for k in range(30)} | {f"n{k}": [(150, 1)] for k in range(500)}
    known = {user for user in lives if user.startswith("y") or len(user) == 3}  # n10 to n99
    found = preference_labels(preference(positive_share=0.3), np.array([True, False]), [events_of(lives)], 0, known)
    assert len(found.users) == 100 and set(found.users) <= known
    assert found.shares() == [0.7, 0.3]


KINDS = texts("Coffee beans", "COFFEE", "tea", "iced coffee", "Tea [green]", "tea g")


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        (("coffee",), {"COFFEE"}),
        (("coffee*",), {"Coffee beans", "COFFEE"}),
        (("*COFFEE*",), {"Coffee beans", "COFFEE", "iced coffee"}),
        (("te?",), {"tea"}),
        (("tea", "coffee"), {"tea", "COFFEE"}),
        # Brackets are brackets: only * and ? stand for other text.
        (("tea [green]",), {"Tea [green]"}),
        (("*[[]*",), set()),
        (("*[*",), {"Tea [green]"}),
    ],
)
def test_values_are_patterns_without_regard_to_case(values: tuple[str, ...], chosen: set[str]) -> None:
    task = preference(values=values)
    if chosen:
        assert set(KINDS[matching_items(task, KINDS)]) == chosen
    else:
        with pytest.raises(UsageError):
            matching_items(task, KINDS)


def test_a_category_no_item_has_is_an_error_that_shows_some_it_could_be() -> None:
    with pytest.raises(UsageError) as caught:
        matching_items(preference(values=("kofee",)), KINDS)
    assert "task p: no item has c 'kofee'" in str(caught.value)
    assert "holds 6 values, such as 'COFFEE', 'Coffee beans'" in str(caught.value)


def test_classes_stand_in_the_order_a_reader_expects() -> None:
    assert in_order(["10", "5", "15", "18-24", "65+", "05"]) == ["05", "5", "10", "15", "18-24", "65+"]
