"""What ``x[...]`` means: every form of NumPy's indexing, read and updated, by the primitives of indexing.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import operations
from pullback.core.record import apply
from pullback.core.terminals import constant_node
from pullback.dtypes import is_differentiable
from pullback.errors import DTypeError, IndexingError, NotDifferentiableError, ShapeError
from pullback.ops.indexing import (
    Entry,
    Index,
    adjacent,
    cut,
    cut_shape,
    gather,
    gathered_shape,
    overwrite,
    scatter_set,
)
from pullback.ops.permuting import inverse, permute
from pullback.ops.structural import as_array, as_arrays, refit, stretch


class Plan(NamedTuple):
    """An index, taken apart into the steps that read it; an update goes through them in reverse.

    Attributes:
        basic: what ``slice`` does first.
        cut: the shape that this leaves.
        spread: that shape with the new axes of None.
        indices: arrays of indices of one shape, none if the index is basic.
        axes: the axes that they are on.
        unique: that no element is taken twice is known.
        order: how the axes are permuted at last, or None.
        shape: the shape of the result.
    """

    basic: Index
    cut: tuple[int, ...]
    spread: tuple[int, ...]
    indices: tuple[Array, ...]
    axes: tuple[int, ...]
    unique: bool
    order: tuple[int, ...] | None
    shape: tuple[int, ...]


_INDICES = "integers, slices, ..., None, and arrays of integers or booleans"


class _Gap:
    """Stands for what separates the axes on both sides, though it has no axis of its own: an ellipsis of none."""


def _entries(index: Any) -> list[Any]:
    """The parts of an index: None, ..., slices, integers, and Arrays of integers or booleans."""
    return [_entry(one) for one in (index if isinstance(index, tuple) else (index,))]


def _entry(one: Any) -> Any:
    if one is None or one is Ellipsis or one.__class__ is int or isinstance(one, slice):
        return one
    if isinstance(one, Array):
        array = one
    elif isinstance(one, (list, tuple)) and not len(one):
        return Array(constant_node(np.zeros(0, np.intp)))  # NumPy makes it floating everywhere but here
    elif isinstance(one, (bool, list, tuple)):
        array = as_array("x[...]", one)
    elif hasattr(one, "__array__"):
        array = Array(constant_node(np.array(one)))  # a copy: a node may keep it
    elif hasattr(one, "__index__"):
        return one.__index__()
    else:
        raise IndexingError(f"x[...]: expected {_INDICES}, got {type(one).__name__}")
    if array.dtype.kind == "b":
        return array
    if array.dtype.kind not in "iu":
        raise IndexingError(f"x[...]: expected {_INDICES}, got an array of dtype {array.dtype}")
    if array.ndim == 0 and array._node.value is not None:
        return int(array._node.value)
    return array if array.dtype == np.intp else operations.astype(array, np.intp)


def _consumed(entry: Any) -> int:
    """How many axes an entry goes through."""
    if entry is None or entry is Ellipsis:
        return 0
    return entry.ndim if isinstance(entry, Array) and entry.dtype.kind == "b" else 1


def _expanded(entries: list[Any], shape: tuple[int, ...]) -> Iterator[Any]:
    """The entries with the ellipsis, there or implied, written out."""
    rest = len(shape) - sum(map(_consumed, entries))
    if rest < 0:
        raise IndexingError(f"x[...]: expected at most {len(shape)} indices for shape {shape}, got {len(shape) - rest}")
    places = [i for i, one in enumerate(entries) if one is Ellipsis]
    if len(places) > 1:
        raise IndexingError("x[...]: expected at most one ellipsis (...)")
    place = places[0] if places else len(entries)
    yield from entries[:place]
    if places and not rest:
        yield _Gap
    yield from (slice(None) for _ in range(rest))
    yield from entries[place + 1 :]


def _span(one: slice, length: int) -> tuple[int, int | None, int]:
    """A slice as start, stop, step, whatever it left out."""
    try:
        start, stop, step = one.indices(length)
    except (TypeError, ValueError) as error:
        raise IndexingError(f"x[...]: {error}") from None
    if step < 0 and start < 0:  # before the first, where -1 would be the last
        return 0, 0, step
    return start, (None if step < 0 and stop < 0 else stop), step


def _picked(one: int, axis: int, length: int) -> int:
    if not -length <= one < length:
        raise IndexingError(f"x[...]: index {one} is out of range for axis {axis} of length {length}")
    return one % length


def _is_whole(one: Entry, length: int) -> bool:
    return one == (0, length, 1)


def _trimmed(index: list[Entry], shape: tuple[int, ...]) -> Index:
    """The index without the axes at its end that are taken whole."""
    count = len(index)
    while count and _is_whole(index[count - 1], shape[count - 1]):
        count -= 1
    return tuple(index[:count])


def plan(index: Any, shape: tuple[int, ...]) -> Plan:
    """Take apart an index into an array of this shape.

    Raises:
        IndexingError: out of range, too many indices, or no index.
        ConcretizationError: a boolean array whose value is not known.
    """
    entries = list(_expanded(_entries(index), shape))
    if any(isinstance(one, Array) for one in entries):
        return _plan_advanced(entries, shape)
    taken: list[Entry] = []
    spread: list[int] = []
    for one in entries:
        if one is _Gap:
            continue
        if one is None:
            spread.append(1)
            continue
        axis = len(taken)
        if isinstance(one, int):
            taken.append(_picked(one, axis, shape[axis]))
        else:
            taken.append(_span(one, shape[axis]))
            spread.append(len(range(*one.indices(shape[axis]))))
    basic = _trimmed(taken, shape)
    return Plan(basic, cut_shape(shape, basic), tuple(spread), (), (), True, None, tuple(spread))


def _plan_advanced(entries: list[Any], shape: tuple[int, ...]) -> Plan:
    taken: list[Entry] = []
    spread: list[int] = []  # the shape with the new axes
    found: list[tuple[int, Any]] = []  # (axis in spread, array of indices)
    order: list[int] = []  # the places of the arrays among the entries
    for place, one in enumerate(entries):
        if one is _Gap:
            continue
        axis = len(taken)
        if one is None:
            spread.append(1)
        elif isinstance(one, slice):
            taken.append(_span(one, shape[axis]))
            spread.append(len(range(*one.indices(shape[axis]))))
        else:
            order.append(place)
            for indices in _arrays(one, axis, shape):
                found.append((len(spread), indices))
                if isinstance(one, Array) and one.dtype.kind == "b" and not one.ndim:
                    spread.append(1)  # a boolean without axes indexes a new axis of length 1
                else:
                    taken.append((0, shape[axis], 1))
                    spread.append(shape[axis])
                    axis += 1
    try:
        common = np.broadcast_shapes(*[indices.shape for _, indices in found])
    except ValueError:
        listed = ", ".join(str(indices.shape) for _, indices in found)
        raise IndexingError(
            f"x[...]: expected arrays of indices that broadcast together, got shapes {listed}"
        ) from None
    axes = tuple(axis for axis, _ in found)
    result = gathered_shape(tuple(spread), common, axes)
    permutation = None
    if adjacent(axes) and order[-1] - order[0] != len(order) - 1 and axes[0] and common:
        # The arrays stand apart, but nothing with an axis is between them: NumPy puts their axes first all the same.
        moved = range(axes[0], axes[0] + len(common))
        permutation = (*moved, *(i for i in range(len(result)) if i not in moved))
        result = tuple(result[i] for i in permutation)
    masks = [one for one in entries if isinstance(one, Array)]
    unique = len(masks) == 1 and masks[0].dtype.kind == "b"
    basic = _trimmed(taken, shape)
    together = tuple(stretch(one, common) for _, one in found)
    return Plan(basic, cut_shape(shape, basic), tuple(spread), together, axes, unique, permutation, result)


def _arrays(one: Any, axis: int, shape: tuple[int, ...]) -> list[Array]:
    """The arrays of integers that an entry is, one for each axis it goes through."""
    if isinstance(one, int):
        return [Array(constant_node(np.asarray(_picked(one, axis, shape[axis]))))]
    if one.dtype.kind != "b":
        value = one._node.value
        length = shape[axis]
        if value is not None and value.size and not (-length <= value.min() and value.max() < length):
            wrong = value[(value < -length) | (value >= length)][0]
            raise IndexingError(f"x[...]: index {wrong} is out of range for axis {axis} of length {length}")
        return [one]
    mask = one._concrete("a boolean index, whose result has the shape of its value,")
    if mask.ndim == 0:
        return [Array(constant_node(np.zeros(int(mask), np.intp)))]
    if mask.shape != shape[axis : axis + mask.ndim]:
        raise IndexingError(
            f"x[...]: expected a boolean index of shape {shape[axis : axis + mask.ndim]}, got {mask.shape}"
        )
    return [Array(constant_node(places)) for places in mask.nonzero()]


def _plain(index: Any, shape: tuple[int, ...]) -> Index | None:
    """The index for ``slice``, if it consists of Python's integers and slices only: the common case, quickly."""
    kind = index.__class__
    if kind is int and shape:
        return (_picked(index, 0, shape[0]),)
    if kind is slice and shape:
        span = _span(index, shape[0])
        return () if span == (0, shape[0], 1) else (span,)
    if kind is not tuple or len(index) > len(shape):
        return None
    taken: list[Entry] = []
    for axis, one in enumerate(index):
        if one.__class__ is int:
            taken.append(_picked(one, axis, shape[axis]))
        elif one.__class__ is slice:
            taken.append(_span(one, shape[axis]))
        else:
            return None
    return _trimmed(taken, shape)


# Reading -----------------------------------------------------------------------------------------------------------


def getitem(x: Any, index: Any) -> Array:
    """Return ``x[index]``, for every form of index that NumPy has: a new value, never a view.

    Raises:
        IndexingError: out of range, too many indices, or no index.
        ConcretizationError: a boolean index whose value is not known, in a traced function.

    >>> getitem([[1.0, 2.0], [3.0, 4.0]], (slice(None), 0))
    array([1., 3.])
    """
    x = x if isinstance(x, Array) else as_array("x[...]", x)
    node = x._node
    shape = x.shape
    basic = _plain(index, shape)
    if basic is not None:
        return apply(cut, (node,), {"index": basic}) if basic else Array(node)
    if index.__class__ is np.ndarray and index.dtype.kind in "iu" and index.ndim and shape and node.value is not None:
        indices = constant_node(np.array(index, np.intp))
        return apply(gather, (node, indices), {"axes": (0,), "unique": False})
    return _read(x, plan(index, shape))


def _read(x: Array, steps: Plan) -> Array:
    x = cut(x, index=steps.basic) if steps.basic else Array(x._node)
    if steps.spread != steps.cut:
        x = refit(x, shape=steps.spread)
    if steps.indices:
        x = gather(x, *steps.indices, axes=steps.axes, unique=steps.unique)
    return x if steps.order is None else permute(x, axes=steps.order)


# Updating ----------------------------------------------------------------------------------------------------------


def setitem(x: Any, index: Any, value: Any) -> Array:
    """Return x with ``x[index] = value`` done: a new array, linear in x and value.

    The value broadcasts to ``x[index]`` and is cast to the dtype of x. Where an index comes twice the last value stays.

    Raises:
        IndexingError: as ``getitem``.
        ShapeError: the value does not broadcast to ``x[index]``.
        DTypeError: a complex value into a real array.
        NotDifferentiableError: a watched value into an array of integers, where its gradient would be lost.

    >>> setitem([1.0, 2.0, 3.0], 1, 9.0)
    array([1., 9., 3.])
    """
    x = as_array("x[i] = v", x)
    value = converted("x[i] = v", x, value)
    shape = x.shape
    basic = _plain(index, shape)
    if basic is not None:
        value = fitted("x[i] = v", value, cut_shape(shape, basic))
        return overwrite(x, value, index=basic) if basic else value
    spread = masked("x[i] = v", x, index, value)
    if spread is not None:
        mask, value = spread
        result: Array = operations.where(mask, value, x)
        return result
    steps = plan(index, shape)
    return update(x, steps, fitted("x[i] = v", value, steps.shape), _set)


def _set(x: Array, value: Array, steps: Plan) -> Array:
    return scatter_set(x, value, *steps.indices, axes=steps.axes, unique=steps.unique) if steps.indices else value


Change = Callable[[Array, Array, Plan], Array]


def update(x: Array, steps: Plan, value: Array, change: Change) -> Array:
    """Return x with the part that the steps read changed.

    Args:
        x: the array.
        steps: what its index was taken apart into.
        value: what goes there, of the shape of the part.
        change: given the part of x that slices alone cut out, the value for it, and the steps, returns the new part.
    """
    if steps.order is not None:
        value = permute(value, axes=inverse(steps.order))
    if not steps.indices and value.shape != steps.cut:
        value = refit(value, shape=steps.cut)
    inner = cut(x, index=steps.basic) if steps.basic else x
    if steps.indices and steps.spread != steps.cut:
        inner = refit(inner, shape=steps.spread)
    inner = change(inner, value, steps)
    if inner.shape != steps.cut:
        inner = refit(inner, shape=steps.cut)
    return overwrite(x, inner, index=steps.basic) if steps.basic else inner


def converted(operation: str, x: Array, value: Any) -> Array:
    """The value in the dtype of x, as NumPy's assignment casts; what would lose something is refused."""
    if isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic):
        if isinstance(value, complex) and x.dtype.kind != "c":
            raise DTypeError(f"{operation}: cannot put a complex number into an array of {x.dtype}. Take its real part")
        try:
            return Array(constant_node(np.asarray(bool(value) if x.dtype.kind == "b" else value, x.dtype)))
        except (OverflowError, ValueError) as error:
            raise DTypeError(f"{operation}: cannot put {value} into an array of {x.dtype}: {error}") from None
    value = as_array(operation, value)
    if value.dtype == x.dtype:
        return value
    if value.dtype.kind == "c" and x.dtype.kind != "c":
        raise DTypeError(f"{operation}: cannot put {value.dtype} into an array of {x.dtype}. Take the real part first")
    if value._node.watched and is_differentiable(value.dtype) and not is_differentiable(x.dtype):
        raise NotDifferentiableError(
            f"{operation}: putting a watched value of {value.dtype} into an array of {x.dtype} would lose its "
            "gradient. Make the array floating first: x = x.astype(float)"
        )
    result: Array = operations.astype(value, x.dtype)
    return result


def fitted(operation: str, value: Array, shape: tuple[int, ...]) -> Array:
    """The value broadcast to ``shape``; axes of length 1 too many at its front are dropped, as NumPy has it."""
    extra = value.ndim - len(shape)
    if extra > 0 and all(length == 1 for length in value.shape[:extra]):
        value = refit(value, shape=value.shape[extra:])
    if value.shape == shape:
        return value
    try:
        fits = np.broadcast_shapes(value.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{operation}: expected a value that broadcasts to the shape {shape}, got {value.shape}")
    return stretch(value, shape)


def masked(operation: str, x: Array, index: Any, value: Array) -> tuple[Array, Array] | None:
    """The mask and the value broadcast to x, where the index is a boolean array and the value does not depend on it.

    ``where`` then does the update, and needs no value of the mask. None for all else: for other indices, and where
    the values go one to each place.
    """
    if getattr(getattr(index, "dtype", None), "kind", None) != "b" or not index.ndim:
        return None
    if index.shape != x.shape[: index.ndim]:
        return None  # refused with the other indices that do not fit
    inner = x.shape[index.ndim :]
    extra = value.ndim - len(inner)
    if extra > 0 and any(length != 1 for length in value.shape[:extra]):
        return None
    mask = as_arrays(operation, x, value, index)[2]
    if inner:
        mask = stretch(refit(mask, shape=mask.shape + (1,) * len(inner)), x.shape)
    return mask, stretch(fitted(operation, value, inner), x.shape)


operations.provide("getitem", getitem)
operations.provide("setitem", setitem)
