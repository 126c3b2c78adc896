"""The error function and its kin; the normal distribution function."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, points, reject, uniform, values
from pullback.core.scipy import special
from pullback.errors import DTypeError

_SQRT_2 = math.sqrt(2)
_SQRT_PI = math.sqrt(math.pi)
_SQRT_2PI = math.sqrt(2 * math.pi)
_EDGES = values(0.0, -0.0, 6.0, -6.0, 40.0, -40.0, np.inf, -np.inf, np.nan)


@pointwise(scipy="erf", types="dfDF", finite_partials=True, samples=[normal(3, 4), normal(), normal(0, 2), _EDGES])
def erf(x: Any) -> Any:
    """Error function 2/√π ∫₀ˣ exp(-t²) dt, elementwise; floating or complex. [DLMF 7.2]

    >>> erf(0.5)
    array(0.52049988)
    """
    return special.erf(x)


@erf.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: (2 / _SQRT_PI) * operations.exp(-(x * x))


@pointwise(scipy="erfc", types="dfDF", finite_partials=True, samples=[normal(3, 4), _EDGES])
def erfc(x: Any) -> Any:
    """Complement of the error function, 1 - erf(x), exact also where that is tiny; floating or complex. [DLMF 7.2]

    >>> erfc(10.0)
    array(2.08848758e-45)
    """
    return special.erfc(x)


@erfc.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: (-2 / _SQRT_PI) * operations.exp(-(x * x))


@pointwise(scipy="erfcx", samples=[normal(3, 4), points(-3.0, 1.9, 2.1, 30.0), values(1e10, np.inf, -np.inf, np.nan)])
def erfcx(x: Any) -> Any:
    """Scaled complement of the error function, exp(x²) erfc(x), elementwise; floating or complex. [DLMF 7.2]

    >>> erfcx(1e3)
    array(0.00056419)
    """
    return special.erfcx(x)


@erfcx.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    # 2 x erfcx(x) - 2/√π, in which all digits of large real x would cancel
    yield lambda: 2 * x * out - 2 / _SQRT_PI if x.dtype.kind == "c" else -2 * scaled_erfc_integral(x, n=1)


_SWITCH, _TERMS = 2.0, 50  # above 2, 50 terms of the continued fraction give all digits; below, few cancel


@pointwise(
    types="fd",
    private=True,
    samples=[
        call(points(-3.0, -0.5, 0.0, 1.5, 1.9), n=1),
        call(points(2.1, 5.0, 100.0), n=2),
        call(values(1e10, np.inf, np.nan), n=1),
    ],
    rejects=[reject(DTypeError, "scaled_erfc_integral: expected floating dtypes, got complex128", 1j, n=1)],
)
def scaled_erfc_integral(x: Any, *, n: int = 1) -> Any:
    """The n-fold integral of erfc from x to ∞, times exp(x²), elementwise: what derivatives of erfcx are made of.

    By the recurrence [DLMF 7.18.7], forwards where it is stable and as a continued fraction elsewhere.

    >>> scaled_erfc_integral(0.0, n=1)
    array(0.56418958)
    """
    x = np.asarray(x)
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        before, result = 2 / _SQRT_PI, special.erfcx(wide)
        for k in range(1, n + 1):
            before, result = result, (before - 2 * wide * result) / (2 * k)
        large = wide > _SWITCH
        if large.any():
            far = wide[large]
            scaled = special.erfcx(far)
            ratio = 1 / (far + np.sqrt(far * far + 2 * (n + _TERMS)))  # of the function for k to that for k - 1
            for k in range(n + _TERMS, 1, -1):
                scaled = scaled * ratio if k <= n else scaled
                ratio = 1 / (2 * far + 2 * k * ratio)
            result = np.array(result)
            result[large] = scaled * ratio if n else scaled
    return result.astype(np.result_type(x, np.float32))


operations.provide("scaled_erfc_integral", scaled_erfc_integral)


@scaled_erfc_integral.partials
def _(out: Array, x: Array, *, n: int) -> Iterator[Thunk]:
    yield lambda: -2 * (n + 1) * scaled_erfc_integral(x, n=n + 1)


@pointwise(
    scipy="erfinv", samples=[uniform(-0.9, 0.9, 3, 4), values(-1.0, 0.0, 1.0, 1.5, np.nan)],
    rejects=[reject(DTypeError, "erfinv: expected floating dtypes, got complex128", 1j)],
)  # fmt: skip
def erfinv(x: Any) -> Any:
    """Inverse of the error function, elementwise: ±inf at ±1, NaN beyond.

    >>> erfinv(0.5)
    array(0.47693628)
    """
    return special.erfinv(x)


@erfinv.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: (_SQRT_PI / 2) * operations.exp(out * out)


@pointwise(scipy="erfcinv", samples=[uniform(0.1, 1.9, 3, 4), values(0.0, 1e-300, 1.0, 2.0, 2.5, np.nan)])
def erfcinv(x: Any) -> Any:
    """Inverse of erfc, elementwise: inf at 0, -inf at 2, NaN outside of these.

    >>> erfcinv(0.5)
    array(0.47693628)
    """
    return special.erfcinv(x)


@erfcinv.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: (-_SQRT_PI / 2) * operations.exp(out * out)


@pointwise(scipy="ndtr", types="dfDF", finite_partials=True, samples=[normal(3, 4), _EDGES])
def ndtr(x: Any) -> Any:
    """The probability that a standard normal number is at most x, elementwise; floating or complex.

    >>> ndtr(0.0)
    array(0.5)
    """
    return special.ndtr(x)


@ndtr.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: (1 / _SQRT_2PI) * operations.exp(-0.5 * (x * x))


@pointwise(scipy="ndtri", samples=[uniform(0.05, 0.95, 3, 4), values(0.0, 1e-300, 1.0, -0.5, np.nan)])
def ndtri(x: Any) -> Any:
    """Inverse of ndtr, elementwise: the x-quantile of the standard normal distribution; ±inf at 0 and 1.

    >>> ndtri(0.975)
    array(1.95996398)
    """
    return special.ndtri(x)


@ndtri.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: _SQRT_2PI * operations.exp(0.5 * (out * out))


@pointwise(scipy="log_ndtr", finite_partials=True, samples=[normal(3, 4), points(-30.0, -5.0, 3.0), _EDGES])
def log_ndtr(x: Any) -> Any:
    """Logarithm of ndtr, elementwise, exact also where ndtr underflows; floating or complex.

    >>> log_ndtr(-100.0)
    array(-5005.52420869)
    """
    return special.log_ndtr(x)


@log_ndtr.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    # the density over ndtr, both scaled by exp(x²/2), so that neither underflows for negative x
    yield lambda: math.sqrt(2 / math.pi) / erfcx(x * (-1 / _SQRT_2))


@pointwise(scipy="ndtri_exp", samples=[uniform(-9.0, -0.05, 3, 4), points(-1e4), values(0.0, -np.inf, 1.0, np.nan)])
def ndtri_exp(y: Any) -> Any:
    """Inverse of log_ndtr, elementwise: the quantile of the standard normal distribution for the probability exp(y).

    >>> ndtri_exp(-5005.52420869)
    array(-100.)
    """
    return special.ndtri_exp(y)


@ndtri_exp.partials
def _(out: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: math.sqrt(math.pi / 2) * erfcx(out * (-1 / _SQRT_2))


@pointwise(
    scipy="owens_t", types="fd", samples=[call(normal(3, 4), normal(4)), call(values(0.0, 1.0, np.inf), values(1.0))]
)
def owens_t(h: Any, a: Any) -> Any:
    """Owen's T function 1/2π ∫ exp(-h² (1 + t²)/2) / (1 + t²) dt from 0 to a, elementwise.

    >>> owens_t(0.0, 1.0)
    array(0.125)
    """
    return special.owens_t(h, a)


@owens_t.partials
def _(out: Array, h: Array, a: Array) -> Iterator[Thunk]:
    yield lambda: operations.exp(-0.5 * (h * h)) * erf(a * h * (1 / _SQRT_2)) / (-2 * _SQRT_2PI)
    yield lambda: operations.exp(-0.5 * (h * h) * (1 + a * a)) / (2 * math.pi * (1 + a * a))
