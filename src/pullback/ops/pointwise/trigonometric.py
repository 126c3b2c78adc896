"""Trigonometric functions and their inverses."""

from __future__ import annotations

from collections.abc import Iterator
from math import factorial
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, points, reject, uniform, values
from pullback.errors import DTypeError, ShapeError
from pullback.ops.pointwise.arithmetic import reciprocal
from pullback.ops.pointwise.power import hypot, sqrt

_ANGLES = [normal(3, 4), normal(), normal(0, 3), values(0.0, -0.0, 1e5, np.inf, np.nan)]
_SINES = [uniform(-0.9, 0.9, 3, 4), uniform(-0.9, 0.9), values(0.0, -0.0, 1.0, -1.0, 2.0, np.nan)]


@pointwise(finite_partials=True, samples=_ANGLES)
def sin(x: Any) -> Any:
    """Sine of x, elementwise; x in radians, any shape, floating or complex. [DLMF 4.20]

    >>> sin(0.0)
    array(0.)
    """
    return np.sin(x)


@sin.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: cos(x)


@pointwise(finite_partials=True, samples=_ANGLES)
def cos(x: Any) -> Any:
    """Cosine of x, elementwise; x in radians, any shape, floating or complex. [DLMF 4.20]

    >>> cos(0.0)
    array(1.)
    """
    return np.cos(x)


@cos.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -sin(x)


@pointwise(samples=[uniform(-1.3, 1.3, 3, 4), uniform(-1.3, 1.3), values(0.0, -0.0, 1e5, np.inf, np.nan)])
def tan(x: Any) -> Any:
    """Tangent of x, elementwise; x in radians, floating or complex. [DLMF 4.20]

    >>> tan(0.0)
    array(0.)
    """
    return np.tan(x)


@tan.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: out * out + 1


@pointwise(samples=_SINES)
def arcsin(x: Any) -> Any:
    """Angle from -pi/2 to pi/2 whose sine is x, elementwise; floating (NaN outside -1 to 1) or complex. [DLMF 4.24]

    >>> arcsin(0.0)
    array(0.)
    """
    return np.arcsin(x)


@arcsin.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: reciprocal(sqrt((1 - x) * (1 + x)))  # 1 - x*x would lose digits near 1


@pointwise(samples=_SINES)
def arccos(x: Any) -> Any:
    """Angle from 0 to pi whose cosine is x, elementwise; floating (NaN outside -1 to 1) or complex. [DLMF 4.24]

    >>> arccos(1.0)
    array(0.)
    """
    return np.arccos(x)


@arccos.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -reciprocal(sqrt((1 - x) * (1 + x)))


@pointwise(samples=[*_ANGLES, values(-np.inf, 1e300)])
def arctan(x: Any) -> Any:
    """Angle from -pi/2 to pi/2 whose tangent is x, elementwise; floating or complex. [DLMF 4.24]

    >>> arctan(0.0)
    array(0.)
    """
    return np.arctan(x)


@arctan.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: reciprocal(x * x + 1)


@pointwise(
    samples=[
        call(normal(3, 4), normal(3, 4)),
        call(normal(3, 1), normal(4)),
        call(points(1.0, -1.0, 0.0), points(0.0, 0.0, 2.0)),
        call(values(0.0, -0.0, 0.0, np.inf, np.nan), values(0.0, -1.0, -0.0, np.inf, 1.0)),
    ],
    rejects=[
        reject(ShapeError, "arctan2: expected shapes that broadcast", normal(3), normal(4)),
        reject(DTypeError, "arctan2: expected floating dtypes, got complex128, float64", 1j, 2.0),
    ],
)
def arctan2(y: Any, x: Any) -> Any:
    """Angle of the point (x, y) from -pi to pi, elementwise; floating. Its derivatives at (0, 0) are 0. [DLMF 4.23]

    >>> arctan2(0.0, 1.0)
    array(0.)
    """
    return np.arctan2(y, x)


@arctan2.partials
def _(out: Array, y: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: _over_square(x, y, x)
    yield lambda: -_over_square(y, y, x)


def _over_square(numerator: Array, y: Array, x: Array) -> Array:
    """Numerator / (x*x + y*y), without overflow or underflow; 0 with all its derivatives at (0, 0)."""
    radius = hypot(x, y)
    radius = operations.where(radius == 0, np.inf, radius)
    return numerator / radius / radius


@pointwise(finite_partials=True, samples=_ANGLES, rejects=[reject(DTypeError, "degrees: expected floating dtypes", 1j)])
def degrees(x: Any) -> Any:
    """The angle x in degrees, elementwise; x in radians, floating.

    >>> degrees(np.pi)
    array(180.)
    """
    return np.degrees(x)


@degrees.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 180 / np.pi


@pointwise(finite_partials=True, samples=_ANGLES, rejects=[reject(DTypeError, "rad2deg: expected floating dtypes", 1j)])
def rad2deg(x: Any) -> Any:
    """The angle x in degrees, elementwise; x in radians, floating.

    >>> rad2deg(np.pi)
    array(180.)
    """
    return np.rad2deg(x)


@rad2deg.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 180 / np.pi


@pointwise(finite_partials=True, samples=_ANGLES, rejects=[reject(DTypeError, "radians: expected floating dtypes", 1j)])
def radians(x: Any) -> Any:
    """The angle x in radians, elementwise; x in degrees, floating.

    >>> radians(180.0)
    array(3.14159265)
    """
    return np.radians(x)


@radians.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: np.pi / 180


@pointwise(finite_partials=True, samples=_ANGLES, rejects=[reject(DTypeError, "deg2rad: expected floating dtypes", 1j)])
def deg2rad(x: Any) -> Any:
    """The angle x in radians, elementwise; x in degrees, floating.

    >>> deg2rad(180.0)
    array(3.14159265)
    """
    return np.deg2rad(x)


@deg2rad.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: np.pi / 180


_SINC_SERIES_TERMS = 20


@pointwise(
    numpy=np.sinc,
    types="?bBhHiIlLefdgFDG",
    finite_partials=True,
    samples=[
        normal(3, 4),
        normal(),
        normal(0, 3),
        points(0.0, 1.0, -0.3, 1e-6, 2.5),
        values(0.0, -0.0, np.inf, np.nan),
    ],
)
def sinc(x: Any, *, order: int = 0) -> Any:
    """Sine of pi x over pi x, elementwise, 1 at 0, or its derivative of this order; integers give float64.

    >>> sinc([0.0, 0.5])
    array([1.        , 0.63661977])
    """
    # With y = pi x and f = sin(y) / y: y f^(n) + n f^(n-1) = sin^(n)(y) gives one derivative from the one before where
    # y is large; where that would lose digits the Taylor series of f, differentiated n times, takes its place.
    if order == 0:
        return np.sinc(x)
    y = np.asarray(np.pi * x)
    small = np.abs(y) < max(1, order)
    far = np.where(small, 1, y)
    f = np.sin(far) / far
    for n in range(1, order + 1):
        f = (np.sin(far + n * (np.pi / 2)) - n * f) / far
    near = np.where(small, y, 0)
    series = np.zeros_like(y)
    for m in reversed(range((order + 1) // 2, order + _SINC_SERIES_TERMS)):
        # Horner's rule in y*y for the sum of (-1)^m y^(2m - order) / ((2m + 1) (2m - order)!)
        coefficient = (-1) ** m / ((2 * m + 1) * factorial(2 * m - order))
        series = series * near * near + coefficient
    if order % 2:
        series = series * near
    return (np.where(small, series, f) * np.pi**order).astype(x.dtype if x.dtype.kind in "fc" else float)


@sinc.partials
def _(out: Array, x: Array, *, order: int = 0) -> Iterator[Thunk]:
    yield lambda: sinc(x, order=order + 1)
