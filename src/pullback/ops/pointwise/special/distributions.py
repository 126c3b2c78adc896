"""Distribution functions by SciPy's names for them, made of the incomplete gamma and beta functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import function, operations
from pullback.core.sample import call, positive, reject, uniform, values
from pullback.core.scipy import special
from pullback.errors import DTypeError
from pullback.ops.pointwise.special.incomplete import betainc, gammainc, gammaincc

_NOT_COMPLEX = (DTypeError, "expected floating dtypes, got")


@function(scipy="chdtr", samples=[call([[1.5], [4.0]], positive(4))], rejects=[reject(*_NOT_COMPLEX, 1.0, 1j)])
def chdtr(v: Any, x: Any) -> Array:
    """The probability that a chi-squared number of v degrees of freedom is at most x, elementwise.

    >>> chdtr(2.0, 2.0)
    array(0.63212056)
    """
    return gammainc(operations.divide(v, 2.0), operations.divide(x, 2.0))


@function(scipy="chdtrc", samples=[call([[1.5], [4.0]], positive(4))], rejects=[reject(*_NOT_COMPLEX, 1.0, 1j)])
def chdtrc(v: Any, x: Any) -> Array:
    """The probability that a chi-squared number of v degrees of freedom is above x, elementwise.

    >>> chdtrc(2.0, 2.0)
    array(0.36787944)
    """
    return gammaincc(operations.divide(v, 2.0), operations.divide(x, 2.0))


@function(
    scipy="gdtr", samples=[call([[1.5], [4.0]], positive(), positive(4))],
    rejects=[reject(*_NOT_COMPLEX, 1.0, 1.0, 1j)],
)  # fmt: skip
def gdtr(a: Any, b: Any, x: Any) -> Array:
    """The probability that a gamma-distributed number of rate a and shape b is at most x, elementwise.

    >>> gdtr(1.0, 1.0, 2.0)
    array(0.86466472)
    """
    return gammainc(b, operations.multiply(a, x))


@function(
    scipy="gdtrc", samples=[call([[1.5], [4.0]], positive(), positive(4))],
    rejects=[reject(*_NOT_COMPLEX, 1.0, 1.0, 1j)],
)  # fmt: skip
def gdtrc(a: Any, b: Any, x: Any) -> Array:
    """The probability that a gamma-distributed number of rate a and shape b is above x, elementwise.

    >>> gdtrc(1.0, 1.0, 2.0)
    array(0.13533528)
    """
    return gammaincc(b, operations.multiply(a, x))


@function(scipy="pdtr", samples=[call([[0.0], [2.0]], positive(4))], rejects=[reject(*_NOT_COMPLEX, 1.0, 1j)])
def pdtr(k: Any, m: Any) -> Array:
    """The probability that a Poisson number of mean m is at most k, elementwise; constant between integers k.

    >>> pdtr(0.0, 1.0)
    array(0.36787944)
    """
    return gammaincc(operations.floor(k) + 1.0, m)


@function(scipy="pdtrc", samples=[call([[0.0], [2.0]], positive(4))], rejects=[reject(*_NOT_COMPLEX, 1.0, 1j)])
def pdtrc(k: Any, m: Any) -> Array:
    """The probability that a Poisson number of mean m is above k, elementwise; constant between integers k.

    >>> pdtrc(0.0, 1.0)
    array(0.63212056)
    """
    return gammainc(operations.floor(k) + 1.0, m)


@function(
    scipy="fdtr", samples=[call([[1.5], [4.0]], positive(), positive(4))],
    rejects=[reject(*_NOT_COMPLEX, 1.0, 1.0, 1j)],
)  # fmt: skip
def fdtr(dfn: Any, dfd: Any, x: Any) -> Array:
    """The probability that an F-distributed number of dfn and dfd degrees of freedom is at most x, elementwise.

    >>> fdtr(2.0, 2.0, 1.0)
    array(0.5)
    """
    scaled = operations.multiply(dfn, x)
    return betainc(operations.divide(dfn, 2.0), operations.divide(dfd, 2.0), scaled / (scaled + dfd))


@function(
    scipy="fdtrc", samples=[call([[1.5], [4.0]], positive(), positive(4))],
    rejects=[reject(*_NOT_COMPLEX, 1.0, 1.0, 1j)],
)  # fmt: skip
def fdtrc(dfn: Any, dfd: Any, x: Any) -> Array:
    """The probability that an F-distributed number of dfn and dfd degrees of freedom is above x, elementwise.

    >>> fdtrc(2.0, 2.0, 1.0)
    array(0.5)
    """
    scaled = operations.multiply(dfn, x)
    return betainc(operations.divide(dfd, 2.0), operations.divide(dfn, 2.0), dfd / (scaled + dfd))


# Quantiles of what counts: the numbers are integers, and have no derivative -------------------------------------------

_PROBABILITIES = uniform(0.01, 0.99, 3, 4)
_MANY = 1e4
"""The mean above which a Poisson quantile comes from an expansion, which is within 1 and nearly always exact."""


@pointwise(
    types="d", private=True, differentiable=False,
    samples=[call(_PROBABILITIES, positive(4)), call(values(0.0, 0.5, 0.5), values(2.0, 0.0, 1e6))],
)  # fmt: skip
def poisson_quantile(p: Any, mean: Any) -> Any:
    """The least k for which a Poisson number is at most k with probability p, elementwise."""
    with np.errstate(all="ignore"):
        k = np.ceil(special.pdtrik(p, np.minimum(mean, _MANY)))
        k = np.where((k > 0) & (special.pdtr(np.maximum(k - 1, 0), mean) >= p), k - 1, k)
        z = special.ndtri(np.maximum(p, 2.0**-60))
        far = mean + np.sqrt(mean) * z + (z * z - 1) / 6 - (z**3 - z) / (72 * np.sqrt(mean))  # [Cornish, Fisher 1938]
    return np.where(mean == 0, 0, np.where(mean > _MANY, np.ceil(far - 0.5), k))


@pointwise(
    types="d", private=True, differentiable=False,
    samples=[call(_PROBABILITIES, 5.0, uniform(0.1, 0.9, 4)), call(values(0.0, 0.5, 0.5), 5.0, values(0.5, 0.0, 1.0))],
)  # fmt: skip
def binomial_quantile(q: Any, n: Any, p: Any) -> Any:
    """The least k such that of n trials with probability p at most k succeed with probability q, elementwise."""
    with np.errstate(all="ignore"):
        k = np.minimum(np.ceil(special.bdtrik(q, n, p)), n)
        k = np.where((k > 0) & (special.betaincc(np.maximum(k, 1), n - k + 1, p) >= q), k - 1, k)
    return np.where((p == 0) | (n == 0), 0, np.where(p == 1, n, k))
