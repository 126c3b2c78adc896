"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.primitive import Thunk
from pullback.core.sample import normal, values


@pointwise(finite_partials=True, samples=[normal(3, 4), values(0.0, 1e5, np.nan)])
def sin(x: Any) -> Any:
    """Sine of x, elementwise; x in radians, any shape, floating or complex. [DLMF 4.20]

    >>> sin(0.0)
    array(0.)
    """
    return np.sin(x)


@sin.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: cos(x)


@pointwise(finite_partials=True, samples=[normal(3, 4), values(0.0, 1e5, np.nan)])
def cos(x: Any) -> Any:
    """Cosine of x, elementwise; x in radians, any shape, floating or complex. [DLMF 4.20]

    >>> cos(0.0)
    array(1.)
    """
    return np.cos(x)


@cos.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -sin(x)
