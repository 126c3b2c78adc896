"""A softmax of many rows in a scalar, with the gradient."""

from typing import Any

import numpy as np

from benchmarks.workloads import Work
from benchmarks.workloads.functions import Gradient

TITLE = "Softmax with gradient, 4096x1024, float32"
WORK = Work(bytes=3 * 4096 * 1024 * 4)


def _f(xp: Any, x: Any, w: Any) -> Any:
    e = xp.exp(x - xp.amax(x, -1)[:, None])
    return ((e / e.sum(-1)[:, None]) * w).sum()


_generator = np.random.default_rng(0)
_work = Gradient(_f, [_generator.normal(size=(4096, 1024)).astype(np.float32) for _ in range(2)])
pullback, torch, jax = _work.pullback, _work.torch, _work.jax
