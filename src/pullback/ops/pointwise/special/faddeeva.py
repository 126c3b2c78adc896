"""The Faddeeva function and its kin: Dawson's integral, the imaginary error function, Fresnel's integrals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, points, reject, values
from pullback.core.scipy import special
from pullback.errors import DTypeError

_SQRT_PI = math.sqrt(math.pi)
_FAR, _TERMS = 7.0, 40
"""Where the asymptotic series has all digits, and how many of its terms are added up."""

_COMPLEX = np.array([0.5 + 1.0j, -2.0 + 0.3j, 1.0 - 0.5j, 0.0])


def _slope(z: Any, n: int) -> Any:
    """The n-th derivative of the Faddeeva function in the upper half plane and on the real axis.

    By the recurrence w⁽ⁿ⁺¹⁾ = -2z w⁽ⁿ⁾ - 2n w⁽ⁿ⁻¹⁾ [DLMF 7.10.2], whose digits cancel far out; by the asymptotic series
    there [DLMF 7.12.1].
    """
    before, found = 2j / _SQRT_PI, special.wofz(z)
    for k in range(n):
        before, found = found, -2 * z * found + (before if k == 0 else -2 * k * before)
    far = np.abs(z) > _FAR
    if n and far.any():
        x = 1 / z[far]  # which underflows where a power of z would overflow
        term = (-1) ** n * math.factorial(n) * 1j / _SQRT_PI * x ** (n + 1)
        total = term
        for k in range(1, _TERMS):
            term = term * ((2 * k + n) * (2 * k + n - 1)) / (2 * k * (2 * k - 1)) * (2 * k - 1) / 2 * x * x
            total = total + np.where(np.abs(term) < np.abs(total), term, 0)
        found = np.array(found)
        found[far] = total
    return found


def _faddeeva_slope(z: Any, n: int) -> Any:
    """The n-th derivative of the Faddeeva function anywhere: below the real axis w(z) = 2 exp(-z²) - w(-z)."""
    z = np.asarray(z, np.complex128)
    below = z.imag < 0
    with np.errstate(all="ignore"):
        found = _slope(np.where(below, -z, z), n)
        if below.any():
            before, gauss = np.zeros_like(z), 2 * np.exp(-z * z)
            for k in range(n):
                before, gauss = gauss, -2 * z * gauss - 2 * k * before
            found = np.where(below, gauss - (-1) ** n * found, found)
    return found


@pointwise(
    scipy="wofz",
    types="DF",
    samples=[points(*_COMPLEX), points(30.0 + 1j, 1e4 + 0j, -3.0 - 0.1j), values(np.inf, np.nan)],
)
def wofz(z: Any) -> Any:
    """Faddeeva function exp(-z²) erfc(-i z), elementwise; always complex. [DLMF 7.2]

    >>> wofz(1j)
    array(0.42758358+0.j)
    """
    return special.wofz(z)


@wofz.partials
def _(out: Array, z: Array) -> Iterator[Thunk]:
    yield lambda: faddeeva_derivative(z, n=1)


@pointwise(types="DF", private=True, samples=[call(points(*_COMPLEX), n=1), call(points(30.0 + 1j, 7.1 + 0j), n=2)])
def faddeeva_derivative(z: Any, *, n: int = 1) -> Any:
    """The n-th derivative of wofz, elementwise; complex."""
    return _faddeeva_slope(z, n).astype(z.dtype)


@faddeeva_derivative.partials
def _(out: Array, z: Array, *, n: int = 1) -> Iterator[Thunk]:
    yield lambda: faddeeva_derivative(z, n=n + 1)


@pointwise(
    scipy="dawsn", types="df", samples=[normal(3, 4), points(-9.0, 0.0, 100.0), values(1e9, np.inf, np.nan)],
    rejects=[reject(DTypeError, "dawsn: expected floating dtypes, got complex128", 1j)],
)  # fmt: skip
def dawsn(x: Any) -> Any:
    """Dawson's integral exp(-x²) ∫₀ˣ exp(t²) dt, elementwise; floating only. [DLMF 7.2]

    >>> dawsn(1.0)
    array(0.53807951)
    """
    return special.dawsn(x)


@dawsn.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: dawson_derivative(x, n=1)


@pointwise(types="fd", private=True, samples=[call(normal(3, 4), n=1), call(points(-9.0, 0.0, 6.9, 100.0), n=2)])
def dawson_derivative(x: Any, *, n: int = 1) -> Any:
    """The n-th derivative of Dawson's integral, elementwise: that of the imaginary part of wofz on the real axis."""
    return (_SQRT_PI / 2 * _faddeeva_slope(x, n).imag).astype(x.dtype)


@dawson_derivative.partials
def _(out: Array, x: Array, *, n: int = 1) -> Iterator[Thunk]:
    yield lambda: dawson_derivative(x, n=n + 1)


@pointwise(scipy="erfi", samples=[normal(3, 4), values(0.0, 30.0, np.inf, np.nan)])
def erfi(x: Any) -> Any:
    """Imaginary error function 2/√π ∫₀ˣ exp(t²) dt, elementwise; floating or complex.

    >>> erfi(1.0)
    array(1.65042576)
    """
    return special.erfi(x)


@erfi.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: (2 / _SQRT_PI) * operations.exp(x * x)


_FRESNEL = [normal(3, 4), points(0.0, 5.0), values(1e10, np.inf, np.nan)]


@pointwise(types="dfDF", samples=_FRESNEL)
def fresnel_sine(x: Any) -> Any:
    """Fresnel's integral ∫₀ˣ sin(π t²/2) dt, elementwise; floating or complex. [DLMF 7.2]

    >>> fresnel_sine(1.0)
    array(0.43825915)
    """
    return special.fresnel(x)[0]


@fresnel_sine.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: operations.sin(math.pi / 2 * (x * x))


@pointwise(types="dfDF", samples=_FRESNEL)
def fresnel_cosine(x: Any) -> Any:
    """Fresnel's integral ∫₀ˣ cos(π t²/2) dt, elementwise; floating or complex. [DLMF 7.2]

    >>> fresnel_cosine(1.0)
    array(0.7798934)
    """
    return special.fresnel(x)[1]


@fresnel_cosine.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: operations.cos(math.pi / 2 * (x * x))


@function(
    scipy="fresnel",
    samples=[normal(3, 4), values(0.0, np.inf, np.nan)],
    rejects=[reject(DTypeError, "expected an array or a number, got str", "a")],
)
def fresnel(z: Any) -> tuple[Array, Array]:
    """Return Fresnel's sine and cosine integral of z.

    >>> fresnel(1.0)
    (array(0.43825915), array(0.7798934))
    """
    return fresnel_sine(z), fresnel_cosine(z)
