"""Exponential, sine and cosine integrals; the Lambert W function."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import as_index
from pullback.core.families import pointwise
from pullback.core.operations import function, operations, scipy_overrides
from pullback.core.primitive import Thunk, refused
from pullback.core.sample import call, normal, points, positive, reject, values
from pullback.core.scipy import special
from pullback.errors import ArgumentError, DTypeError
from pullback.ops.pointwise.special.elementary import exprel, logarithmic_moment

_EDGES = values(0.0, 1e-8, 50.0, 800.0, np.inf, np.nan)


@pointwise(scipy="expi", samples=[positive(3, 4), points(-2.0, 20.0), _EDGES])
def expi(x: Any) -> Any:
    """Exponential integral Ei(x), the principal value of ∫ exp(t)/t dt from -∞ to x, elementwise. [DLMF 6.2]

    >>> expi(1.0)
    array(1.89511782)
    """
    return special.expi(x)


@expi.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: operations.exp(x) / x


@pointwise(scipy="exp1", samples=[positive(3, 4), points(20.0), _EDGES])
def exp1(x: Any) -> Any:
    """Exponential integral E₁(x) = ∫ exp(-t)/t dt from x to ∞, elementwise. [DLMF 6.2]

    >>> exp1(1.0)
    array(0.21938393)
    """
    return special.exp1(x)


@exp1.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -operations.exp(-x) / x


@pointwise(
    scipy="expn",
    samples=[call(3, positive(3, 4)), call([0.0, 1.0, 2.0], positive(2, 3)), call([1, 2, 3], values(0.0, 1.0, np.inf))],
    rejects=[reject(DTypeError, "expn: expected integer or floating dtypes, got int, complex128", 1, np.array([1j]))],
)
def expn(n: Any, x: Any) -> Any:
    """Generalised exponential integral ∫ exp(-x t)/tⁿ dt from 1 to ∞, elementwise, for n = 0, 1, 2, ... [DLMF 8.19]

    Raises NotDifferentiableError when a derivative by n is asked for.

    >>> expn(2, 1.0)
    array(0.14849551)
    """
    return special.expn(n, x)


@expn.partials
def _(out: Array, n: Array, x: Array) -> Iterator[Thunk]:
    yield refused("expn", "its first argument", "the order is an integer")
    # for n = 0 the function is exp(-x) / x
    yield lambda: -operations.where(n > 0, expn(operations.maximum(n - 1, 0), x), out * (1 + 1 / x))


@pointwise(types="fdFD", samples=[normal(3, 4), points(20.0), _EDGES], finite_partials=True)
def sine_integral(x: Any) -> Any:
    """Sine integral ∫ sin(t)/t dt from 0 to x, elementwise; floating or complex. [DLMF 6.2]

    >>> sine_integral(1.0)
    array(0.94608307)
    """
    return special.sici(x)[0]


@sine_integral.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: operations.sinc(x / math.pi)


@pointwise(types="fdFD", samples=[positive(3, 4), points(-2.0, 20.0), _EDGES])
def cosine_integral(x: Any) -> Any:
    """Cosine integral γ + log(x) + ∫ (cos(t) - 1)/t dt from 0 to x, elementwise; floating or complex. [DLMF 6.2]

    >>> cosine_integral(1.0)
    array(0.33740392)
    """
    return special.sici(x)[1]


@cosine_integral.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: operations.cos(x) / x


@function(
    scipy="sici",
    samples=[positive(3, 4), points(-2.0, 20.0), values(0.0, np.inf, np.nan)],
    rejects=[reject(DTypeError, "expected an array or a number, got str", "a")],
)
def sici(x: Any) -> tuple[Array, Array]:
    """Return the sine integral and the cosine integral of x.

    >>> sici(1.0)
    (array(0.94608307), array(0.33740392))
    """
    return sine_integral(x), cosine_integral(x)


@pointwise(types="D", name="lambertw", private=True, samples=[call(positive(3, 4), k=0), call(normal(3), k=-1)])
def lambert_w(z: Any, *, k: int = 0, tol: float = 1e-8) -> Any:
    """The branch k of the solution of w exp(w) = z, elementwise; complex."""
    return special.lambertw(z, k, tol)


@lambert_w.partials
def _(out: Array, z: Array, *, k: int, tol: float = 0.0) -> Iterator[Thunk]:
    yield lambda: operations.exp(-out) / (1 + out)


@function(
    scipy="lambertw",
    samples=[positive(3, 4), call(normal(3), k=-1), points(0.0, -0.2), values(-1.0, np.nan)],
    rejects=[reject(DTypeError, "lambertw: expected an integer as k, got 0.5", normal(3), 0.5)],
)
def lambertw(z: Any, k: int = 0, tol: float = 1e-8) -> Array:
    """Return the solution w of w exp(w) = z on branch k, elementwise, always complex128. [DLMF 4.13]

    The solution is searched for until a step changes it by less than ``tol`` of its size.

    >>> lambertw(1.0)
    array(0.56714329+0.j)
    """
    if not isinstance(tol, (int, float)) or not tol > 0:
        raise ArgumentError(f"lambertw: expected a positive number as tol, got {tol!r}")
    return lambert_w(z, k=as_index("lambertw", "k", k), tol=float(tol))


scipy_overrides["_lambertw"] = "lambertw"  # the ufunc that scipy.special.lambertw calls


# Hyperbolic integrals, the dilogarithm, the omega function ------------------------------------------------------------


@pointwise(types="fdFD", samples=[normal(3, 4), points(0.0, 20.0), _EDGES])
def hyperbolic_sine_integral(x: Any) -> Any:
    """Hyperbolic sine integral ∫ sinh(t)/t dt from 0 to x, elementwise; floating or complex. [DLMF 6.2]

    >>> hyperbolic_sine_integral(1.0)
    array(1.05725088)
    """
    return special.shichi(x)[0]


@hyperbolic_sine_integral.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    # sinh(x) / x
    yield lambda: operations.sinc(x * (1j / math.pi)) if x.dtype.kind == "c" else (exprel(x) + exprel(-x)) / 2


@pointwise(types="fdFD", samples=[positive(3, 4), points(-2.0, 20.0), _EDGES])
def hyperbolic_cosine_integral(x: Any) -> Any:
    """Hyperbolic cosine integral γ + log(x) + ∫ (cosh(t) - 1)/t dt from 0 to x; floating or complex. [DLMF 6.2]

    >>> hyperbolic_cosine_integral(1.0)
    array(0.83786694)
    """
    return special.shichi(x)[1]


@hyperbolic_cosine_integral.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: operations.cosh(x) / x


@function(
    scipy="shichi",
    samples=[positive(3, 4), points(-2.0, 20.0), values(0.0, np.inf, np.nan)],
    rejects=[reject(DTypeError, "expected an array or a number, got str", "a")],
)
def shichi(x: Any) -> tuple[Array, Array]:
    """Return the hyperbolic sine integral and cosine integral of x.

    >>> shichi(1.0)
    (array(1.05725088), array(0.83786694))
    """
    return hyperbolic_sine_integral(x), hyperbolic_cosine_integral(x)


@pointwise(
    scipy="spence", types="fd", samples=[positive(3, 4), points(1.0, 1.0 + 1e-9, 0.05, 30.0), values(0.0, -1.0)],
    rejects=[reject(DTypeError, "spence: expected floating dtypes, got complex128", 1j)],
)  # fmt: skip
def spence(z: Any) -> Any:
    """Spence's integral ∫ log(t)/(1 - t) dt from 1 to z, elementwise: the dilogarithm of 1 - z. [DLMF 25.12]

    >>> spence(0.0)
    array(1.64493407)
    """
    return special.spence(z)


@spence.partials
def _(out: Array, z: Array) -> Iterator[Thunk]:
    yield lambda: _spence_slope(z)


def _spence_slope(z: Array) -> Array:
    # log(z) / (1 - z) is 0 / 0 at 1, -log(1 + y) / y of y = z - 1 has lost digits of z near 0
    small = z < 0.5
    near, far = operations.where(small, z, 0.5), operations.where(small, 1.0, z)
    slope: Array = operations.where(small, operations.log(near) / (1 - near), -logarithmic_moment(far - 1, n=0))
    return slope


@pointwise(scipy="wrightomega", samples=[normal(3, 4), points(-30.0, 50.0), values(-1e3, 1e20, np.inf, np.nan)])
def wrightomega(z: Any) -> Any:
    """Wright's omega function, the solution w of w + log(w) = z, elementwise; floating or complex.

    >>> wrightomega(1.0)
    array(1.)
    """
    return special.wrightomega(z)


@wrightomega.partials
def _(out: Array, z: Array) -> Iterator[Thunk]:
    yield lambda: out / (1 + out)
