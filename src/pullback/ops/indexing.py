"""Reading and updating parts of an array: the primitives. What Python's ``x[...]`` makes of them is in subscript.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import batch_all, linear, shifted
from pullback.core.operations import operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, integers, normal, reject
from pullback.errors import DTypeError, IndexingError, ShapeError
from pullback.ops.permuting import inverse, permuted
from pullback.ops.structural import as_array, stretch, zeros_like

Entry = int | tuple[int, int | None, int]
"""What ``slice`` does on one axis: an integer picks and drops it, (start, stop, step) goes along it."""

Index = tuple[Entry, ...]
"""One entry for each leading axis; the axes that follow are taken whole."""


def _as_key(index: Index) -> tuple[int | slice, ...]:
    return tuple([one if one.__class__ is int else slice(*one) for one in index])  # type: ignore[misc]


def whole(shape: tuple[int, ...]) -> Index:
    """The index that takes axes of these lengths whole."""
    return tuple((0, length, 1) for length in shape)


def cut_shape(shape: tuple[int, ...], index: Index) -> tuple[int, ...]:
    """The shape that ``index`` cuts from an array of this shape."""
    if len(index) > len(shape):
        raise IndexingError(f"slice: expected at most {len(shape)} indices for shape {shape}, got {len(index)}")
    kept = []
    for axis, (length, one) in enumerate(zip(shape, index, strict=False)):
        if isinstance(one, tuple):
            kept.append(len(range(*slice(*one).indices(length))))
        elif not -length <= one < length:
            raise IndexingError(f"slice: index {one} is out of range for axis {axis} of length {length}")
    return (*kept, *shape[len(index) :])


@linear(
    name="slice",
    samples=[
        call(normal(5, 4), index=((1, 5, 2),)),
        call(normal(5, 4), index=((4, None, -2), 1)),
        call(normal(5), index=(2,)),
        call(normal(5, 4), index=((2, 2, 1),)),
        call(normal(), index=()),
    ],
    rejects=[
        reject(IndexingError, "index 5 is out of range for axis 0 of length 5", normal(5), index=(5,)),
        reject(IndexingError, "at most 1 indices", normal(5), index=(0, 0)),
    ],
)
def cut(x: Any, *, index: Index) -> Any:
    """Part of x: on each leading axis one element, which drops the axis, or those from start to stop by step."""
    return x[_as_key(index)]


@cut.infer
def _(x: Aval, *, index: Index) -> Aval:
    return Aval(cut_shape(x.shape, index), x.dtype)


@cut.transpose
def _(ct: Array, x: Array, *, index: Index) -> Iterator[Thunk]:
    yield lambda: overwrite(zeros_like(x), ct, index=index)


@cut.batching
def _(batched: Sequence[bool], x: Array, *, index: Index) -> Array:
    return cut(x, index=(*whole(x.shape[:1]), *index))


def _writable(x: Any) -> np.ndarray[Any, Any]:
    """A copy of x to write to."""
    if x.size > 1 and not any(x.strides) and not x.flat[0]:
        return np.zeros(x.shape, x.dtype)  # zeros for a transpose: memory that need not be touched
    return np.array(x, order="C")


@linear(
    name="slice_update",
    samples=[
        call(normal(5, 4), normal(2, 4), index=((1, 5, 2),)),
        call(normal(5, 4), normal(3), index=((4, None, -2), 1)),
        call(normal(5), normal(), index=(2,)),
        call(normal(), normal(), index=()),
    ],
    rejects=[
        reject(ShapeError, "slice_update: expected values of shape (2,)", normal(5), normal(3), index=((0, 2, 1),))
    ],
)
def overwrite(x: Any, v: Any, *, index: Index) -> Any:
    """A copy of x in which the part that ``slice`` would give is ``v``, an array of that shape."""
    result = _writable(x)
    result[_as_key(index)] = v
    return result


@overwrite.infer
def _(x: Aval, v: Aval, *, index: Index) -> Aval:
    _check_values("slice_update", x, v, cut_shape(x.shape, index))
    return x


@overwrite.transpose
def _(ct: Array, x: Array, v: Array, *, index: Index) -> Iterator[Thunk]:
    yield lambda: overwrite(ct, zeros_like(v), index=index)
    yield lambda: cut(ct, index=index)


@overwrite.batching
def _(batched: Sequence[bool], x: Array, v: Array, *, index: Index) -> Array:
    x, v = batch_all(batched, (x, v))
    return overwrite(x, v, index=(*whole(x.shape[:1]), *index))


def _check_values(operation: str, x: Aval, v: Aval, shape: tuple[int, ...]) -> None:
    if v.shape != shape:
        raise ShapeError(f"{operation}: expected values of shape {shape}, got {v.shape}")
    if v.dtype != x.dtype:
        raise DTypeError(f"{operation}: expected values of dtype {x.dtype}, got {v.dtype}")


# Arrays of indices -----------------------------------------------------------------------------------------------


def adjacent(axes: tuple[int, ...]) -> bool:
    """Whether the axes follow one another."""
    return axes[-1] - axes[0] == len(axes) - 1


def gathered_shape(shape: tuple[int, ...], indices: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that arrays of indices (of shape ``indices``) on ``axes`` gather from an array of shape ``shape``."""
    others = tuple(length for axis, length in enumerate(shape) if axis not in axes)
    place = axes[0] if adjacent(axes) else 0
    return (*others[:place], *indices, *others[place:])


def _as_fancy(indices: tuple[Any, ...], axes: tuple[int, ...]) -> tuple[Any, ...]:
    key: list[Any] = [slice(None)] * (axes[-1] + 1)
    for axis, index in zip(axes, indices, strict=True):
        key[axis] = index
    return tuple(key)


def _check_indices(operation: str, x: Aval, indices: tuple[Aval, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that all indices have."""
    if (
        not axes
        or len(indices) != len(axes)
        or list(axes) != sorted(set(axes))
        or not 0 <= axes[0] <= axes[-1] < x.ndim
    ):
        raise ShapeError(
            f"{operation}: expected an array of indices for each of some axes of shape {x.shape}, "
            f"got {len(indices)} for axes {axes}"
        )
    for index in indices:
        if index.dtype.kind not in "iu":
            raise DTypeError(f"{operation}: expected indices of an integer dtype, got {index.dtype}")
        if index.shape != indices[0].shape:
            raise ShapeError(f"{operation}: expected indices of one shape, got {indices[0].shape} and {index.shape}")
    return indices[0].shape


def out_of_range(operation: str, x: Any, indices: tuple[Any, ...], axes: tuple[int, ...]) -> IndexingError:
    """The error that names the first index that is out of range."""
    for axis, index in zip(axes, indices, strict=True):
        length = x.shape[axis]
        index = np.asarray(index)
        wrong = index[(index < -length) | (index >= length)]
        if wrong.size:
            return IndexingError(f"{operation}: index {wrong[0]} is out of range for axis {axis} of length {length}")
    return IndexingError(f"{operation}: expected indices within shape {x.shape}")


@linear(
    arguments=(0,),
    samples=[
        call(normal(5, 4), integers(-5, 5, 7), axes=(0,), unique=False),
        call(normal(3, 5, 4), integers(0, 5, 2, 2), integers(0, 4, 2, 2), axes=(1, 2), unique=False),
        call(normal(3, 5, 4), integers(0, 3, 6), integers(0, 4, 6), axes=(0, 2), unique=False),
        call(normal(5), integers(0, 5), axes=(0,), unique=False),
        call(normal(5), integers(0, 5, 0), axes=(0,), unique=True),
    ],
    rejects=[
        reject(DTypeError, "integer", normal(5), normal(2), axes=(0,)),
    ],
)
def gather(x: Any, *indices: Any, axes: tuple[int, ...], unique: bool = False) -> Any:
    """The elements of x at arrays of indices, one array for each of ``axes``, all of one shape.

    The axes of the indices come where ``axes`` were, or first if these do not follow one another. ``unique`` says
    that no element is taken twice.
    """
    try:
        return np.take(x, indices[0], axis=axes[0]) if len(axes) == 1 else x[_as_fancy(indices, axes)]
    except IndexError:
        if any(index.dtype.kind not in "iu" for index in indices):
            raise  # the rule for dtypes says it
        raise out_of_range("gather", x, indices, axes) from None


@gather.infer
def _(x: Aval, *indices: Aval, axes: tuple[int, ...], unique: bool = False) -> Aval:
    return Aval(gathered_shape(x.shape, _check_indices("gather", x, indices, axes), axes), x.dtype)


@gather.transpose
def _(ct: Array, x: Array, *indices: Array, axes: tuple[int, ...], unique: bool = False) -> Iterator[Thunk]:
    yield lambda: scatter_add(zeros_like(x), ct, *indices, axes=axes, unique=unique)
    yield from (None for _ in indices)


def _batch_layout(
    x: Array, indices: Sequence[Array], axes: tuple[int, ...], of_x: bool, of_indices: bool
) -> tuple[list[Array], tuple[int, ...], tuple[int, ...]]:
    """How to gather for a batch: the indices, their axes, and the order that puts what comes out in its place.

    Where all members have the same indices these move on by the batch axis of x. Where each has its own, the number
    of the member is one more index.
    """
    of_member = [("index", i) for i in range(indices[0].ndim - of_indices)]
    others = [("other", i) for i in range(x.ndim - of_x - len(axes))]
    place = axes[0] if adjacent(axes) else 0
    batch = ("batch", 0)
    wanted = [batch, *others[:place], *of_member, *others[place:]]
    if of_x and of_indices:
        numbers = np.arange(len(x)).reshape(-1, *(1,) * len(of_member))
        indices = [stretch(as_array("gather", numbers), indices[0].shape), *indices]
        axes = (0, *shifted(axes))
        given = [batch, *of_member, *others]
    elif of_x:
        axes = shifted(axes)
        others.insert(0, batch)
        place = axes[0] if adjacent(axes) else 0
        given = [*others[:place], *of_member, *others[place:]]
    else:
        given = [*others[:place], batch, *of_member, *others[place:]]
    return list(indices), axes, tuple(given.index(label) for label in wanted)


def _batch_indices(batched: Sequence[bool], indices: Sequence[Array]) -> tuple[bool, Sequence[Array]]:
    """Whether members of a batch have indices of their own, and these, for all of them if for any."""
    own = any(batched)
    return own, batch_all(batched, indices) if own else indices


@gather.batching
def _(batched: Sequence[bool], x: Array, *indices: Array, axes: tuple[int, ...], unique: bool = False) -> Array:
    own, of_members = _batch_indices(batched[1:], indices)
    of_members, axes, order = _batch_layout(x, of_members, axes, batched[0], own)
    return permuted(gather(x, *of_members, axes=axes, unique=unique and batched[0]), order)


def _batched_update(
    primitive: Any,
    batched: Sequence[bool],
    x: Array,
    v: Array,
    *indices: Array,
    axes: tuple[int, ...],
    unique: bool = False,
) -> Array:
    own, of_members = _batch_indices(batched[2:], indices)
    if own:
        x, v, *of_members = batch_all((*batched[:2], *[True] * len(indices)), (x, v, *of_members))
    else:
        x, v = batch_all(batched[:2], (x, v))
    of_members, axes, order = _batch_layout(x, of_members, axes, True, own)
    updated: Array = primitive(x, permuted(v, inverse(order)), *of_members, axes=axes, unique=unique)
    return updated


@linear(
    arguments=(0, 1),
    samples=[
        call(normal(5, 4), normal(7, 4), integers(-5, 5, 7), axes=(0,), unique=False),
        call(normal(3, 5, 4), normal(3, 2, 2), integers(0, 5, 2, 2), integers(0, 4, 2, 2), axes=(1, 2), unique=False),
        call(normal(3, 5, 4), normal(6, 5), integers(0, 3, 6), integers(0, 4, 6), axes=(0, 2), unique=False),
        call(normal(5), normal(), integers(0, 5), axes=(0,), unique=True),
        call(normal(5), normal(9), integers(-5, 5, 9), axes=(0,), unique=False),
    ],
    rejects=[
        reject(ShapeError, "expected values of shape (2,)", normal(5), normal(3), integers(0, 5, 2), axes=(0,)),
    ],
)
def scatter_add(x: Any, v: Any, *indices: Any, axes: tuple[int, ...], unique: bool = False) -> Any:
    """A copy of x to which ``v`` is added where ``gather`` would read; what goes to one place accumulates."""
    result = _writable(x)
    try:
        if unique:
            result[_as_fancy(indices, axes)] += v
        elif x.ndim == 1:
            np.add.at(result, np.ravel(indices[0]), np.ravel(v))
        elif v.size < 256:
            np.add.at(result, _as_fancy(indices, axes), v)
        else:
            np.add.at(result.reshape(-1), _places(x.shape, indices, axes), np.ravel(v))
    except IndexError:
        raise out_of_range("scatter_add", x, indices, axes) from None
    return result


def _places(shape: tuple[int, ...], indices: tuple[Any, ...], axes: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """The places, in an array of this shape laid out flat, of all elements that ``gather`` would read, in its order.

    ``np.add.at`` is several times faster through one axis of indices than through several, or beside whole axes.
    """
    steps = [1] * len(shape)
    for axis in range(len(shape) - 1, 0, -1):
        steps[axis - 1] = steps[axis] * shape[axis]
    picked: Any = 0
    for axis, index in zip(axes, indices, strict=True):
        length = shape[axis]
        if index.size and not (-length <= index.min() and index.max() < length):
            raise IndexError
        picked = picked + np.where(index < 0, index + length, index) * steps[axis]
    others = [np.arange(length) * steps[axis] for axis, length in enumerate(shape) if axis not in axes]
    place = axes[0] if adjacent(axes) else 0
    parts = [*others[:place], picked, *others[place:]]
    result = parts[0]
    for part in parts[1:]:
        result = np.add.outer(result, part)
    return np.ravel(result)


@scatter_add.infer
def _(x: Aval, v: Aval, *indices: Aval, axes: tuple[int, ...], unique: bool = False) -> Aval:
    shape = _check_indices("scatter_add", x, indices, axes)
    _check_values("scatter_add", x, v, gathered_shape(x.shape, shape, axes))
    return x


@scatter_add.transpose
def _(ct: Array, x: Array, v: Array, *indices: Array, axes: tuple[int, ...], unique: bool = False) -> Iterator[Thunk]:
    yield lambda: ct
    yield lambda: gather(ct, *indices, axes=axes, unique=unique)
    yield from (None for _ in indices)


scatter_add.batching(partial(_batched_update, scatter_add))


@linear(
    arguments=(0, 1),
    samples=[
        call(normal(5, 4), normal(7, 4), integers(-5, 5, 7), axes=(0,), unique=False),
        call(normal(3, 5, 4), normal(3, 2, 2), integers(0, 5, 2, 2), integers(0, 4, 2, 2), axes=(1, 2), unique=False),
        call(normal(3, 5, 4), normal(6, 5), integers(0, 3, 6), integers(0, 4, 6), axes=(0, 2), unique=False),
        call(normal(5), normal(), integers(0, 5), axes=(0,), unique=True),
    ],
)
def scatter_set(x: Any, v: Any, *indices: Any, axes: tuple[int, ...], unique: bool = False) -> Any:
    """A copy of x with ``v`` where ``gather`` would read; of what goes to one place the last, in row order, stays."""
    result = _writable(x)
    if not unique and indices[0].ndim > 1:
        # NumPy runs through several axes of indices in the order of memory; through one, in its order.
        place = axes[0] if adjacent(axes) else 0
        last = place + indices[0].ndim
        v = v.reshape(*v.shape[:place], indices[0].size, *v.shape[last:])
        indices = tuple(index.ravel() for index in indices)
    try:
        result[_as_fancy(indices, axes)] = v
    except IndexError:
        raise out_of_range("scatter_set", x, indices, axes) from None
    return result


@scatter_set.infer
def _(x: Aval, v: Aval, *indices: Aval, axes: tuple[int, ...], unique: bool = False) -> Aval:
    shape = _check_indices("scatter_set", x, indices, axes)
    _check_values("scatter_set", x, v, gathered_shape(x.shape, shape, axes))
    return x


@scatter_set.transpose
def _(ct: Array, x: Array, v: Array, *indices: Array, axes: tuple[int, ...], unique: bool = False) -> Iterator[Thunk]:
    def by_value() -> Array:
        arrived = gather(ct, *indices, axes=axes, unique=unique)
        if unique:
            return arrived
        # Only the value that stayed gets something: number the values, and see whose number is read back.
        numbers = np.arange(v.size).reshape(v.shape)
        blank = np.zeros(x.shape, numbers.dtype)
        stayed = gather(scatter_set(blank, numbers, *indices, axes=axes), *indices, axes=axes)
        result: Array = operations.where(operations.equal(stayed, numbers), arrived, zeros_like(arrived))
        return result

    yield lambda: scatter_set(ct, zeros_like(v), *indices, axes=axes, unique=unique)
    yield by_value
    yield from (None for _ in indices)


scatter_set.batching(partial(_batched_update, scatter_set))
