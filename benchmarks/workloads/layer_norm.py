"""A normalization of many rows in a scalar, with the gradient."""

from typing import Any

import numpy as np

from benchmarks.workloads import Work
from benchmarks.workloads.functions import Gradient

TITLE = "Layer norm with gradient, 4096x1024, float32"
WORK = Work(bytes=3 * 4096 * 1024 * 4)


def _f(xp: Any, x: Any, w: Any) -> Any:
    centred = x - x.mean(-1)[:, None]
    variance = (centred * centred).mean(-1)[:, None]
    return (centred / xp.sqrt(variance + 1e-5) * w).sum()


_generator = np.random.default_rng(0)
_work = Gradient(_f, [_generator.normal(size=(4096, 1024)).astype(np.float32) for _ in range(2)])
pullback, torch, jax = _work.pullback, _work.torch, _work.jax


def numpy() -> Any:
    x, w = _work.arrays

    def step() -> Any:
        centred = x - x.mean(-1, keepdims=True)
        scale = 1 / np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(1e-5))
        z = centred * scale
        weighted = z * w
        gradient = scale * (w - w.mean(-1, keepdims=True) - z * weighted.mean(-1, keepdims=True))
        return weighted.sum(), (gradient,)

    return step
