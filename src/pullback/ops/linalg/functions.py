"""Functions of matrices: integer powers and the exponential."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, as_index
from pullback.core.families import general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, invertible, normal, reject
from pullback.errors import DTypeError, ShapeError
from pullback.ops.contraction import adjoint
from pullback.ops.linalg.matrices import as_square, check_square
from pullback.ops.linalg.solving import invert, scipy_linalg
from pullback.ops.structural import as_array, stretch


@function(
    np.linalg.matrix_power,
    samples=[
        *[call(invertible(3, 3), n) for n in (0, 1, 2, 3, 5, -1, -2)],
        call(normal(2, 2, 2), 4),
        call(normal(0, 0), 2),
    ],
    rejects=[
        reject(ShapeError, "matrix_power: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3), 2),
        reject(ShapeError, "matrix_power: expected square matrices (..., n, n), got shape (3,)", normal(3), 2),
        reject(DTypeError, "matrix_power: expected an integer as n, got 0.5", normal(2, 2), 0.5),
    ],
)
def matrix_power(a: Any, n: int) -> Array:
    """The n-th power of a square matrix, or of each of a stack: of the inverse for a negative n, the identity for 0.

    Raises LinAlgError for a negative n where a matrix is singular.

    >>> matrix_power([[1.0, 1.0], [0.0, 1.0]], 3)
    array([[1., 3.],
           [0., 1.]])
    """
    x = as_array("matrix_power", a)
    n = as_index("matrix_power", "n", n)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"matrix_power: expected square matrices (..., n, n), got shape {x.shape}")
    if n == 0:
        return stretch(operations.asarray(np.eye(x.shape[-1], dtype=x.dtype)), x.shape)
    if n < 0:
        x, n = invert(as_square("matrix_power", x)), -n
    power = None
    while True:
        if n % 2:
            power = x if power is None else power @ x
        n //= 2
        if not n:
            break
        x = x @ x
    assert power is not None
    return power


# The exponential ------------------------------------------------------------------------------------------------------


@general(
    name="expm",
    samples=[normal(3, 3), normal(2, 2, 2), normal(1, 1), normal(0, 0)],
    rejects=[reject(ShapeError, "expm: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3))],
    stacks=True,
)
def exponential(x: Any) -> Any:
    """Exponential of each matrix of a stack, as SciPy computes it."""
    check_square("expm", x)
    return np.asarray(scipy_linalg.expm(x), x.dtype) if x.size else x.copy()


@exponential.infer
def _(x: Aval) -> Aval:
    check_square("expm", x)
    return x


def _moved(x: Array, t: Array) -> Array:
    """The derivative at x in direction t: a block of the exponential of [[x, t], [0, x]] [Higham 2008, (3.16)]."""
    n = x.shape[-1]
    upper = operations.concatenate([x, t], axis=-1)
    lower = operations.concatenate([operations.zeros_like(x), x], axis=-1)
    found: Array = exponential(operations.concatenate([upper, lower], axis=-2))[..., :n, n:]
    return found


@exponential.define_vjp
def _(ct: Array, out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: _moved(adjoint(x), ct)


@exponential.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array) -> Array:
    return _moved(x, tangents[0])


def _reference(*args: Any, **keywords: Any) -> Any:
    return scipy_linalg.expm(*args, **keywords)


@function(
    _reference,
    samples=[normal(3, 3), normal(2, 2, 2)],
    rejects=[
        reject(ShapeError, "expm: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3)),
        reject(ShapeError, "expm: expected a matrix or a stack of them, got shape (3,)", normal(3)),
    ],
)
def expm(A: Any) -> Array:  # SciPy's name
    """Exponential of a square matrix, or of each of a stack; the meaning of SciPy's.

    >>> expm([[0.0, 1.0], [0.0, 0.0]])
    array([[1., 1.],
           [0., 1.]])
    """
    found: Array = exponential(as_square("expm", A))
    return found
