"""Functional updates, ``x.at[i].set(v)``, and NumPy's functions that update in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import normalize_axis
from pullback.core.operations import function, operations
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.indexing import adjacent, gather, scatter_add, scatter_set
from pullback.ops.inplace import rebind
from pullback.ops.selection import where
from pullback.ops.structural import as_array, as_arrays, ravel, refit, reshape, stretch
from pullback.ops.subscript import Plan, converted, fitted, getitem, masked, plan, setitem, update
from pullback.ops.taking import along, wrapped

Combine = Callable[[Any, Any], Any]


def update_at(name: str, x: Any, index: Any, values: Any, combine: Combine | None = None) -> Array:
    """Return x with ``ufunc.at(x, index, values)`` done, for the ufunc of this name (or what stands for it).

    Where an index comes twice, both values are applied, one after the other. For all but ``add`` and ``subtract`` that
    needs the values of an array of indices, to see whether one does.
    """
    operation = f"{name}.at"
    x = as_array(operation, x)
    values = converted(operation, x, values)
    if name == "subtract":
        name, values, combine = "add", operations.negative(values), None
    combine = combine or getattr(operations, name)
    spread = masked(operation, x, index, values)
    if spread is not None:
        mask, values = spread
        return where(mask, converted(operation, x, combine(x, values)), x)

    def change(part: Array, value: Array, steps: Plan) -> Array:
        if not steps.indices:
            return converted(operation, x, combine(part, value))
        if name == "add":
            return scatter_add(part, value, *steps.indices, axes=steps.axes, unique=steps.unique)
        return _in_turn(operation, part, value, steps, combine)

    steps = plan(index, x.shape)
    return update(x, steps, fitted(operation, values, steps.shape), change)


def _in_turn(operation: str, part: Array, value: Array, steps: Plan, combine: Combine) -> Array:
    """Combine in rounds, in each of which no place comes twice."""
    indices = [one._concrete(f"{operation}, where an index may come twice,").ravel() for one in steps.indices]
    place = steps.axes[0] if adjacent(steps.axes) else 0
    count = indices[0].size
    value = refit(value, shape=(*value.shape[:place], count, *value.shape[place + steps.indices[0].ndim :]))
    lengths = [part.shape[axis] for axis in steps.axes]
    places = np.zeros(count, np.intp)
    for index, length in zip(indices, lengths, strict=True):
        places = places * length + index % length
    for chosen in _rounds(places):
        now = [index[chosen] for index in indices]
        old = gather(part, *now, axes=steps.axes, unique=True)
        new = combine(old, value if len(chosen) == count else gather(value, chosen, axes=(place,), unique=True))
        part = scatter_set(part, converted(operation, part, new), *now, axes=steps.axes, unique=True)
    return part


def _rounds(places: Any) -> list[Any]:
    """Divide positions into rounds: those of first occurrences of a place, of second ones, and so on."""
    order = np.argsort(places, kind="stable")
    ranked = places[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if places.size else np.zeros(0, np.intp)
    rank = np.empty_like(places)
    rank[order] = np.arange(places.size) - np.repeat(starts, np.diff(np.r_[starts, places.size]))
    return [np.flatnonzero(rank == turn) for turn in range(rank.max() + 1 if rank.size else 0)]


class At:
    """What ``x.at`` gives: indexed, it offers the updates of that part."""

    __slots__ = ("_array",)

    def __init__(self, array: Array) -> None:
        self._array = array

    def __getitem__(self, index: Any) -> Place:
        """Return the place that ``index`` stands for."""
        return Place(self._array, index)


class Place:
    """A part of an array, ``x.at[i]``, with the updates that give a new array and leave x.

    >>> import pullback as pb
    >>> x = pb.array([1.0, 2.0, 3.0])
    >>> x.at[[0, 0]].add(10.0)
    array([21.,  2.,  3.])
    >>> x
    array([1., 2., 3.])
    """

    __slots__ = ("_array", "_index")

    def __init__(self, array: Array, index: Any) -> None:
        self._array = array
        self._index = index

    def get(self) -> Array:
        """Return ``x[i]``."""
        return getitem(self._array, self._index)

    def set(self, values: Any) -> Array:
        """Return x with ``x[i] = values``; where an index comes twice the last value stays."""
        return setitem(self._array, self._index, values)

    def add(self, values: Any) -> Array:
        """Return x with the values added to ``x[i]``; where an index comes twice both are added."""
        return update_at("add", self._array, self._index, values)

    def subtract(self, values: Any) -> Array:
        """Return x with the values subtracted from ``x[i]``, as ``add``."""
        return update_at("subtract", self._array, self._index, values)

    def multiply(self, values: Any) -> Array:
        """Return x with ``x[i]`` multiplied by the values; where an index comes twice by both, one after the other."""
        return update_at("multiply", self._array, self._index, values)

    def divide(self, values: Any) -> Array:
        """Return x with ``x[i]`` divided by the values, as ``multiply``."""
        return update_at("divide", self._array, self._index, values)

    def power(self, values: Any) -> Array:
        """Return x with ``x[i]`` raised to the values, as ``multiply``."""
        return update_at("power", self._array, self._index, values)

    def min(self, values: Any) -> Array:
        """Return x with ``x[i]`` no greater than the values."""
        return update_at("minimum", self._array, self._index, values)

    def max(self, values: Any) -> Array:
        """Return x with ``x[i]`` no less than the values."""
        return update_at("maximum", self._array, self._index, values)


operations.provide("at", At)
operations.provide("update_at", update_at)


# NumPy's functions that update in place ----------------------------------------------------------------------------


def update_in_place(name: str, ufunc: Callable[..., Any], a: Any, indices: Any, *b: Any) -> None:
    """``ufunc.at(a, indices, b)``, or without b for a ufunc of one operand: the handle points at the updated array."""

    def combine(part: Any, value: Any) -> Any:
        return ufunc(part, value) if b else ufunc(part)

    (values,) = b or (0,)
    rebind(f"{name}.at", a, update_at(name, a, indices, values, combine))


operations.provide("update_in_place", update_in_place)


@function(np.put_along_axis, samples=(), differentiable=False)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    """Put values at ``indices`` along ``axis`` of arr: the handle points at the updated array.

    >>> import pullback as pb
    >>> a = pb.array([[3.0, 1.0], [2.0, 4.0]])
    >>> put_along_axis(a, [[1], [0]], 0.0, axis=1)
    >>> a
    array([[3., 0.],
           [0., 4.]])
    """
    x, indices = as_arrays("put_along_axis", arr, indices)
    shape = x.shape
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis("put_along_axis", axis, x.ndim)
    updated = setitem(x, along("put_along_axis", x.shape, indices, axis), values)
    rebind("put_along_axis", arr, reshape(updated, shape))


@function(np.put, samples=(), differentiable=False)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Put values at indices of the flattened array: the handle points at the updated array.

    >>> import pullback as pb
    >>> a = pb.array([1.0, 2.0, 3.0])
    >>> put(a, [0, 2], 9.0)
    >>> a
    array([9., 2., 9.])
    """
    x, ind = as_arrays("put", a, ind)
    v = ravel(as_array("put", v))
    if not ind.size or not v.size:
        return
    places = wrapped("put", ravel(ind), x.size, mode)
    rebind("put", a, reshape(setitem(ravel(x), places, operations.resize(v, (ind.size,))), x.shape))


@function(np.place, samples=(), differentiable=False)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """Put the values, again from the first as often as needed, where the mask holds, whose value must be known.

    >>> import pullback as pb
    >>> a = pb.array([1.0, 2.0, 3.0])
    >>> place(a, [True, False, True], [7.0, 8.0])
    >>> a
    array([7., 2., 8.])
    """
    x = as_array("place", arr)
    chosen = np.asarray(as_array("place", mask)._concrete("the mask of place")).astype(bool)
    if chosen.size != x.size:
        raise ShapeError(f"place: expected a mask of shape {x.shape}, got {chosen.shape}")
    chosen = chosen.reshape(x.shape)
    vals = ravel(as_array("place", vals))
    count = int(chosen.sum())
    if count and not vals.size:
        raise ArgumentError("place: expected at least one value, got none")
    rebind("place", arr, setitem(x, chosen, operations.resize(vals, (count,))))


@function(np.putmask, samples=(), differentiable=False)
def putmask(a: Any, /, mask: Any, values: Any) -> None:
    """Put ``values``, repeated to the size of a, where the mask holds: the handle points at the updated array.

    >>> import pullback as pb
    >>> a = pb.array([1.0, 2.0, 3.0])
    >>> putmask(a, [True, False, True], [7.0, 8.0, 9.0])
    >>> a
    array([7., 2., 9.])
    """
    x, mask = as_arrays("putmask", a, mask)
    if mask.shape != x.shape:
        raise ShapeError(f"putmask: expected a mask of shape {x.shape}, got {mask.shape}")
    values = converted("putmask", x, values)
    if values.size:
        rebind("putmask", a, where(mask, operations.resize(values, x.shape), x))


@function(np.copyto, samples=(), differentiable=False)
def copyto(dst: Any, src: Any, *, casting: str = "same_kind", where: Any = True) -> None:
    """Put ``src`` into dst, where the mask ``where`` holds: the handle points at the updated array.

    ``casting`` says which dtypes may be converted to that of dst, as in NumPy.

    >>> import pullback as pb
    >>> a = pb.array([1.0, 2.0])
    >>> copyto(a, 3.0)
    >>> a
    array([3., 3.])
    """
    x, mask = as_arrays("copyto", dst, where)
    values = as_array("copyto", src)
    if not np.can_cast(values.dtype, x.dtype, casting):  # type: ignore[arg-type]  # NumPy checks the word
        raise DTypeError(f"copyto: cannot put {values.dtype} into an array of {x.dtype} (casting={casting!r})")
    values = fitted("copyto", operations.astype(values, x.dtype), x.shape)
    whole = mask.ndim == 0 and mask._node.value is not None and bool(mask._node.value)
    chosen = values if whole else operations.where(stretch(mask, x.shape), values, x)
    rebind("copyto", dst, chosen)
