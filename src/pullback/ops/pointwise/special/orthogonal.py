"""Orthogonal polynomials of degree n, differentiated by their argument. Degrees need not be integers. [DLMF 18.9]"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import operations
from pullback.core.primitive import Thunk, refused
from pullback.core.sample import call, normal, positive, uniform, values
from pullback.core.scipy import special

_INSIDE = [
    call(3, uniform(-0.9, 0.9, 3, 4)), call([0.0, 1.0, 2.0, 2.5], uniform(-0.9, 0.9, 2, 4)), call(2, values(1.0))
]  # fmt: skip
_ANYWHERE = [call(3, normal(3, 4)), call([0, 1, 2, 4], normal(2, 4)), call(2, values(0.0, 1e3, np.nan))]


def _refused(name: str, count: int) -> Iterator[Thunk]:
    for which in ("first", "second", "third")[:count]:
        yield refused(name, f"its {which} argument", "no formula for it is implemented")


def _lowered(n: Array, slope: Callable[[Array], Array]) -> Array:
    """The slope, made of polynomials of degree n - 1; 0 for a constant."""
    constant = operations.equal(n, 0)
    found: Array = operations.where(constant, 0, slope(operations.where(constant, 1, n) - 1))
    return found


@pointwise(scipy="eval_legendre", samples=_INSIDE)
def eval_legendre(n: Any, x: Any) -> Any:
    """Legendre polynomial of degree n, elementwise.

    Raises NotDifferentiableError when a derivative by n is asked for.

    >>> eval_legendre(2, 0.5)
    array(-0.125)
    """
    return special.eval_legendre(n, x)


@eval_legendre.partials
def _(out: Array, n: Array, x: Array) -> Iterator[Thunk]:
    yield from _refused("eval_legendre", 1)
    yield lambda: _lowered(n, lambda m: eval_gegenbauer(m, 1.5, x))


@pointwise(scipy="eval_chebyt", samples=_INSIDE)
def eval_chebyt(n: Any, x: Any) -> Any:
    """Chebyshev polynomial of the first kind of degree n, elementwise.

    Raises NotDifferentiableError when a derivative by n is asked for.

    >>> eval_chebyt(2, 0.5)
    array(-0.5)
    """
    return special.eval_chebyt(n, x)


@eval_chebyt.partials
def _(out: Array, n: Array, x: Array) -> Iterator[Thunk]:
    yield from _refused("eval_chebyt", 1)
    yield lambda: _lowered(n, lambda m: (m + 1) * eval_chebyu(m, x))


@pointwise(scipy="eval_chebyu", samples=_INSIDE)
def eval_chebyu(n: Any, x: Any) -> Any:
    """Chebyshev polynomial of the second kind of degree n, elementwise.

    Raises NotDifferentiableError when a derivative by n is asked for.

    >>> eval_chebyu(2, 0.5)
    array(0.)
    """
    return special.eval_chebyu(n, x)


@eval_chebyu.partials
def _(out: Array, n: Array, x: Array) -> Iterator[Thunk]:
    yield from _refused("eval_chebyu", 1)
    yield lambda: _lowered(n, lambda m: 2 * eval_gegenbauer(m, 2.0, x))


@pointwise(
    scipy="eval_gegenbauer",
    samples=[call(3, 0.75, uniform(-0.9, 0.9, 3, 4)), call([0.0, 1.0, 2.5], 1.5, uniform(-0.9, 0.9, 3))],
)  # fmt: skip
def eval_gegenbauer(n: Any, alpha: Any, x: Any) -> Any:
    """Gegenbauer polynomial of degree n for the weight (1 - x²)**(alpha - 1/2), elementwise.

    Raises NotDifferentiableError when a derivative by n or alpha is asked for.

    >>> eval_gegenbauer(2, 0.5, 0.5)
    array(-0.125)
    """
    return special.eval_gegenbauer(n, alpha, x)


@eval_gegenbauer.partials
def _(out: Array, n: Array, alpha: Array, x: Array) -> Iterator[Thunk]:
    yield from _refused("eval_gegenbauer", 2)
    yield lambda: _lowered(n, lambda m: 2 * alpha * eval_gegenbauer(m, alpha + 1, x))


@pointwise(
    scipy="eval_jacobi",
    samples=[call(3, 0.75, 0.5, uniform(-0.9, 0.9, 3, 4)), call([0.0, 1.0, 2.5], 1.5, 0.0, uniform(-0.9, 0.9, 3))],
)  # fmt: skip
def eval_jacobi(n: Any, alpha: Any, beta: Any, x: Any) -> Any:
    """Jacobi polynomial of degree n for the weight (1 - x)**alpha (1 + x)**beta, elementwise.

    Raises NotDifferentiableError when a derivative by n, alpha or beta is asked for.

    >>> eval_jacobi(2, 0.0, 0.0, 0.5)
    array(-0.125)
    """
    return special.eval_jacobi(n, alpha, beta, x)


@eval_jacobi.partials
def _(out: Array, n: Array, alpha: Array, beta: Array, x: Array) -> Iterator[Thunk]:
    yield from _refused("eval_jacobi", 3)
    yield lambda: _lowered(n, lambda m: (m + alpha + beta + 2) / 2 * eval_jacobi(m, alpha + 1, beta + 1, x))


@pointwise(scipy="eval_laguerre", samples=_ANYWHERE)
def eval_laguerre(n: Any, x: Any) -> Any:
    """Laguerre polynomial of degree n, elementwise.

    Raises NotDifferentiableError when a derivative by n is asked for.

    >>> eval_laguerre(2, 1.0)
    array(-0.5)
    """
    return special.eval_laguerre(n, x)


@eval_laguerre.partials
def _(out: Array, n: Array, x: Array) -> Iterator[Thunk]:
    yield from _refused("eval_laguerre", 1)
    yield lambda: _lowered(n, lambda m: -eval_genlaguerre(m, 1.0, x))


@pointwise(
    scipy="eval_genlaguerre",
    samples=[call(3, 0.75, normal(3, 4)), call([0.0, 1.0, 2.0], 1.5, positive(3))],
)  # fmt: skip
def eval_genlaguerre(n: Any, alpha: Any, x: Any) -> Any:
    """Generalised Laguerre polynomial of degree n for the weight x**alpha exp(-x), elementwise.

    Raises NotDifferentiableError when a derivative by n or alpha is asked for.

    >>> eval_genlaguerre(2, 0.0, 1.0)
    array(-0.5)
    """
    return special.eval_genlaguerre(n, alpha, x)


@eval_genlaguerre.partials
def _(out: Array, n: Array, alpha: Array, x: Array) -> Iterator[Thunk]:
    yield from _refused("eval_genlaguerre", 2)
    yield lambda: _lowered(n, lambda m: -eval_genlaguerre(m, alpha + 1, x))


@pointwise(scipy="eval_hermite", samples=_ANYWHERE)
def eval_hermite(n: Any, x: Any) -> Any:
    """Hermite polynomial of integer degree n for the weight exp(-x²), elementwise.

    Raises NotDifferentiableError when a derivative by n is asked for.

    >>> eval_hermite(2, 1.0)
    array(2.)
    """
    return special.eval_hermite(n, x)


@eval_hermite.partials
def _(out: Array, n: Array, x: Array) -> Iterator[Thunk]:
    yield from _refused("eval_hermite", 1)
    yield lambda: _lowered(n, lambda m: 2 * (m + 1) * eval_hermite(m, x))


@pointwise(scipy="eval_hermitenorm", samples=_ANYWHERE)
def eval_hermitenorm(n: Any, x: Any) -> Any:
    """Hermite polynomial of integer degree n for the weight exp(-x²/2), elementwise.

    Raises NotDifferentiableError when a derivative by n is asked for.

    >>> eval_hermitenorm(2, 1.0)
    array(0.)
    """
    return special.eval_hermitenorm(n, x)


@eval_hermitenorm.partials
def _(out: Array, n: Array, x: Array) -> Iterator[Thunk]:
    yield from _refused("eval_hermitenorm", 1)
    yield lambda: _lowered(n, lambda m: (m + 1) * eval_hermitenorm(m, x))
