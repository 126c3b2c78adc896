"""The logarithm of a sum of exponentials, with the gradient."""

from typing import Any

import numpy as np

from benchmarks.workloads.functions import Gradient

TITLE = "Log-sum-exp with gradient, 1e6 elements, float32"


def _f(xp: Any, x: Any) -> Any:
    peak = xp.amax(x)
    return xp.log(xp.exp(x - peak).sum()) + peak


_work = Gradient(_f, [np.random.default_rng(0).normal(size=10**6).astype(np.float32)])
pullback, torch, jax = _work.pullback, _work.torch, _work.jax


def numpy() -> Any:
    (x,) = _work.arrays

    def step() -> Any:
        peak = x.max()
        e = np.exp(x - peak)
        total = e.sum()
        return np.log(total) + peak, (e / total,)

    return step
