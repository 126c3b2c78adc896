"""Elementary functions without cancellation, angles in degrees, the Box-Cox transform, Huber's losses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import function, operations, scipy_overrides
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, points, positive, reject, uniform, values
from pullback.core.scipy import special
from pullback.errors import DTypeError

_REAL = "fd"  # SciPy's ufuncs of two arguments give double for single and a Python number; here numbers are weak
_EDGES = values(0.0, -0.0, 1.0, -1.0, 800.0, -800.0, np.inf, -np.inf, np.nan)

scipy_overrides["round"] = "rint"
scipy_overrides["sinc"] = "sinc"


# Without cancellation -------------------------------------------------------------------------------------------------


@pointwise(scipy="exprel", samples=[normal(3, 4), points(0.0, 1e-9, -30.0, 30.0), _EDGES])
def exprel(x: Any) -> Any:
    """Relative error of the exponential, (exp(x) - 1) / x, elementwise; 1 at 0.

    >>> exprel([0.0, 1e-10, 1.0])
    array([1.        , 1.        , 1.71828183])
    """
    return special.exprel(x)


@exprel.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: exponential_moment(x, n=1)


@pointwise(
    types="fd", private=True,
    samples=[call(normal(3, 4), n=1), call(points(0.0, -40.0, 30.0), n=2), call(_EDGES, n=1)],
    rejects=[reject(DTypeError, "exponential_moment: expected floating dtypes, got complex128", 1j, n=1)],
)  # fmt: skip
def exponential_moment(x: Any, *, n: int = 1) -> Any:
    """The integral of tⁿ exp(x t) over t from 0 to 1, elementwise: the n-th derivative of exprel. [DLMF 13.4.1]"""
    within = np.clip(x.astype(float), -1e300, 1e4)  # beyond, it is 0 and infinite, and SciPy may never come to an end
    return special.hyp1f1(n + 1.0, n + 2.0, within).astype(x.dtype) / (n + 1)


@exponential_moment.partials
def _(out: Array, x: Array, *, n: int = 1) -> Iterator[Thunk]:
    yield lambda: exponential_moment(x, n=n + 1)


@pointwise(
    types="fd", private=True,
    samples=[call(positive(3, 4), n=0), call(points(0.0, -0.5, 40.0), n=1), call(values(-1.0, 1e300, np.nan), n=1)],
    rejects=[reject(DTypeError, "logarithmic_moment: expected floating dtypes, got complex128", 1j, n=1)],
)  # fmt: skip
def logarithmic_moment(x: Any, *, n: int = 1) -> Any:
    """The integral of tⁿ / (1 + x t)ⁿ⁺¹ over t from 0 to 1, elementwise; log(1 + x) / x for n = 0. [DLMF 15.6.1]"""
    with np.errstate(all="ignore"):
        found = special.log1p(x) / x
        for k in range(1, n + 1):  # by parts; digits cancel where x is not large
            found = (found - (1 + x) ** -float(k) / k) / x
        near = special.hyp2f1(n + 1.0, n + 1.0, n + 2.0, -np.minimum(x, 2.0)) / (n + 1)
    return np.where(x > 1, found, near).astype(x.dtype)


@logarithmic_moment.partials
def _(out: Array, x: Array, *, n: int = 1) -> Iterator[Thunk]:
    yield lambda: -(n + 1) * logarithmic_moment(x, n=n + 1)


@pointwise(scipy="cosm1", samples=[normal(3, 4), points(1e-9, 20.0), values(0.0, 1e-200, np.nan)])
def cosm1(x: Any) -> Any:
    """Cosine less 1, cos(x) - 1, elementwise, exact for small x.

    >>> cosm1(1e-10)
    array(-5.e-21)
    """
    return special.cosm1(x)


@cosm1.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -operations.sin(x)


@pointwise(scipy="exp10", samples=[normal(3, 4), values(0.0, 2.0, -400.0, 400.0, np.inf, -np.inf, np.nan)])
def exp10(x: Any) -> Any:
    """Power of ten, 10**x, elementwise.

    >>> exp10(3.0)
    array(1000.)
    """
    return special.exp10(x)


@exp10.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: math.log(10) * out


@pointwise(
    scipy="powm1", types=_REAL,
    samples=[call(positive(3, 4), normal(3, 4)), call(points(1.0 + 1e-9), points(0.5)), call(values(0.0, 1.0), 0.5)],
)  # fmt: skip
def powm1(x: Any, y: Any) -> Any:
    """Power less 1, x to the power y - 1, elementwise, exact where that is small.

    >>> powm1(1.0, 5.0), powm1(1e10, 1e-20)
    (array(0.), array(2.30258509e-19))
    """
    return special.powm1(x, y)


@powm1.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: y * operations.power(x, y - 1)
    yield lambda: operations.power(x, y) * operations.log(x)


# Angles in degrees ----------------------------------------------------------------------------------------------------

_DEGREE = math.pi / 180
_ANGLES = [uniform(-80.0, 80.0, 3, 4), values(0.0, 30.0, 360.0, np.nan)]


@pointwise(scipy="sindg", samples=_ANGLES)
def sindg(x: Any) -> Any:
    """Sine of x in degrees, elementwise, exact at multiples of 90.

    >>> sindg([30.0, 90.0])
    array([0.5, 1. ])
    """
    return special.sindg(x)


@sindg.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: _DEGREE * cosdg(x)


@pointwise(scipy="cosdg", samples=_ANGLES)
def cosdg(x: Any) -> Any:
    """Cosine of x in degrees, elementwise, exact at multiples of 90.

    >>> cosdg([60.0, 180.0])
    array([ 0.5, -1. ])
    """
    return special.cosdg(x)


@cosdg.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -_DEGREE * sindg(x)


@pointwise(scipy="tandg", samples=_ANGLES)
def tandg(x: Any) -> Any:
    """Tangent of x in degrees, elementwise.

    >>> tandg([45.0, 180.0])
    array([1., 0.])
    """
    return special.tandg(x)


@tandg.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: _DEGREE * (1 + out * out)


@pointwise(scipy="cotdg", samples=[uniform(10.0, 170.0, 3, 4), values(30.0, 90.0, np.nan)])
def cotdg(x: Any) -> Any:
    """Cotangent of x in degrees, elementwise.

    >>> cotdg([45.0, 90.0])
    array([1., 0.])
    """
    return special.cotdg(x)


@cotdg.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -_DEGREE * (1 + out * out)


# The Box-Cox transform ------------------------------------------------------------------------------------------------

_TRANSFORMED = [call(positive(3, 4), normal(3, 1)), call(points(0.5, 2.0), points(0.0, 1e-9))]
_GIVEN = [call(positive(3, 4), uniform(0.1, 2.0, 3, 1)), call(points(-0.5, 2.0), points(0.0, 1e-9))]


@pointwise(scipy="boxcox", types=_REAL, samples=[*_TRANSFORMED, call(values(0.0, 1.0, -1.0, np.nan), 0.5)])
def boxcox(x: Any, lmbda: Any) -> Any:
    """Box-Cox transform (x**lmbda - 1) / lmbda, elementwise, and log(x) for lmbda = 0.

    >>> boxcox([4.0, 4.0], [0.5, 0.0])
    array([2.        , 1.38629436])
    """
    return special.boxcox(x, lmbda)


@boxcox.partials
def _(out: Array, x: Array, lmbda: Array) -> Iterator[Thunk]:
    yield lambda: operations.power(x, lmbda - 1)
    yield lambda: _by_power(operations.log(x), lmbda)


@pointwise(scipy="boxcox1p", types=_REAL, samples=[*_TRANSFORMED, call(values(-1.0, 1e-20, -2.0, np.nan), 0.5)])
def boxcox1p(x: Any, lmbda: Any) -> Any:
    """Box-Cox transform of 1 + x, elementwise, exact for small x.

    >>> boxcox1p(1e-20, 0.5)
    array(1.e-20)
    """
    return special.boxcox1p(x, lmbda)


@boxcox1p.partials
def _(out: Array, x: Array, lmbda: Array) -> Iterator[Thunk]:
    yield lambda: operations.power(1 + x, lmbda - 1)
    yield lambda: _by_power(operations.log1p(x), lmbda)


def _by_power(logarithm: Array, lmbda: Array) -> Array:
    """The derivative of logarithm * exprel(lmbda * logarithm) by lmbda; 1 / lmbda**2 where the logarithm is -inf."""
    end = operations.logical_and(operations.equal(logarithm, -np.inf), lmbda > 0)
    inside = operations.where(end, 1, logarithm)
    slope = inside * inside * exponential_moment(lmbda * inside, n=1)
    found: Array = operations.where(end, 1 / operations.where(end, lmbda, 1) ** 2, slope)
    return found


@pointwise(scipy="inv_boxcox", types=_REAL, samples=[*_GIVEN, call(values(0.0, -2.0, np.nan), 0.5)])
def inv_boxcox(y: Any, lmbda: Any) -> Any:
    """The x whose Box-Cox transform is y, elementwise.

    >>> inv_boxcox([2.0, 0.0], [0.5, 0.0])
    array([4., 1.])
    """
    return special.inv_boxcox(y, lmbda)


@inv_boxcox.partials
def _(out: Array, y: Array, lmbda: Array) -> Iterator[Thunk]:
    yield lambda: out / (1 + lmbda * y)
    yield lambda: -out * y * y * logarithmic_moment(lmbda * y, n=1)


@pointwise(scipy="inv_boxcox1p", types=_REAL, samples=[*_GIVEN, call(values(0.0, -2.0, np.nan), 0.5)])
def inv_boxcox1p(y: Any, lmbda: Any) -> Any:
    """The x for which the Box-Cox transform of 1 + x is y, elementwise.

    >>> inv_boxcox1p(2.0, 0.5)
    array(3.)
    """
    return special.inv_boxcox1p(y, lmbda)


@inv_boxcox1p.partials
def _(out: Array, y: Array, lmbda: Array) -> Iterator[Thunk]:
    yield lambda: (1 + out) / (1 + lmbda * y)
    yield lambda: -(1 + out) * y * y * logarithmic_moment(lmbda * y, n=1)


# Huber's losses -------------------------------------------------------------------------------------------------------


_RESIDUALS = [
    call(1.0, normal(3, 4)), call(positive(3, 1), normal(4)), call(values(0.0, 1.0, -1.0), values(0.0, 1.0, 1.0))
]  # fmt: skip


@pointwise(types=_REAL, private=True, samples=_RESIDUALS)
def huber_penalty(delta: Any, r: Any) -> Any:
    """Huber's loss of the residual r, quadratic up to the size delta."""
    return special.huber(delta, r)


@huber_penalty.partials
def _(out: Array, delta: Array, r: Array) -> Iterator[Thunk]:
    yield lambda: operations.maximum(operations.absolute(r) - delta, 0)
    yield lambda: operations.clip(r, -delta, delta)


@function(
    scipy="huber", name="special.huber", samples=_RESIDUALS,
    rejects=[reject(DTypeError, "huber: expected floating dtypes, got float64, complex128", 1.0, 1j)],
)  # fmt: skip
def huber(delta: Any, r: Any) -> Array:
    """Huber's loss, r**2 / 2 where abs(r) <= delta and delta (abs(r) - delta / 2) beyond; inf for negative delta.

    >>> huber(1.0, [0.5, 3.0])
    array([0.125, 2.5  ])
    """
    return huber_penalty(delta, r)


@pointwise(scipy="pseudo_huber", types=_REAL, samples=_RESIDUALS)
def pseudo_huber(delta: Any, r: Any) -> Any:
    """A smooth form of Huber's loss, delta**2 (sqrt(1 + (r / delta)**2) - 1), elementwise; inf for negative delta.

    >>> pseudo_huber(1.0, [0.0, np.sqrt(3.0)])
    array([0., 1.])
    """
    return special.pseudo_huber(delta, r)


@pseudo_huber.partials
def _(out: Array, delta: Array, r: Array) -> Iterator[Thunk]:
    yield lambda: _by_delta(delta, r)
    yield lambda: r * delta / _distance(delta, r)


def _distance(delta: Array, r: Array) -> Array:
    """The hypotenuse; 1 where both are 0, so that the derivatives are 0 there."""
    both = operations.logical_and(operations.equal(delta, 0), operations.equal(r, 0))
    distance: Array = operations.hypot(operations.where(both, 1, delta), r)
    return distance


def _by_delta(delta: Array, r: Array) -> Array:
    distance = _distance(delta, r)
    ratio = r * r / (delta + distance)
    return ratio * ratio / distance
