"""The order of axes, and of what stands along them: transpose, moveaxis, flip and their kin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, as_index, normalize_axes, normalize_axis
from pullback.core.families import linear, shifted
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, reject
from pullback.errors import ShapeError
from pullback.ops.structural import as_array


@linear(
    samples=[call(normal(2, 3, 4), axes=(2, 0, 1)), call(normal(), axes=()), call(normal(0, 3), axes=(1, 0))],
    rejects=[reject(ShapeError, "permute: expected each axis of shape (2, 3) once", normal(2, 3), axes=(0, 0))],
)
def permute(x: Any, *, axes: tuple[int, ...]) -> Any:
    """The axes of x in another order: axis i of the result is axis ``axes[i]`` of x."""
    return x.transpose(axes)


@permute.infer
def _(x: Aval, *, axes: tuple[int, ...]) -> Aval:
    if sorted(axes) != list(range(x.ndim)):
        raise ShapeError(f"permute: expected each axis of shape {x.shape} once, got axes {axes}")
    return Aval(tuple(x.shape[axis] for axis in axes), x.dtype)


@permute.transpose
def _(ct: Array, x: Array, *, axes: tuple[int, ...]) -> Iterator[Thunk]:
    yield lambda: permute(ct, axes=inverse(axes))


@permute.batching
def _(batched: Sequence[bool], x: Array, *, axes: tuple[int, ...]) -> Array:
    return permute(x, axes=(0, *shifted(axes)))


def inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that undoes this one."""
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def permuted(x: Array, axes: tuple[int, ...]) -> Array:
    """The axes of x in this order; x itself where that is the order they have."""
    return x if axes == tuple(range(x.ndim)) else permute(x, axes=axes)


@function(
    (np.transpose, np.permute_dims),
    samples=[normal(2, 3, 4), call(normal(2, 3, 4), (1, 0, -1)), normal(), normal(3)],
    rejects=[
        reject(ShapeError, "transpose: expected each axis of shape (2, 3) once, got axes (0, 0)", normal(2, 3), (0, 0)),
        reject(ShapeError, "axis 2 is out of range", normal(2, 3), (0, 2)),
        reject(ShapeError, "once", normal(2, 3), (0,)),
    ],
)
def transpose(a: Any, axes: Any = None) -> Array:
    """Return a with its axes in the order ``axes``, by default reversed.

    >>> transpose([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 3.],
           [2., 4.]])
    """
    a = as_array("transpose", a)
    if axes is None:
        return permuted(a, tuple(range(a.ndim))[::-1])
    given = tuple(axes) if np.iterable(axes) else (axes,)
    order = tuple(normalize_axis("transpose", axis, a.ndim) for axis in given)
    if sorted(order) != list(range(a.ndim)):
        raise ShapeError(f"transpose: expected each axis of shape {a.shape} once, got axes {given}")
    return permuted(a, order)


operations.provide("permute_dims", transpose)


def transpose_method(x: Array, *axes: Any) -> Array:
    """``x.transpose()``, ``x.transpose(1, 0)`` or ``x.transpose((1, 0))``."""
    if not axes:
        return transpose(x)
    return transpose(x, axes[0] if len(axes) == 1 else axes)


operations.provide("transpose_method", transpose_method)


@function(
    np.matrix_transpose,
    samples=[normal(2, 3, 4), normal(3, 4)],
    rejects=[reject(ShapeError, "matrix_transpose: expected at least 2 axes, got shape (3,)", normal(3))],
)
def matrix_transpose(x: Any, /) -> Array:
    """Return x with its last two axes swapped.

    >>> matrix_transpose([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 3.],
           [2., 4.]])
    """
    x = as_array("matrix_transpose", x)
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose: expected at least 2 axes, got shape {x.shape}")
    return swapaxes(x, -1, -2)


@function(
    np.swapaxes,
    samples=[call(normal(2, 3, 4), 0, -1), call(normal(2, 3), 1, 1)],
    rejects=[reject(ShapeError, "swapaxes: axis 2 is out of range", normal(2, 3), 0, 2)],
)
def swapaxes(a: Any, axis1: Any, axis2: Any) -> Array:
    """Return a with two axes swapped.

    >>> swapaxes([[1.0, 2.0]], 0, 1).shape
    (2, 1)
    """
    a = as_array("swapaxes", a)
    axis1, axis2 = normalize_axis("swapaxes", axis1, a.ndim), normalize_axis("swapaxes", axis2, a.ndim)
    axes = list(range(a.ndim))
    axes[axis1], axes[axis2] = axis2, axis1
    return permuted(a, tuple(axes))


def _in_order(operation: str, axes: Any, ndim: int) -> list[int]:
    """Axes as distinct numbers from 0, in the order given."""
    given = tuple(axes) if np.iterable(axes) else (axes,)
    normalize_axes(operation, given, ndim)
    return [normalize_axis(operation, axis, ndim) for axis in given]


@function(
    np.moveaxis,
    samples=[call(normal(2, 3, 4), 0, -1), call(normal(2, 3, 4), (0, 1), (-1, 0))],
    rejects=[
        reject(ShapeError, "moveaxis: axis 3 is out of range", normal(2, 3, 4), 3, 0),
        reject(ShapeError, "named twice", normal(2, 3, 4), (0, 0), (0, 1)),
        reject(ShapeError, "as many", normal(2, 3, 4), (0, 1), 0),
    ],
)
def moveaxis(a: Any, source: Any, destination: Any) -> Array:
    """Return a with the axes ``source`` at the places ``destination``; the others keep their order.

    >>> import pullback as pb
    >>> moveaxis(pb.array([[[1.0, 2.0]]]), -1, 0).shape
    (2, 1, 1)
    """
    a = as_array("moveaxis", a)
    taken = _in_order("moveaxis", source, a.ndim)
    places = _in_order("moveaxis", destination, a.ndim)
    if len(taken) != len(places):
        raise ShapeError(f"moveaxis: expected as many destinations as sources, got {len(places)} and {len(taken)}")
    order = [axis for axis in range(a.ndim) if axis not in taken]
    for place, axis in sorted(zip(places, taken, strict=True)):
        order.insert(place, axis)
    return permuted(a, tuple(order))


@function(
    np.rollaxis,
    samples=[call(normal(2, 3, 4), 2), call(normal(2, 3, 4), 0, 3), call(normal(2, 3, 4), 1, -1)],
    rejects=[
        reject(ShapeError, "rollaxis: axis 3 is out of range", normal(2, 3, 4), 3),
        reject(ShapeError, "rollaxis: axis 4 is out of range", normal(2, 3, 4), 0, 4),
    ],
)
def rollaxis(a: Any, axis: Any, start: Any = 0) -> Array:
    """Return a with one axis moved back until it is before the axis that is at ``start``.

    >>> import pullback as pb
    >>> rollaxis(pb.array([[[1.0, 2.0]]]), 2).shape
    (2, 1, 1)
    """
    a = as_array("rollaxis", a)
    axis = normalize_axis("rollaxis", axis, a.ndim)
    start = as_index("rollaxis", "start", start)
    start = start + a.ndim if start < 0 else start
    start = normalize_axis("rollaxis", start, a.ndim + 1)
    return moveaxis(a, axis, start - 1 if axis < start else start)


# Along an axis -----------------------------------------------------------------------------------------------------


@linear(
    name="flip",
    samples=[call(normal(2, 3, 4), axes=(0, 2)), call(normal(3), axes=(0,))],
    rejects=[reject(ShapeError, "flip: expected axes of shape (3,)", normal(3), axes=(1,))],
    axis_params=("axes",),
)
def reverse(x: Any, *, axes: tuple[int, ...]) -> Any:
    """What stands along ``axes`` in reverse order."""
    return np.flip(x, axes)


@reverse.infer
def _(x: Aval, *, axes: tuple[int, ...]) -> Aval:
    if not all(0 <= axis < x.ndim for axis in axes):
        raise ShapeError(f"flip: expected axes of shape {x.shape}, got {axes}")
    return x


@reverse.transpose
def _(ct: Array, x: Array, *, axes: tuple[int, ...]) -> Iterator[Thunk]:
    yield lambda: reverse(ct, axes=axes)


@function(
    np.flip,
    samples=[normal(2, 3), call(normal(2, 3), 0), call(normal(2, 3, 4), (0, -1)), normal()],
    rejects=[reject(ShapeError, "flip: axis 1 is out of range", normal(3), 1)],
)
def flip(m: Any, axis: Any = None) -> Array:
    """Return m with the order of what stands along ``axis`` (None: every axis) reversed.

    >>> flip([1.0, 2.0, 3.0])
    array([3., 2., 1.])
    """
    m = as_array("flip", m)
    axes = normalize_axes("flip", axis, m.ndim)
    return reverse(m, axes=axes) if axes else m


@function(np.flipud, samples=[normal(2, 3), normal(3)], rejects=[reject(ShapeError, "flipud", normal())])
def flipud(m: Any) -> Array:
    """Return m upside down: reversed along its first axis.

    >>> flipud([[1.0], [2.0]])
    array([[2.],
           [1.]])
    """
    m = as_array("flipud", m)
    return reverse(m, axes=(normalize_axis("flipud", 0, m.ndim),))


@function(np.fliplr, samples=[normal(2, 3)], rejects=[reject(ShapeError, "fliplr: axis 1 is out of range", normal(3))])
def fliplr(m: Any) -> Array:
    """Return m with left and right exchanged: reversed along its second axis.

    >>> fliplr([[1.0, 2.0]])
    array([[2., 1.]])
    """
    m = as_array("fliplr", m)
    return reverse(m, axes=(normalize_axis("fliplr", 1, m.ndim),))


@function(
    np.rot90,
    samples=[normal(2, 3), call(normal(2, 3), 2), call(normal(2, 3, 4), -1, (1, 2)), call(normal(2, 3), 4)],
    rejects=[
        reject(ShapeError, "rot90: expected two axes", normal(2, 3), 1, (0,)),
        reject(ShapeError, "named twice", normal(2, 3), 1, (0, -2)),
        reject(ShapeError, "out of range", normal(3)),
    ],
)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Array:
    """Return m turned ``k`` times by 90 degrees, from the first of the two axes towards the second.

    >>> rot90([[1.0, 2.0], [3.0, 4.0]])
    array([[2., 4.],
           [1., 3.]])
    """
    m = as_array("rot90", m)
    plane = _in_order("rot90", axes, m.ndim)
    if len(plane) != 2:
        raise ShapeError(f"rot90: expected two axes, got {axes}")
    first, second = plane
    turns = as_index("rot90", "k", k) % 4
    if turns == 0:
        return m
    if turns == 2:
        return flip(m, (first, second))
    if turns == 1:
        return swapaxes(flip(m, second), first, second)
    return flip(swapaxes(m, first, second), second)
