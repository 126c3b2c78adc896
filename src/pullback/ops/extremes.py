"""The largest and the smallest over axes, and where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, normalize_axes, normalize_axis
from pullback.core.families import General, general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import booleans, call, distinct, normal, reject, values
from pullback.dtypes import real_dtype
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.reduction import Axes, as_initial, count, finish, masked, reduce_sum, reduced, spread
from pullback.ops.structural import as_array

_SAMPLES = [
    call(distinct(3, 4), axes=(0,)),
    call(distinct(2, 3, 4), axes=(0, 2)),
    call(distinct(), axes=()),
    call(distinct(0, 3), axes=(1,)),
    call(values(1.0, np.nan, 3.0), axes=(0,)),
]
_REJECTS = [reject(ShapeError, "expected at least one element along the reduced axes", normal(0, 3), axes=(0,))]


@general(name="max", samples=_SAMPLES, rejects=_REJECTS, axis_params=("axes",))
def reduce_max(x: Any, *, axes: Axes) -> Any:
    """The largest element over ``axes``, which are dropped; NaN if there is one."""
    return np.maximum.reduce(x, axis=axes)


@general(name="min", samples=_SAMPLES, rejects=_REJECTS, axis_params=("axes",))
def reduce_min(x: Any, *, axes: Axes) -> Any:
    """The smallest element over ``axes``, which are dropped; NaN if there is one."""
    return np.minimum.reduce(x, axis=axes)


@general(
    differentiable=False,
    samples=[
        call(values([1.0, 3.0, 3.0], [np.nan, 1.0, 2.0]), values(3.0, np.nan), axes=(1,)),
        call(values(2.0, 1.0), values(2.0, 2.0), axes=()),
    ],
    axis_params=("axes",),
)
def attained(x: Any, out: Any, *, axes: Axes) -> Any:
    """Where x equals ``out``, its extreme over ``axes``; NaN equals NaN. Ties are true, all of them."""
    row = np.reshape(out, reduced(x.shape, axes, keepdims=True))
    found = x == row
    if x.dtype.kind in "fc":
        lost = np.isnan(row)
        if lost.any():
            found = found | (np.isnan(x) & lost)
    return found


@attained.composed
def _(x: Array, out: Array, *, axes: Axes) -> Array:
    row = spread(out, x.shape, axes)
    found: Array = x == row
    if x.dtype.kind in "fc":
        found = operations.logical_or(found, operations.isnan(x))  # where one is NaN, the extreme is
    return found


@attained.infer
def _(x: Aval, out: Aval, *, axes: Axes) -> Aval:
    if out.shape != reduced(x.shape, axes):
        raise ShapeError(f"attained: expected an extreme of shape {reduced(x.shape, axes)}, got {out.shape}")
    return Aval(x.shape, np.dtype(bool))


def _declare_rules(primitive: General) -> None:
    """The rules of max and min: what attains the extreme shares its derivative equally."""

    @primitive.infer
    def _(x: Aval, *, axes: Axes) -> Aval:
        if not count(x.shape, axes):
            raise ShapeError(
                f"{primitive.name}: expected at least one element along the reduced axes, got shape {x.shape} and axes "
                f"{axes}. Give initial="
            )
        return Aval(reduced(x.shape, axes), x.dtype)

    @primitive.define_vjp
    def _(ct: Array, out: Array, x: Array, *, axes: Axes) -> Iterator[Thunk]:
        def share() -> Array:
            mask, ties = _ties(out, x, axes)
            shared: Array = operations.where(mask, spread(ct / ties, x.shape, axes), 0)
            return shared

        yield share

    @primitive.define_jvp
    def _(tangents: Sequence[Any], out: Array, x: Array, *, axes: Axes) -> Array:
        mask, ties = _ties(out, x, axes)
        mean: Array = reduce_sum(operations.where(mask, tangents[0], 0), axes=axes) / ties
        return mean


def _ties(out: Array, x: Array, axes: Axes) -> tuple[Array, Array]:
    """Where the extreme is attained, and at how many places."""
    mask = attained(x, out, axes=axes)
    dtype = real_dtype(out.dtype)
    if dtype.kind == "f" and count(x.shape, axes) <= 2 ** np.finfo(dtype).nmant:  # so many can be counted in it
        return mask, reduce_sum(operations.astype(mask, dtype), axes=axes)
    return mask, operations.astype(reduce_sum(mask, axes=axes), dtype)


_declare_rules(reduce_max)
_declare_rules(reduce_min)


def _extreme(primitive: General, pairwise: str, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any) -> Array:
    operation = primitive.name
    a = as_array(operation, a)
    axes = normalize_axes(operation, axis, a.ndim)
    if initial is None:
        if where is not None and where is not True:
            raise ArgumentError(f"{operation}: expected initial= together with where=, for where nothing is taken")
        return finish(primitive(a, axes=axes), a.shape, axes, keepdims)
    initial = as_initial(operation, initial, a.dtype)
    a = masked(operation, a, where, initial)
    if count(a.shape, axes):
        result = getattr(operations, pairwise)(primitive(a, axes=axes), initial)
    else:
        result = operations.broadcast_to(initial, reduced(a.shape, axes))
    return finish(result, a.shape, axes, keepdims)


_EXTREME_SAMPLES = [
    distinct(3, 4),
    distinct(),
    call(distinct(3, 4), axis=-1, keepdims=True),
    call(distinct(2, 3, 4), axis=(0, -1)),
    call(distinct(3, 0), axis=0),
    call(distinct(3, 4), axis=0, where=booleans(4), initial=0.01),
    call(distinct(0, 3), axis=0, initial=2.0),
    call(values(1.0, 3.0, 3.0)),
    call(values([1.0, np.nan], [np.inf, -np.inf]), axis=1),
]


@function(
    (np.max, np.amax),
    samples=_EXTREME_SAMPLES,
    rejects=[
        reject(ShapeError, "max: axis 2 is out of range", normal(3, 4), axis=2),
        reject(ShapeError, "max: expected at least one element", normal(0)),
        reject(ArgumentError, "max: expected initial= together with where=", normal(3), where=[True, False, True]),
        reject(DTypeError, "max: initial=300 does not fit int8", np.ones(2, np.int8), initial=300),
    ],
)
def max(a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None) -> Array:
    """Largest element along ``axis`` (None: all); NaN if there is one. Ties share the gradient equally.

    Raises ShapeError if there is nothing to choose from and no ``initial``.

    >>> max([[1.0, 2.0], [4.0, 3.0]], axis=1)
    array([2., 4.])
    """
    return _extreme(reduce_max, "maximum", a, axis, keepdims, initial, where)


@function(
    (np.min, np.amin),
    samples=_EXTREME_SAMPLES,
    rejects=[
        reject(ShapeError, "min: axis 2 is out of range", normal(3, 4), axis=2),
        reject(ShapeError, "min: expected at least one element", normal(0)),
    ],
)
def min(a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None) -> Array:
    """Smallest element along ``axis`` (None: all); NaN if there is one. Ties share the gradient equally.

    Raises ShapeError if there is nothing to choose from and no ``initial``.

    >>> min([[1.0, 2.0], [4.0, 3.0]], axis=1)
    array([1., 3.])
    """
    return _extreme(reduce_min, "minimum", a, axis, keepdims, initial, where)


@function(
    np.ptp,
    samples=[distinct(3, 4), distinct(), call(distinct(3, 4), axis=(0, 1), keepdims=True)],
    rejects=[reject(ShapeError, "ptp: expected at least one element", normal(0))],
)
def ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """Largest minus smallest element along ``axis`` (None: all).

    >>> ptp([1.0, 4.0, 2.0])
    array(3.)
    """
    a = as_array("ptp", a)
    span: Array = operations.subtract(max(a, axis, keepdims=keepdims), min(a, axis, keepdims=keepdims))
    return span


# Where they are -------------------------------------------------------------------------------------------------------

_FIND_SAMPLES = [call(distinct(3, 4), axis=0), call(distinct(0, 3), axis=1), call(values(1.0, np.nan, 3.0), axis=0)]
_FIND_REJECTS = [reject(ShapeError, "expected at least one element along axis 0", normal(0, 3), axis=0)]


@general(name="argmax", differentiable=False, samples=_FIND_SAMPLES, rejects=_FIND_REJECTS, axis_params=("axis",))
def find_max(x: Any, *, axis: int) -> Any:
    """The place along ``axis``, which is dropped, of the first largest element."""
    return np.argmax(x, axis=axis)


@general(name="argmin", differentiable=False, samples=_FIND_SAMPLES, rejects=_FIND_REJECTS, axis_params=("axis",))
def find_min(x: Any, *, axis: int) -> Any:
    """The place along ``axis``, which is dropped, of the first smallest element."""
    return np.argmin(x, axis=axis)


def _declare_place(primitive: General, extreme: General) -> None:
    @primitive.composed
    def _(x: Array, *, axis: int) -> Array:
        length = x.shape[axis]
        places = np.arange(length, dtype=np.intp).reshape(length, *[1] * (x.ndim - axis - 1))
        reached = attained(x, extreme(x, axes=(axis,)), axes=(axis,))
        return reduce_min(operations.where(reached, places, length), axes=(axis,))

    @primitive.infer
    def _(x: Aval, *, axis: int) -> Aval:
        if not x.shape[axis]:
            raise ShapeError(f"{primitive.name}: expected at least one element along axis {axis}, got shape {x.shape}")
        return Aval(reduced(x.shape, (axis,)), np.dtype(np.intp))


_declare_place(find_max, reduce_max)
_declare_place(find_min, reduce_min)


def place_of(primitive: General, a: Any, axis: Any, keepdims: bool) -> Array:
    """Where along ``axis`` a primitive finds its element; in the flattened array if that is None."""
    operation = primitive.name
    a = as_array(operation, a)
    if axis is None:
        place = primitive(a.reshape(a.size), axis=0)
        return finish(place, a.shape, tuple(range(a.ndim)), keepdims)
    index = normalize_axis(operation, axis, a.ndim)
    return finish(primitive(a, axis=index), a.shape, (index,), keepdims)


_PLACE_SAMPLES = [
    distinct(3, 4),
    distinct(),
    call(distinct(3, 4), axis=-1, keepdims=True),
    call(distinct(3, 4), keepdims=True),
    values(1.0, 3.0, 3.0),
    values(1.0, np.nan, 3.0),
]


@function(
    np.argmax,
    samples=_PLACE_SAMPLES,
    rejects=[
        reject(ShapeError, "argmax: axis 2 is out of range", normal(3, 4), axis=2),
        reject(ShapeError, "argmax: expected at least one element along axis 0", normal(0, 3)),
    ],
    differentiable=False,
)
def argmax(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """Place of the first largest element along ``axis`` (None: in the flattened array).

    >>> argmax([[1.0, 2.0], [4.0, 3.0]], axis=1)
    array([1, 0])
    """
    return place_of(find_max, a, axis, keepdims)


@function(
    np.argmin,
    samples=_PLACE_SAMPLES,
    rejects=[reject(ShapeError, "argmin: axis 2 is out of range", normal(3, 4), axis=2)],
    differentiable=False,
)
def argmin(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """Place of the first smallest element along ``axis`` (None: in the flattened array).

    >>> argmin([[1.0, 2.0], [4.0, 3.0]], axis=1)
    array([0, 1])
    """
    return place_of(find_min, a, axis, keepdims)
