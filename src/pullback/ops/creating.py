"""Making arrays: of one value, ranges of numbers, grids. Ranges are differentiated by where they begin and end."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import as_index, normalize_axis
from pullback.core.creation import array, as_dtype, asarray, check_device, check_order
from pullback.core.operations import function, operations, overrides
from pullback.core.sample import call, normal, positive, reject
from pullback.core.terminals import constant_node, scalar_node
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.promotion import promoted
from pullback.ops.structural import as_array, as_shape, astype, filled

overrides.update({np.array: array, np.asarray: asarray, np.asanyarray: asarray})


def _lengths(operation: str, shape: Any) -> tuple[int, ...]:
    lengths = as_shape(operation, shape)
    if min(lengths, default=0) < 0:
        raise ShapeError(f"{operation}: expected lengths that are not negative, got {lengths}")
    return lengths


def _constant(operation: str, number: int, shape: Any, dtype: Any, order: Any, device: Any) -> Array:
    check_order(operation, order)
    check_device(operation, device)
    return Array(scalar_node(number, _lengths(operation, shape), as_dtype(operation, dtype or float)))


# Of what there is ---------------------------------------------------------------------------------------------------


@function((np.ascontiguousarray, np.asfortranarray), samples=[normal(2, 3), normal(), call(normal(2), np.float32)])
def ascontiguousarray(a: Any, dtype: Any = None, *, like: Any = None) -> Array:
    """Return a as an Array with at least one axis; arrays have no order in memory that shows.

    >>> ascontiguousarray(3.0)
    array([3.])
    """
    a = as_array("ascontiguousarray", a)
    found: Array = operations.atleast_1d(a if dtype is None else astype(a, dtype))
    return found


_REQUIREMENTS = {
    "A", "ALIGNED", "C", "CONTIGUOUS", "C_CONTIGUOUS", "E", "ENSUREARRAY", "F", "FORTRAN", "F_CONTIGUOUS", "O",
    "OWNDATA", "W", "WRITEABLE",
}  # fmt: skip


@function(
    np.require,
    samples=[normal(2, 3), call(normal(2), np.float32, ["C", "OWNDATA"])],
    rejects=[reject(ArgumentError, "require: expected requirements out of", normal(2), None, "Z")],
)
def require(a: Any, dtype: Any = None, requirements: Any = None, *, like: Any = None) -> Array:
    """Return a as an Array; NumPy's requirements on memory are checked by name, and show no effect.

    >>> require([1.0, 2.0], requirements="C")
    array([1., 2.])
    """
    words = {str(one).upper() for one in requirements or ()}
    if not words <= _REQUIREMENTS:
        raise ArgumentError(f"require: expected requirements out of {sorted(_REQUIREMENTS)}, got {requirements!r}")
    a = as_array("require", a)
    return a if dtype is None else astype(a, dtype)


# One value ----------------------------------------------------------------------------------------------------------


@function(
    np.zeros,
    samples=[call((2, 3)), call(4, np.float32), call((), dtype=int)],
    rejects=[
        reject(ShapeError, "zeros: expected lengths that are not negative", (2, -1)),
        reject(DTypeError, "zeros: expected an integer as a length, got 2.5", (2.5,)),
        reject(DTypeError, "zeros: expected a dtype of numbers, got object", 2, object),
        reject(ArgumentError, "zeros: expected the device 'cpu', got 'gpu'", 2, device="gpu"),
        reject(ArgumentError, "zeros: expected order", 2, order="Z"),
    ],
    differentiable=False,
)
def zeros(shape: Any, dtype: Any = None, order: str = "C", *, device: Any = None, like: Any = None) -> Array:
    """Zeros of this shape, float64 unless a dtype is given; ``order`` and ``like``, NumPy's, have no effect.

    >>> zeros((2, 3), int)
    array([[0, 0, 0],
           [0, 0, 0]])
    """
    return _constant("zeros", 0, shape, dtype, order, device)


@function(np.ones, samples=[call((2, 3)), call(4, np.float32)], differentiable=False)
def ones(shape: Any, dtype: Any = None, order: str = "C", *, device: Any = None, like: Any = None) -> Array:
    """Ones of this shape, as ``zeros``.

    >>> ones(3)
    array([1., 1., 1.])
    """
    return _constant("ones", 1, shape, dtype, order, device)


@function(samples=[call((2, 3))], differentiable=False)
def empty(shape: Any, dtype: Any = None, order: str = "C", *, device: Any = None, like: Any = None) -> Array:
    """An array to be filled: zeros, for arrays are never left undefined. Arguments as ``zeros``.

    >>> empty(2)
    array([0., 0.])
    """
    return _constant("empty", 0, shape, dtype, order, device)


overrides[np.empty] = empty


@function(
    np.full,
    samples=[call((2, 3), 7), call(3, normal()), call((2, 3), normal(3)), call(2, 1.5, np.float32)],
    rejects=[reject(ShapeError, "full: expected shapes that broadcast", (2,), normal(3))],
)
def full(
    shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", *, device: Any = None, like: Any = None
) -> Array:
    """An array of this shape filled with a value, which may be watched; its dtype is that of the value.

    >>> full((2, 2), 7.0)
    array([[7., 7.],
           [7., 7.]])
    """
    check_order("full", order)
    check_device("full", device)
    fill = as_array("full", fill_value)
    return filled("full", fill, _lengths("full", shape), fill.dtype if dtype is None else as_dtype("full", dtype))


@function(
    np.eye,
    samples=[call(3), call(2, 4, k=1), call(3, k=-1, dtype=np.float32)],
    rejects=[reject(DTypeError, "eye: expected an integer as N, got 1.5", 1.5)],
    differentiable=False,
)
def eye(
    N: Any, M: Any = None, k: Any = 0, dtype: Any = None, order: str = "C", *, device: Any = None, like: Any = None
) -> Array:
    """Ones on the k-th diagonal of an N by M matrix (M is N unless given), zeros elsewhere; otherwise as ``zeros``.

    >>> eye(2)
    array([[1., 0.],
           [0., 1.]])
    """
    check_order("eye", order)
    check_device("eye", device)
    rows = as_index("eye", "N", N)
    columns = rows if M is None else as_index("eye", "M", M)
    rows, columns = _lengths("eye", (rows, columns))
    diagonal = as_index("eye", "k", k)
    return Array(constant_node(np.eye(rows, columns, k=diagonal, dtype=as_dtype("eye", dtype or float))))


@function(np.identity, samples=[call(3), call(2, np.complex64)], differentiable=False)
def identity_matrix(n: Any, dtype: Any = None, *, like: Any = None) -> Array:
    """The identity matrix of n rows, NumPy's ``identity``.

    >>> identity_matrix(2, int)
    array([[1, 0],
           [0, 1]])
    """
    return eye(n, dtype=dtype)


# Ranges -------------------------------------------------------------------------------------------------------------


@function(
    np.arange,
    samples=[call(5), call(1.0, 2.0, 0.25), call(5, 1, -2), call(3, dtype=np.float32)],
    rejects=[
        reject(ArgumentError, "arange: expected a step that is not zero", 0, 1, 0),
        reject(DTypeError, "arange: expected numbers", None),
    ],
)
def arange(
    start: Any = None, stop: Any = None, step: Any = 1, dtype: Any = None, *, device: Any = None, like: Any = None
) -> Array:
    """``start, start + step, ...`` up to ``stop``, which is left out; of one number: 0, 1, ... up to it.

    Differentiable by ``start`` and ``step``; how many numbers there are is a constant.

    >>> arange(2, 8, 2)
    array([2, 4, 6])
    """
    check_device("arange", device)
    if stop is None:
        start, stop = 0, start
    ends = [0 if start is None else start, stop, 1 if step is None else step]
    if any(one is None or isinstance(one, (str, bytes)) for one in ends):
        raise DTypeError(f"arange: expected numbers, got {', '.join(map(repr, ends))}")
    dtype = None if dtype is None else as_dtype("arange", dtype)
    low, high, by = (one._concrete("arange").item() if isinstance(one, Array) else one for one in ends)
    if by == 0:
        raise ArgumentError("arange: expected a step that is not zero, got 0")
    if not any(isinstance(one, Array) and one._node.watched for one in ends[::2]):
        return Array(constant_node(np.arange(low, high, by, dtype=dtype)))
    count = max(0, math.ceil((high - low) / by))
    first, between = promoted("arange", ends[0], ends[2])
    return astype(first + np.arange(count) * between, dtype or np.result_type(first.dtype, asarray(stop).dtype))


def _ends(operation: str, start: Any, stop: Any, least: Any = bool) -> tuple[Array, Array]:
    """Where a range begins and ends, broadcast, and of one dtype that is floating and holds ``least`` as well."""
    start, stop = operations.broadcast_arrays(*promoted(operation, start, stop))
    common = np.result_type(start.dtype, least, 1.0)
    return astype(start, common), astype(stop, common)


def _count(operation: str, num: Any) -> int:
    count = as_index(operation, "num", num)
    if count < 0:
        raise ArgumentError(f"{operation}: expected num that is not negative, got {count}")
    return count


def _ramp(start: Array, stop: Array, count: int, endpoint: bool) -> tuple[Array, Array]:
    """``count`` numbers from start to stop along a new first axis, and the step between them."""
    parts = count - 1 if endpoint else count
    step = (stop - start) / parts if parts > 0 else asarray(np.nan)
    places = np.arange(count, dtype=start.dtype).reshape(-1, *[1] * start.ndim)
    ramp = start + places * (step if parts > 0 else stop - start)
    if endpoint and count > 1:
        ramp = operations.setitem(ramp, -1, stop)
    return ramp, step


@function(
    np.linspace,
    samples=[
        call(normal(), normal(), 5),
        call(normal(3), normal(2, 1), 4, axis=-1),
        call(normal(), normal(), 4, endpoint=False),
        call(normal(), normal(), 3, retstep=True),
        call(normal(), normal(), 1),
        call(0, 10, 4, dtype=int),
        call(normal(), 1.0, 0),
    ],
    rejects=[
        reject(ArgumentError, "linspace: expected num that is not negative, got -1", 0.0, 1.0, -1),
        reject(ShapeError, "linspace: expected shapes that broadcast", normal(2), normal(3)),
    ],
)
def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: Any = 0,
    *,
    device: Any = None,
) -> Any:
    """``num`` numbers evenly from ``start`` to ``stop``, along a new axis.

    The last is ``stop`` unless ``endpoint=False``. With ``retstep`` the step between them comes as well. An integer
    dtype rounds down.

    >>> linspace(0.0, 1.0, 5)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    check_device("linspace", device)
    count = _count("linspace", num)
    start, stop = _ends("linspace", start, stop)
    dtype = start.dtype if dtype is None else as_dtype("linspace", dtype)
    ramp, step = _ramp(start, stop, count, endpoint)
    if dtype.kind in "iu":
        ramp = operations.floor(ramp)
    ramp = astype(operations.moveaxis(ramp, 0, normalize_axis("linspace", axis, ramp.ndim)), dtype)
    return (ramp, step) if retstep else ramp


@function(
    np.logspace,
    samples=[
        call(normal(), normal(), 4),
        call(normal(2), normal(2), 3, base=positive()),
        call(normal(), normal(), 3, endpoint=False, base=2.0, dtype=np.float32),
        call(normal(3), 1.0, 4, base=positive(3), axis=1),
    ],
)
def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: Any = 0
) -> Array:
    """``base`` raised to ``num`` numbers evenly from ``start`` to ``stop``, along a new axis.

    >>> logspace(0.0, 2.0, 3)
    array([  1.,  10., 100.])
    """
    count = _count("logspace", num)
    out = None if dtype is None else as_dtype("logspace", dtype)
    if np.ndim(base):
        start, stop, base = operations.broadcast_arrays(start, stop, base)
        base = operations.expand_dims(base, axis)
    powers = linspace(start, stop, count, endpoint, axis=axis)
    result = operations.power(base, powers)
    return result if out is None else astype(result, out)


@function(
    np.geomspace,
    samples=[
        call(positive(), positive(), 4),
        call(positive(3), positive(3), 3, axis=1),
        call(-8.0, -1.0, 4),
        call(positive(), positive(), 3, endpoint=False),
        call(1j, 8j, 4),
    ],
    rejects=[reject(ArgumentError, "geomspace: expected numbers that are not zero", 0.0, 1.0)],
)
def geomspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: Any = 0) -> Array:
    """``num`` numbers from ``start`` to ``stop`` with a constant ratio, along a new axis.

    >>> geomspace(1.0, 8.0, 4)
    array([1., 2., 4., 8.])
    """
    count = _count("geomspace", num)
    out = None if dtype is None else as_dtype("geomspace", dtype)
    start, stop = _ends("geomspace", start, stop, out or float)
    for end in (start, stop):
        if end._node.value is not None and not np.all(end._node.value):
            raise ArgumentError("geomspace: expected numbers that are not zero at both ends")
    turn = operations.sign(start)
    first, last = start / turn, stop / turn
    powers, _ = _ramp(operations.log10(first), operations.log10(last), count, endpoint)
    result = operations.power(np.asarray(10.0, first.dtype), powers)
    if count:
        result = operations.setitem(result, 0, first)
        if endpoint and count > 1:
            result = operations.setitem(result, -1, last)
    result = operations.moveaxis(result * turn, 0, normalize_axis("geomspace", axis, result.ndim))
    return result if out is None else astype(result, out)


# Grids --------------------------------------------------------------------------------------------------------------


@function(samples=[call((2, 3)), call((2,), dtype=float)], differentiable=False)
def indices(dimensions: Any, dtype: Any = int, sparse: bool = False) -> Any:
    """The index of each place of an array of this shape: one array for each axis, stacked, or open with ``sparse``.

    >>> indices((2, 2))[0]
    array([[0, 0],
           [1, 1]])
    """
    numpys: Any = np.indices  # its annotations take no dtype that is not known
    found = numpys(_lengths("indices", dimensions), as_dtype("indices", dtype), sparse)
    return tuple(map(asarray, found)) if isinstance(found, tuple) else asarray(found)


overrides[np.indices] = indices


@function(np.fromfunction, samples=[call(lambda i, j: i - 2 * j, (2, 3)), call(np.sin, (3,))], differentiable=False)
def fromfunction(
    function: Callable[..., Any], shape: Any, *, dtype: Any = float, like: Any = None, **keywords: Any
) -> Any:
    """What ``function`` gives for the indices of an array of this shape, one array of them for each axis.

    >>> fromfunction(lambda i, j: i + j, (2, 2), dtype=int)
    array([[0, 1],
           [1, 2]])
    """
    return function(*indices(shape, dtype), **keywords)
