"""Questions about dtypes and equality, answered in Python's words, while traced too where the dtype is enough."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import function, operations
from pullback.core.record import python_type
from pullback.core.sample import call, normal, values
from pullback.errors import DTypeError, PullbackError
from pullback.ops.structural import as_array, as_arrays


@function(np.iscomplexobj, samples=[normal(2), values(1j)], differentiable=False)
def iscomplexobj(x: Any) -> bool:
    """Whether x is of a complex dtype: a Python bool.

    >>> iscomplexobj([1.0j])
    True
    """
    return as_array("iscomplexobj", x).dtype.kind == "c"


@function(np.isrealobj, samples=[normal(2), values(1j)], differentiable=False)
def isrealobj(x: Any) -> bool:
    """Whether x is not of a complex dtype: a Python bool.

    >>> isrealobj([1.0j])
    False
    """
    return as_array("isrealobj", x).dtype.kind != "c"


def _kind(operation: str, x: Any) -> Any:
    """What NumPy decides by: the dtype of an array, Python's type of a number, a dtype itself."""
    if isinstance(x, Array):
        number = python_type(x)
        return x.dtype if number is None else number()
    return x


@function(np.result_type, samples=(), differentiable=False)
def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype that arrays, numbers and dtypes have together.

    >>> result_type([1.0], np.float32)
    dtype('float64')
    """
    given = [as_array("result_type", one) if isinstance(one, (list, tuple)) else one for one in arrays_and_dtypes]
    return _asked("result_type", np.result_type, *given)


@function(np.common_type, samples=(), differentiable=False)
def common_type(*arrays: Any) -> Any:
    """The floating type that arrays have together, at least float64 for integers.

    >>> common_type([1.0])
    <class 'numpy.float64'>
    """
    return _asked("common_type", np.common_type, *[np.empty(0, x.dtype) for x in as_arrays("common_type", *arrays)])


@function(np.can_cast, samples=(), differentiable=False)
def can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    """Whether an array (or a dtype) can be converted to a dtype by the rule ``casting``: a Python bool.

    >>> can_cast(np.float32, float)
    True
    """
    found: bool = _asked("can_cast", np.can_cast, from_, to, casting)
    return found


def _asked(operation: str, ask: Any, *args: Any) -> Any:
    try:
        return ask(*[_kind(operation, one) for one in args])
    except PullbackError:
        raise
    except (TypeError, ValueError) as error:
        raise DTypeError(f"{operation}: {error}") from None


@function(
    np.array_equiv,
    samples=[call(values(1.0, 2.0), values([1.0, 2.0], [1.0, 2.0])), call(normal(2), 1.0)],
    differentiable=False,
)
def array_equiv(a1: Any, a2: Any) -> bool:
    """Whether both broadcast together to equal elements: a Python bool.

    >>> array_equiv([1.0, 1.0], 1.0)
    True
    """
    one, other = as_arrays("array_equiv", a1, a2)
    try:
        np.broadcast_shapes(one.shape, other.shape)
    except ValueError:
        return False
    return bool(operations.all(operations.equal(one, other)))


@function(
    np.real_if_close,
    samples=[normal(2), values(1.0 + 1e-15j, 2.0), values(1.0 + 1j, 2.0), call(values(1.0 + 1e-5j), tol=1e-3)],
)
def real_if_close(a: Any, tol: Any = 100) -> Array:
    """Return the real parts if all imaginary ones are close to zero, as their values must show.

    Close is below ``tol`` times the accuracy of the dtype, or below ``tol`` itself if it is at most 1.

    >>> real_if_close([1.0 + 1e-16j])
    array([1.])
    """
    x = as_array("real_if_close", a)
    if x.dtype.kind != "c":
        return x
    limit = tol * np.finfo(x.dtype).eps if tol > 1 else tol
    known = x._concrete("real_if_close of complex numbers, whose dtype depends on the values,")
    return operations.real(x) if np.all(np.abs(known.imag) < limit) else x
