"""Products of matrices and vectors, and NumPy's functions that are such."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, as_index, broadcast_shapes, normalize_axes, normalize_axis
from pullback.core.families import batch_all, bilinear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, integers, normal, reject, values
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.einsum import LETTERS, contract
from pullback.ops.promotion import promoted
from pullback.ops.reduction import conjugated, reduce_sum
from pullback.ops.structural import as_arrays

Shape = tuple[int, ...]


# The primitive --------------------------------------------------------------------------------------------------------


def _check_lengths(x: Shape, y: Shape) -> None:
    """Raise ShapeError unless a matrix product of arrays of these shapes sums over axes of one length."""
    if not x or not y:
        raise ShapeError(f"matmul: expected arrays with at least one axis, got {x} @ {y}. Use * with a number")
    inner = y[-2] if len(y) > 1 else y[0]
    if x[-1] != inner:
        form = "(..., k) @ (k,)" if len(y) == 1 else "(..., k) @ (k, n)" if len(y) == 2 else "(..., k) @ (..., k, n)"
        raise ShapeError(f"matmul: expected {form}, got {x} @ {y}: {x[-1]} != {inner}")


def _rows(x: Any, width: int) -> Any:
    """All leading axes as one: x as a matrix with rows of this width."""
    return x.reshape((math.prod(x.shape[:-1]), width))


@bilinear(
    name="matmul",
    samples=[
        call(normal(3, 4), normal(4, 2)),
        call(normal(3, 4), normal(4)),
        call(normal(4), normal(4, 2)),
        call(normal(4), normal(4)),
        call(normal(2, 3, 4), normal(4, 5)),
        call(normal(2, 3, 4), normal(4)),
        call(normal(2, 3, 4), normal(2, 4, 5)),
        call(normal(2, 0), normal(0, 3)),
        call(normal(0, 2, 3), normal(3, 4)),
        call(values([1.0, np.inf], [np.nan, 0.0]), values(0.0, 1.0)),
    ],
    rejects=[
        reject(
            ShapeError, "matmul: expected (..., k) @ (k, n), got (3, 4) @ (3, 4): 4 != 3", normal(3, 4), normal(3, 4)
        ),
        reject(ShapeError, "matmul: expected (..., k) @ (k,), got (3, 4) @ (3,): 4 != 3", normal(3, 4), normal(3)),
        reject(ShapeError, "matmul: expected equal leading axes", normal(1, 3, 4), normal(2, 4, 3)),
        reject(DTypeError, "matmul: expected one dtype", normal(3), integers(0, 2, 3)),
    ],
)
def multiply_matrices(x: Any, y: Any) -> Any:
    """Matrix product, in three forms.

    A matrix y, or a vector y, is applied to every row of x, whatever its number of axes; a stack of matrices y is
    applied to an x with the same leading axes.
    """
    if x.dtype != y.dtype:
        raise DTypeError(f"matmul: expected one dtype, got {x.dtype} and {y.dtype}")
    if x.ndim > 2 and 0 < y.ndim <= 2:
        return np.matmul(_rows(x, x.shape[-1]), y).reshape(x.shape[:-1] + y.shape[1:])
    if y.ndim > 2 and x.shape[:-2] != y.shape[:-2]:
        raise ShapeError(f"matmul: expected equal leading axes, got {x.shape} @ {y.shape}")
    return np.matmul(x, y)


@multiply_matrices.composed
def _(x: Array, y: Array) -> Array:
    if y.ndim == 1:
        return reduce_sum(x * y, axes=(x.ndim - 1,))
    if y.ndim > 2:
        y = y.reshape((*y.shape[:-2], 1, *y.shape[-2:]))
    return reduce_sum(x.reshape((*x.shape, 1)) * y, axes=(x.ndim - 1,))


@multiply_matrices.infer
def _(x: Aval, y: Aval) -> Aval:
    _check_lengths(x.shape, y.shape)
    if y.ndim > 2 and x.shape[:-2] != y.shape[:-2]:
        raise ShapeError(f"matmul: expected equal leading axes, got {x.shape} @ {y.shape}")
    if x.dtype != y.dtype:
        raise DTypeError(f"matmul: expected one dtype, got {x.dtype} and {y.dtype}")
    return Aval(x.shape[:-1] + (y.shape[-1:] if y.ndim > 1 else ()), x.dtype)


@multiply_matrices.transpose
def _(ct: Array, x: Array, y: Array) -> Iterator[Thunk]:
    def by_x() -> Array:
        if y.ndim == 1:
            outer: Array = ct.reshape((*ct.shape, 1)) * conjugated(y)
            return outer
        return multiply_matrices(ct, adjoint(y))

    def by_y() -> Array:
        if y.ndim > 2:
            return multiply_matrices(adjoint(x), ct)
        rows = _rows(x, x.shape[-1])
        if y.ndim == 1:
            return multiply_matrices(ct.reshape(ct.size), conjugated(rows))
        return multiply_matrices(adjoint(rows), _rows(ct, ct.shape[-1]))

    yield by_x
    yield by_y


@multiply_matrices.batching
def _(batched: Sequence[bool], x: Array, y: Array) -> Array:
    of_x, of_y = batched
    width = y.ndim - of_y
    if not of_y and width <= 2:  # every row of x is multiplied by one y
        return multiply_matrices(x, y)
    if width > 2:
        return multiply_matrices(*batch_all(batched, (x, y)))
    if width == 1 and not of_x and x.ndim <= 2:
        return multiply_matrices(y, x if x.ndim == 1 else operations.transpose(x))
    x, y = batch_all(batched, (x, y))
    rows = x.reshape((len(x), math.prod(x.shape[1:-1]), x.shape[-1]))
    columns = y if width == 2 else y.reshape((*y.shape, 1))
    return multiply_matrices(rows, columns).reshape(x.shape[:-1] + y.shape[2:])


def adjoint(x: Array) -> Array:
    """The conjugate transpose. The transpose is a view, which BLAS reads as it lies."""
    adjoint: Array = operations.matrix_transpose(conjugated(x))
    return adjoint


def _operands(operation: str, a: Any, b: Any) -> tuple[Array, Array]:
    """Return two operands as Arrays of one dtype. Python's numbers count as arrays: these functions are no ufuncs."""
    if not (isinstance(a, Array) and isinstance(b, Array) and a.dtype == b.dtype):
        a, b = promoted(operation, *as_arrays(operation, a, b))
    return a, b


# Matrix products ------------------------------------------------------------------------------------------------------


@function(
    (np.matmul, np.linalg.matmul),
    samples=[
        call(normal(3, 4), normal(4, 2)),
        call(normal(3, 4), normal(4)),
        call(normal(4), normal(4, 2)),
        call(normal(4), normal(4)),
        call(normal(2, 3, 4), normal(4, 5)),
        call(normal(3, 4), normal(2, 4, 5)),
        call(normal(4), normal(2, 4, 5)),
        call(normal(2, 3, 4), normal(4)),
        call(normal(2, 1, 3, 4), normal(5, 4, 2)),
        call(normal(2, 0), normal(0, 3)),
        call(normal(3, 4), integers(0, 5, 4, 2)),
    ],
    rejects=[
        reject(
            ShapeError, "matmul: expected (..., k) @ (k, n), got (3, 4) @ (3, 4): 4 != 3", normal(3, 4), normal(3, 4)
        ),
        reject(ShapeError, "matmul: expected arrays with at least one axis, got (3,) @ ()", normal(3), 2.0),
        reject(ShapeError, "matmul: expected (..., k) @ (..., k, n)", normal(2, 3, 4), normal(2, 3, 4)),
        reject(ShapeError, "matmul: expected leading axes that broadcast together", normal(2, 3, 4), normal(3, 4, 2)),
        reject(DTypeError, "matmul: expected an array or a number, got str", normal(3, 4), "a"),
    ],
)
def matmul(x1: Any, x2: Any, /) -> Array:
    """Matrix product, ``x1 @ x2``: of vectors, matrices, or stacks of matrices whose leading axes broadcast.

    Raises ShapeError unless the last axis of x1 is as long as the last but one (of a vector, the only one) of x2.

    >>> matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, -1.0])
    array([-1., -1.])
    """
    x1, x2 = _operands("matmul", x1, x2)
    if x2.ndim <= 2 or (x1.ndim == x2.ndim and x1.shape[:-2] == x2.shape[:-2]):
        return multiply_matrices(x1, x2)
    _check_lengths(x1.shape, x2.shape)
    vector = x1.ndim == 1
    if vector:
        x1 = x1.reshape((1, x1.size))
    try:
        stack = np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"matmul: expected leading axes that broadcast together, got {x1.shape} @ {x2.shape}: "
            f"{x1.shape[:-2]} and {x2.shape[:-2]}"
        ) from None
    x1, x2 = (operations.broadcast_to(x, stack + x.shape[-2:]) for x in (x1, x2))
    product = multiply_matrices(x1, x2)
    return product.reshape(product.shape[:-2] + product.shape[-1:]) if vector else product


@function(
    np.dot,
    samples=[
        call(normal(3, 4), normal(4, 2)),
        call(normal(4), normal(4)),
        call(normal(3, 4), normal()),
        call(normal(2, 3, 4), normal(5, 4, 2)),
        call(normal(4), normal(5, 4, 2)),
    ],
    rejects=[
        reject(ShapeError, "dot: expected (..., k) @ (k, n)", normal(3, 4), normal(3, 4)),
        reject(ShapeError, "dot: expected axes of one length to sum over", normal(3, 4), normal(2, 3, 4)),
    ],
)
def dot(a: Any, b: Any) -> Array:
    """Product of numbers, vectors and matrices: the sum over the last axis of a and the last but one (or only) of b.

    >>> dot([1.0, 2.0], [3.0, 4.0])
    array(11.)
    """
    a, b = _operands("dot", a, b)
    if not a.ndim or not b.ndim:
        product: Array = a * b
        return product
    return multiply_matrices(a, b) if b.ndim <= 2 else _contract_axes("dot", a, b, (a.ndim - 1,), (b.ndim - 2,))


def _contract_axes(operation: str, a: Array, b: Array, of_a: Shape, of_b: Shape) -> Array:
    """Sum over pairs of axes; what is left of a comes first."""
    for i, j in zip(of_a, of_b, strict=True):
        if a.shape[i] != b.shape[j]:
            raise ShapeError(
                f"{operation}: expected axes of one length to sum over, got {a.shape[i]} (axis {i} of {a.shape}) and "
                f"{b.shape[j]} (axis {j} of {b.shape})"
            )
    if a.ndim + b.ndim > len(LETTERS):
        raise ShapeError(f"{operation}: expected at most {len(LETTERS)} axes together, got {a.ndim + b.ndim}")
    left, right = list(LETTERS[: a.ndim]), list(LETTERS[a.ndim : a.ndim + b.ndim])
    for i, j in zip(of_a, of_b, strict=True):
        right[j] = left[i]
    kept = [letter for i, letter in enumerate(left) if i not in of_a]
    kept += [letter for j, letter in enumerate(right) if j not in of_b]
    return contract(a, b, subscripts=f"{''.join(left)},{''.join(right)}->{''.join(kept)}")


@function(
    (np.tensordot, np.linalg.tensordot),
    samples=[
        call(normal(3, 4), normal(4, 2), 1),
        call(normal(2, 3, 4), normal(3, 4, 5)),
        call(normal(3, 4), normal(4, 3), ([0, 1], [1, 0])),
        call(normal(3, 4), normal(3, 2), (0, 0)),
        call(normal(3), normal(2), 0),
        call(normal(), normal(2), 0),
    ],
    rejects=[
        reject(ShapeError, "tensordot: expected axes of one length to sum over", normal(3, 4), normal(3, 4), 1),
        reject(
            ArgumentError, "tensordot: expected as many axes of a as of b", normal(3, 4), normal(3, 4), ([0, 1], [0])
        ),
        reject(ArgumentError, "tensordot: expected from 0 to 2 axes", normal(3, 4), normal(3, 4), 3),
        reject(ShapeError, "tensordot: axis 2 is out of range", normal(3, 4), normal(3, 4), (2, 0)),
        reject(ShapeError, "tensordot: an axis is named twice", normal(3, 3), normal(3, 3), ([0, 0], [0, 1])),
    ],
)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Array:
    """Sum of products over axes: the last ``axes`` of a with the first of b, or the pairs that two lists of axes name.

    >>> tensordot([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]])
    array(5.)
    """
    a, b = _operands("tensordot", a, b)
    if not np.iterable(axes):
        n = as_index("tensordot", "axes", axes)
        if not 0 <= n <= min(a.ndim, b.ndim):
            raise ArgumentError(f"tensordot: expected from 0 to {min(a.ndim, b.ndim)} axes to sum over, got {n}")
        return _contract_axes("tensordot", a, b, tuple(range(a.ndim - n, a.ndim)), tuple(range(n)))
    try:
        of_a, of_b = (tuple(one) if np.iterable(one) else (one,) for one in axes)
    except (TypeError, ValueError):
        raise ArgumentError(f"tensordot: expected axes as a number or as a pair of lists, got {axes!r}") from None
    if len(of_a) != len(of_b):
        raise ArgumentError(f"tensordot: expected as many axes of a as of b, got {of_a} and {of_b}")
    normalize_axes("tensordot", of_a, a.ndim)  # in range, and none twice
    normalize_axes("tensordot", of_b, b.ndim)
    return _contract_axes("tensordot", a, b, tuple(i % a.ndim for i in of_a), tuple(j % b.ndim for j in of_b))


@function(
    np.inner,
    samples=[
        call(normal(4), normal(4)),
        call(normal(3, 4), normal(2, 4)),
        call(normal(3, 4), normal()),
        call(normal(4), normal(2, 3, 4)),
    ],
    rejects=[reject(ShapeError, "inner: expected axes of one length to sum over", normal(3, 4), normal(4, 3))],
)
def inner(a: Any, b: Any, /) -> Array:
    """Sum of products over the last axes of a and b.

    >>> inner([1.0, 2.0], [[3.0, 4.0], [5.0, 6.0]])
    array([11., 17.])
    """
    a, b = _operands("inner", a, b)
    if not a.ndim or not b.ndim:
        product: Array = a * b
        return product
    if a.ndim == b.ndim == 1 and a.shape == b.shape:
        return multiply_matrices(a, b)
    return _contract_axes("inner", a, b, (a.ndim - 1,), (b.ndim - 1,))


@function(
    np.outer,
    samples=[
        call(normal(3), normal(4)),
        call(normal(2, 2), normal(3, 1)),
        call(normal(), normal(2)),
        call(normal(0), normal(2)),
    ],
    rejects=[reject(DTypeError, "outer: expected an array or a number, got str", normal(3), "a")],
)
def outer(a: Any, b: Any) -> Array:
    """Product of each element of a with each of b, both flattened: a matrix.

    >>> outer([1.0, 2.0], [3.0, 4.0])
    array([[3., 4.],
           [6., 8.]])
    """
    a, b = _operands("outer", a, b)
    return contract(a.reshape(a.size), b.reshape(b.size), subscripts="a,b->ab")


@function(
    np.vdot,
    samples=[call(normal(4), normal(4)), call(normal(2, 3), normal(3, 2)), call(normal(), normal())],
    rejects=[reject(ShapeError, "vdot: expected equally many elements, got 6 and 9", normal(2, 3), normal(3, 3))],
)
def vdot(a: Any, b: Any, /) -> Array:
    """Sum of ``conj(a) * b`` over all elements, both flattened.

    >>> vdot([1.0, 2.0], [3.0, 4.0])
    array(11.)
    """
    a, b = _operands("vdot", a, b)
    if a.size != b.size:
        raise ShapeError(f"vdot: expected equally many elements, got {a.size} and {b.size}")
    return multiply_matrices(conjugated(a.reshape(a.size)), b.reshape(b.size))


# Stacks of vectors and matrices ---------------------------------------------------------------------------------------


def _stacked(operation: str, x1: Array, x2: Array, left: str, right: str, result: str) -> Array:
    """Contract the last axes, named by letters of which n is summed; the leading ones broadcast."""
    for x, core in ((x1, left), (x2, right)):
        if x.ndim < len(core):
            raise ShapeError(f"{operation}: expected (..., {', '.join(core)}), got shape {x.shape}")
    n1, n2 = (x.shape[x.ndim - len(core) + core.index("n")] for x, core in ((x1, left), (x2, right)))
    if n1 != n2:
        forms = " and ".join(f"(..., {', '.join(core)})" for core in (left, right))
        raise ShapeError(f"{operation}: expected {forms}, got {x1.shape} and {x2.shape}: {n1} != {n2}")
    if x2.ndim == len(right):
        return multiply_matrices(x1, x2)
    broadcast_shapes(operation, x1.shape[: -len(left)], x2.shape[: -len(right)])
    product: Array = operations.einsum(f"...{left},...{right}->...{result}", x1, x2)
    return product


@function(
    (np.vecdot, np.linalg.vecdot),
    samples=[
        call(normal(4), normal(4)),
        call(normal(3, 4), normal(4)),
        call(normal(3, 4), normal(2, 1, 4)),
        call(normal(3, 4), normal(3, 4), axis=0),
    ],
    rejects=[
        reject(
            ShapeError,
            "vecdot: expected (..., n) and (..., n), got (3, 4) and (3, 3): 4 != 3",
            normal(3, 4),
            normal(3, 3),
        ),
        reject(ShapeError, "vecdot: expected (..., n), got shape ()", normal(), normal(3)),
        reject(ShapeError, "vecdot: expected shapes that broadcast together", normal(2, 4), normal(3, 4)),
    ],
)
def vecdot(x1: Any, x2: Any, /, *, axis: Any = -1) -> Array:
    """Sum of ``conj(x1) * x2`` along ``axis``; the other axes broadcast.

    >>> vecdot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    array([3., 7.])
    """
    x1, x2 = _operands("vecdot", x1, x2)
    if axis != -1:
        x1, x2 = (operations.moveaxis(x, normalize_axis("vecdot", axis, x.ndim), -1) for x in (x1, x2))
    return _stacked("vecdot", conjugated(x1), x2, "n", "n", "")


@function(
    getattr(np, "matvec", None),  # since NumPy 2.2
    samples=[call(normal(3, 4), normal(4)), call(normal(3, 4), normal(2, 4)), call(normal(2, 3, 4), normal(4))],
    rejects=[
        reject(
            ShapeError,
            "matvec: expected (..., m, n) and (..., n), got (3, 4) and (3,): 4 != 3",
            normal(3, 4),
            normal(3),
        ),
        reject(ShapeError, "matvec: expected (..., m, n), got shape (3,)", normal(3), normal(3)),
    ],
)
def matvec(x1: Any, x2: Any, /) -> Array:
    """Matrix times vector, for stacks of both whose leading axes broadcast.

    >>> matvec([[1.0, 2.0], [3.0, 4.0]], [1.0, -1.0])
    array([-1., -1.])
    """
    x1, x2 = _operands("matvec", x1, x2)
    return _stacked("matvec", x1, x2, "mn", "n", "m")


@function(
    getattr(np, "vecmat", None),  # since NumPy 2.2
    samples=[call(normal(3), normal(3, 4)), call(normal(2, 3), normal(3, 4)), call(normal(3), normal(2, 3, 4))],
    rejects=[
        reject(
            ShapeError,
            "vecmat: expected (..., n) and (..., n, m), got (4,) and (3, 4): 4 != 3",
            normal(4),
            normal(3, 4),
        ),
    ],
)
def vecmat(x1: Any, x2: Any, /) -> Array:
    """Conjugated vector times matrix, for stacks of both whose leading axes broadcast.

    >>> vecmat([1.0, -1.0], [[1.0, 2.0], [3.0, 4.0]])
    array([-2., -2.])
    """
    x1, x2 = _operands("vecmat", x1, x2)
    return _stacked("vecmat", conjugated(x1), x2, "n", "nm", "m")


# Products that sum over nothing ---------------------------------------------------------------------------------------


@function(
    np.kron,
    samples=[
        call(normal(2, 3), normal(4, 2)),
        call(normal(2), normal(2, 3)),
        call(normal(2, 3), normal()),
        call(normal(2, 2, 1), normal(3)),
    ],
    rejects=[reject(DTypeError, "kron: expected an array or a number, got str", normal(3), "a")],
)
def kron(a: Any, b: Any) -> Array:
    """Kronecker product: blocks of b, each times one element of a.

    >>> kron([1.0, 10.0], [1.0, 2.0])
    array([ 1.,  2., 10., 20.])
    """
    a, b = _operands("kron", a, b)
    n = max(a.ndim, b.ndim)
    if 2 * n > len(LETTERS):
        raise ShapeError(f"kron: expected at most {len(LETTERS) // 2} axes, got {n}")
    a, b = (x.reshape((1,) * (n - x.ndim) + x.shape) for x in (a, b))
    of_a, of_b = LETTERS[:n], LETTERS[n : 2 * n]
    woven = "".join(i + j for i, j in zip(of_a, of_b, strict=True))
    blocks = contract(a, b, subscripts=f"{of_a},{of_b}->{woven}")
    return blocks.reshape(tuple(i * j for i, j in zip(a.shape, b.shape, strict=True)))


@function(
    np.cross,
    samples=[
        call(normal(3), normal(3)),
        call(normal(4, 3), normal(3)),
        call(normal(3, 4), normal(3, 4), axis=0),
        call(normal(3, 4), normal(5, 4, 3), axisa=0, axisc=0),
    ],
    rejects=[
        reject(ShapeError, "cross: expected vectors of length 3, got lengths 2 and 3", normal(2), normal(3)),
        reject(ShapeError, "cross: axis 1 is out of range", normal(3), normal(3), axis=1),
        reject(ShapeError, "broadcast together", normal(2, 3), normal(4, 3)),
    ],
)
def cross(a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None) -> Array:
    """Cross product of vectors of length 3, which lie along the axes named; the other axes broadcast.

    >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    array([0., 0., 1.])
    """
    a, b = _operands("cross", a, b)
    if axis is not None:
        axisa = axisb = axisc = axis
    a = operations.moveaxis(a, normalize_axis("cross", axisa, a.ndim), -1)
    b = operations.moveaxis(b, normalize_axis("cross", axisb, b.ndim), -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ShapeError(
            f"cross: expected vectors of length 3, got lengths {a.shape[-1]} and {b.shape[-1]}. "
            "Append a zero to vectors of length 2"
        )
    # Component i is a[i+1] * b[i+2] - a[i+2] * b[i+1], counted round.
    a1, a2, b1, b2 = (operations.roll(x, -shift, axis=-1) for x in (a, b) for shift in (1, 2))
    product = a1 * b2 - a2 * b1
    result: Array = operations.moveaxis(product, -1, normalize_axis("cross", axisc, product.ndim))
    return result
