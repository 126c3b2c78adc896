"""What functions of matrices share: which operands they take, their dtypes, stacks, and what LAPACK refuses."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import broadcast_shapes
from pullback.core.operations import operations
from pullback.dtypes import FLOAT64
from pullback.errors import DTypeError, LinAlgError, ShapeError
from pullback.ops.contraction import adjoint
from pullback.ops.promotion import promoted
from pullback.ops.structural import as_arrays, astype

_LAPACK = "fdFD"
"""The dtypes that LAPACK computes in: float32, float64, complex64, complex128."""


def as_matrices(operation: str, *operands: Any, least: int = 2) -> list[Array]:
    """Return operands with at least so many axes as Arrays of one dtype that LAPACK has: integers become float64.

    Raises:
        DTypeError: float16 or long double, or no numbers.
        ShapeError: fewer axes.
    """
    arrays = [x if x.dtype.kind in "fc" else astype(x, FLOAT64) for x in as_arrays(operation, *operands)]
    for x in arrays:
        if x.dtype.char not in _LAPACK:
            raise DTypeError(
                f"{operation}: expected float32, float64 or their complex counterparts, got {x.dtype}. Convert with "
                "astype"
            )
        if x.ndim < least:
            raise ShapeError(f"{operation}: expected a matrix or a stack of them, got shape {x.shape}")
    return arrays if len(arrays) == 1 else promoted(operation, *arrays)


def as_square(operation: str, x: Any) -> Array:
    """Return a square matrix, or a stack of them, as an Array that LAPACK takes."""
    (x,) = as_matrices(operation, x)
    check_square(operation, x)
    return x


def check_matrix(operation: str, x: Any) -> None:
    """Raise unless x (an array or an aval) is a matrix or a stack of them, of a dtype that LAPACK has."""
    if x.ndim < 2:
        raise ShapeError(f"{operation}: expected a matrix or a stack of them, got shape {x.shape}")
    if x.dtype.char not in _LAPACK:
        raise DTypeError(f"{operation}: expected float32, float64 or their complex counterparts, got {x.dtype}")


def check_square(operation: str, x: Any) -> None:
    """Raise unless x (an array or an aval) is a square matrix or a stack of them."""
    check_matrix(operation, x)
    if x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{operation}: expected square matrices (..., n, n), got shape {x.shape}")


class expecting:  # noqa: N801  # reads as what it does: with expecting(...)
    """Turn LAPACK's refusal of x into an error that says what was expected, and what to do."""

    def __init__(self, operation: str, what: str, x: Any, advice: str = "") -> None:
        self._operation, self._what, self._x, self._advice = operation, what, x, advice

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, np.linalg.LinAlgError):
            finite = np.isfinite(self._x).all()
            what, advice = (self._what, self._advice) if finite else ("finite numbers", "")
            raise LinAlgError(f"{self._operation}: expected {what}, got {_described(self._x)}{advice}") from None


def _described(x: Any) -> str:
    if not np.isfinite(x).all():
        return f"NaN or inf in an array of shape {x.shape}"
    if x.ndim > 2:
        return f"one in a stack of shape {x.shape} that is not"
    return f"one of shape {x.shape} that is not"


def with_stacks(operation: str, *operands: Array, core: int = 2) -> list[Array]:
    """Broadcast the leading axes of operands, all but the last ``core``, to one shape."""
    stack = broadcast_shapes(operation, *(x.shape[:-core] for x in operands))
    return [operations.broadcast_to(x, stack + x.shape[-core:]) for x in operands]


def identity(n: int, dtype: np.dtype[Any]) -> Any:
    """The identity matrix as a NumPy array."""
    return np.eye(n, dtype=dtype)


def hermitian_part(x: Array) -> Array:
    """``(x + adjoint(x)) / 2``."""
    part: Array = (x + adjoint(x)) / 2
    return part


def skew_part(x: Array) -> Array:
    """``(x - adjoint(x)) / 2``."""
    part: Array = (x - adjoint(x)) / 2
    return part


def diagonal_of(x: Array) -> Array:
    """The diagonal of each matrix of a stack."""
    found: Array = operations.diagonal(x, 0, -2, -1)
    return found


def columns_times(x: Array, factors: Array) -> Array:
    """Each column of x times a number: ``x @ diag(factors)``."""
    product: Array = x * factors.reshape((*factors.shape[:-1], 1, factors.shape[-1]))
    return product


def as_diagonal(values: Array) -> Array:
    """The matrices that have these vectors as diagonals."""
    n = values.shape[-1]
    return columns_times(operations.asarray(np.eye(n, dtype=values.dtype)), values)
