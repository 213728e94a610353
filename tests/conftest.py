"""Fixtures of more than one folder."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

# An example that imports a library, or runs on busy cores, takes however long it takes.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads cost networks of toy size more than they save, and far more where cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
