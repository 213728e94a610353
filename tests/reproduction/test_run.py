"""What `python -m reproduce.run` takes care of besides the tables."""

from pathlib import Path

import pytest
from reproduce.run import only_run


def test_a_second_run_is_told_that_another_writes_the_results(tmp_path: Path) -> None:
    with only_run(tmp_path), pytest.raises(SystemExit, match="another run is writing"), only_run(tmp_path):
        pass
    with only_run(tmp_path):
        pass
