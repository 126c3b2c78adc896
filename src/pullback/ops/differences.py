"""Differences and sums of neighbours: diff, gradient, the trapezoidal rule, and phases without jumps."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import as_index, normalize_axes, normalize_axis
from pullback.core.operations import function, operations
from pullback.core.sample import call, integers, normal, points, positive, reject, values
from pullback.dtypes import FLOAT64, is_differentiable
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.joining import concatenate
from pullback.ops.reduction import sum
from pullback.ops.structural import as_array, as_arrays, ravel, reshape


def _along(axis: int, *cut: int | None) -> tuple[slice, ...]:
    """The index that takes a slice along one axis."""
    return (*[slice(None)] * axis, slice(*cut))


@function(
    np.diff,
    samples=[
        normal(4),
        call(normal(3, 4), n=2, axis=0),
        call(normal(3), n=0),
        call(normal(3), n=5),
        call(normal(3, 4), prepend=0.0, append=normal(3, 2)),
    ],
    rejects=[
        reject(ShapeError, "diff: expected at least one axis", normal()),
        reject(ArgumentError, "diff: expected n of at least 0, got -1", normal(3), n=-1),
        reject(ShapeError, "diff: axis 1 is out of range", normal(3), axis=1),
    ],
)
def diff(a: Any, n: int = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Array:
    """Difference of each element and the one before it along ``axis``, ``n`` times over.

    >>> diff([1.0, 4.0, 9.0])
    array([3., 5.])
    """
    a = as_array("diff", a)
    n = as_index("diff", "n", n)
    if n < 0:
        raise ArgumentError(f"diff: expected n of at least 0, got {n}")
    if not a.ndim:
        raise ShapeError("diff: expected at least one axis, got a 0-d array")
    if n == 0:
        return a
    axis = normalize_axis("diff", axis, a.ndim)

    def edge(values: Any) -> list[Array]:
        if values is None or values is np._NoValue:
            return []
        one = as_array("diff", values)
        shape = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
        return [one if one.ndim else operations.broadcast_to(one, shape)]

    before, after = edge(prepend), edge(append)
    if before or after:
        a = operations.concatenate([*before, a, *after], axis=axis)
    difference = operations.not_equal if a.dtype.kind == "b" else operations.subtract
    for _ in range(min(n, a.shape[axis])):
        later, earlier = (a[(*[slice(None)] * axis, cut)] for cut in (slice(1, None), slice(None, -1)))
        a = difference(later, earlier)
    return a


@function(
    np.ediff1d,
    samples=[
        normal(2, 3),
        normal(0),
        call(normal(4), to_end=normal(2)),
        call(normal(4), to_begin=0.5, to_end=[1.0, 2.0]),
        integers(0, 9, 4),
    ],
    rejects=[reject(DTypeError, "ediff1d: cannot put complex128 into an array of float64", normal(3), [1j])],
)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Array:
    """Difference of each element of the flattened array and the one before it, between ``to_begin`` and ``to_end``.

    >>> ediff1d([1.0, 4.0, 9.0], to_end=0.0)
    array([3., 5., 0.])
    """
    a = ravel(as_array("ediff1d", ary))

    def edge(values: Any) -> list[Array]:
        if values is None:
            return []
        one = as_array("ediff1d", values)
        weak = type(values) in (int, float)
        if not (np.can_cast(one.dtype, a.dtype, "same_kind") or (weak and a.dtype.kind in "fc")):
            raise DTypeError(f"ediff1d: cannot put {one.dtype} into an array of {a.dtype}. Use astype first")
        return [ravel(operations.astype(one, a.dtype))]

    return concatenate([*edge(to_begin), a[1:] - a[:-1], *edge(to_end)])


# Derivatives by differences -------------------------------------------------------------------------------------------


@function(
    np.gradient,
    samples=[
        normal(5),
        call(normal(4), 0.5),
        call(normal(4), points(0.0, 0.3, 1.0, 1.5)),
        call(normal(3, 4)),
        call(normal(3, 4), 2.0, points(0.0, 0.3, 1.0, 1.5), edge_order=2),
        call(normal(3, 4), positive(), axis=1, edge_order=2),
        call(normal(4), points(0.0, 1.0, 2.0, 3.0), edge_order=2),
        call(integers(0, 9, 4), values(0, 1, 3, 4)),
    ],
    rejects=[
        reject(ShapeError, "gradient: expected at least 3 elements along axis 0", normal(2), edge_order=2),
        reject(ArgumentError, "gradient: expected edge_order to be 1 or 2, got 3", normal(5), edge_order=3),
        reject(ArgumentError, "gradient: expected one spacing for all axes or one for each of 1", normal(5), 1.0, 2.0),
        reject(ShapeError, "gradient: expected a spacing that is a number or 5 coordinates", normal(5), [1.0, 2.0]),
        reject(ShapeError, "gradient: axis 1 is out of range", normal(5), axis=1),
    ],
)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """The derivative along each axis (or those named) of a function that f samples, by central differences.

    Args:
        f: the samples.
        varargs: the spacing, one number for all axes; or for each a number, or the coordinates along it.
        axis: along which axis or axes; a tuple of arrays is returned unless there is one only.
        edge_order: at the ends, of the line (1) or the parabola (2) through the samples there. [Fornberg 1988,
            Mathematics of Computation 51, 699-706]

    >>> gradient([1.0, 2.0, 4.0, 7.0])
    array([1. , 1.5, 2.5, 3. ])
    """
    f = as_array("gradient", f)
    axes = tuple(range(f.ndim)) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(normalize_axis("gradient", one, f.ndim) for one in axes)
    normalize_axes("gradient", axes, f.ndim)
    edge_order = as_index("gradient", "edge_order", edge_order)
    if edge_order not in (1, 2):
        raise ArgumentError(f"gradient: expected edge_order to be 1 or 2, got {edge_order}")
    if f.dtype.kind in "iu":
        f = operations.astype(f, FLOAT64)
    for one in axes:
        if f.shape[one] <= edge_order:
            raise ShapeError(
                f"gradient: expected at least {edge_order + 1} elements along axis {one}, got shape {f.shape}"
            )
    spacings = _spacings(f, axes, varargs)
    slopes = tuple(_slope(f, one, h, edge_order) for one, h in zip(axes, spacings, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _spacings(f: Array, axes: tuple[int, ...], given: tuple[Any, ...]) -> list[Any]:
    """For each axis the distance of the samples: a number, or an array that broadcasts with the differences of f."""
    if not given:
        return [1.0] * len(axes)
    if len(given) == 1 and as_array("gradient", given[0]).ndim == 0:
        return [given[0]] * len(axes)
    if len(given) != len(axes):
        raise ArgumentError(
            f"gradient: expected one spacing for all axes or one for each of {len(axes)}, got {len(given)}"
        )
    found: list[Any] = []
    for axis, one in zip(axes, given, strict=True):
        h = as_array("gradient", one)
        if not h.ndim:
            found.append(one)
        elif h.shape != (f.shape[axis],):
            raise ShapeError(
                f"gradient: expected a spacing that is a number or {f.shape[axis]} coordinates, got shape {h.shape}"
            )
        else:
            h = operations.astype(h, FLOAT64) if h.dtype.kind in "iu" else h
            found.append(reshape(diff(h), (-1,) + (1,) * (f.ndim - 1 - axis)))
    return found


def _slope(f: Array, axis: int, h: Any, edge_order: int) -> Array:
    def at(start: int, stop: int | None) -> Array:
        return f[_along(axis, start, stop)]

    def step(i: int) -> Any:
        return h if not getattr(h, "ndim", 0) else h[i : i + 1] if i >= 0 else h[h.shape[0] + i : h.shape[0] + i + 1]

    n = f.shape[axis]
    if getattr(h, "ndim", 0):
        left, right = h[:-1], h[1:]
        inner = at(2, None) * (left / (right * (left + right))) - at(0, n - 2) * (right / (left * (left + right)))
        inner = inner + at(1, n - 1) * ((right - left) / (left * right))
    else:
        inner = (at(2, None) - at(0, n - 2)) / (2.0 * h)
    if edge_order == 1:
        first, last = (at(1, 2) - at(0, 1)) / step(0), (at(n - 1, n) - at(n - 2, n - 1)) / step(-1)
    else:
        first = _parabola(at(0, 1), at(1, 2), at(2, 3), step(0), step(1))
        last = -_parabola(at(n - 1, n), at(n - 2, n - 1), at(n - 3, n - 2), step(-1), step(-2))
    result: Array = concatenate([first, inner, last], axis=axis)
    return operations.astype(result, f.dtype if is_differentiable(f.dtype) else FLOAT64)


def _parabola(end: Array, second: Array, third: Array, near: Any, far: Any) -> Array:
    """The slope at its end of the parabola through three samples, away from the end."""
    slope: Array = (
        second * ((near + far) / (near * far))
        - end * ((2.0 * near + far) / (near * (near + far)))
        - third * (near / (far * (near + far)))
    )
    return slope


@function(
    np.trapezoid,
    samples=[
        normal(5),
        call(normal(3, 4), dx=0.5, axis=0),
        call(normal(3, 4), normal(4)),
        call(normal(3, 4), normal(3, 4), axis=0),
        call(normal(3, 4), normal(3), axis=-2),
        integers(0, 9, 4),
        normal(1),
    ],
    rejects=[
        reject(ShapeError, "trapezoid: axis 1 is out of range", normal(3), axis=1),
        reject(ShapeError, "trapezoid: expected shapes that broadcast", normal(3), normal(5)),
    ],
)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Array:
    """The integral of samples y along ``axis`` by the trapezoidal rule, at coordinates x or at distance dx.

    >>> trapezoid([1.0, 2.0, 3.0], dx=2.0)
    array(8.)
    """
    y = as_array("trapezoid", y)
    axis = normalize_axis("trapezoid", axis, y.ndim)
    width = dx
    if x is not None:
        coordinates = as_arrays("trapezoid", y, x)[1]
        if coordinates.ndim == 1:
            width = reshape(diff(coordinates), (-1,) + (1,) * (y.ndim - 1 - axis))
        else:
            width = diff(coordinates, axis=axis - y.ndim + coordinates.ndim)
    heights = y[_along(axis, 1, None)] + y[_along(axis, 0, -1 if y.shape[axis] else 0)]
    return sum(width * heights / 2.0, axis=axis)


@function(
    np.unwrap,
    samples=[
        call(points(0.1, 2.0, 4.0, -2.0, 7.0, -9.0)),
        call(normal(2, 4), axis=0, period=1.3),
        call(normal(4), discont=4.0),
        call(points(0.1, 2.0, 4.0, -2.0), period=positive()),
        call(values(0, 3, 7, 1, 20), period=4),
        call(values(0, 3, 7, 1, 20), period=5),
        call(values(0.0, np.pi, 2 * np.pi, np.nan)),
    ],
    rejects=[reject(ShapeError, "unwrap: axis 1 is out of range", normal(3), axis=1)],
)
def unwrap(p: Any, discont: Any = None, axis: Any = -1, *, period: Any = 2 * np.pi) -> Array:
    """Add multiples of the period so that neighbours along ``axis`` differ by at most half of it.

    Differences below ``discont``, half the period by default, are left as they are.

    >>> unwrap([0.0, 3.0, 4.5], period=4.0)
    array([ 0. , -1. ,  0.5])
    """
    p = as_array("unwrap", p)
    axis = normalize_axis("unwrap", axis, p.ndim)
    step = diff(p, axis=axis)
    jump = period / 2 if discont is None else discont
    dtype = (step + period).dtype
    half = period / 2
    at_end: Any = True
    if not is_differentiable(dtype):
        half, odd = divmod(period, 2)
        at_end = odd == 0
    wrapped = operations.remainder(step + half, period) - half
    # Half a period up stays up.
    up = operations.logical_and(operations.logical_and(wrapped == -half, step > 0), at_end)
    wrapped = operations.where(up, half, wrapped)
    change = operations.where(operations.absolute(step) < jump, 0, wrapped - step)
    first = operations.astype(p[_along(axis, 0, 1)], dtype)
    rest = operations.astype(p[_along(axis, 1, None)] + operations.cumsum(change, axis=axis), dtype)
    return concatenate([first, rest], axis=axis)
