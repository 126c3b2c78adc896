"""Products with logarithms in which 0 log 0 is 0: what likelihoods and entropies are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, points, positive, reject, uniform, values
from pullback.core.scipy import special
from pullback.errors import DTypeError, ShapeError

_WEAK = "dfDF"  # SciPy's ufuncs give double precision for single and a Python number; here that takes the other's dtype


def _ratio(x: Array, y: Array) -> Array:
    """The quotient x / y, which is 0 for 0 / 0: the derivative of x log y by y, by which 0 log y does not change."""
    undefined = operations.logical_and(operations.equal(x, 0), operations.equal(y, 0))
    ratio: Array = x / operations.where(undefined, 1, y)
    return ratio


def _product(x: Array, y: Array, logarithm: Array) -> Array:
    """The product of x and a logarithm of y, which is 0 where x is 0 unless y is NaN."""
    nothing = operations.logical_and(operations.equal(x, 0), operations.logical_not(operations.isnan(y)))
    product: Array = operations.where(nothing, 0, x * logarithm)
    return product


@pointwise(
    scipy="xlogy",
    types=_WEAK,
    samples=[
        call(normal(3, 4), positive(3, 4)),
        call(normal(3, 1), positive(4)),
        call(values(0.0, 0.0, 0.0, 1.0, 1.0), values(0.0, np.inf, np.nan, 0.0, -1.0)),
    ],
    rejects=[reject(ShapeError, "xlogy: expected shapes that broadcast together", normal(3), positive(4))],
)
def xlogy(x: Any, y: Any) -> Any:
    """Product x log(y), elementwise, which is 0 where x is 0 (unless y is NaN); floating or complex.

    >>> xlogy(0.0, 0.0), xlogy(2.0, 1.0)
    (array(0.), array(0.))
    """
    return special.xlogy(x, y)


@xlogy.composed
def _(x: Array, y: Array) -> Array:
    return _product(x, y, operations.log(y))


@xlogy.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: operations.log(y)
    yield lambda: _ratio(x, y)


@pointwise(
    scipy="xlog1py",
    types=_WEAK,
    samples=[
        call(normal(3, 4), positive(3, 4)),
        call(normal(3), points(1e-10)),
        call(values(0.0, 0.0, 0.0, 1.0, 1.0), values(-1.0, np.inf, np.nan, -1.0, -2.0)),
    ],
)
def xlog1py(x: Any, y: Any) -> Any:
    """Product x log(1 + y), elementwise, exact for small y; 0 where x is 0 (unless y is NaN); floating or complex.

    >>> xlog1py(0.0, -1.0), xlog1py(1.0, 1e-20)
    (array(0.), array(1.e-20))
    """
    return special.xlog1py(x, y)


@xlog1py.composed
def _(x: Array, y: Array) -> Array:
    return _product(x, y, operations.log1p(y))


@xlog1py.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: operations.log1p(y)
    yield lambda: _ratio(x, 1 + y)


@pointwise(
    scipy="entr", types="fd", samples=[positive(3, 4), values(0.0, 1.0, -1.0, np.inf, np.nan)],
    rejects=[reject(DTypeError, "entr: expected floating dtypes, got complex128", 1j)],
)  # fmt: skip
def entr(x: Any) -> Any:
    """A term of an entropy, -x log(x), elementwise; 0 at 0, -inf for negative x.

    >>> entr([0.0, 0.5])
    array([0.        , 0.34657359])
    """
    return special.entr(x)


@entr.composed
def _(x: Array) -> Array:
    term: Array = operations.where(operations.less(x, 0), -np.inf, -_product(x, x, operations.log(x)))
    return term


@entr.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -1 - operations.log(x)


_PAIRS = call(values(0.0, 0.0, 1.0, -1.0, 1.0, np.nan), values(0.0, 1.0, 0.0, 1.0, np.inf, 1.0))


@pointwise(scipy="rel_entr", samples=[call(positive(3, 4), positive(3, 4)), call(uniform(0.2, 1.0, 3), 0.5), _PAIRS])
def rel_entr(x: Any, y: Any) -> Any:
    """A term of a relative entropy, x log(x / y), elementwise; 0 at x = 0 <= y, inf outside of x > 0, y > 0.

    >>> rel_entr(0.5, 0.25)
    array(0.34657359)
    """
    return special.rel_entr(x, y)


@rel_entr.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: operations.log(x / y) + 1
    yield lambda: -_ratio(x, y)


@pointwise(scipy="kl_div", samples=[call(positive(3, 4), positive(3, 4)), call(uniform(0.2, 1.0, 3), 0.5), _PAIRS])
def kl_div(x: Any, y: Any) -> Any:
    """A term of a Kullback-Leibler divergence that is never negative, x log(x / y) - x + y, elementwise.

    >>> kl_div(0.5, 0.25)
    array(0.09657359)
    """
    return special.kl_div(x, y)


@kl_div.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: operations.log(x / y)
    yield lambda: 1 - _ratio(x, y)
