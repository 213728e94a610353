"""The classifiers that numbers are asked with, by name. Light: known before anything is scored."""

from __future__ import annotations

from typing import Literal, get_args

HeadName = Literal["logistic", "mlp"]
HEADS: tuple[HeadName, ...] = get_args(HeadName)
HEAD_NAMES = {"logistic": "logistic regression", "mlp": "one hidden layer of 128"}
