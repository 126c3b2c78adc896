"""Choosing between arrays element by element, and finding where something holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, broadcast_shapes
from pullback.core.families import linear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import booleans, call, integers, normal, reject, values
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.promotion import promoted
from pullback.ops.structural import as_array, as_arrays, keep_array, stretch, zeros_like


@linear(
    name="select",
    arguments=(1, 2),
    samples=[call(booleans(3, 4), normal(3, 4), normal(3, 4)), call(booleans(), normal(), normal())],
    rejects=[
        reject(ShapeError, "select: expected one shape", booleans(3), normal(3), normal(4)),
    ],
    stacks=True,
)
def pick(condition: Any, x: Any, y: Any) -> Any:
    """The element of x where the condition holds, of y elsewhere; all of one shape, x and y of one dtype."""
    if not condition.shape == x.shape == y.shape:
        raise ShapeError(f"select: expected one shape, got {condition.shape}, {x.shape} and {y.shape}")
    return np.where(condition, x, y)


@pick.infer
def _(condition: Aval, x: Aval, y: Aval) -> Aval:
    if not condition.shape == x.shape == y.shape:
        raise ShapeError(f"select: expected one shape, got {condition.shape}, {x.shape} and {y.shape}")
    if condition.dtype.kind != "b" or x.dtype != y.dtype:
        raise DTypeError(f"select: expected a boolean and two of one dtype, got {condition}, {x} and {y}")
    return x


@pick.transpose
def _(ct: Array, condition: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield None
    yield lambda: pick(condition, ct, zeros_like(ct))
    yield lambda: pick(condition, zeros_like(ct), ct)


@function(
    np.where,
    samples=[
        call(booleans(3, 4), normal(3, 4), normal(3, 4)),
        call(booleans(3, 1), normal(4), 0.0),
        call(integers(0, 2, 3), normal(3), normal()),
        call(values(0.0, 1.0, np.nan), values(np.inf, 1.0, 2.0), values(np.nan, -np.inf, 3.0)),
    ],
    rejects=[
        reject(ShapeError, "where: expected shapes that broadcast together", booleans(3), normal(4), 0.0),
        reject(ArgumentError, "where: expected both x and y, or neither", booleans(3), normal(3)),
        reject(DTypeError, "where: expected an array or a number, got str", booleans(3), normal(3), "a"),
    ],
)
def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    """Return the elements of x where the condition holds and those of y elsewhere.

    The three broadcast, x and y are promoted, as NumPy does. No gradient reaches an element that was not chosen, not
    even NaN. With the condition alone: the indices where it holds, as ``nonzero``.

    >>> where([True, False], 1.0, [2.0, 3.0])
    array([1., 3.])
    """
    if x is None and y is None:
        return nonzero(condition)
    if x is None or y is None:
        raise ArgumentError("where: expected both x and y, or neither")
    x, y = promoted("where", x, y)
    condition = keep_array("where", condition, x._node.watched or y._node.watched)
    if condition.dtype.kind != "b":
        condition = operations.astype(condition, bool)
    shape = broadcast_shapes("where", condition.shape, x.shape, y.shape)
    return pick(stretch(condition, shape), stretch(x, shape), stretch(y, shape))


@function(np.nonzero, samples=[values(0.0, 1.0, 2.0), booleans(3, 4)], differentiable=False)
def nonzero(a: Any) -> tuple[Array, ...]:
    """Return the indices of the elements that are not zero, one array for each axis. It needs the value of a.

    >>> nonzero([0.0, 3.0, 4.0])
    (array([1, 2]),)
    """
    a = as_array("nonzero", a)
    if not a.ndim:
        raise ShapeError("nonzero: expected at least one axis, got a 0-d array. Use atleast_1d")
    return tuple(as_array("nonzero", indices) for indices in a._concrete("nonzero").nonzero())


@function(np.argwhere, samples=[values(0.0, 1.0, 2.0), booleans(3, 4), integers(0, 2)], differentiable=False)
def argwhere(a: Any) -> Array:
    """Return the indices of the elements that are not zero, one row for each. It needs the value of a.

    >>> argwhere([0.0, 3.0, 4.0])
    array([[1],
           [2]])
    """
    a = as_array("argwhere", a)
    return as_array("argwhere", np.argwhere(a._concrete("argwhere")))


@function(np.flatnonzero, samples=[values(0.0, 1.0, 2.0), booleans(3, 4)], differentiable=False)
def flatnonzero(a: Any) -> Array:
    """Return the indices of the elements of the flattened array that are not zero. It needs the value of a.

    >>> flatnonzero([[0.0, 3.0], [4.0, 0.0]])
    array([1, 2])
    """
    a = as_array("flatnonzero", a)
    return as_array("flatnonzero", np.flatnonzero(a._concrete("flatnonzero")))


@function(
    np.select,
    samples=[
        call([booleans(3), booleans(3)], [normal(3), normal(3)]),
        call([booleans(2, 1), booleans(3)], [normal(3), 1.0], -1.0),
        call([booleans(3)], [normal(3)], normal(3)),
    ],
    rejects=[
        reject(ArgumentError, "select: expected as many conditions as choices, got 1 and 2", [[True]], [1.0, 2.0]),
        reject(ArgumentError, "select: expected at least one condition", [], []),
        reject(DTypeError, "select: expected boolean conditions, got float64", [[1.0]], [1.0]),
    ],
)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Array:
    """Return, at each place, the element of the first choice whose condition holds there, else the default.

    >>> select([[True, False, False], [True, True, False]], [1.0, 2.0], 3.0)
    array([1., 2., 3.])
    """
    for name, given in (("conditions", condlist), ("choices", choicelist)):
        if not np.iterable(given) or isinstance(given, (str, dict, set)):
            raise DTypeError(f"select: expected a list of {name}, got {type(given).__name__}")
    if len(condlist) != len(choicelist):
        raise ArgumentError(
            f"select: expected as many conditions as choices, got {len(condlist)} and {len(choicelist)}"
        )
    if not len(condlist):
        raise ArgumentError("select: expected at least one condition, got none")
    conditions = as_arrays("select", *condlist)
    for condition in conditions:
        if condition.dtype.kind != "b":
            raise DTypeError(f"select: expected boolean conditions, got {condition.dtype}")
    *choices, result = promoted("select", *choicelist, default)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = where(condition, choice, result)
    return result
