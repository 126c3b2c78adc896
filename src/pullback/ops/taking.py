"""Elements picked along an axis: take, take_along_axis and their kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import normalize_axis
from pullback.core.operations import function, operations
from pullback.core.sample import call, integers, normal, reject
from pullback.errors import ArgumentError, DTypeError, IndexingError, ShapeError
from pullback.ops.indexing import gather
from pullback.ops.joining import concatenate, stack
from pullback.ops.permuting import moveaxis
from pullback.ops.promotion import promoted
from pullback.ops.structural import as_array, as_arrays, broadcast_arrays, broadcast_to, expand_dims, ravel, reshape
from pullback.ops.subscript import converted, getitem


def along(operation: str, shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    """The index that takes ``indices`` along ``axis`` and runs through the others in step with them."""
    if indices.dtype.kind not in "iu":
        raise DTypeError(f"{operation}: expected indices of an integer dtype, got {indices.dtype}")
    if indices.ndim != len(shape):
        raise ShapeError(f"{operation}: expected indices with {len(shape)} axes, as the array has, got {indices.ndim}")
    return tuple(
        indices if i == axis else np.arange(length).reshape((-1,) + (1,) * (len(shape) - 1 - i))
        for i, length in enumerate(shape)
    )


@function(
    np.take_along_axis,
    samples=[
        call(normal(3, 4), integers(0, 4, 3, 2), axis=1),
        call(normal(3, 4), integers(-3, 3, 1, 4), axis=0),
        call(normal(3, 4), integers(0, 12, 5), axis=None),
    ],
    rejects=[
        reject(ShapeError, "take_along_axis: expected indices with 2 axes", normal(3, 4), integers(0, 3, 3), axis=0),
        reject(DTypeError, "integer", normal(3, 4), normal(3, 1), axis=1),
    ],
)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Array:
    """Return the elements at ``indices`` along ``axis``, each from the row it stands in: what argsort's result is for.

    >>> take_along_axis([[3.0, 1.0], [2.0, 4.0]], [[1], [0]], axis=1)
    array([[1.],
           [2.]])
    """
    arr, indices = as_arrays("take_along_axis", arr, indices)
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = normalize_axis("take_along_axis", axis, arr.ndim)
    return getitem(arr, along("take_along_axis", arr.shape, indices, axis))


def wrapped(operation: str, indices: Array, length: int, mode: str) -> Array:
    """The indices as ``mode`` has them: "raise" as they are, "wrap" modulo the length, "clip" to the range."""
    if mode not in ("raise", "wrap", "clip"):
        raise ArgumentError(f"{operation}: expected mode 'raise', 'wrap' or 'clip', got {mode!r}")
    if mode == "raise" or not indices.size:
        return indices
    if not length:
        raise IndexingError(f"{operation}: expected an axis with elements to take from")
    result: Array = operations.remainder(indices, length) if mode == "wrap" else operations.clip(indices, 0, length - 1)
    return result


@function(
    np.take,
    samples=[
        call(normal(3, 4), integers(0, 12, 5)),
        call(normal(3, 4), integers(-4, 4, 2, 2), axis=1),
        call(normal(3, 4), 1, axis=0),
        call(normal(3, 4), integers(-9, 9, 5), axis=-1, mode="wrap"),
        call(normal(3, 4), integers(-9, 9, 5), axis=0, mode="clip"),
    ],
    rejects=[
        reject(IndexError, "index 3 is out of range for axis 0 of length 3", normal(3), [0, 3]),
        reject(ArgumentError, "take: expected mode 'raise', 'wrap' or 'clip', got 'x'", normal(3), [0], mode="x"),
        reject(DTypeError, "take: expected indices of an integer dtype", normal(3), [0.0]),
        reject(ShapeError, "take: axis 1 is out of range", normal(3), [0], axis=1),
    ],
)
def take(a: Any, indices: Any, axis: Any = None, mode: str = "raise") -> Array:
    """Return the elements at ``indices`` along ``axis`` (None: of the flattened array).

    Args:
        a: any array.
        indices: integers of any shape, which takes the place of the axis.
        axis: along which axis.
        mode: what becomes of indices out of range: "raise", "wrap" or "clip".

    >>> take([1.0, 2.0, 3.0], [2, 0])
    array([3., 1.])
    """
    x, places = as_arrays("take", a, _integers(indices))
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis("take", axis, x.ndim)
    if places.dtype.kind not in "iu":
        raise DTypeError(f"take: expected indices of an integer dtype, got {places.dtype}")
    places = wrapped("take", places, x.shape[axis], mode)
    return getitem(x, (slice(None),) * axis + (places,))


def _integers(indices: Any) -> Any:
    """An empty list is a list of no integers, though NumPy makes it floating."""
    if not isinstance(indices, (list, tuple)):
        return indices
    try:
        shape = np.shape(indices)
    except ValueError:  # rows of unequal length, which the conversion refuses in words
        return indices
    return np.zeros(shape, np.intp) if 0 in shape else indices


@function(
    np.compress,
    samples=[
        call([True, False, True], normal(3, 4), axis=0),
        call([False, True], normal(3, 4), axis=1),
        call([0, 1, 1], normal(2, 2)),
    ],
    rejects=[
        reject(ShapeError, "compress: expected a condition with one axis", [[True]], normal(3)),
        reject(IndexError, "out of range", [False, False, True], normal(2)),
    ],
)
def compress(condition: Any, a: Any, axis: Any = None) -> Array:
    """Return what stands where the condition, whose value must be known, holds along ``axis`` (None: flattened).

    >>> compress([True, False, True], [1.0, 2.0, 3.0])
    array([1., 3.])
    """
    chosen = np.asarray(as_array("compress", condition)._concrete("the condition of compress"))
    if chosen.ndim != 1:
        raise ShapeError(f"compress: expected a condition with one axis, got shape {chosen.shape}")
    return take(a, np.flatnonzero(chosen), axis=axis)


@function(
    np.extract,
    samples=[call([[True, False], [True, True]], normal(2, 2)), call([0, 1], normal(2))],
    rejects=[reject(IndexError, "out of range", [False, False, True], normal(2))],
)
def extract(condition: Any, arr: Any) -> Array:
    """Return the elements of the flattened array where the flattened condition, whose value must be known, holds.

    >>> extract([True, False, True], [1.0, 2.0, 3.0])
    array([1., 3.])
    """
    chosen = as_array("extract", condition)._concrete("the condition of extract")
    return take(arr, np.flatnonzero(chosen))


@function(
    np.choose,
    samples=[
        call(integers(0, 2, 4), [normal(4), normal(4)]),
        call(integers(0, 3, 2, 1), [normal(3), normal(), normal(2, 3)]),
        call(integers(-4, 9, 4), [normal(4), normal(4)], mode="wrap"),
        call(integers(-4, 9, 4), [normal(4), normal(4)], mode="clip"),
    ],
    rejects=[
        reject(IndexError, "out of range", [2], [[1.0], [2.0]]),
        reject(DTypeError, "integer", [0.5], [[1.0], [2.0]]),
    ],
)
def choose(a: Any, choices: Any, mode: str = "raise") -> Array:
    """Return, at each place, the element of the choice that ``a`` numbers there; all broadcast together.

    >>> choose([0, 1], [[1.0, 2.0], [3.0, 4.0]])
    array([1., 4.])
    """
    if not hasattr(choices, "__len__") or isinstance(choices, (str, dict)):
        raise DTypeError(f"choose: expected a list of choices, got {type(choices).__name__}")
    if not len(choices):
        raise ArgumentError("choose: expected at least one choice, got none")
    places, *options = broadcast_arrays(a, *promoted("choose", *choices))
    if places.dtype.kind not in "iu":
        raise DTypeError(f"choose: expected an integer dtype to choose by, got {places.dtype}")
    places = wrapped("choose", places, len(options), mode)
    stacked = stack(options)
    return reshape(take_along_axis(stacked, expand_dims(places, 0), axis=0), places.shape)


@function(
    np.delete,
    samples=[
        call(normal(3, 4), 1, axis=0),
        call(normal(3, 4), [0, -1], axis=1),
        call(normal(5), slice(0, 4, 2)),
        call(normal(3), [True, False, True]),
    ],
    rejects=[
        reject(IndexError, "delete: index 3 is out of bounds for axis 0 with size 3", normal(3), 3),
        reject(ShapeError, "delete: axis 1 is out of range", normal(3), 0, axis=1),
    ],
)
def delete(arr: Any, obj: Any, axis: Any = None) -> Array:
    """Return the array without what stands at the indices ``obj``, whose value must be known, along ``axis``.

    >>> delete([1.0, 2.0, 3.0], 1)
    array([1., 3.])
    """
    x = as_array("delete", arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis("delete", axis, x.ndim)
    kept = _edited("delete", np.delete, x.shape[axis], obj)
    return gather(x, kept, axes=(axis,), unique=True)


@function(
    np.insert,
    samples=[
        call(normal(3), 1, 9.0),
        call(normal(3, 4), 1, normal(4), axis=0),
        call(normal(3, 4), [0, 2], normal(3, 2), axis=1),
        call(normal(3, 4), 1, normal(2, 3), axis=1),
        call(normal(3), [2, 0, 2], normal(3)),
        call(normal(3), slice(0, 2), normal(2)),
        call(normal(2, 2), [1], normal(2, 1), axis=1),
    ],
    rejects=[
        reject(IndexError, "insert: index 4 is out of bounds for axis 0 with size 3", normal(3), 4, 1.0),
        reject(ShapeError, "insert: expected values that broadcast", normal(3), [0, 1], [1.0, 2.0, 3.0]),
    ],
)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Array:
    """Return the array with values before the indices ``obj``, whose value must be known, along ``axis``.

    >>> insert([1.0, 2.0], 1, 9.0)
    array([1., 9., 2.])
    """
    x = as_array("insert", arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis("insert", axis, x.ndim)
    new = converted("insert", x, values)
    new = reshape(new, (1,) * (x.ndim - new.ndim) + new.shape)
    obj = _known("insert", obj)
    count = 1 if isinstance(obj, slice) else np.size(obj)
    if count == 1 and not isinstance(obj, slice):
        # One index may stand for several values; given as a number, they come along the first axis.
        new = moveaxis(new, 0, axis) if np.ndim(obj) == 0 else new
        count = new.shape[axis]
    elif isinstance(obj, slice):
        count = len(range(*obj.indices(x.shape[axis])))
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    if new.ndim != x.ndim or any(length not in (1, n) for length, n in zip(new.shape, shape, strict=True)):
        raise ShapeError(f"insert: expected values that broadcast to shape {shape}, got {new.shape}")
    length = x.shape[axis]
    numbers = np.arange(length, length + count)
    order = _edited("insert", lambda x, obj: np.insert(x, obj, numbers), length, obj)
    return gather(concatenate([x, broadcast_to(new, shape)], axis=axis), order, axes=(axis,), unique=True)


def _known(operation: str, obj: Any) -> Any:
    if isinstance(obj, slice):
        return obj
    return np.asarray(as_array(operation, _integers(obj))._concrete(f"the index of {operation}"))


def _edited(operation: str, edit: Callable[[Any, Any], Any], length: int, obj: Any) -> Any:
    """What NumPy's function makes of the numbers of the places."""
    index = _known(operation, obj)
    if not isinstance(obj, slice) and index.dtype.kind not in "biu":
        raise IndexingError(f"{operation}: expected integers, a slice or booleans as indices, got {index.dtype}")
    try:
        return edit(np.arange(length), index)
    except IndexError as error:
        raise IndexingError(f"{operation}: {error}") from None
    except ValueError as error:
        raise ShapeError(f"{operation}: {error}") from None
