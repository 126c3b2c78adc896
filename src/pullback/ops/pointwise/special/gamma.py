"""The gamma function and its kin: derivatives, inverse, beta, incomplete integrals, the Hurwitz zeta function."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import function, operations, scipy_overrides
from pullback.core.primitive import Thunk, refused
from pullback.core.sample import call, normal, points, positive, reject, uniform, values
from pullback.core.scipy import special
from pullback.errors import DTypeError
from pullback.ops.pointwise.special.entropy import xlog1py, xlogy

_EDGES = values(0.0, -1.0, -2.5, 1e-3, 30.0, 1e5, np.inf, np.nan)
_REAL = "df"  # SciPy has complex loops, but not for the derivatives; and Python numbers are weak here


@pointwise(scipy="gammaln", samples=[positive(3, 4), points(-2.5, -0.5, 30.0, 1e5), _EDGES])
def gammaln(x: Any) -> Any:
    """Logarithm of the absolute value of the gamma function, elementwise; inf at 0, -1, -2, ... [DLMF 5.2]

    >>> gammaln(100.0)
    array(359.13420537)
    """
    return special.gammaln(x)


@gammaln.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: digamma(x)


@pointwise(
    scipy="gamma", samples=[positive(3, 4), points(-2.5, -0.5, 10.0), _EDGES], types=_REAL,
    rejects=[reject(DTypeError, "gamma: expected floating dtypes, got complex128", np.array([1j]))],
)  # fmt: skip
def gamma(x: Any) -> Any:
    """Gamma function, elementwise: (x - 1)! for integers; NaN at -1, -2, ... [DLMF 5.2]

    >>> gamma(5.0)
    array(24.)
    """
    return special.gamma(x)


@gamma.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: out * digamma(x)


@pointwise(scipy="rgamma", samples=[positive(3, 4), points(-3.0, -1.0, 0.0, -2.5, 10.0), _EDGES], types=_REAL)
def rgamma(x: Any) -> Any:
    """Reciprocal of the gamma function, elementwise, smooth everywhere: 0 at 0, -1, -2, ... [DLMF 5.2]

    >>> rgamma([0.0, 5.0])
    array([0.        , 0.04166667])
    """
    return special.rgamma(x)


@rgamma.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: _rgamma_slope(out, x)


def _rgamma_slope(out: Array, x: Array) -> Array:
    # -digamma(x) / gamma(x) is inf * 0 at 0, -1, -2, ...: left of 1/2 it is mirrored [DLMF 5.5.3], where the angle
    # is first taken modulo 2, exactly.
    left = x < 0.5
    right_part = -digamma(operations.where(left, 1, x)) * out
    mirrored = 1 - operations.where(left, x, 0)
    angle = math.pi * (x - 2 * operations.round(operations.stop_gradient(x) / 2))
    sine, cosine = operations.sin(angle), operations.cos(angle)
    left_part = gamma(mirrored) * (cosine - sine * digamma(mirrored) / math.pi)
    slope: Array = operations.where(left, left_part, right_part)
    return slope


@pointwise(
    name="digamma", scipy="psi", samples=[positive(3, 4), points(-2.5, -0.5, 30.0, 1e5), _EDGES], types=_REAL,
    rejects=[reject(DTypeError, "digamma: expected floating dtypes, got complex128", np.array([1j]))],
)  # fmt: skip
def digamma(x: Any) -> Any:
    """Derivative of the logarithm of the gamma function, elementwise; ``scipy.special.psi``. [DLMF 5.2]

    >>> digamma(1.0)
    array(-0.57721566)
    """
    return special.psi(x)


@digamma.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: polygamma(1, x)


@pointwise(
    scipy="polygamma",
    types="fd",
    samples=[
        call(0, positive(3, 4)),
        call(1, points(-2.5, -0.5, 3.0, 1e5)),
        call(points(1, 2, 5), positive(2, 3)),
        call(1, values(0.0, -1.0, np.inf, np.nan)),
    ],
    rejects=[reject(DTypeError, "polygamma: expected floating dtypes, got int, complex128", 1, np.array([1j]))],
)
def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of digamma, elementwise, for n = 0, 1, 2, ... [DLMF 5.15]

    A Python integer n leaves the dtype of x. Raises NotDifferentiableError when a derivative by n is asked for.

    >>> polygamma(1, 1.0)
    array(1.64493407)
    """
    series = special.zeta(n + 1, x)
    sign = np.where(np.asarray(n) % 2 == 0, -1.0, 1.0)
    value = np.where(np.asarray(n) == 0, special.psi(x), sign * special.gamma(np.add(n, 1.0)) * series)
    return value.astype(series.dtype)


@polygamma.partials
def _(out: Array, n: Array, x: Array) -> Iterator[Thunk]:
    yield refused("polygamma", "its first argument", "the order is an integer")
    yield lambda: polygamma(n + 1, x)


@pointwise(types="fd", samples=[call(2.5, positive(3, 4)), call([2.0, 5.0], values(0.0, 1e10))], private=True)
def hurwitz_zeta(x: Any, q: Any) -> Any:
    """The sum of (n + q)^-x over n = 0, 1, 2, ..., elementwise."""
    return special.zeta(x, q)


@hurwitz_zeta.partials
def _(out: Array, x: Array, q: Array) -> Iterator[Thunk]:
    yield refused("zeta", "its first argument", "no formula for it is implemented")
    yield lambda: -x * hurwitz_zeta(x + 1, q)


@function(
    scipy="zeta",
    samples=[call(2.5, positive(3, 4)), call(values(1.0, 2.0, 0.5), 1.0), call(values(2.0, 3.0))],
    rejects=[reject(DTypeError, "expected floating dtypes, got float, complex128", 2.0, np.array([1j]))],
)
def zeta(x: Any, q: Any = None) -> Array:
    """Hurwitz's zeta function, the sum of (n + q)^-x over n = 0, 1, ..., elementwise; by default Riemann's, q = 1.

    [DLMF 25.11] Raises NotDifferentiableError when a derivative by x is asked for.

    >>> zeta(2.0, [1.0, 2.0])
    array([1.64493407, 0.64493407])
    """
    return hurwitz_zeta(x, 1.0 if q is None else q)


scipy_overrides["_zeta"] = "zeta"  # the ufunc that scipy.special.zeta calls


@pointwise(
    scipy="beta",
    types=_REAL,
    samples=[
        call(positive(3, 4), positive(3, 4)),
        call(positive(3, 1), positive(2)),
        call(points(2.0), values(0.0, 1e3)),
    ],
    rejects=[reject(DTypeError, "beta: expected floating dtypes, got complex128, float", np.array([1j]), 1.0)],
)
def beta(a: Any, b: Any) -> Any:
    """Beta function gamma(a) gamma(b) / gamma(a + b), elementwise. [DLMF 5.12]

    >>> beta(2.0, 3.0)
    array(0.08333333)
    """
    return special.beta(a, b)


@beta.partials
def _(out: Array, a: Array, b: Array) -> Iterator[Thunk]:
    yield lambda: out * (digamma(a) - digamma(a + b))
    yield lambda: out * (digamma(b) - digamma(a + b))


@pointwise(
    scipy="betaln",
    types=_REAL,
    samples=[
        call(positive(3, 4), positive(3, 4)),
        call(positive(3, 1), positive(2)),
        call(points(2.0), values(0.0, 1e8)),
    ],
)
def betaln(a: Any, b: Any) -> Any:
    """Logarithm of the absolute value of the beta function, elementwise.

    >>> betaln(2.0, 3.0)
    array(-2.48490665)
    """
    return special.betaln(a, b)


@betaln.partials
def _(out: Array, a: Array, b: Array) -> Iterator[Thunk]:
    yield lambda: digamma(a) - digamma(a + b)
    yield lambda: digamma(b) - digamma(a + b)


_INCOMPLETE = [
    call([2.5], positive(3, 4)),
    call([0.5, 1.0, 4.0], positive(2, 3)),
    call([2.0], values(0.0, 1e3, np.inf)),
]
_NO_FORMULA = "no formula for it is implemented"


def _gamma_density(a: Array, x: Array) -> Array:
    density: Array = operations.exp(xlogy(a - 1, x) - x - gammaln(a))
    return density


@pointwise(scipy="gammainc", types=_REAL, samples=_INCOMPLETE)
def gammainc(a: Any, x: Any) -> Any:
    """Regularised lower incomplete gamma function P(a, x), elementwise, for a > 0 and x >= 0. [DLMF 8.2]

    Raises NotDifferentiableError when a derivative by a is asked for.

    >>> gammainc(1.0, 2.0)
    array(0.86466472)
    """
    return special.gammainc(a, x)


@gammainc.partials
def _(out: Array, a: Array, x: Array) -> Iterator[Thunk]:
    yield refused("gammainc", "its first argument", _NO_FORMULA)
    yield lambda: _gamma_density(a, x)


@pointwise(scipy="gammaincc", types=_REAL, samples=_INCOMPLETE)
def gammaincc(a: Any, x: Any) -> Any:
    """Regularised upper incomplete gamma function 1 - P(a, x), elementwise, for a > 0 and x >= 0. [DLMF 8.2]

    Raises NotDifferentiableError when a derivative by a is asked for.

    >>> gammaincc(1.0, 2.0)
    array(0.13533528)
    """
    return special.gammaincc(a, x)


@gammaincc.partials
def _(out: Array, a: Array, x: Array) -> Iterator[Thunk]:
    yield refused("gammaincc", "its first argument", _NO_FORMULA)
    yield lambda: -_gamma_density(a, x)


_INCOMPLETE_BETA = [
    call(2.5, 1.5, uniform(0.05, 0.95, 3, 4)),
    call([0.5, 1.0, 4.0], 2.0, uniform(0.05, 0.95, 2, 3)),
    call(2.0, 3.0, values(0.0, 1.0, 1.5, np.nan)),
]


def _beta_density(a: Array, b: Array, x: Array) -> Array:
    density: Array = operations.exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))
    return density


@pointwise(
    scipy="betainc", samples=_INCOMPLETE_BETA,
    rejects=[reject(DTypeError, "betainc: expected 3 arguments, got 2", 1.0, normal(3))],
)  # fmt: skip
def betainc(a: Any, b: Any, x: Any) -> Any:
    """Regularised incomplete beta function I_x(a, b), elementwise, for a, b > 0 and 0 <= x <= 1. [DLMF 8.17]

    Raises NotDifferentiableError when a derivative by a or b is asked for.

    >>> betainc(2.0, 3.0, 0.5)
    array(0.6875)
    """
    return special.betainc(a, b, x)


@betainc.partials
def _(out: Array, a: Array, b: Array, x: Array) -> Iterator[Thunk]:
    yield refused("betainc", "its first argument", _NO_FORMULA)
    yield refused("betainc", "its second argument", _NO_FORMULA)
    yield lambda: _beta_density(a, b, x)


@pointwise(scipy="betaincc", samples=_INCOMPLETE_BETA)
def betaincc(a: Any, b: Any, x: Any) -> Any:
    """Complement of the regularised incomplete beta function, 1 - I_x(a, b), elementwise.

    Raises NotDifferentiableError when a derivative by a or b is asked for.

    >>> betaincc(2.0, 3.0, 0.5)
    array(0.3125)
    """
    return special.betaincc(a, b, x)


@betaincc.partials
def _(out: Array, a: Array, b: Array, x: Array) -> Iterator[Thunk]:
    yield refused("betaincc", "its first argument", _NO_FORMULA)
    yield refused("betaincc", "its second argument", _NO_FORMULA)
    yield lambda: -_beta_density(a, b, x)
