"""Sorting. The derivative of a sorted array follows the stable permutation: of equal elements the first stays first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, as_index, normalize_axis
from pullback.core.families import general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, distinct, integers, normal, reject, values
from pullback.errors import ArgumentError, DTypeError, IndexingError, ShapeError
from pullback.ops.indexing import gather
from pullback.ops.structural import as_array, as_arrays, ravel, stretch
from pullback.ops.taking import along

_KINDS = ("quicksort", "mergesort", "heapsort", "stable")
_ALONG = [call(distinct(3, 4), axis=0), call(distinct(0, 3), axis=1), call(values(2.0, np.nan, 1.0, 2.0), axis=0)]


_SMALL = 4096
"""For fewer elements NumPy's stable sort is quick enough."""


def stable_order(x: Any, axis: int) -> Any:
    """The indices that sort x along ``axis``, of equal elements the first first.

    NumPy's other sort is several times faster, and does the same where no two elements are equal.
    """
    if x.size >= _SMALL and x.dtype.kind in "fiu":
        order = np.argsort(x, axis=axis)
        ranked = np.moveaxis(np.take_along_axis(x, order, axis), axis, 0)
        before, after = ranked[:-1], ranked[1:]
        if not np.any((before == after) | ((before != before) & (after != after))):
            return order
    return np.argsort(x, axis=axis, kind="stable")


@general(name="sort", samples=[*_ALONG, call(distinct(2, 3, 2), axis=1)], axis_params=("axis",))
def sort_along(x: Any, *, axis: int) -> Any:
    """The elements in ascending order along ``axis``, NaN last; complex numbers by real part, then imaginary part."""
    return np.sort(x, axis=axis)


@general(
    name="argsort",
    differentiable=False,
    samples=[call(distinct(3, 4), axis=0, kind=None), call(values(2.0, np.nan, 1.0, 2.0), axis=0, kind="stable")],
    axis_params=("axis",),
)
def order_along(x: Any, *, axis: int, kind: str | None) -> Any:
    """The places from which the elements come when they are sorted along ``axis``."""
    if kind == "stable":
        return stable_order(x, axis)
    return np.argsort(x, axis=axis, kind=kind)  # type: ignore[arg-type]  # the words are checked before


@general(name="ranks", differentiable=False, samples=_ALONG, axis_params=("axis",))
def ranks_along(x: Any, *, axis: int) -> Any:
    """The places to which the elements go when they are sorted along ``axis``, of equal ones the first first."""
    order = stable_order(x, axis)
    ranks = np.empty_like(order)
    numbers = np.arange(x.shape[axis]).reshape((-1,) + (1,) * (x.ndim - 1 - axis))
    np.put_along_axis(ranks, order, np.broadcast_to(numbers, order.shape), axis)
    return ranks


@sort_along.infer
def _(x: Aval, *, axis: int) -> Aval:
    return x


@order_along.infer
def _(x: Aval, *, axis: int, kind: str | None) -> Aval:
    return Aval(x.shape, np.dtype(np.intp))


@ranks_along.infer
def _(x: Aval, *, axis: int) -> Aval:
    return Aval(x.shape, np.dtype(np.intp))


def rearranged(x: Array, order: Any, axis: int) -> Array:
    """The elements of x at the places ``order`` along ``axis``, none of which is named twice in a row."""
    order = as_array("sort", order)
    shape = (*x.shape[:axis], order.shape[axis], *x.shape[axis + 1 :])
    indices = [stretch(as_array("sort", one), shape) for one in along("sort", x.shape, order, axis)]
    return gather(x, *indices, axes=tuple(range(x.ndim)), unique=True)


@sort_along.define_vjp
def _(ct: Array, out: Array, x: Array, *, axis: int) -> Iterator[Thunk]:
    yield lambda: rearranged(ct, ranks_along(x, axis=axis), axis)


@sort_along.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, *, axis: int) -> Array:
    return rearranged(tangents[0], order_along(x, axis=axis, kind="stable"), axis)


# Public functions -----------------------------------------------------------------------------------------------------


def _line(operation: str, a: Any, axis: Any) -> tuple[Array, int]:
    """The array and the axis to sort along; flattened for None."""
    a = as_array(operation, a)
    if axis is None:
        return ravel(a), 0
    return a, normalize_axis(operation, axis, a.ndim)


def _kind(operation: str, kind: Any, stable: Any, order: Any) -> str | None:
    """How to sort, which decides the order among equal elements."""
    if order is not None:
        raise ArgumentError(f"{operation}: order= is for arrays with named fields, which arrays of numbers have not")
    if kind is not None and stable is not None:
        raise ArgumentError(f"{operation}: expected kind= or stable=, which say the same, got both")
    if kind is not None and kind not in _KINDS:
        listed = ", ".join(map(repr, _KINDS))
        raise ArgumentError(f"{operation}: expected kind to be one of {listed}, got {kind!r}")
    return "stable" if stable else kind


_SORT_SAMPLES = [
    distinct(4),
    distinct(3, 4),
    call(distinct(3, 4), axis=0),
    call(distinct(3, 4), axis=None),
    call(distinct(3, 0)),
    call(integers(0, 3, 9), kind="stable"),
    call(values(2.0, np.nan, -np.inf, 2.0, np.inf), stable=True),
    values(2.0 + 1j, 1.0 + 5j, complex(np.nan, 0.0), 2.0 - 1j),
]


def _sort_rejects(operation: str) -> list[Any]:
    return [
        reject(ShapeError, f"{operation}: axis 1 is out of range", normal(3), axis=1),
        reject(ArgumentError, f"{operation}: order= is for arrays with named fields", normal(3), order="a"),
        reject(ArgumentError, f"{operation}: expected kind to be one of", normal(3), kind="bubble"),
        reject(ArgumentError, f"{operation}: expected kind= or stable=", normal(3), kind="stable", stable=True),
    ]


@function(np.sort, samples=_SORT_SAMPLES, rejects=_sort_rejects("sort"))
def sort(a: Any, axis: Any = -1, kind: Any = None, order: None = None, *, stable: bool | None = None) -> Array:
    """Return the elements in ascending order along ``axis`` (None: flattened), NaN last.

    The derivative follows the elements to where they go, of equal ones the first first.

    >>> sort([3.0, 1.0, 2.0])
    array([1., 2., 3.])
    """
    _kind("sort", kind, stable, order)
    a, axis = _line("sort", a, axis)
    return sort_along(a, axis=axis)


@function(
    np.argsort,
    samples=_SORT_SAMPLES,
    rejects=_sort_rejects("argsort"),
    differentiable=False,
)
def argsort(a: Any, axis: Any = -1, kind: Any = None, order: None = None, *, stable: bool | None = None) -> Array:
    """Return the indices that sort the array along ``axis`` (None: flattened).

    >>> argsort([3.0, 1.0, 2.0])
    array([1, 2, 0])
    """
    kind = _kind("argsort", kind, stable, order)
    a = as_array("argsort", a)
    if not a.ndim:
        a, axis = ravel(a), 0  # NumPy sorts a number among itself
    a, axis = _line("argsort", a, axis)
    return order_along(a, axis=axis, kind=kind)


@function(
    np.sort_complex,
    samples=[distinct(4), distinct(2, 3), integers(0, 9, 4), values(2.0 + 1j, 1.0 + 5j)],
    rejects=[reject(ShapeError, "sort_complex: axis -1 is out of range", normal())],
)
def sort_complex(a: Any) -> Array:
    """Return the elements in ascending order along the last axis, as complex numbers.

    >>> sort_complex([3.0, 1.0])
    array([1.+0.j, 3.+0.j])
    """
    a = sort(a)
    if a.dtype.kind == "c":
        return a
    wide = "F" if a.dtype.char in "bhBH" else "G" if a.dtype.char == "g" else "D"  # as NumPy has it
    result: Array = operations.astype(a, np.dtype(wide))
    return result


# Partitions -----------------------------------------------------------------------------------------------------------


@general(
    name="argpartition",
    differentiable=False,
    samples=[call(distinct(3, 5), places=(1, 3), axis=1), call(distinct(0, 3), places=(1,), axis=1)],
    axis_params=("axis",),
)
def partition_order(x: Any, *, places: tuple[int, ...], axis: int) -> Any:
    """The places from which elements come when along ``axis`` those at ``places`` stand where sorting puts them."""
    if not x.size:
        return np.zeros(x.shape, np.intp)
    return np.argpartition(x, places, axis=axis)


@partition_order.infer
def _(x: Aval, *, places: tuple[int, ...], axis: int) -> Aval:
    return Aval(x.shape, np.dtype(np.intp))


def _partition(operation: str, a: Any, kth: Any, axis: Any, kind: Any, order: Any) -> tuple[Array, Array, int]:
    if order is not None:
        raise ArgumentError(f"{operation}: order= is for arrays with named fields, which arrays of numbers have not")
    if kind != "introselect":
        raise ArgumentError(f"{operation}: expected kind to be 'introselect', got {kind!r}")
    a, axis = _line(operation, a, axis)
    length = a.shape[axis]
    places = []
    for one in kth if np.iterable(kth) else (kth,):
        place = as_index(operation, "kth", one)
        if a.size and not -length <= place < length:
            raise IndexingError(f"{operation}: kth {place} is out of range for axis {axis} of length {length}")
        places.append(place % max(length, 1))
    if not places:
        raise ArgumentError(f"{operation}: expected at least one place as kth, got none")
    return a, partition_order(a, places=tuple(places), axis=axis), axis


def _partition_rejects(operation: str) -> list[Any]:
    return [
        reject(IndexingError, f"{operation}: kth 3 is out of range for axis 0 of length 3", normal(3), 3),
        reject(DTypeError, f"{operation}: expected an integer as kth, got 0.5", normal(3), 0.5),
        reject(ArgumentError, f"{operation}: expected at least one place as kth", normal(3), ()),
        reject(ArgumentError, f"{operation}: order= is for arrays with named fields", normal(3), 1, order="a"),
        reject(ArgumentError, f"{operation}: expected kind to be 'introselect'", normal(3), 1, kind="other"),
    ]


_PARTITION_SAMPLES = [
    call(distinct(3), 1),
    call(distinct(2, 3), 1),
    call(distinct(3, 2), (1, -1), axis=0),
    call(distinct(2, 2), [0, 1, 2], axis=None),
]


@function(np.partition, samples=_PARTITION_SAMPLES, rejects=_partition_rejects("partition"))
def partition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: None = None) -> Array:
    """Return the elements with those at places ``kth`` where sorting puts them, smaller ones before, others after.

    >>> partition([3.0, 1.0, 2.0], 1)
    array([1., 2., 3.])
    """
    return rearranged(*_partition("partition", a, kth, axis, kind, order))


@function(np.argpartition, samples=_PARTITION_SAMPLES, rejects=_partition_rejects("argpartition"), differentiable=False)
def argpartition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: None = None) -> Array:
    """Return the indices that ``partition`` the array.

    >>> argpartition([3.0, 1.0, 2.0], 1)
    array([1, 2, 0])
    """
    return _partition("argpartition", a, kth, axis, kind, order)[1]


@general(
    name="lexsort",
    differentiable=False,
    samples=[call(integers(0, 2, 6), integers(0, 2, 6), axis=0), call(integers(0, 2, 2, 4), normal(2, 4), axis=1)],
    rejects=[
        reject(ShapeError, "lexsort: expected keys of one shape, got (3,) and (4,)", normal(3), normal(4), axis=0)
    ],
    axis_params=("axis",),
)
def order_by_keys(*keys: Any, axis: int) -> Any:
    """The places from which elements come when sorted along ``axis`` by the last key, ties by the one before it."""
    return np.lexsort(keys, axis=axis)


@order_by_keys.infer
def _(*keys: Aval, axis: int) -> Aval:
    for key in keys:
        if key.shape != keys[0].shape:
            raise ShapeError(f"lexsort: expected keys of one shape, got {keys[0].shape} and {key.shape}")
    return Aval(keys[0].shape, np.dtype(np.intp))


@function(
    np.lexsort,
    samples=[
        call([integers(0, 2, 6), integers(0, 2, 6)]),
        call(integers(0, 2, 2, 6)),
        call([integers(0, 2, 2, 4), normal(2, 4)], axis=0),
    ],
    rejects=[
        reject(ShapeError, "lexsort: expected at least one key", []),
        reject(ShapeError, "lexsort: expected keys of one shape, got (1,) and (2,)", [[1.0], [1.0, 2.0]]),
        reject(ShapeError, "lexsort: axis 1 is out of range", [[1, 2]], axis=1),
    ],
    differentiable=False,
)
def lexsort(keys: Any, axis: Any = -1) -> Array:
    """Return the indices that sort by the last key, ties by the one before it, and so on.

    >>> lexsort([[3, 1, 2], [0, 1, 0]])
    array([2, 0, 1])
    """
    rows = as_arrays("lexsort", *keys) if isinstance(keys, (list, tuple)) else list(as_array("lexsort", keys))
    if not rows:
        raise ShapeError("lexsort: expected at least one key, got none")
    if not rows[0].ndim:
        raise ShapeError("lexsort: expected keys with at least one axis, got numbers")
    for row in rows:
        if row.shape != rows[0].shape:
            raise ShapeError(f"lexsort: expected keys of one shape, got {rows[0].shape} and {row.shape}")
    return order_by_keys(*rows, axis=normalize_axis("lexsort", axis, rows[0].ndim))
