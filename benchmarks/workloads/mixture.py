"""The objective of Gaussian mixtures of the ADBench suite, d = 10, k = 25, n = 1000, with the gradient by the means.

[Srajer, Kukelova, Fitzgibbon 2018, https://arxiv.org/abs/1807.10129]
"""

from typing import Any

import numpy as np

from benchmarks.workloads.functions import Gradient

TITLE = "Gaussian mixture log-likelihood with gradient, d=10, k=25, n=1000, float64"
_D, _K, _N = 10, 25, 1000


def _f(xp: Any, means: Any, logits: Any, scales: Any, triangles: Any, x: Any) -> Any:
    centred = x[:, None, :] - means[None, :, :]
    whitened = xp.einsum("kij,nkj->nki", triangles, centred) + xp.exp(scales)[None] * centred
    inner = logits + scales.sum(-1) - 0.5 * (whitened * whitened).sum(-1)
    peak = xp.amax(inner, -1)
    total = (xp.log(xp.exp(inner - peak[:, None]).sum(-1)) + peak).sum()
    top = xp.amax(logits)
    return total - _N * (xp.log(xp.exp(logits - top).sum()) + top)


_generator = np.random.default_rng(0)
_work = Gradient(
    _f,
    [
        _generator.normal(size=(_K, _D)),
        _generator.normal(size=_K),
        _generator.normal(size=(_K, _D)) * 0.1,
        np.tril(_generator.normal(size=(_K, _D, _D)), -1) * 0.1,
        _generator.normal(size=(_N, _D)),
    ],
)
pullback, torch, jax = _work.pullback, _work.torch, _work.jax
