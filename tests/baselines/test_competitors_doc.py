"""The competitor that the documentation writes is one: it keeps the contract, and `lurm baseline` knows it."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from baselines.test_contract import BaselineContract
from lurm_cli.baselines import registry

DOC = (Path(__file__).parents[2] / "docs" / "competitors.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def recency(monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = re.findall(r"^```python\n(.*?)^```$", DOC, re.MULTILINE | re.DOTALL)
    module: Any = ModuleType("lurm_cli.baselines.recency")
    exec(compile(source, "docs/competitors.md", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    ((name, place),) = re.findall(r'^    "(\w+)": "(\w+:\w+)",$', DOC, re.MULTILINE)
    monkeypatch.setitem(registry._CLASSES, name, place)
    monkeypatch.setattr(registry, "NAMES", (*registry.NAMES, name))


class TestRecency(BaselineContract):
    name = "recency"
