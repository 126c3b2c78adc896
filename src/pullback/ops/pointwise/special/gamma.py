"""The gamma function and its kin: derivatives, inverse, beta, binomial coefficients, the Hurwitz zeta function."""

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
from pullback.core.sample import call, points, positive, reject, uniform, values
from pullback.core.scipy import special
from pullback.errors import ArgumentError, DTypeError

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


@pointwise(scipy="loggamma", types="df", samples=[positive(3, 4), points(30.0, 1e5), _EDGES])
def loggamma(z: Any) -> Any:
    """Logarithm of the gamma function, elementwise; NaN for negative z, floating only. [DLMF 5.2]

    >>> loggamma(100.0)
    array(359.13420537)
    """
    return special.loggamma(z)


@loggamma.partials
def _(out: Array, z: Array) -> Iterator[Thunk]:
    yield lambda: digamma(z)


@pointwise(scipy="gammasgn", samples=[positive(3, 4), points(-0.5, -2.5), values(0.0, -1.0, np.inf, np.nan)])
def gammasgn(x: Any) -> Any:
    """Sign of the gamma function, elementwise; its derivative is 0.

    >>> gammasgn([0.5, -0.5])
    array([ 1., -1.])
    """
    return special.gammasgn(x)


@gammasgn.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 0


@pointwise(
    scipy="poch", types="fd",
    samples=[call(positive(3, 4), positive(3, 1)), call(points(2.0), points(0.0, -0.5)), call(values(1.0, 20.0), 2.0)],
)  # fmt: skip
def poch(z: Any, m: Any) -> Any:
    """Pochhammer's symbol gamma(z + m) / gamma(z), elementwise: z (z + 1) ... (z + m - 1). [DLMF 5.2.5]

    >>> poch(3.0, 2.0)
    array(12.)
    """
    return special.poch(z, m)


@poch.partials
def _(out: Array, z: Array, m: Array) -> Iterator[Thunk]:
    yield lambda: out * (digamma(z + m) - digamma(z))
    yield lambda: out * digamma(z + m)


@pointwise(
    scipy="binom", types="fd",
    samples=[
        call(uniform(3.0, 9.0, 3, 4), uniform(0.0, 3.0, 4)),
        call(points(4.0, 4.0, 3.0), points(2.0, 5.0, -1.0)),
        call(values(3.0, 0.0), values(0.0, 0.0)),
    ],
)  # fmt: skip
def binom(x: Any, y: Any) -> Any:
    """Binomial coefficient gamma(x + 1) / (gamma(y + 1) gamma(x - y + 1)), elementwise. [DLMF 1.2]

    >>> binom(5.0, 2.0)
    array(10.)
    """
    return special.binom(x, y)


@binom.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    # The reciprocals of gamma are smooth where gamma has poles, and the coefficient is 0 there.
    above, below, whole = y + 1, x - y + 1, x + 1
    yield lambda: out * digamma(whole) + gamma(whole) * rgamma(above) * _rgamma_slope(rgamma(below), below)
    yield (
        lambda: (
            gamma(whole)
            * (
                _rgamma_slope(rgamma(above), above) * rgamma(below)
                - rgamma(above) * _rgamma_slope(rgamma(below), below)
            )
        )
    )


@function(
    scipy="multigammaln",
    samples=[call(uniform(2.0, 5.0, 3, 4), 3), call(positive(2), 1)],
    rejects=[
        reject(ArgumentError, "multigammaln: expected a dimension d of 1 or more, got 0", positive(2), 0),
        reject(ArgumentError, "multigammaln: expected a above (d - 1) / 2 = 1, got 0.5", np.array([2.0, 0.5]), 3),
    ],
)
def multigammaln(a: Any, d: int) -> Array:
    """Logarithm of the multivariate gamma function of dimension d, elementwise, for a > (d - 1) / 2.

    >>> multigammaln(3.0, 2)
    array(1.55019499)
    """
    dimension = as_index("multigammaln", "d", d)
    if dimension < 1:
        raise ArgumentError(f"multigammaln: expected a dimension d of 1 or more, got {dimension}")
    x = operations.asarray(a)
    value, least = x._node.value, (dimension - 1) / 2
    if value is not None and not (value > least).all():
        raise ArgumentError(f"multigammaln: expected a above (d - 1) / 2 = {least:g}, got {value.min():g}")
    total: Array = gammaln(x) + dimension * (dimension - 1) / 4 * math.log(math.pi)
    for k in range(1, dimension):
        total = total + gammaln(x - k / 2)
    return total
