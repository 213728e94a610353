"""The baselines by name. A new one is one module and one line here. Light: imported by the command line."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from lurm_cli.errors import UsageError

if TYPE_CHECKING:
    from lurm_cli.baselines.base import Baseline
    from lurm_cli.baselines.supervised import Classifier

# Class of each, as module:name below this package.
_CLASSES = {
    "tfidf": "tfidf:TfIdf",
    "svd": "svd:Svd",
    "aggregates": "aggregates:Aggregates",
    "doc2vec": "doc2vec:Doc2Vec",
    "sumn": "sumn:Sumn",
    "ptum": "ptum:Ptum",
    "als": "als:Als",
    "item2vec": "item2vec:Item2Vec",
    "coles": "coles:Coles",
    "textcnn": "supervised:RecentTexts",
    "han": "supervised:RecentTexts",
}
# Trained on a task's labels: their artifact is their input, and `evaluate` trains them on every split.
SUPERVISED = ("textcnn", "han")
# The untrained encoder is no class here: its stage makes it from the encoder's own parts.
RANDOM = "random"
NAMES = (*_CLASSES, RANDOM)
# Those that `evaluate` scores where none is named: made within a minute on a million events.
QUICK = ("tfidf", "svd", "aggregates", RANDOM)


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


def make_classifier(name: str) -> Classifier:
    """A new, untrained supervised method."""
    found: Classifier = importlib.import_module(f"lurm_cli.baselines.{name}").classifier()
    return found
