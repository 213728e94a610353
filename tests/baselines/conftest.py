"""Networks of toy size are slower on several threads than on one, and much slower where cores are busy."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def several_threads(_one_thread: None) -> None:
    """Of which the order could change a sum."""
    torch.set_num_threads(2)
