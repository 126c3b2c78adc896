"""Counting: bincount and histograms. Counts have no derivative, sums of weights and edges have one."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import as_index
from pullback.core.operations import function, operations
from pullback.core.sample import call, integers, normal, points, positive, reject, values
from pullback.core.terminals import scalar_node
from pullback.dtypes import FLOAT64, is_differentiable
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.differences import diff
from pullback.ops.indexing import scatter_add
from pullback.ops.searching import find_place
from pullback.ops.structural import as_array, as_arrays, ravel, reshape


def _totals(weights: Array, places: tuple[Array, ...], shape: tuple[int, ...]) -> Array:
    """The sum of the weights that belong to each place."""
    zeros = Array(scalar_node(0, shape, weights.dtype))
    return scatter_add(zeros, weights, *places, axes=tuple(range(len(shape))), unique=False)


def _ones(count: int) -> Array:
    return Array(scalar_node(1, (count,), np.dtype(np.intp)))


@function(
    np.bincount,
    samples=[
        call(integers(0, 5, 7)),
        call(integers(0, 5, 7), normal(7)),
        call(integers(0, 5, 7), normal(7), 9),
        call(integers(0, 5, 0), minlength=2),
        call(values(0, 2, 2), weights=values(1, 2, 3)),
    ],
    rejects=[
        reject(DTypeError, "bincount: expected integers to count, got float64", [1.0]),
        reject(ShapeError, "bincount: expected an array with one axis", [[1]]),
        reject(ArgumentError, "bincount: expected integers of at least 0, got -1", [-1, 2]),
        reject(ShapeError, "bincount: expected weights of shape (2,), got (3,)", [1, 2], [1.0, 2.0, 3.0]),
        reject(DTypeError, "bincount: expected real weights", [1], [1j]),
        reject(ArgumentError, "bincount: expected minlength of at least 0, got -1", [1], minlength=-1),
    ],
)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Array:
    """How often each integer from 0 on occurs in x, whose values must be known; or the sum of its weights.

    >>> bincount([0, 2, 2], weights=[1.0, 2.0, 3.0])
    array([1., 0., 5.])
    """
    x = as_array("bincount", x)
    if x.dtype.kind not in "iub" and x.size:
        raise DTypeError(f"bincount: expected integers to count, got {x.dtype}")
    if x.ndim != 1:
        raise ShapeError(f"bincount: expected an array with one axis, got shape {x.shape}")
    least = as_index("bincount", "minlength", minlength)
    if least < 0:
        raise ArgumentError(f"bincount: expected minlength of at least 0, got {least}")
    known = np.asarray(x._concrete("bincount, whose result is as long as the largest value,")).astype(np.intp)
    if known.size and known.min() < 0:
        raise ArgumentError(f"bincount: expected integers of at least 0, got {known.min()}")
    if weights is None:
        return as_array("bincount", np.bincount(known, minlength=least))
    w = as_array("bincount", weights)
    if w.shape != x.shape:
        raise ShapeError(f"bincount: expected weights of shape {x.shape}, got {w.shape}")
    if w.dtype.kind == "c":
        raise DTypeError(f"bincount: expected real weights, got {w.dtype}")
    length = max(int(known.max(initial=-1)) + 1, least)
    return _totals(operations.astype(w, FLOAT64), (as_array("bincount", known),), (length,))


# Edges ----------------------------------------------------------------------------------------------------------------


def _sample(operation: str, a: Any) -> Array:
    a = ravel(as_array(operation, a))
    if a.dtype.kind == "c":
        raise DTypeError(f"{operation}: expected real numbers, which have an order, got {a.dtype}")
    result: Array = operations.astype(a, np.uint8) if a.dtype.kind == "b" else a
    return result


def _ends(operation: str, a: Array, limits: Any) -> tuple[Any, Any]:
    """The first and last edge: the limits given, or the extremes of the sample, through which a gradient flows."""
    if limits is not None:
        if np.ndim(limits) != 1 or len(limits) != 2:
            raise ArgumentError(f"{operation}: expected range to be (lowest, highest), got {limits!r}")
        low, high = limits
    elif not a.size:
        low, high = 0, 1
    else:
        low, high = operations.min(a), operations.max(a)
    known = [one._node.value if isinstance(one, Array) else one for one in (low, high)]
    if any(one is None for one in known):
        same = operations.equal(low, high)
        return operations.where(same, low - 0.5, low), operations.where(same, high + 0.5, high)
    if not np.all(np.isfinite(known)):
        raise ArgumentError(f"{operation}: expected a finite range, got {known[0]} to {known[1]}")
    if known[0] > known[1]:
        raise ArgumentError(f"{operation}: expected the range to rise, got {known[0]} to {known[1]}")
    return (low - 0.5, high + 0.5) if known[0] == known[1] else (low, high)


def _equal_bins(operation: str, a: Array, count: int, limits: Any, dtype: Any = None) -> Array:
    low, high = _ends(operation, a, limits)
    edges: Array = operations.linspace(low, high, count + 1, dtype=dtype)
    known = edges._node.value
    if known is not None and np.any(known[:-1] >= known[1:]):
        raise ArgumentError(f"{operation}: expected fewer bins: {count} between {low} and {high} have no width")
    return edges


def _as_count(operation: str, bins: Any) -> int:
    count = as_index(operation, "bins", bins)
    if count < 1:
        raise ArgumentError(f"{operation}: expected at least 1 bin, got {count}")
    return count


def _given_edges(operation: str, bins: Any) -> Array:
    edges = as_array(operation, bins)
    if edges.ndim != 1:
        raise ShapeError(f"{operation}: expected bins to be a number, or edges with one axis, got shape {edges.shape}")
    known = edges._node.value
    if known is not None and np.any(known[:-1] > known[1:]):
        raise ArgumentError(f"{operation}: expected edges that rise")
    return edges


def _is_number(bins: Any) -> bool:
    return not hasattr(bins, "__len__") or (isinstance(bins, (Array, np.ndarray)) and not bins.ndim)


def _edges(operation: str, a: Array, bins: Any, limits: Any, weights: Any) -> Array:
    """The edges of the bins of one variable."""
    if not isinstance(bins, str) and not _is_number(bins):
        return _given_edges(operation, bins)
    if isinstance(bins, str):
        if weights is not None:
            raise DTypeError(f"{operation}: a rule for the number of bins, {bins!r}, knows nothing of weights")
        known = np.asarray(a._concrete(f"{operation} with a rule for the number of bins"))
        try:
            count = len(np.histogram_bin_edges(known, bins, limits)) - 1
        except ValueError as error:
            raise ArgumentError(f"{operation}: {error}") from None
    else:
        count = _as_count(operation, bins)
    if limits is None:
        wide = a.dtype
    else:
        wide = np.result_type(a.dtype, *[one if type(one) in (int, float) else np.asarray(one) for one in limits])
    return _equal_bins(operation, a, count, limits, wide if is_differentiable(wide) else FLOAT64)


# Histograms -----------------------------------------------------------------------------------------------------------


def _placed(a: Array, edges: Array) -> tuple[Array, Array]:
    """In which bin each element is, the last one closed at both ends; and whether it is in one."""
    count = edges.size - 1
    place = find_place(*_one_dtype(edges, a), side="right") - 1
    place = operations.minimum(place, count - 1)
    inside = operations.logical_and(operations.greater_equal(a, edges[0]), operations.less_equal(a, edges[-1]))
    return operations.maximum(place, 0), inside


def _one_dtype(edges: Array, a: Array) -> tuple[Array, Array]:
    wide = np.result_type(edges.dtype, a.dtype)
    return operations.astype(edges, wide), operations.astype(a, wide)


def _weights(operation: str, weights: Any, shape: tuple[int, ...]) -> Array:
    w = as_array(operation, weights)
    if w.shape != shape:
        raise ShapeError(f"{operation}: expected weights of shape {shape}, got {w.shape}")
    return ravel(w)


_BINNED = points(0.1, 0.35, 0.62, 0.9, 1.3, -0.4)
_RANGED = points(0.11, 0.37, 0.52, 0.93, 1.34, -0.42)
_EDGES = points(0.0, 0.3, 0.8, 1.1)


def _rejects(operation: str) -> list[Any]:
    return [
        reject(ArgumentError, f"{operation}: expected at least 1 bin, got 0", normal(3), 0),
        reject(DTypeError, f"{operation}: expected an integer as bins, got 2.5", normal(3), 2.5),
        reject(ArgumentError, f"{operation}: expected edges that rise", normal(3), [1.0, 0.0]),
        reject(ShapeError, f"{operation}: expected bins to be a number, or edges", normal(3), [[1.0, 0.0]]),
        reject(ArgumentError, f"{operation}: expected the range to rise", normal(3), 3, (1.0, 0.0)),
        reject(ArgumentError, f"{operation}: expected a finite range", normal(3), 3, (0.0, np.inf)),
        reject(ArgumentError, f"{operation}: expected range to be (lowest, highest)", normal(3), 3, (0.0,)),
        reject(DTypeError, f"{operation}: expected real numbers", [1j], 3),
    ]


@function(
    np.histogram_bin_edges,
    samples=[
        _RANGED,
        call(_RANGED, 3),
        call(_RANGED, 4, (0.0, 1.0)),
        call(normal(2, 3), _EDGES),
        call(values(1, 20, 25, 30, 90), "sqrt"),
        call(integers(0, 9, 5), 3),
        call(values(2.0, 2.0), 2),
        call(values(), 2),
    ],
    rejects=_rejects("histogram_bin_edges"),
)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Array:
    """The edges of the bins that ``histogram`` counts in; they depend on the smallest and the largest of a.

    >>> histogram_bin_edges([0.0, 3.0], 3)
    array([0., 1., 2., 3.])
    """
    return _edges("histogram_bin_edges", _sample("histogram_bin_edges", a), bins, range, weights)


@function(
    np.histogram,
    samples=[
        call(_RANGED, 3),
        call(_BINNED, _EDGES),
        call(_BINNED, _EDGES, density=True),
        call(_BINNED, _EDGES, density=True, weights=positive(6)),
        call(_RANGED, 3, density=True),
        call(_BINNED, 4, (0.0, 1.0), weights=normal(6)),
        call(integers(0, 9, 12), 4),
        call(values(0.0, 0.5, 1.0, np.nan, 2.0), [0.0, 0.5, 1.0]),
        call(values(1, 20, 25, 30, 90), "auto"),
        call(values(), 2),
    ],
    rejects=[
        *_rejects("histogram"),
        reject(ShapeError, "histogram: expected weights of shape (3,)", normal(3), weights=[1.0]),
        reject(DTypeError, "histogram: a rule for the number of bins", [1.0], "auto", weights=[1.0]),
        reject(ArgumentError, "histogram: 'best' is not a valid estimator", [1.0], "best"),
        reject(ArgumentError, "histogram: expected a finite range", [1.0, np.nan], 3),
    ],
)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> tuple[Array, Array]:
    """Return how many elements of a are in each bin (the last closed at both ends), and the edges of the bins.

    Args:
        a: real numbers.
        bins: how many bins of equal width; or their edges; or a rule for how many, such as "auto".
        range: where the first bin begins and the last ends, by default at the extremes of a.
        density: divide by the width of the bins and by the total, so that the integral is 1.
        weights: what each element counts, 1 by default; the sums of weights have derivatives by these.

    >>> histogram([1.0, 2.0, 2.5], bins=[0.0, 2.0, 3.0])
    (array([1, 2]), array([0., 2., 3.]))
    """
    sample = _sample("histogram", a)
    w = _ones(sample.size) if weights is None else _weights("histogram", weights, as_array("histogram", a).shape)
    if w.dtype.kind == "b" and not _is_number(bins):
        raise DTypeError("histogram: expected numbers as weights, got bool. Use astype")
    edges = _edges("histogram", sample, bins, range, weights)
    place, inside = _placed(sample, edges)
    taken = operations.where(inside, w, False if w.dtype.kind == "b" else 0)
    counts = _totals(taken, (place,), (edges.size - 1,))  # of booleans: whether one holds, as in NumPy
    if density:
        counts = counts / operations.astype(diff(edges), FLOAT64) / operations.sum(counts)
    return counts, edges


def _variables(operation: str, sample: Any) -> list[Array]:
    """One array for each variable: the columns of an array with two axes, or the arrays of a sequence."""
    if hasattr(sample, "shape") and len(sample.shape) == 2:
        table = as_array(operation, sample)
        return [table[:, i] for i in range(table.shape[1])]
    columns = operations.atleast_2d(as_array(operation, sample))
    if columns.ndim > 2:
        raise ShapeError(f"{operation}: expected a sample with at most 2 axes, got shape {columns.shape}")
    return list(columns)


def _counted(
    operation: str, sample: list[Array], bins: Any, limits: Any, density: Any, weights: Any
) -> tuple[Array, list[Array]]:
    if not sample:
        raise ShapeError(f"{operation}: expected at least one variable, got none")
    given = list(bins) if not _is_number(bins) else [bins] * len(sample)
    ends = [None] * len(sample) if limits is None else list(limits)
    for name, found in (("bins", given), ("range", ends)):
        if len(found) != len(sample):
            raise ArgumentError(f"{operation}: expected {name} for each of {len(sample)} variables, got {len(found)}")
    edges, places, inside = [], [], None
    for i, one in enumerate(sample):
        one = _sample(operation, one)
        if _is_number(given[i]):
            edges.append(_equal_bins(operation, one, _as_count(operation, given[i]), ends[i]))
        else:
            edges.append(_given_edges(operation, given[i]))
        place, within = _placed(one, edges[-1])
        places.append(place)
        inside = within if inside is None else operations.logical_and(inside, within)
    count = sample[0].size
    w = _ones(count) if weights is None else _weights(operation, weights, (count,))
    if w.dtype.kind == "c":
        raise DTypeError(f"{operation}: expected real weights, got {w.dtype}")
    w = operations.astype(w, FLOAT64)
    shape = tuple(one.size - 1 for one in edges)
    counts = _totals(operations.where(inside, w, 0), tuple(places), shape)
    if density:
        total = operations.sum(counts)
        for i, one in enumerate(edges):
            counts = counts / reshape(diff(one), (-1,) + (1,) * (len(edges) - 1 - i))
        counts = counts / total
    return counts, edges


@function(
    np.histogramdd,
    samples=[
        call(normal(5, 2), [points(-9.0, 0.1, 9.0), points(-9.0, -0.5, 0.5, 9.0)]),
        call([_BINNED, _RANGED], [_EDGES, _EDGES], density=True, weights=positive(6)),
        call([_RANGED, _BINNED], (2, 3)),
        call(integers(0, 9, 6, 3), 2, [(0, 9), (0, 9), None]),
    ],
    rejects=[
        reject(ArgumentError, "histogramdd: expected bins for each of 2 variables, got 3", normal(5, 2), [2, 2, 2]),
        reject(ArgumentError, "histogramdd: expected range for each of 2 variables", normal(5, 2), 2, [(0, 1)]),
        reject(ArgumentError, "histogramdd: expected at least 1 bin", normal(5, 2), 0),
        reject(ShapeError, "histogramdd: expected at least one variable, got none", normal(3, 0)),
        reject(ShapeError, "histogramdd: expected a sample with at most 2 axes", normal(2, 2, 2)),
        reject(DTypeError, "histogramdd: expected real weights", normal(2, 1), 2, weights=[1j, 1.0]),
    ],
)
def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> tuple[Array, list[Array]]:
    """Return how many observations are in each box, and the edges of the boxes along each variable.

    Args:
        sample: a row for each observation; or a list with an array for each variable.
        bins: how many along each variable, or for each variable how many or the edges.
        range: for each variable the ends, or None for its extremes.
        density: divide by the volume of the boxes and by the total.
        weights: what each observation counts.

    >>> histogramdd(np.array([[0.0, 0.0], [1.0, 1.0]]), bins=2)[0]
    array([[1., 0.],
           [0., 1.]])
    """
    return _counted("histogramdd", _variables("histogramdd", sample), bins, range, density, weights)


@function(
    np.histogram2d,
    samples=[
        call(_BINNED, _RANGED, 3),
        call(_BINNED, _RANGED, [_EDGES, 2], density=True),
        call(_BINNED, _RANGED, _EDGES, weights=normal(6)),
        call(_BINNED, _RANGED, (2, 3), [(0.0, 1.0), (-1.0, 2.0)]),
    ],
    rejects=[
        reject(ShapeError, "histogram2d: expected x and y of one length, got (3,) and (2,)", normal(3), normal(2))
    ],
)
def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> tuple[Array, Array, Array]:
    """Return how many points (x, y) are in each box, and the edges of the boxes along x and along y.

    ``bins`` is one number or one array of edges for both, or a pair of these; the rest is as for ``histogramdd``.

    >>> histogram2d([0.0, 1.0], [0.0, 1.0], bins=2)[0]
    array([[1., 0.],
           [0., 1.]])
    """
    sample = as_arrays("histogram2d", x, y)
    if sample[0].ndim != 1 or sample[0].shape != sample[1].shape:
        raise ShapeError(f"histogram2d: expected x and y of one length, got {sample[0].shape} and {sample[1].shape}")
    if not _is_number(bins) and len(bins) not in (1, 2):
        bins = [bins, bins]
    counts, (edges_x, edges_y) = _counted("histogram2d", sample, bins, range, density, weights)
    return counts, edges_x, edges_y
