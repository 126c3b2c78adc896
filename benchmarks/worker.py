"""One contestant of one workload, in a process of its own: ``python benchmarks/worker.py WORKLOAD CONTESTANT THREADS``.

It writes a line when it is ready (how long the first run took, and the results that are compared), and then for each
number that it reads the seconds that so many runs took.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
RUNS_COMPARED = 3


def prepare(name: str, contestant: str, threads: int) -> Any:
    """Return the function that does one unit of work."""
    module = importlib.import_module(f"benchmarks.workloads.{name}")
    if contestant.startswith("pullback"):
        import pullback as pb

        pb.set_num_threads(threads)
        return module.pullback(pb.compile if contestant == "pullback, compiled" else lambda f: f)
    if contestant.startswith(("PyTorch", "torch.compile")):
        import torch

        torch.set_num_threads(threads)
        return module.torch(torch.compile if contestant == "torch.compile" else lambda f: f)
    if contestant == "JAX, jit":
        import jax

        jax.config.update("jax_enable_x64", True)
        return module.jax()
    return module.numpy()


def numbers(result: Any) -> list[float]:
    """A few sums of what was computed: equal for equal results."""
    import numpy as np

    if isinstance(result, (tuple, list)):
        return [one for part in result for one in numbers(part)]
    if hasattr(result, "detach"):
        result = result.detach()
    value = np.asarray(result, np.float64)
    return [float(value.sum()), float((value * value).sum())]


def main() -> None:
    name, contestant, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)
    talk = os.fdopen(os.dup(1), "w")
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        step = prepare(name, contestant, threads)
        start = time.perf_counter()
        results = [numbers(step())]
        first = time.perf_counter() - start
        results += [numbers(step()) for _ in range(RUNS_COMPARED - 1)]
        print(json.dumps({"first": first, "results": results}), file=talk, flush=True)
        for line in sys.stdin:
            count = int(line)
            start = time.perf_counter()
            for _ in range(count):
                step()
            seconds = (time.perf_counter() - start) / count
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            print(json.dumps({"seconds": seconds, "memory": memory}), file=talk, flush=True)


if __name__ == "__main__":
    main()
