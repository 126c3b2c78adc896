"""Hypergeometric functions, differentiated by their argument."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.primitive import Thunk, refused
from pullback.core.sample import call, normal, uniform, values
from pullback.core.scipy import special


def _by_parameters(name: str, count: int) -> Iterator[Thunk]:
    for which in ("first", "second", "third")[:count]:
        yield refused(name, f"its {which} argument", "no formula for it is implemented")


@pointwise(scipy="hyp0f1", samples=[call(1.5, normal(3, 4)), call(2.0, values(0.0, np.nan))])
def hyp0f1(v: Any, z: Any) -> Any:
    """Confluent hypergeometric limit function 0F1(v; z), elementwise; floating or complex. [DLMF 16.2]

    Raises NotDifferentiableError when a derivative by v is asked for.

    >>> hyp0f1(0.5, 0.25)
    array(1.54308063)
    """
    return special.hyp0f1(v, z)


@hyp0f1.partials
def _(out: Array, v: Array, z: Array) -> Iterator[Thunk]:
    yield from _by_parameters("hyp0f1", 1)
    yield lambda: hyp0f1(v + 1, z) / v


@pointwise(
    scipy="hyp1f1",
    samples=[
        call(0.5, 1.5, normal(3, 4)),
        call(-2.0, 0.5, normal(3)),
        call(1.0, 2.0, values(0.0, 20.0, 1e300, np.inf, np.nan)),
    ],
)  # fmt: skip
def hyp1f1(a: Any, b: Any, x: Any) -> Any:
    """Kummer's confluent hypergeometric function 1F1(a; b; x), elementwise; floating or complex. [DLMF 13.2]

    Raises NotDifferentiableError when a derivative by a or b is asked for.

    >>> hyp1f1(1.0, 1.0, 1.0)
    array(2.71828183)
    """
    if x.dtype.kind != "c":
        # All but polynomials are infinite from far below on, where SciPy's series may never come to an end.
        x = np.where((a <= 0) & (a == np.floor(a)), x, np.minimum(x, x.dtype.type(1e4)))
    return special.hyp1f1(a, b, x)


@hyp1f1.partials
def _(out: Array, a: Array, b: Array, x: Array) -> Iterator[Thunk]:
    yield from _by_parameters("hyp1f1", 2)
    yield lambda: a / b * hyp1f1(a + 1, b + 1, x)


@pointwise(
    scipy="hyp2f1",
    samples=[
        call([0.5], 1.0, 1.5, uniform(-2.0, 0.9, 3, 4)),
        call([-2.0], 0.5, 1.5, normal(3)),
        call([1.0], 1.0, 2.0, values(0.0, 0.5, np.nan)),
    ],
)  # fmt: skip
def hyp2f1(a: Any, b: Any, c: Any, z: Any) -> Any:
    """Gauss's hypergeometric function 2F1(a, b; c; z), elementwise; floating or complex. [DLMF 15.2]

    Raises NotDifferentiableError when a derivative by a, b or c is asked for.

    >>> hyp2f1(1.0, 1.0, 2.0, 0.5)
    array(1.38629436)
    """
    return special.hyp2f1(a, b, c, z)


@hyp2f1.partials
def _(out: Array, a: Array, b: Array, c: Array, z: Array) -> Iterator[Thunk]:
    yield from _by_parameters("hyp2f1", 3)
    yield lambda: a * b / c * hyp2f1(a + 1, b + 1, c + 1, z)
