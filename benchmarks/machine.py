"""What the machine can do: rate of a matrix product, and bandwidth of memory; the roof over every numeric stage.

    python benchmarks/machine.py

Prints JSON.
"""

from __future__ import annotations

import json
import time

import numpy as np


def _best(work, repeats: int = 5) -> float:
    """Least seconds of several runs: what others do on the machine only adds."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def machine() -> dict[str, float]:
    """``flops``: float32 operations a second of a product of 2048 x 2048; ``bandwidth``: bytes a second of a copy."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((2048, 2048), dtype=np.float32)
    out = np.empty_like(a)
    long = np.ones(2**25)
    copy = np.empty_like(long)
    return {
        "flops": 2 * 2048**3 / _best(lambda: np.matmul(a, a, out=out)),
        # Read once and written once.
        "bandwidth": 2 * long.nbytes / _best(lambda: np.copyto(copy, long)),
    }


if __name__ == "__main__":
    print(json.dumps(machine()))
