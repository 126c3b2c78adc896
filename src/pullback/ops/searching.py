"""Finding the place of values among others: without a derivative, for places are integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import batch_all, general
from pullback.core.operations import function, operations
from pullback.core.sample import call, distinct, integers, normal, points, reject, values
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.promotion import promoted
from pullback.ops.structural import as_array, as_arrays, expand_dims, ravel
from pullback.ops.taking import take

_EDGES = points(-1.0, -0.2, 0.1, 0.7)


def by_row(find: Callable[..., Any], table: Any, x: Any, dtype: Any = np.intp) -> Any:
    """Apply to a table with one axis and all of x; where the table has more, to each of its rows and its part of x."""
    if table.ndim == 1:
        return find(table, x)
    result = np.empty(x.shape, dtype)
    for row in np.ndindex(table.shape[:-1]):
        result[row] = find(table[row], x[row])
    return result


def check_rows(operation: str, table: tuple[int, ...], x: tuple[int, ...]) -> None:
    """A table with more than one axis goes with an x that begins with the axes of its rows."""
    if not table or table[:-1] != x[: len(table) - 1]:
        raise ShapeError(
            f"{operation}: expected values of shape {(*table[:-1], '...')} for a table of {table}, got {x}"
        )


def batch_rows(batched: Sequence[bool], inputs: Sequence[Array]) -> Sequence[Array]:
    """The table and x for a batch: the table is repeated only if its members differ."""
    return batch_all(batched, inputs) if batched[0] or inputs[0].ndim > 1 else inputs


@general(
    name="searchsorted",
    differentiable=False,
    samples=[
        call(_EDGES, normal(2, 3), side="left"),
        call(_EDGES, normal(), side="right"),
        call(values(0.0, 1.0, 1.0, np.nan), values(1.0, np.nan, -1.0), side="right"),
        call(points([0.0, 1.0, 2.0], [3.0, 4.0, 5.0]), normal(2, 4), side="left"),
    ],
    rejects=[reject(ShapeError, "searchsorted: expected values of shape", normal(2, 3), normal(3), side="left")],
)
def find_place(table: Any, x: Any, *, side: str) -> Any:
    """Before which element of the sorted ``table`` each x belongs; a table with rows goes with an x with such rows."""
    check_rows("searchsorted", table.shape, x.shape)
    return by_row(lambda row, x: np.searchsorted(row, x, side), table, x)  # type: ignore[call-overload]


@find_place.infer
def _(table: Aval, x: Aval, *, side: str) -> Aval:
    check_rows("searchsorted", table.shape, x.shape)
    return Aval(x.shape, np.dtype(np.intp))


@find_place.batching
def _(batched: Sequence[bool], table: Array, x: Array, *, side: str) -> Array:
    return find_place(*batch_rows(batched, (table, x)), side=side)


@function(
    np.searchsorted,
    samples=[
        call(_EDGES, normal(2, 3)),
        call(_EDGES, 0.1, side="right"),
        call(distinct(4), normal(3), sorter=[2, 0, 1, 3]),
        call(values(0.0, 1.0, 1.0, np.nan), values(1.0, np.nan, -1.0), "right"),
        call(integers(3, 4, 4), integers(0, 9, 2)),
        call(values(), normal(2)),
    ],
    rejects=[
        reject(ShapeError, "searchsorted: expected a sorted array with one axis", normal(2, 3), normal(3)),
        reject(ArgumentError, "searchsorted: expected side to be 'left' or 'right', got 'up'", [1.0], 1.0, side="up"),
        reject(ShapeError, "searchsorted: expected a sorter of shape (3,)", normal(3), normal(3), sorter=[0]),
        reject(DTypeError, "searchsorted: expected a sorter of integers", normal(3), normal(3), sorter=[0.0, 1.0, 2.0]),
    ],
    differentiable=False,
)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Array:
    """Before which element of the sorted ``a`` each v belongs: at "left" of elements equal to it, or at "right".

    With ``sorter`` a need not be sorted: these are the indices that sort it.

    >>> searchsorted([1.0, 2.0, 3.0], [0.5, 2.0])
    array([0, 1])
    """
    a, v = promoted("searchsorted", *as_arrays("searchsorted", a, v))  # NumPy takes a Python number as float64 here
    if a.ndim != 1:
        raise ShapeError(f"searchsorted: expected a sorted array with one axis, got shape {a.shape}")
    if side not in ("left", "right"):
        raise ArgumentError(f"searchsorted: expected side to be 'left' or 'right', got {side!r}")
    if sorter is not None:
        order = as_array("searchsorted", sorter)
        if order.dtype.kind not in "iu":
            raise DTypeError(f"searchsorted: expected a sorter of integers, got {order.dtype}")
        if order.shape != a.shape:
            raise ShapeError(f"searchsorted: expected a sorter of shape {a.shape}, got {order.shape}")
        a = take(a, order)
    return find_place(a, v, side=side)


@general(
    name="digitize",
    differentiable=False,
    samples=[
        call(_EDGES, normal(2, 3), right=False),
        call(points(3.0, 1.0, -1.0), normal(3), right=True),
        call(points([0.0, 1.0, 2.0], [5.0, 4.0, 3.0]), normal(2, 4), right=False),
    ],
)
def find_bin(bins: Any, x: Any, *, right: bool) -> Any:
    """In which of the intervals between ``bins`` each x is; bins with rows go with an x with such rows."""
    check_rows("digitize", bins.shape, x.shape)
    try:
        return by_row(lambda row, x: np.digitize(x, row, right), bins, x)
    except ValueError:
        raise ArgumentError("digitize: expected bins that only rise or only fall") from None


@find_bin.infer
def _(bins: Aval, x: Aval, *, right: bool) -> Aval:
    check_rows("digitize", bins.shape, x.shape)
    return Aval(x.shape, np.dtype(np.intp))


@find_bin.batching
def _(batched: Sequence[bool], bins: Array, x: Array, *, right: bool) -> Array:
    return find_bin(*batch_rows(batched, (bins, x)), right=right)


@function(
    np.digitize,
    samples=[
        call(normal(2, 3), _EDGES),
        call(normal(3), [3.0, 1.0, -1.0], right=True),
        call(values(0.1, np.nan, np.inf), [0.1, 0.2]),
        call(0.3, [0.0, 1.0]),
    ],
    rejects=[
        reject(ArgumentError, "digitize: expected bins that only rise or only fall", normal(3), [0.0, 2.0, 1.0]),
        reject(ShapeError, "digitize: expected bins with one axis", normal(3), [[0.0, 2.0]]),
        reject(DTypeError, "digitize: expected real numbers", [1j], [0.0, 1.0]),
    ],
    differentiable=False,
)
def digitize(x: Any, bins: Any, right: bool = False) -> Array:
    """The number of the interval between ``bins`` (which rise or fall) that each x is in; ``right``: their right ends.

    >>> digitize([0.5, 2.5], [0.0, 1.0, 2.0])
    array([1, 3])
    """
    x, bins = as_arrays("digitize", x, bins)
    if "c" in (x.dtype.kind, bins.dtype.kind):
        raise DTypeError(f"digitize: expected real numbers, which have an order, got {x.dtype} and {bins.dtype}")
    if bins.ndim != 1:
        raise ShapeError(f"digitize: expected bins with one axis, got shape {bins.shape}")
    known = bins._node.value
    if known is not None:
        steps = np.diff(known.astype(float))
        if not (np.all(steps >= 0) or np.all(steps <= 0)):
            raise ArgumentError("digitize: expected bins that only rise or only fall")
    return find_bin(bins, x, right=bool(right))


@general(
    name="isin",
    differentiable=False,
    samples=[call(integers(0, 4, 2, 3), integers(0, 4, 2)), call(values(1.0, np.nan), values(np.nan, 1.0))],
    rejects=[reject(ShapeError, "isin: expected values to look among with one axis", normal(2), normal(2, 2))],
)
def is_among(x: Any, table: Any) -> Any:
    """Whether each x is one of ``table``, an array with one axis."""
    _check_table(table)
    return np.isin(x, table)


def _check_table(table: Any) -> None:
    if table.ndim != 1:
        raise ShapeError(f"isin: expected values to look among with one axis, got shape {table.shape}")


@is_among.infer
def _(x: Aval, table: Aval) -> Aval:
    _check_table(table)
    return Aval(x.shape, np.dtype(bool))


@is_among.batching
def _(batched: Sequence[bool], x: Array, table: Array) -> Array:
    if not batched[1]:
        return is_among(x, table)
    x, table = batch_all(batched, (x, table))
    table = table.reshape(table.shape[0], *(1,) * (x.ndim - 1), table.shape[1])
    found: Array = operations.any(operations.equal(expand_dims(x, -1), table), axis=-1)
    return found


@function(
    np.isin,
    samples=[
        call(integers(0, 4, 2, 3), integers(0, 4, 2)),
        call(normal(3), normal(2, 2), invert=True),
        call(integers(0, 9, 4), [1, 2], kind="sort"),
        call(values(1.0, np.nan), values(np.nan, 1.0)),
    ],
    rejects=[reject(ArgumentError, "isin: expected kind to be None, 'sort' or 'table'", [1], [1], kind="x")],
    differentiable=False,
)
def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: str | None = None
) -> Array:
    """Whether each element is one of ``test_elements`` (not one of them, with ``invert``), elementwise.

    ``assume_unique`` and ``kind`` say how to look in NumPy; the result is the same.

    >>> isin([1, 2, 3], [3, 1])
    array([ True, False,  True])
    """
    if kind not in (None, "sort", "table"):
        raise ArgumentError(f"isin: expected kind to be None, 'sort' or 'table', got {kind!r}")
    x, table = as_arrays("isin", element, test_elements)
    found = is_among(x, ravel(table))
    return operations.logical_not(found) if invert else found
