"""The baselines by name. A new one is one module and one line here. Light: imported by the command line."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from lurm_cli.errors import UsageError

if TYPE_CHECKING:
    from lurm_cli.baselines.base import Baseline

# Class of each, as module:name below this package.
_CLASSES = {
    "tfidf": "tfidf:TfIdf",
    "svd": "svd:Svd",
    "aggregates": "aggregates:Aggregates",
    "doc2vec": "doc2vec:Doc2Vec",
    "als": "als:Als",
    "item2vec": "item2vec:Item2Vec",
}
# The untrained encoder is no class here: its stage makes it from the encoder's own parts.
RANDOM = "random"
NAMES = (*_CLASSES, RANDOM)


def check_name(name: str) -> str:
    """The name, if there is such a baseline; raises UsageError naming those there are."""
    if name not in NAMES:
        raise UsageError(f"baseline {name!r} is not known; known are {', '.join(NAMES)}")
    return name


def make_baseline(name: str) -> Baseline:
    """A new, unfitted baseline."""
    module, _, cls = _CLASSES[check_name(name)].partition(":")
    found: Baseline = getattr(importlib.import_module(f"lurm_cli.baselines.{module}"), cls)()
    return found
