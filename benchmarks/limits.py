"""What the machine does at most: ``python limits.py THREADS`` measures it now and prints it as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

GEMM32, GEMM64, COPY = "GEMM float32, FLOP/s", "GEMM float64, FLOP/s", "copy, bytes/s"


def _best(function: Callable[[], object], count: int = 7) -> float:
    times = []
    for _ in range(count):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(threads: int) -> dict[str, float]:
    """Return the rates of matrix products in both precisions, and of a copy (of what is read and written together)."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    n, length = 1024, 3 * 10**7
    found = {}
    for name, dtype in ((GEMM32, np.float32), (GEMM64, np.float64)):
        a = np.ones((n, n), dtype)
        found[name] = 2 * n**3 / _best(lambda a=a: a @ a)
    source, target = np.ones(length, np.float32), np.empty(length, np.float32)
    parts = [slice(length * i // threads, length * (i + 1) // threads) for i in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        together = _best(lambda: list(pool.map(lambda part: np.copyto(target[part], source[part]), parts)))
    found[COPY] = 2 * source.nbytes / min(together, _best(lambda: np.copyto(target, source)))
    return found


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = sys.argv[1]
    print(json.dumps(measure(int(sys.argv[1]))))
