"""The objective of Gaussian mixtures of the ADBench suite, d = 10, k = 25, n = 1000, with its whole gradient.

[Srajer, Kukelova, Fitzgibbon 2018, https://arxiv.org/abs/1807.10129]
"""

import math
from typing import Any

import numpy as np

from benchmarks.workloads import Work
from benchmarks.workloads.functions import Gradient

TITLE = "Gaussian mixture log-likelihood (ADBench) with gradient, d=10, k=25, n=1000, float64"
_D, _K, _N = 10, 25, 1000
_LOWER = _D * (_D - 1) // 2
# Of the products of triangles and vectors: forward, and by both of them.
WORK = Work(flops=3 * 2 * _N * _K * _LOWER, dtype="float64")
_GAMMA, _M = 1.0, 0  # of the Wishart prior


def _places() -> Any:
    """Where each element of a matrix stands in its factor: column after column below the diagonal, else a zero."""
    found = np.full((_D, _D), _LOWER)
    found.T[np.triu_indices(_D, 1)] = np.arange(_LOWER)
    return found.ravel()


_PLACES = _places()


def _logsumexp(xp: Any, x: Any) -> Any:
    peak = xp.amax(x, -1)
    return xp.log(xp.exp(x - peak[..., None]).sum(-1)) + peak


def _prior(factors: Any, sums: Any, scales: Any) -> Any:
    """The logarithm of the density of the Wishart distribution, of all components."""
    n = _D + _M + 1
    gamma = _D * (_D - 1) / 4 * math.log(math.pi) + sum(math.lgamma((n - i) / 2) for i in range(_D))
    constant = n * _D * math.log(_GAMMA / 2**0.5) - gamma
    squares = (scales * scales).sum() + (factors[:, _D:] * factors[:, _D:]).sum()
    return 0.5 * _GAMMA**2 * squares - _M * sums.sum() - _K * constant


def _f(xp: Any, alphas: Any, means: Any, factors: Any, x: Any) -> Any:
    scales, sums = xp.exp(factors[:, :_D]), factors[:, :_D].sum(-1)
    padded = xp.concatenate([factors[:, _D:], xp.zeros((_K, 1), dtype=xp.float64)], 1)
    triangles = padded[:, xp.asarray(_PLACES)].reshape(_K, _D, _D)
    centred = x[:, None, :] - means
    whitened = xp.einsum("kij,nkj->nki", triangles, centred) + scales * centred
    inner = alphas + sums - 0.5 * (whitened * whitened).sum(-1)
    total = _logsumexp(xp, inner).sum() - _N * _logsumexp(xp, alphas)
    return total - _N * _D * 0.5 * math.log(2 * math.pi) + _prior(factors, sums, scales)


_generator = np.random.default_rng(0)
_work = Gradient(
    _f,
    [
        _generator.normal(size=_K),
        _generator.uniform(size=(_K, _D)),
        _generator.normal(size=(_K, _D + _LOWER)) * 0.5,
        _generator.normal(size=(_N, _D)),
    ],
    count=3,
)
pullback, torch, jax = _work.pullback, _work.torch, _work.jax
