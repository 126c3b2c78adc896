"""Means, norms, products and matrices as a textbook writes them, in the form that keeps their digits."""

from __future__ import annotations

import math

import numpy as np

from pullback.core.array import Array
from pullback.core.graph import as_scalar
from pullback.core.operations import operations as op
from pullback.transforms.patterns import Held
from pullback.transforms.rewrites import ROUNDING, rewrite, squares_of


@rewrite(
    *(f"mean({one}) - {two}" for one in squares_of("x") for two in squares_of("mean(x)")),
    changes=ROUNDING,
    backward=True,
)
def mean_of_squares_less_square_of_mean(x: Array, mean: Held) -> Array:
    """mean(x^2) - mean(x)^2 = var(x)"""
    return mean.moved(op.var(x, axis=mean.axes))


@rewrite("log(prod(x))", backward=True)
def log_of_product(x: Array, prod: Held) -> Array:
    """log(prod(x)) = sum(log|x|) where the product is not negative"""
    product = op.prod(op.stop_gradient(x), axis=prod.axes)
    negative = op.sum(op.astype(x < 0, np.int64), axis=prod.axes) % 2 == 1
    logarithm = op.sum(op.log(op.absolute(x)), axis=prod.axes)
    # A product that is 0, also one that underflowed to -0, has the logarithm -inf.
    wrong = op.where(op.equal(product, 0), -np.inf, np.nan)
    return prod.moved(op.where(negative, wrong, logarithm))


# Means and norms ------------------------------------------------------------------------------------------------------


@rewrite("sum(x) / n")
def written_mean(x: Array, n: Array, sum: Held) -> Array | None:
    """sum(x) / n = mean(x), n being how many there are"""
    return sum.moved(op.mean(x, axis=sum.axes)) if as_scalar(n._node) == _count(sum) else None


@rewrite("sum(x) * c")
def mean_by_multiplication(x: Array, c: Array, sum: Held) -> Array | None:
    """sum(x) * c = mean(x), c being one over how many there are"""
    return sum.moved(op.mean(x, axis=sum.axes)) if as_scalar(c._node) == 1 / max(_count(sum), 1) else None


def _count(reduction: Held) -> int:
    return math.prod(reduction.shape[axis] for axis in reduction.axes)


@rewrite(*(f"sqrt(sum({square}))" for square in squares_of("x")), backward=True)
def root_of_sum_of_squares(x: Array, sum: Held) -> Array:
    """sqrt(sum(x^2)) = norm(x)"""
    return sum.moved(_norm(x, sum.axes))


@rewrite("sqrt(matmul(x, x))", backward=True)
def root_of_inner_product(x: Array, matmul: Held) -> Array | None:
    """sqrt(x @ x) = norm(x), x being a vector"""
    return matmul.moved(_norm(x, (0,))) if x.ndim == 1 else None


@rewrite(*(f"log(sum({square}))" for square in squares_of("x")), backward=True)
def log_of_sum_of_squares(x: Array, sum: Held) -> Array:
    """log(sum(x^2)) = 2 log(norm(x))"""
    return sum.moved(2 * op.log(_norm(x, sum.axes)))


@rewrite("sqrt(var(x))", backward=True)
def root_of_variance(x: Array, var: Held) -> Array:
    """sqrt(var(x)) = std(x)"""
    return var.moved(op.std(x, axis=var.axes, ddof=var.params["ddof"]))


@rewrite(*(f"sqrt(mean({square}))" for square in squares_of("x")), backward=True)
def root_of_mean_square(x: Array, mean: Held) -> Array:
    """sqrt(mean(x^2)) = norm(x) / sqrt(n)"""
    return mean.moved(_norm(x, mean.axes) / math.sqrt(max(_count(mean), 1)))


def _norm(x: Array, axes: tuple[int, ...]) -> Array:
    result: Array = op.vector_norm(x, axis=axes)
    return result


# Matrices -------------------------------------------------------------------------------------------------------------


@rewrite("log(det(A))", backward=True)
def log_of_determinant(A: Array, det: Held) -> Array:
    """log(det(A)) = slogdet(A)[1] where det(A) is not negative"""
    sign, logarithm = _sign_and_logarithm(A)
    return det.moved(op.where(sign < 0, np.nan, logarithm))


@rewrite("log(absolute(det(A)))", backward=True)
def log_of_size_of_determinant(A: Array, det: Held) -> Array:
    """log(|det(A)|) = slogdet(A)[1]"""
    return det.moved(_sign_and_logarithm(A)[1])


def _sign_and_logarithm(A: Array) -> tuple[Array, Array]:
    """The sign of each determinant, a constant, and its logarithm, which at a singular matrix has no derivative."""
    sign = op.slogdet(op.stop_gradient(A))[0]
    singular = op.equal(sign, 0)
    regular = op.where(op.reshape(singular, (*singular.shape, 1, 1)), np.eye(A.shape[-1], dtype=A.dtype), A)
    none = op.log(op.sum(A, axis=(-2, -1)) * sign)  # -inf, and where it is asked for a derivative of NaN
    return sign, op.where(singular, none, op.slogdet(regular)[1])


@rewrite("matmul(inv(A), b)", changes=ROUNDING, backward=True)
def inverse_times(A: Array, b: Array, inv: Held, matmul: Held) -> Array | None:
    """inv(A) @ b = solve(A, b)"""
    system = _inverted(A, inv)
    if system is None or (b.ndim > 2 and b.ndim != A.ndim):
        return None
    result: Array = op.solve(system, b)
    return result


@rewrite("matmul(b, inv(A))", changes=ROUNDING, backward=True)
def times_inverse(A: Array, b: Array, inv: Held, matmul: Held) -> Array | None:
    """B @ inv(A) = solve(A.T, B.T).T"""
    system = _inverted(A, inv)
    if system is None or (b.ndim > 2 and b.ndim != A.ndim) or A.ndim > max(b.ndim, 2):
        return None
    transposed = op.matrix_transpose(system)
    if b.ndim == 1:
        result: Array = op.solve(transposed, b)
    else:
        result = op.matrix_transpose(op.solve(transposed, op.matrix_transpose(b)))
    return result


def _inverted(A: Array, inv: Held) -> Array | None:
    """The matrix whose inverse was used: A, or its transpose where the inverse was transposed; None if it was moved."""
    if not inv.moves:
        return A
    swapped = (*range(A.ndim - 2), A.ndim - 1, A.ndim - 2)
    if len(inv.moves) == 1 and inv.moves[0].params.get("axes") == swapped and inv.moves[0].primitive.name == "permute":
        transposed: Array = op.matrix_transpose(A)
        return transposed
    return None
