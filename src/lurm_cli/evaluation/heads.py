"""The classifiers that numbers are asked with, by name. Light: known before anything is scored."""

from __future__ import annotations

HEADS = ("logistic", "mlp")
HEAD_NAMES = {"logistic": "logistic regression", "mlp": "one hidden layer of 128"}
