"""Unique values and sets. Which they are depends on the values, which must be known; the gradient flows to them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import normalize_axes, normalize_axis
from pullback.core.operations import function
from pullback.core.sample import call, distinct, integers, normal, reject, values
from pullback.core.terminals import constant_node
from pullback.errors import DTypeError, ShapeError
from pullback.ops.indexing import gather
from pullback.ops.joining import concatenate
from pullback.ops.structural import as_array, as_arrays, ravel

_LINES = [
    distinct(5),
    distinct(2, 3),
    integers(0, 3, 7),
    values(2.0, np.nan, 1.0, np.nan, 2.0, -0.0, 0.0),
    values(1j, 1.0, 1j),
    values(),
]


def _known(operation: str, x: Array) -> Any:
    return np.asarray(x._concrete(f"{operation}, whose result has a shape that depends on its values,"))


def _picked(x: Array, places: Any, axis: int = 0) -> Array:
    return gather(x, places, axes=(axis,), unique=True)


def _constant(x: Any) -> Array:
    return Array(constant_node(np.asarray(x)))


@function(
    np.unique,
    samples=[
        *_LINES,
        call(distinct(4), True, True, True),
        call(integers(0, 3, 7), return_inverse=True, return_counts=True),
        call(integers(0, 2, 6, 2), return_index=True, return_inverse=True, axis=0),
        call(distinct(2, 3), axis=1),
        call(values(2.0, np.nan, 1.0, np.nan), return_counts=True, equal_nan=False),
    ],
    rejects=[reject(ShapeError, "unique: axis 1 is out of range", normal(3), axis=1)],
)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """Return the sorted unique elements (or slices along ``axis``), whose values must be known.

    The gradient goes to the first of equal elements.

    Args:
        ar: any array.
        return_index: also return where the first of each is.
        return_inverse: also return which unique element each element is.
        return_counts: also return how often each occurs.
        axis: along which axis slices are compared; None for elements.
        equal_nan: whether NaN counts as one value.
        sorted: False allows any order; the elements are sorted all the same.

    >>> unique([3.0, 1.0, 3.0], return_counts=True)
    (array([1., 3.]), array([1, 2]))
    """
    x = as_array("unique", ar)
    place = None if axis is None else normalize_axis("unique", axis, x.ndim)
    find: Any = np.unique  # its annotations want the flags to be literals
    if not x._node.watched:  # no gradient needs to know where they came from, which takes several times longer
        found = find(_known("unique", x), return_index, return_inverse, return_counts, place, equal_nan=equal_nan)
        return tuple(map(_constant, found)) if isinstance(found, tuple) else _constant(found)
    _, index, *others = find(_known("unique", x), True, return_inverse, return_counts, place, equal_nan=equal_nan)
    found = _picked(ravel(x), index) if place is None else _picked(x, index, place)
    more = ([_constant(index)] if return_index else []) + [_constant(one) for one in others]
    return (found, *more) if more else found


class UniqueAll(NamedTuple):
    """What ``unique_all`` returns."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCounts(NamedTuple):
    """What ``unique_counts`` returns."""

    values: Array
    counts: Array


class UniqueInverse(NamedTuple):
    """What ``unique_inverse`` returns."""

    values: Array
    inverse_indices: Array


@function(np.unique_all, samples=_LINES)
def unique_all(x: Any, /) -> UniqueAll:
    """Return the unique elements, where the first of each is, which each element is, and their counts (Array API).

    Each NaN is a value of its own.

    >>> unique_all([3.0, 1.0, 3.0]).counts
    array([1, 2])
    """
    return UniqueAll(*unique(as_array("unique_all", x), True, True, True, equal_nan=False))


@function(np.unique_counts, samples=_LINES)
def unique_counts(x: Any, /) -> UniqueCounts:
    """Return the unique elements and how often each occurs; each NaN is a value of its own (Array API).

    >>> unique_counts([3.0, 1.0, 3.0]).values
    array([1., 3.])
    """
    return UniqueCounts(*unique(as_array("unique_counts", x), return_counts=True, equal_nan=False))


@function(np.unique_inverse, samples=_LINES)
def unique_inverse(x: Any, /) -> UniqueInverse:
    """Return the unique elements and which of them each element is; each NaN is a value of its own (Array API).

    >>> unique_inverse([3.0, 1.0, 3.0]).inverse_indices
    array([1, 0, 1])
    """
    return UniqueInverse(*unique(as_array("unique_inverse", x), return_inverse=True, equal_nan=False))


@function(np.unique_values, samples=[distinct(1), integers(0, 9, 7), values(2.0, np.nan, 1.0, np.nan, 2.0), values()])
def unique_values(x: Any, /) -> Array:
    """Return the unique elements, in NumPy's order, which is any; each NaN is a value of its own (Array API).

    >>> unique_values([3.0, 3.0])
    array([3.])
    """
    x = ravel(as_array("unique_values", x))
    given = _known("unique_values", x)
    order = np.argsort(np.unique_values(given), kind="stable")
    index = np.empty_like(order)
    index[order] = np.unique(given, return_index=True, equal_nan=False)[1]
    return _picked(x, index)


# Sets -----------------------------------------------------------------------------------------------------------------

_PAIRS = [
    call(normal(5), normal(4)),
    call(integers(0, 6, 5), integers(0, 6, 2, 3)),
    call(values(1.0, np.nan, 2.0), values(2.0, np.nan, 5.0)),
    call(values(), distinct(3)),
]


def _lines(operation: str, ar1: Any, ar2: Any) -> tuple[Array, Array]:
    one, other = as_arrays(operation, ar1, ar2)
    return ravel(one), ravel(other)


@function(np.union1d, samples=_PAIRS)
def union1d(ar1: Any, ar2: Any) -> Array:
    """Return the sorted unique elements of both arrays, whose values must be known.

    >>> union1d([3.0, 1.0], [2.0, 3.0])
    array([1., 2., 3.])
    """
    found: Array = unique(concatenate(_lines("union1d", ar1, ar2)))
    return found


@function(
    np.intersect1d,
    samples=[
        *_PAIRS,
        call(values(1, 3, 4), values(4, 2, 1), assume_unique=True),
        call(values(1.0, 3.0, 1.0), values(1.0, 2.0, 3.0), return_indices=True),
    ],
)
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    """Return the sorted unique elements that are in both arrays, whose values must be known.

    The gradient goes to the first array. With ``return_indices`` also where they are in each.

    >>> intersect1d([3.0, 1.0, 4.0], [4.0, 3.0])
    array([3., 4.])
    """
    one, other = _lines("intersect1d", ar1, ar2)
    given = _known("intersect1d", one), _known("intersect1d", other)
    _, first, second = np.intersect1d(*given, assume_unique=assume_unique, return_indices=True)
    common = _picked(one.astype(np.result_type(one.dtype, other.dtype)), first)
    return (common, _constant(first), _constant(second)) if return_indices else common


@function(np.setdiff1d, samples=[*_PAIRS, call(values(3.0, 1.0, 1.0), values(2.0), assume_unique=True)])
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Array:
    """Return the unique elements of the first array that are not in the second; the values must be known.

    >>> setdiff1d([3.0, 1.0, 4.0], [4.0])
    array([1., 3.])
    """
    one, other = _lines("setdiff1d", ar1, ar2)
    given, excluded = _known("setdiff1d", one), _known("setdiff1d", other)
    index = np.arange(given.size) if assume_unique else np.unique(given, return_index=True)[1]
    return _picked(one, index[~np.isin(given[index], excluded)])


@function(np.setxor1d, samples=[*_PAIRS, call(values(3.0, 1.0), values(2.0, 3.0), assume_unique=True)])
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Array:
    """Return the sorted unique elements that are in one of the arrays only; the values must be known.

    >>> setxor1d([3.0, 1.0], [2.0, 3.0])
    array([1., 2.])
    """
    lines = _lines("setxor1d", ar1, ar2)
    if not assume_unique:
        lines = unique(lines[0]), unique(lines[1])
    both = concatenate(lines)
    given = _known("setxor1d", both)
    order = np.argsort(given, kind="stable")
    ranked = given[order]
    new = np.concatenate(([True], ranked[1:] != ranked[:-1], [True])) if given.size else np.zeros(1, bool)
    return _picked(both, order[new[1:] & new[:-1]])


@function(
    np.trim_zeros,
    samples=[
        call(values(0.0, 1.0, 0.0, 2.0, 0.0)),
        call(values(0.0, 1.0, 0.0), "f"),
        call(values(0.0, 0.0)),
        call(normal(3), "b"),
        call(values([0.0, 0.0, 0.0], [0.0, 1.0, 0.0]), axis=1),
        call(values([0.0, 0.0, 0.0], [0.0, 1.0, 0.0])),
    ],
    rejects=[
        reject(DTypeError, "trim_zeros: expected trim to be 'f', 'b' or 'fb', got 'x'", normal(3), "x"),
        reject(ShapeError, "trim_zeros: axis 1 is out of range", normal(3), axis=1),
    ],
)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Array:
    """Return the array without the zeros at its front ("f") and back ("b"); the values must be known.

    >>> trim_zeros([0.0, 1.0, 0.0, 2.0, 0.0])
    array([1., 0., 2.])
    """
    x = as_array("trim_zeros", filt)
    if not isinstance(trim, str) or trim.lower() not in ("f", "b", "fb", "bf"):
        raise DTypeError(f"trim_zeros: expected trim to be 'f', 'b' or 'fb', got {trim!r}")
    axes = normalize_axes("trim_zeros", axis, x.ndim)
    places = np.argwhere(_known("trim_zeros", x))
    cuts = [slice(None)] * x.ndim
    for place in axes:
        if not len(places):
            cuts[place] = slice(0, 0)
            continue
        start = places[:, place].min() if "f" in trim.lower() else None
        stop = places[:, place].max() + 1 if "b" in trim.lower() else None
        cuts[place] = slice(start, stop)
    return x[tuple(cuts)]
