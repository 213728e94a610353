"""Every network here is of toy size."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _quick(one_thread: None) -> None:
    pass


@pytest.fixture
def several_threads(_quick: None) -> None:
    """Of which the order could change a sum."""
    torch.set_num_threads(2)
