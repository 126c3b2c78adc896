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


def numpy() -> Any:
    x, w = _work.arrays

    def step() -> Any:
        e = np.exp(x - x.max(-1, keepdims=True))
        p = e / e.sum(-1, keepdims=True)
        weighted = p * w
        sums = weighted.sum(-1, keepdims=True)
        return sums.sum(), (weighted - p * sums,)

    return step
