"""Labels of a task: which users it asks about, and the class of each."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.errors import UsageError
from lurm_cli.evaluation.tasks import Task

# A class needs members on both sides of every split, inner ones included.
LEAST_MEMBERS = 10


@dataclass(frozen=True)
class Labels:
    """Users of a task and their classes.

    Attributes
    ----------
    users
        Ids, object array (n,), sorted by their UTF-8 bytes.
    y
        int64 (n,): positions in ``classes``.
    classes
        Names of the classes, sorted (numbers by value).
    """

    users: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]

    def among(self, known: Iterable[str]) -> Labels:
        """The labels of users who are known; classes that fall below ``LEAST_MEMBERS`` are left out."""
        held = set(known)
        mask = np.fromiter((user in held for user in self.users), dtype=bool, count=len(self.users))
        sizes = np.bincount(self.y[mask], minlength=len(self.classes))
        mask &= sizes[self.y] >= LEAST_MEMBERS
        kept, y = np.unique(self.y[mask], return_inverse=True)
        return Labels(self.users[mask], y.astype(np.int64), tuple(self.classes[k] for k in kept))

    def shares(self) -> list[float]:
        """Share of each class."""
        return (np.bincount(self.y, minlength=len(self.classes)) / max(1, len(self.y))).tolist()


def profile_labels(users: list[str], labels: list[str]) -> Labels:
    """Labels from a table; classes in natural order, so that "5" stands before "10"."""
    classes = in_order(set(labels))
    number = {label: place for place, label in enumerate(classes)}
    order = sorted(range(len(users)), key=lambda k: users[k].encode())
    ids = np.empty(len(users), dtype=object)
    ids[:] = [users[k] for k in order]
    return Labels(ids, np.array([number[labels[k]] for k in order], dtype=np.int64), tuple(classes))


def in_order(classes: Iterable[str]) -> list[str]:
    """Names of classes as a reader expects them: numbers by value, so that "5" stands before "10"."""
    # Ties such as "05" and "5" go by their spelling: a set has no order of its own.
    return sorted(classes, key=lambda name: (_natural(name), name))


def class_shares(task: dict[str, Any]) -> list[tuple[str, float]]:
    """Classes of a task of results.json, in order, and their shares in percent."""
    return [(name, 100 * task["classes"][name]) for name in in_order(task["classes"])]


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in re.findall(r"\d+|\D+", text)]


def matching_items(task: Task, texts: np.ndarray) -> np.ndarray:
    """Which items belong to the task's category, bool (n_items,).

    Raises
    ------
    UsageError
        If none does; names the values that come near.
    """
    values = {text: text.casefold() for text in set(texts.tolist())}
    # Brackets are brackets: only * and ? stand for other text.
    patterns = [value.casefold().replace("[", "[[]") for value in task.values]
    chosen = {text for text, lowered in values.items() if any(fnmatch.fnmatchcase(lowered, p) for p in patterns)}
    if not chosen:
        shown = ", ".join(repr(text) for text in sorted(values)[:8])
        raise UsageError(
            f"task {task.name}: no item has {task.column} {' or '.join(map(repr, task.values))}; "
            f"the column holds {len(values):,} values, such as {shown}; * stands for any text"
        )
    return np.fromiter((text in chosen for text in texts), dtype=bool, count=len(texts))


def preference_labels(
    task: Task, is_member: np.ndarray, buckets: Iterable[RaggedEvents], seed: int, known: Set[str] | None = None
) -> Labels:
    """Who chose the category within the window, among the known users active in it (docs/method.md, Evaluation).

    Parameters
    ----------
    is_member
        bool (n_items,).
    buckets
        Events of all users, bucket by bucket.
    seed
        Draws the negatives that are dropped for ``positive_share``.
    known
        Users that are represented; None: all are.
    """
    users: list[np.ndarray] = []
    chose: list[np.ndarray] = []
    for events in buckets:
        window = events.between(task.since, task.until)
        hits = np.concatenate([[0], np.cumsum(is_member[window.items])])
        users.append(window.users)
        chose.append(hits[window.indptr[1:]] > hits[window.indptr[:-1]])
    ids, y = np.concatenate(users), np.concatenate(chose)  # object, bool
    if known is not None:
        # Before negatives are drawn: those who came later would take the places of those whom the task is about.
        is_known = np.fromiter((user in known for user in ids), dtype=bool, count=len(ids))
        ids, y = ids[is_known], y[is_known]
    if task.positive_share is not None and y.any():
        n_kept = round(int(y.sum()) * (1 - task.positive_share) / task.positive_share)
        negatives = np.flatnonzero(~y)
        rng = np.random.default_rng([seed, len(ids)])
        kept = np.sort(rng.choice(negatives, min(n_kept, len(negatives)), replace=False))
        chosen = np.sort(np.concatenate([np.flatnonzero(y), kept]))
        ids, y = ids[chosen], y[chosen]
    order = sorted(range(len(ids)), key=lambda k: str(ids[k]).encode())
    return Labels(ids[order], y[order].astype(np.int64), ("no", "yes"))
