"""More of the same: pad, tile, repeat, roll, resize, meshgrid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, normalize_axis
from pullback.core.families import linear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, reject
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.indexing import cut, gather
from pullback.ops.joining import join
from pullback.ops.splitting import cut_axis
from pullback.ops.structural import as_array, as_arrays, as_shape, astype, expand_dims, ravel, reshape, stretch

Widths = tuple[tuple[int, int], ...]


@linear(
    name="pad",
    samples=[call(normal(3, 4), widths=((1, 2), (0, 3))), call(normal(), widths=()), call(normal(0), widths=((1, 1),))],
    rejects=[
        reject(ShapeError, "pad: expected widths from 0 for each axis of shape (3,)", normal(3), widths=((-1, 0),))
    ],
)
def pad_zeros(x: Any, *, widths: Widths) -> Any:
    """Zeros around x: so many before and after it on each axis."""
    result = np.zeros(padded_shape(x.shape, widths), x.dtype)
    result[tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True))] = x
    return result


def padded_shape(shape: tuple[int, ...], widths: Widths) -> tuple[int, ...]:
    """The shape of an array of this shape with padding of these widths."""
    if len(widths) != len(shape) or any(width < 0 for pair in widths for width in pair):
        raise ShapeError(f"pad: expected widths from 0 for each axis of shape {shape}, got {widths}")
    return tuple(before + length + after for length, (before, after) in zip(shape, widths, strict=True))


@pad_zeros.infer
def _(x: Aval, *, widths: Widths) -> Aval:
    return Aval(padded_shape(x.shape, widths), x.dtype)


@pad_zeros.transpose
def _(ct: Array, x: Array, *, widths: Widths) -> Iterator[Thunk]:
    index = tuple((before, before + n, 1) for n, (before, _) in zip(x.shape, widths, strict=True))
    yield lambda: cut(ct, index=index)


@pad_zeros.batching
def _(batched: Sequence[bool], x: Array, *, widths: Widths) -> Array:
    return pad_zeros(x, widths=((0, 0), *widths))


_GATHERED = ("edge", "reflect", "symmetric", "wrap")


@function(
    np.pad,
    samples=[
        call(normal(3, 4), 1),
        call(normal(3, 4), ((1, 2), (0, 3))),
        call(normal(3), (1, 2), constant_values=(5.0, -1.0)),
        call(normal(2, 3), 1, constant_values=((1.0, 2.0), (3.0, 4.0))),
        call(normal(3, 4), {-1: (1, 2)}),
        call(normal(3, 4), 2, "edge"),
        call(normal(3, 4), (2, 7), mode="reflect"),
        call(normal(3, 4), (2, 7), mode="symmetric"),
        call(normal(3, 4), (2, 7), mode="wrap"),
        call(normal(3, 4), (2, 3), mode="linear_ramp", end_values=(1.0, -2.0)),
        call(normal(0, 2), 0, "edge"),
    ],
    rejects=[
        reject(ShapeError, "pad: expected widths", normal(3, 4), (1, 2, 3)),
        reject(ShapeError, "pad: expected widths from 0", normal(3), -1),
        reject(ArgumentError, "pad: expected mode 'constant'", normal(3), 1, "median"),
        reject(ShapeError, "pad: expected axes with elements for mode 'edge'", normal(0), 1, "edge"),
        reject(ArgumentError, "constant_values= goes with mode 'constant'", normal(3), 1, "edge", constant_values=1.0),
        reject(DTypeError, "pad: expected integer widths", normal(3), 1.5),
    ],
)
def pad(
    array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = None, end_values: Any = None
) -> Array:
    """Return the array with elements added around it.

    Args:
        array: any array.
        pad_width: how many: one number, a pair (before, after), a pair for each axis, or a dictionary of axes.
        mode: "constant" (zeros, or ``constant_values``), "edge", "reflect", "symmetric", "wrap" or "linear_ramp" (from
            the edge to ``end_values``, 0 by default).
        constant_values: for mode "constant": one number, a pair (before, after), or a pair for each axis.
        end_values: the same for mode "linear_ramp".

    >>> pad([1.0, 2.0], (1, 2))
    array([0., 1., 2., 0., 0.])
    """
    x = as_array("pad", array)
    widths = _widths(pad_width, x.ndim)
    padded_shape(x.shape, widths)
    for keyword, value, its_mode in (
        ("constant_values", constant_values, "constant"),
        ("end_values", end_values, "linear_ramp"),
    ):
        if value is not None and mode != its_mode:
            raise ArgumentError(f"pad: {keyword}= goes with mode {its_mode!r}, got mode {mode!r}")
    if mode == "constant":
        return _pad_constant(x, widths, 0 if constant_values is None else constant_values)
    if mode == "linear_ramp":
        return _pad_ramp(x, widths, 0 if end_values is None else end_values)
    if mode not in _GATHERED:
        listed = ", ".join(map(repr, _GATHERED))
        raise ArgumentError(f"pad: expected mode 'constant', 'linear_ramp', {listed}, got {mode!r}")
    for axis, pair in enumerate(widths):
        if any(pair):
            if not x.shape[axis]:
                raise ShapeError(f"pad: expected axes with elements for mode {mode!r}, got shape {x.shape}")
            places = np.pad(np.arange(x.shape[axis]), pair, mode=mode)  # type: ignore[call-overload]  # one of four
            x = gather(x, places, axes=(axis,), unique=False)
    return x


def _widths(given: Any, ndim: int) -> Widths:
    if isinstance(given, dict):
        full: list[Any] = [(0, 0)] * ndim
        for axis, pair in given.items():
            full[normalize_axis("pad", axis, ndim)] = (pair, pair) if hasattr(pair, "__index__") else pair
        given = full
    try:
        numbers = np.asarray(given)
    except ValueError:
        raise ShapeError(f"pad: expected widths that broadcast to {(ndim, 2)}, got {given!r}") from None
    if numbers.dtype.kind not in "iu" and numbers.size:
        raise DTypeError(f"pad: expected integer widths, got {given!r}")
    try:
        pairs = np.broadcast_to(numbers, (ndim, 2)).tolist()
    except ValueError:
        raise ShapeError(f"pad: expected widths that broadcast to {(ndim, 2)}, got {given!r}") from None
    return tuple((before, after) for before, after in pairs)


def _pairs(numbers: Any, x: Array) -> Array:
    """Values for both sides of each axis."""
    given = as_array("pad", numbers)
    if given.dtype.kind == "c" and x.dtype.kind != "c":
        raise DTypeError(f"pad: cannot put {given.dtype} into an array of {x.dtype}. Take the real part first")
    try:
        return stretch(given, (x.ndim, 2))
    except ShapeError:
        raise ShapeError(f"pad: expected values that broadcast to {(x.ndim, 2)}, got shape {given.shape}") from None


def _pad_constant(x: Array, widths: Widths, numbers: Any) -> Array:
    if type(numbers) in (int, float, bool) and numbers == 0:
        return pad_zeros(x, widths=widths) if any(map(any, widths)) else x
    pairs = astype(_pairs(numbers, x), x.dtype)
    for axis, pair in enumerate(widths):
        blocks = [
            stretch(pairs[axis, side], (*x.shape[:axis], width, *x.shape[axis + 1 :]))
            for side, width in enumerate(pair)
        ]
        if any(pair):
            x = join(blocks[0], x, blocks[1], axis=axis)
    return x


def _pad_ramp(x: Array, widths: Widths, numbers: Any) -> Array:
    pairs = _pairs(numbers, x)
    for axis, (before, after) in enumerate(widths):
        length = x.shape[axis]
        if not (before or after):
            continue
        if not length:
            raise ShapeError(f"pad: expected axes with elements for mode 'linear_ramp', got shape {x.shape}")
        left = _ramp(pairs[axis, 0], cut_axis(x, axis, 0, 1), before, axis)
        right = _ramp(pairs[axis, 1], cut_axis(x, axis, length - 1, length), after, axis)
        x = join(left, x, operations.flip(right, axis), axis=axis)
    return x


def _ramp(end: Array, edge: Array, width: int, axis: int) -> Array:
    """Equal steps from ``end`` up to, but not including, ``edge``."""
    dtype = edge.dtype
    if dtype.kind in "fc":
        end = astype(end, dtype)
    else:
        end, edge = astype(end, float), astype(edge, float)
    steps = np.arange(width).reshape((-1,) + (1,) * (edge.ndim - 1 - axis))
    ramp = end + steps * ((edge - end) / max(width, 1))
    return astype(operations.floor(ramp) if dtype.kind in "iu" else ramp, dtype)


# Repeating ---------------------------------------------------------------------------------------------------------


@function(
    np.tile,
    samples=[
        call(normal(2, 3), 2),
        call(normal(3), (2, 2)),
        call(normal(2, 3), (2, 1)),
        call(normal(), 3),
        call(normal(2), 0),
    ],
    rejects=[
        reject(DTypeError, "tile: expected an integer as reps, got 1.5", normal(3), 1.5),
        reject(ShapeError, "tile: expected numbers of repetitions from 0, got -1", normal(3), -1),
    ],
)
def tile(A: Any, reps: Any) -> Array:
    """Return A repeated as a whole so many times along each axis.

    >>> tile([1.0, 2.0], 2)
    array([1., 2., 1., 2.])
    """
    x = as_array("tile", A)
    counts = as_shape("tile", reps, "reps")
    if any(count < 0 for count in counts):
        raise ShapeError(f"tile: expected numbers of repetitions from 0, got {reps}")
    ndim = max(x.ndim, len(counts))
    counts = (1,) * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - x.ndim) + x.shape
    if all(count == 1 for count in counts):
        return reshape(x, shape)
    apart = reshape(x, tuple(n for length in shape for n in (1, length)))
    copies = stretch(apart, tuple(n for pair in zip(counts, shape, strict=True) for n in pair))
    return reshape(copies, tuple(count * length for count, length in zip(counts, shape, strict=True)))


@function(
    np.repeat,
    samples=[
        call(normal(2, 3), 2),
        call(normal(2, 3), 2, axis=1),
        call(normal(2, 3), [1, 0, 2], axis=-1),
        call(normal(2, 3), [2], axis=0),
        call(normal(), 3),
    ],
    rejects=[
        reject(ShapeError, "repeat: expected one number of repetitions, or 3", normal(3), [1, 2]),
        reject(ArgumentError, "repeat: expected numbers of repetitions from 0", normal(3), -1),
        reject(DTypeError, "repeat: expected integer", normal(3), 1.5),
    ],
)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Array:
    """Return a with each element along ``axis`` (None: of the flattened array) repeated.

    Args:
        a: any array.
        repeats: how many times: one integer, or one for each element. Its value must be known.
        axis: along which axis.

    >>> repeat([1.0, 2.0], 2)
    array([1., 1., 2., 2.])
    """
    x = as_array("repeat", a)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis("repeat", axis, x.ndim)
    counts = np.asarray(as_array("repeat", repeats)._concrete("the number of repetitions"))
    length = x.shape[axis]
    if counts.dtype.kind not in "iub":
        raise DTypeError(f"repeat: expected integer numbers of repetitions, got {counts.dtype}")
    if counts.size and counts.min() < 0:
        raise ArgumentError(f"repeat: expected numbers of repetitions from 0, got {repeats}")
    if counts.shape not in ((), (1,), (length,)):
        raise ShapeError(f"repeat: expected one number of repetitions, or {length}, got shape {counts.shape}")
    if counts.size == 1:
        count = int(counts.item())
        shape = (*x.shape[: axis + 1], count, *x.shape[axis + 1 :])
        copies = stretch(expand_dims(x, axis + 1), shape)
        return reshape(copies, (*x.shape[:axis], length * count, *x.shape[axis + 1 :]))
    return gather(x, np.repeat(np.arange(length), counts), axes=(axis,), unique=False)


@function(
    np.roll,
    samples=[
        call(normal(2, 3), 1),
        call(normal(2, 3), -1, axis=1),
        call(normal(2, 3), (1, 4), axis=(0, 1)),
        call(normal(5), 7, axis=(0, 0)),
        call(normal(0, 2), 1, axis=0),
        call(normal(), 1),
    ],
    rejects=[
        reject(ShapeError, "roll: axis 1 is out of range", normal(3), 1, axis=1),
        reject(ShapeError, "roll: expected as many shifts as axes", normal(2, 3), (1, 2), axis=(0, 1, 0)),
        reject(DTypeError, "roll: expected an integer as shift, got 1.5", normal(3), 1.5),
    ],
)
def roll(a: Any, shift: Any, axis: Any = None) -> Array:
    """Return a with its elements moved ``shift`` places along ``axis``; what leaves at the end comes in at the front.

    >>> roll([1.0, 2.0, 3.0], 1)
    array([3., 1., 2.])
    """
    x = as_array("roll", a)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    shifts = as_shape("roll", shift, "shift")
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    if not shifts or not axes:
        raise ShapeError(f"roll: expected at least one shift and one axis, got {shift!r} and {axis!r}")
    if len(shifts) != len(axes) and 1 not in (len(shifts), len(axes)):
        raise ShapeError(f"roll: expected as many shifts as axes, got {len(shifts)} and {len(axes)}")
    count = max(len(shifts), len(axes))
    shifts = shifts * count if len(shifts) == 1 else shifts
    axes = axes * count if len(axes) == 1 else axes
    for one, moved in zip(axes, shifts, strict=True):
        place = normalize_axis("roll", one, x.ndim)
        length = x.shape[place]
        moved = moved % length if length else 0
        if moved:
            x = join(cut_axis(x, place, length - moved, length), cut_axis(x, place, 0, length - moved), axis=place)
    return x


@function(
    np.resize,
    samples=[call(normal(2, 3), (2, 2)), call(normal(3), (2, 4)), call(normal(0), (2,)), call(normal(), 3)],
    rejects=[reject(ShapeError, "resize: expected lengths from 0", normal(3), -1)],
)
def resize(a: Any, new_shape: Any) -> Array:
    """Return the elements of a, in row-major order and again from the first as often as needed, in a new shape.

    >>> resize([1.0, 2.0, 3.0], (2, 2))
    array([[1., 2.],
           [3., 1.]])
    """
    x = ravel(as_array("resize", a))
    shape = as_shape("resize", new_shape)
    if any(length < 0 for length in shape):
        raise ShapeError(f"resize: expected lengths from 0, got {shape}")
    size = Aval(shape, x.dtype).size
    if not x.size or not size:
        return operations.zeros_like(x, shape=shape)
    return reshape(cut_axis(tile(x, -(-size // x.size)), 0, 0, size), shape)


@function(
    np.meshgrid,
    samples=[
        call(normal(3), normal(4)),
        call(normal(3), normal(4), normal(2), indexing="ij"),
        call(normal(3), normal(4), sparse=True),
        call(normal(), normal(2)),
    ],
    rejects=[reject(ArgumentError, "meshgrid: expected indexing 'xy' or 'ij'", normal(3), indexing="yx")],
)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Array, ...]:
    """Return the coordinates of a grid: each vector along its own axis, broadcast over the others.

    Args:
        xi: the vectors.
        copy: without meaning here, for arrays are never written to.
        sparse: do not broadcast.
        indexing: "xy" puts the first vector along the second axis, "ij" the i-th along axis i.

    >>> meshgrid([1.0, 2.0], [3.0], indexing="ij")
    (array([[1.],
           [2.]]), array([[3.],
           [3.]]))
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid: expected indexing 'xy' or 'ij', got {indexing!r}")
    vectors = as_arrays("meshgrid", *xi)
    places = list(range(len(vectors)))
    if indexing == "xy" and len(places) > 1:
        places[:2] = 1, 0
    grid = [
        reshape(one, tuple(one.size if i == place else 1 for i in range(len(vectors))))
        for one, place in zip(vectors, places, strict=True)
    ]
    return tuple(grid) if sparse else tuple(operations.broadcast_arrays(*grid))
