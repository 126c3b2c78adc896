"""Interpolation between the points of a curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import function, operations
from pullback.core.sample import call, normal, points, reject, uniform, values
from pullback.dtypes import FLOAT64
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.joining import concatenate
from pullback.ops.searching import find_place
from pullback.ops.sorting import argsort
from pullback.ops.structural import as_arrays
from pullback.ops.taking import take

_GRID = points(0.0, 0.4, 1.0, 1.7)


@function(
    np.interp,
    samples=[
        call(uniform(-0.5, 2.2, 2, 3), _GRID, normal(4)),
        call(0.7, _GRID, normal(4), left=-1.0),
        call(uniform(-0.5, 2.2, 5), _GRID, normal(4), left=normal(), right=normal()),
        call(uniform(-3.0, 5.0, 5), points(1.7, 0.1, 0.9), normal(3), period=2.0),
        call(uniform(-3.0, 5.0, 2), points(1.7, 0.1, 0.9), normal(3), period=points(-1.9)),
        call(values(-1.0, 0.5, 2.0, np.nan), values(0.5), normal(1)),
        call(values(-1.0, 0.0, 0.4, 1.0, 1.7, 3.0, np.nan, np.inf), _GRID, normal(4)),
        call(values(0.0, 0.5, 1.0, 1.5, 2.0), values(0.0, 1.0, 1.0, 2.0, 2.0), values(0.0, 1.0, 2.0, 3.0, 4.0)),
        call(values(0.0, 0.5, 1.0, 1.5, 2.0), values(0.0, 1.0, 2.0), values(np.inf, 1.0, -np.inf)),
        call(values(0.0, 0.5, 1.0, 2.0, 2.5, 3.0), values(0.0, 1.0, 2.0, 3.0), values(np.inf, np.inf, np.nan, 1.0)),
    ],
    rejects=[
        reject(ShapeError, "interp: expected at least one point", normal(3), [], []),
        reject(ShapeError, "interp: expected xp and fp of one length", normal(3), [0.0, 1.0], [0.0]),
        reject(ShapeError, "interp: expected xp and fp with one axis", normal(3), [[0.0]], [[0.0]]),
        reject(ArgumentError, "interp: expected a period that is not 0", normal(3), [0.0], [0.0], period=0),
        reject(DTypeError, "interp: expected real coordinates", normal(3), [1j], [0.0]),
    ],
)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Array:
    """The values at x of the curve that goes straight from point to point (xp, fp); xp must rise.

    The derivative by x at a point is the slope on its right, at the last one that on its left. fp may be complex.

    Args:
        x: where.
        xp: coordinates of the points.
        fp: their values.
        left: the value below xp[0], fp[0] by default.
        right: the value above xp[-1], fp[-1] by default.
        period: of the curve; xp may then come in any order, and left and right are not used.

    >>> interp([0.5, 3.0], [0.0, 1.0, 2.0], [0.0, 10.0, 40.0])
    array([ 5., 40.])
    """
    x, xp, fp = as_arrays("interp", x, xp, fp)
    if "c" in (x.dtype.kind, xp.dtype.kind):
        raise DTypeError(f"interp: expected real coordinates, got {x.dtype} and {xp.dtype}")
    if xp.ndim != 1 or fp.ndim != 1:
        raise ShapeError(f"interp: expected xp and fp with one axis, got shapes {xp.shape} and {fp.shape}")
    if xp.shape != fp.shape:
        raise ShapeError(f"interp: expected xp and fp of one length, got {xp.size} and {fp.size}")
    if not xp.size:
        raise ShapeError("interp: expected at least one point, got none")
    x, xp = operations.astype(x, FLOAT64), operations.astype(xp, FLOAT64)
    fp = operations.astype(fp, np.dtype(complex) if fp.dtype.kind == "c" else FLOAT64)
    if period is not None:
        x, xp, fp = _repeated(x, xp, fp, period)
        left = right = None
    left, right = fp[0] if left is None else left, fp[-1] if right is None else right
    between = fp[0] if xp.size == 1 else _between(x, xp, fp)
    result: Array = operations.where(x < xp[0], left, operations.where(x > xp[-1], right, between))
    return result


def _repeated(x: Array, xp: Array, fp: Array, period: Any) -> tuple[Array, Array, Array]:
    """All coordinates within one period, the points in order with one more at each end."""
    if not isinstance(period, Array) and period == 0:
        raise ArgumentError("interp: expected a period that is not 0")
    period = operations.absolute(period)
    x, xp = operations.remainder(x, period), operations.remainder(xp, period)
    order = argsort(xp, kind="stable")
    xp, fp = take(xp, order), take(fp, order)
    return x, concatenate([xp[-1:] - period, xp, xp[:1] + period]), concatenate([fp[-1:], fp, fp[:1]])


def _between(x: Array, xp: Array, fp: Array) -> Array:
    """On the line through the points on both sides of x, of all points the first two or the last two if need be."""
    nearest = operations.maximum(find_place(xp, x, side="right") - 1, 0)
    place = operations.minimum(nearest, xp.size - 2)
    x0, x1, f0, f1 = take(xp, place), take(xp, place + 1), take(fp, place), take(fp, place + 1)
    slope = (f1 - f0) / (x1 - x0)
    at, value = take(xp, nearest), take(fp, nearest)
    line: Array = value + slope * (x - at)
    if not _is_plain(xp, fp):
        other = f1 + slope * (x - x1)
        other = operations.where(operations.logical_and(operations.isnan(other), f0 == f1), f0, other)
        lost = operations.logical_and(operations.isnan(line), operations.logical_not(operations.isnan(x)))
        line = operations.where(lost, other, line)
        exact = operations.logical_and(x == at, operations.logical_not(operations.isfinite(slope)))
        line = operations.where(exact, value, line)
    return line


def _is_plain(xp: Array, fp: Array) -> bool:
    """Whether the lines between the points are known to be finite: then nothing is looked after."""
    known, values = xp._node.value, fp._node.value
    if known is None or values is None:
        return False
    return bool(np.all(np.diff(known) > 0) and np.all(np.isfinite(values)))
