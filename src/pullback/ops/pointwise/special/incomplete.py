"""Incomplete gamma and beta functions, and their inverses: distribution functions and quantiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import operations
from pullback.core.primitive import Thunk, refused
from pullback.core.sample import call, normal, points, positive, reject, uniform, values
from pullback.core.scipy import special
from pullback.errors import DTypeError
from pullback.ops.pointwise.special.entropy import xlog1py, xlogy
from pullback.ops.pointwise.special.gamma import betaln, digamma, gammaln, polygamma
from pullback.ops.pointwise.special.tails import beta_derivative, gamma_derivative, mixed_moment, moment

_REAL = "df"  # Python numbers are weak here


# Gamma ----------------------------------------------------------------------------------------------------------------

_INCOMPLETE = [
    call(positive(3, 1), positive(4)),
    call(points(0.5, 40.0), points(2.0, 35.0)),
    call([2.0], values(0.0, 1e3, np.inf)),
]
_QUANTILES = [
    call(positive(3, 1), uniform(0.05, 0.95, 4)),
    call(points(40.0), points(0.3)),
    call([2.0], values(0.0, 1.0)),
]


def _gamma_density(a: Array, x: Array) -> Array:
    density: Array = operations.exp(xlogy(a - 1, x) - x - gammaln(a))
    return density


@pointwise(scipy="gammainc", types=_REAL, samples=_INCOMPLETE)
def gammainc(a: Any, x: Any) -> Any:
    """Regularised lower incomplete gamma function P(a, x), elementwise, for a > 0 and x >= 0. [DLMF 8.2]

    >>> gammainc(1.0, 2.0)
    array(0.86466472)
    """
    return special.gammainc(a, x)


@gammainc.partials
def _(out: Array, a: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: gamma_by_shape(a, x, n=1)
    yield lambda: _gamma_density(a, x)


@pointwise(
    types="fd", private=True, samples=[call(positive(3, 1), positive(4), n=1), call(2.0, values(0.0, np.inf), n=1)]
)
def gamma_by_shape(a: Any, x: Any, *, n: int = 1) -> Any:
    """The n-th derivative of P(a, x) by a, elementwise."""
    return gamma_derivative(a, x, n).astype(np.result_type(a, x))


@gamma_by_shape.partials
def _(out: Array, a: Array, x: Array, *, n: int = 1) -> Iterator[Thunk]:
    yield lambda: gamma_by_shape(a, x, n=n + 1)
    yield lambda: operations.strong_product(_gamma_density(a, x), _gamma_moment(a, x, n))


def _gamma_moment(a: Array, x: Array, n: int) -> Array:
    found: Array = moment(n, [operations.log(x) - digamma(a), *(-polygamma(k, a) for k in range(1, n))])
    return found


@pointwise(scipy="gammaincc", types=_REAL, samples=_INCOMPLETE)
def gammaincc(a: Any, x: Any) -> Any:
    """Regularised upper incomplete gamma function 1 - P(a, x), elementwise, for a > 0 and x >= 0. [DLMF 8.2]

    >>> gammaincc(1.0, 2.0)
    array(0.13533528)
    """
    return special.gammaincc(a, x)


@gammaincc.partials
def _(out: Array, a: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -gamma_by_shape(a, x, n=1)
    yield lambda: -_gamma_density(a, x)


@pointwise(scipy="gammaincinv", types=_REAL, samples=_QUANTILES)
def gammaincinv(a: Any, y: Any) -> Any:
    """The x with ``gammainc(a, x) == y``, elementwise: the quantile of the gamma distribution with shape a.

    >>> gammaincinv(1.0, 0.5)
    array(0.69314718)
    """
    return special.gammaincinv(a, y)


@gammaincinv.partials
def _(out: Array, a: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: -gamma_by_shape(a, out, n=1) / _gamma_density(a, out)
    yield lambda: 1 / _gamma_density(a, out)


@pointwise(scipy="gammainccinv", types=_REAL, samples=_QUANTILES)
def gammainccinv(a: Any, y: Any) -> Any:
    """The x with ``gammaincc(a, x) == y``, elementwise.

    >>> gammainccinv(1.0, 0.5)
    array(0.69314718)
    """
    return special.gammainccinv(a, y)


@gammainccinv.partials
def _(out: Array, a: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: -gamma_by_shape(a, out, n=1) / _gamma_density(a, out)
    yield lambda: -1 / _gamma_density(a, out)


# Beta -----------------------------------------------------------------------------------------------------------------

_INCOMPLETE_BETA = [
    call(positive(3, 1), positive(3, 1), uniform(0.05, 0.95, 4)),
    call(points(0.5, 40.0), points(2.0, 30.0), points(0.1, 0.55)),
    call(2.0, 3.0, values(0.0, 1.0, 1.5, np.nan)),
]
_BETA_QUANTILES = [
    call(positive(3, 1), positive(3, 1), uniform(0.05, 0.95, 4)), call(2.0, 3.0, values(0.0, 1.0, np.nan)),
]  # fmt: skip


def _beta_density(a: Array, b: Array, x: Array) -> Array:
    density: Array = operations.exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))
    return density


@pointwise(
    scipy="betainc", samples=_INCOMPLETE_BETA,
    rejects=[reject(DTypeError, "betainc: expected 3 arguments, got 2", 1.0, normal(3))],
)  # fmt: skip
def betainc(a: Any, b: Any, x: Any) -> Any:
    """Regularised incomplete beta function I_x(a, b), elementwise, for a, b > 0 and 0 <= x <= 1. [DLMF 8.17]

    >>> betainc(2.0, 3.0, 0.5)
    array(0.6875)
    """
    return special.betainc(a, b, x)


@betainc.partials
def _(out: Array, a: Array, b: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: beta_by_shapes(a, b, x, i=1, j=0)
    yield lambda: beta_by_shapes(a, b, x, i=0, j=1)
    yield lambda: _beta_density(a, b, x)


@pointwise(
    types="fd", private=True,
    samples=[
        call(positive(3, 1), positive(3, 1), uniform(0.05, 0.95, 4), i=1, j=0),
        call(positive(2), positive(2), points(0.1, 0.7), i=1, j=1),
        call(2.0, 3.0, values(0.0, 1.0, 1.5), i=0, j=1),
    ],
)  # fmt: skip
def beta_by_shapes(a: Any, b: Any, x: Any, *, i: int = 1, j: int = 0) -> Any:
    """The derivative of I_x(a, b), i times by a and j times by b, elementwise."""
    return beta_derivative(a, b, x, i, j).astype(np.result_type(a, b, x))


@beta_by_shapes.partials
def _(out: Array, a: Array, b: Array, x: Array, *, i: int, j: int) -> Iterator[Thunk]:
    yield lambda: beta_by_shapes(a, b, x, i=i + 1, j=j)
    yield lambda: beta_by_shapes(a, b, x, i=i, j=j + 1)
    yield lambda: operations.strong_product(_beta_density(a, b, x), _beta_moment(a, b, x, i, j))


def _beta_moment(a: Array, b: Array, x: Array, i: int, j: int) -> Array:
    def cumulant(p: int, q: int) -> Array:
        order = p + q - 1
        found: Array = polygamma(order, a + b)
        if not q:
            found = found - polygamma(order, a)
        if not p:
            found = found - polygamma(order, b)
        if order == 0:
            found = found + (operations.log(x) if p else operations.log1p(-x))
        return found

    found: Array = mixed_moment(i, j, cumulant)
    return found


@pointwise(scipy="betaincc", samples=_INCOMPLETE_BETA)
def betaincc(a: Any, b: Any, x: Any) -> Any:
    """Complement of the regularised incomplete beta function, 1 - I_x(a, b), elementwise.

    >>> betaincc(2.0, 3.0, 0.5)
    array(0.3125)
    """
    return special.betaincc(a, b, x)


@betaincc.partials
def _(out: Array, a: Array, b: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -beta_by_shapes(a, b, x, i=1, j=0)
    yield lambda: -beta_by_shapes(a, b, x, i=0, j=1)
    yield lambda: -_beta_density(a, b, x)


@pointwise(scipy="betaincinv", samples=_BETA_QUANTILES)
def betaincinv(a: Any, b: Any, y: Any) -> Any:
    """The x with ``betainc(a, b, x) == y``, elementwise: the quantile of the beta distribution.

    >>> betaincinv(1.0, 1.0, 0.25)
    array(0.25)
    """
    return special.betaincinv(a, b, y)


@betaincinv.partials
def _(out: Array, a: Array, b: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: -beta_by_shapes(a, b, out, i=1, j=0) / _beta_density(a, b, out)
    yield lambda: -beta_by_shapes(a, b, out, i=0, j=1) / _beta_density(a, b, out)
    yield lambda: 1 / _beta_density(a, b, out)


@pointwise(scipy="betainccinv", samples=_BETA_QUANTILES)
def betainccinv(a: Any, b: Any, y: Any) -> Any:
    """The x with ``betaincc(a, b, x) == y``, elementwise.

    >>> betainccinv(1.0, 1.0, 0.25)
    array(0.75)
    """
    return special.betainccinv(a, b, y)


@betainccinv.partials
def _(out: Array, a: Array, b: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: -beta_by_shapes(a, b, out, i=1, j=0) / _beta_density(a, b, out)
    yield lambda: -beta_by_shapes(a, b, out, i=0, j=1) / _beta_density(a, b, out)
    yield lambda: -1 / _beta_density(a, b, out)


# Student's t ----------------------------------------------------------------------------------------------------------


_STUDENT = [call([[1.5], [4.0]], normal(4)), call([3.0], points(0.0)), call(3.0, values(-np.inf, np.inf, np.nan))]


@pointwise(scipy="stdtr", types="fd", samples=_STUDENT)
def stdtr(df: Any, t: Any) -> Any:
    """The probability that a number of Student's t distribution with df degrees of freedom is at most t, elementwise.

    The derivative by df has none by df again: that raises NotDifferentiableError.

    >>> stdtr(1.0, [0.0, 1.0])
    array([0.5 , 0.75])
    """
    return special.stdtr(df, t)


@stdtr.partials
def _(out: Array, df: Array, t: Array) -> Iterator[Thunk]:
    yield lambda: student_by_freedom(df, t)
    yield lambda: _student_density(df, t)


def _student_density(df: Array, t: Array) -> Array:
    density: Array = operations.exp((df + 1) * -0.5 * operations.log1p(t * t / df) - betaln(df / 2, 0.5))
    return density / operations.sqrt(df)


@pointwise(types="fd", private=True, samples=[call([3.0], normal(4)), call([3.0], points(0.0))])
def student_by_freedom(df: Any, t: Any) -> Any:
    """The derivative of stdtr by the degrees of freedom, elementwise."""
    # The tail is half of I_x(df / 2, 1 / 2) at x = df / (df + t²).
    x = df / (df + t * t)
    with np.errstate(all="ignore"):
        density = np.exp((df + 1) * -0.5 * np.log1p(t * t / df) - special.betaln(df / 2, 0.5)) / np.sqrt(df)
    tail = np.sign(t) * beta_derivative(df / 2, 0.5, x, 1, 0) / 4
    return (-tail - np.where(density == 0, 0, density * t) / (2 * df)).astype(t.dtype)


@student_by_freedom.partials
def _(out: Array, df: Array, t: Array) -> Iterator[Thunk]:
    yield refused("stdtr", "its first argument once more", "no formula for it is implemented")
    yield lambda: _student_density(df, t) * _student_score(df, t)


def _student_score(df: Array, t: Array) -> Array:
    """The derivative of the logarithm of the density by the degrees of freedom."""
    level = digamma((df + 1) / 2) - digamma(df / 2) - 1 / df
    square = t * t / df
    score: Array = (level - operations.log1p(square) + (df + 1) / df * (square / (1 + square))) / 2
    return score
