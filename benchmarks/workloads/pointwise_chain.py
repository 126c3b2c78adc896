"""A chain of elementwise operations on an array far larger than the caches."""

from typing import Any

import numpy as np

from benchmarks.workloads import Work
from benchmarks.workloads.functions import Plain

TITLE = "Pointwise chain, 1e7 elements, float32"
WORK = Work(bytes=2 * 10**7 * 4)


def _f(xp: Any, x: Any) -> Any:
    y = x * x * 0.5 - x
    return xp.maximum(y, -y) / (1 + x * x) + 0.25 * y


_work = Plain(_f, [np.random.default_rng(0).normal(size=10**7).astype(np.float32)])
pullback, numpy, torch, jax = _work.pullback, _work.numpy, _work.torch, _work.jax
