"""One contestant of one workload, in a process of its own: ``python worker.py WORKLOAD CONTESTANT THREADS CACHE``.

It writes a line when it is ready (how long the first run took, and the results that are compared), and then for each
number that it reads the seconds that each of so many runs took, and the memory that it needed at most.
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

sys.path[0] = str(Path(__file__).resolve().parents[1])
RUNS_COMPARED = 3


def prepare(name: str, contestant: str, threads: int) -> Any:
    """Return a function that returns the function that does one unit of work; libraries are loaded before that.

    What compiles has compiled something else before, so that the first run is not that of the compiler as well.
    """
    if contestant.startswith("pullback"):
        import pullback as pb

        pb.set_num_threads(threads)
        wrap = pb.compile if contestant == "pullback, compiled" else lambda f: f
        wrap(lambda x: x + 1)(pb.array([1.0]))
    elif contestant in ("PyTorch, eager", "torch.compile"):
        import torch

        torch.set_num_threads(threads)
        wrap = torch.compile if contestant == "torch.compile" else lambda f: f
        wrap(lambda x: x + 1)(torch.ones(1))
    elif contestant == "JAX, jit":
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.jit(lambda x: x + 1)(1.0)
        wrap = None
    else:
        wrap = None
    module = importlib.import_module(f"benchmarks.workloads.{name}")
    kind = {"P": "torch", "t": "torch", "J": "jax", "p": "pullback", "N": "numpy"}[contestant[0]]
    start = getattr(module, kind)
    return lambda: start() if wrap is None else start(wrap)


def numbers(result: Any) -> list[float]:
    """A few sums of what was computed: equal for equal results."""
    import numpy as np

    if isinstance(result, (tuple, list)):
        return [one for part in result for one in numbers(part)]
    if hasattr(result, "detach"):
        result = result.detach()
    value = np.asarray(result).ravel()  # no copy in float64 is made of it: that would count as memory of the work
    return [float(value.sum(dtype=np.float64)), float(np.einsum("i,i->", value, value, dtype=np.float64))]


def _memory(peak: bool) -> int:
    """Bytes of memory that this process holds, or the most that it held since ``_forget_peak``."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    field = "VmHWM:" if peak else "VmRSS:"
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def _forget_peak() -> None:
    with contextlib.suppress(OSError):  # not Linux
        Path("/proc/self/clear_refs").write_text("5")


def main() -> None:
    name, contestant, threads, cache = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)
    for variable in ("PULLBACK_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR"):
        os.environ[variable] = cache
    talk = os.fdopen(os.dup(1), "w")
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        start_work = prepare(name, contestant, threads)
        _forget_peak()
        before = _memory(peak=False)
        step = start_work()
        start = time.perf_counter()
        results = [numbers(step())]
        first = time.perf_counter() - start
        results += [numbers(step()) for _ in range(RUNS_COMPARED - 1)]
        print(json.dumps({"first": first, "results": results}), file=talk, flush=True)
        for line in sys.stdin:
            count = int(line)
            step()  # what the others have thrown out of the caches comes back
            start = time.perf_counter()
            for _ in range(count):
                step()
            seconds = (time.perf_counter() - start) / count
            print(json.dumps({"seconds": seconds, "memory": _memory(peak=True) - before}), file=talk, flush=True)


if __name__ == "__main__":
    main()
