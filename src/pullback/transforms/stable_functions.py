"""Elementwise formulas, softmax and its kin as a textbook writes them, in the form that keeps their digits."""

from __future__ import annotations

import math

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import operations as op
from pullback.transforms.patterns import Held
from pullback.transforms.rewrites import ROUNDING, rewrite, squares_of

# Logarithms of probabilities ------------------------------------------------------------------------------------------


@rewrite("log(sigmoid(x))", backward=True)
def log_of_sigmoid(x: Array) -> Array:
    """log(sigmoid(x)) = log_sigmoid(x) = -log(1 + exp(-x))"""
    result: Array = op.log_sigmoid(x)
    return result


@rewrite(
    "log(1 - sigmoid(x))",
    "log1p(-sigmoid(x))",
    "log(1 - 1 / (1 + exp(-x)))",
    "log(1 - exp(x) / (1 + exp(x)))",
    backward=True,
)
def log_of_one_minus_sigmoid(x: Array) -> Array:
    """log(1 - sigmoid(x)) = log_sigmoid(-x)"""
    result: Array = op.log_sigmoid(-x)
    return result


@rewrite("log(1 / (1 + exp(-x)))", "log(exp(x) / (1 + exp(x)))", backward=True)
def log_of_written_sigmoid(x: Array) -> Array:
    """log(1 / (1 + exp(-x))) = log_sigmoid(x)"""
    result: Array = op.log_sigmoid(x)
    return result


@rewrite("1 - sigmoid(x)", "1 - 1 / (1 + exp(-x))", "1 - exp(x) / (1 + exp(x))")
def one_minus_sigmoid(x: Array) -> Array:
    """1 - sigmoid(x) = sigmoid(-x)"""
    result: Array = op.sigmoid(-x)
    return result


@rewrite("sigmoid(x) - 1", "sigmoid(x) + -1")
def sigmoid_minus_one(x: Array) -> Array:
    """sigmoid(x) - 1 = -sigmoid(-x)"""
    result: Array = -op.sigmoid(-x)
    return result


@rewrite("1 / (1 + exp(-x))", "exp(x) / (1 + exp(x))", backward=True)
def written_sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) = sigmoid(x)"""
    result: Array = op.sigmoid(x)
    return result


@rewrite("log(softmax(x))", backward=True)
def log_of_softmax(x: Array, softmax: Held) -> Array:
    """log(softmax(x)) = log_softmax(x), also of some elements of it"""
    return softmax.moved(op.log_softmax(x, axis=softmax.axes))


@rewrite("log(exp(x) / sum(exp(x)))", backward=True)
def log_of_written_softmax(x: Array, sum: Held) -> Array | None:
    """log(exp(x) / sum(exp(x))) = log_softmax(x)"""
    return op.log_softmax(x, axis=sum.axes) if sum.is_spread else None


@rewrite(
    "exp(x) / sum(exp(x))",
    "exp(x) * reciprocal(sum(exp(x)))",
    "strong_product(reciprocal(sum(exp(x))), exp(x))",
    backward=True,
)
def written_softmax(x: Array, sum: Held) -> Array | None:
    """exp(x) / sum(exp(x)) = softmax(x)"""
    return op.softmax(x, axis=sum.axes) if sum.is_spread else None


@rewrite("x - logsumexp(x)", changes=ROUNDING)
def written_log_softmax(x: Array, logsumexp: Held) -> Array | None:
    """X - logsumexp(x) = log_softmax(x)"""
    return op.log_softmax(x, axis=logsumexp.axes) if logsumexp.is_spread else None


# Logarithms of sums and differences of exponentials -------------------------------------------------------------------


@rewrite("log(1 + exp(x))", "log1p(exp(x))", backward=True)
def log_of_one_plus_exp(x: Array) -> Array:
    """log(1 + exp(x)) = softplus(x)"""
    result: Array = op.softplus(x)
    return result


@rewrite("log(exp(a) + exp(b))", backward=True)
def log_of_sum_of_two_exps(a: Array, b: Array) -> Array:
    """log(exp(a) + exp(b)) = logaddexp(a, b)"""
    result: Array = op.logaddexp(a, b)
    return result


@rewrite("log(sum(exp(x)))", backward=True)
def log_of_sum_of_exps(x: Array, sum: Held) -> Array:
    """log(sum(exp(x))) = logsumexp(x)"""
    return sum.moved(op.logsumexp(x, axis=sum.axes))


@rewrite("log(mean(exp(x)))", backward=True)
def log_of_mean_of_exps(x: Array, mean: Held) -> Array:
    """log(mean(exp(x))) = logsumexp(x) - log(n)"""
    count = math.prod(mean.shape[axis] for axis in mean.axes)
    return mean.moved(op.logsumexp(x, axis=mean.axes) - math.log(max(count, 1)))


@rewrite("log(1 - exp(x))", "log1p(-exp(x))", backward=True)
def log_of_one_minus_exp(x: Array) -> Array:
    """log(1 - exp(x)) = log1mexp(x)"""
    result: Array = op.log1mexp(x)
    return result


@rewrite("log(exp(a) - exp(b))", backward=True)
def log_of_difference_of_exps(a: Array, b: Array) -> Array:
    """log(exp(a) - exp(b)) = a + log1mexp(b - a)"""
    result: Array = a + op.log1mexp(b - a)
    return result


@rewrite("log(cosh(x))", backward=True)
def log_of_cosh(x: Array) -> Array:
    """log(cosh(x)) = |x| + log(1 + exp(-2|x|)) - log 2"""
    size = op.absolute(x)
    # Near 0 the terms cancel: there it is log1p(2 sinh(x/2)^2).
    near = size < 1
    close = op.log1p(2 * op.square(op.sinh(op.where(near, x, 0) / 2)))
    result: Array = op.where(near, close, size + op.log1p(op.exp(-2 * size)) - math.log(2))
    return result


@rewrite("exp(a) - exp(b)", changes=ROUNDING)
def difference_of_exps(a: Array, b: Array) -> Array:
    """exp(a) - exp(b) = exp(b) expm1(a - b)"""
    # By the larger of both, so that neither factor overflows while the difference does not.
    larger, smaller = op.maximum(a, b), op.minimum(a, b)
    size = -op.exp(larger) * op.expm1(smaller - larger)
    result: Array = op.where(op.equal(a, b), 0, op.where(a > b, size, -size))
    return result


@rewrite("softplus(x) - x", "log(1 + exp(x)) - x", "log1p(exp(x)) - x")
def softplus_minus_x(x: Array) -> Array:
    """softplus(x) - x = softplus(-x)"""
    result: Array = op.softplus(-x)
    return result


@rewrite("log(exp(x))")
def log_of_exp(x: Array) -> Array:
    """log(exp(x)) = x"""
    return x


@rewrite("log(exp(x) / y)", backward=True)
def log_of_exp_over(x: Array, y: Array) -> Array:
    """log(exp(x) / y) = x - log(y)"""
    result: Array = x - op.log(y)
    return result


@rewrite("log(exp(x) * y)", backward=True)
def log_of_exp_times(x: Array, y: Array) -> Array:
    """log(exp(x) * y) = x + log(y)"""
    result: Array = x + op.log(y)
    return result


# Hyperbolic functions, written out ------------------------------------------------------------------------------------


@rewrite("(exp(x) - exp(-x)) / (exp(x) + exp(-x))", "sinh(x) / cosh(x)", backward=True)
def written_tanh(x: Array) -> Array:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)) = tanh(x)"""
    result: Array = op.tanh(x)
    return result


@rewrite("(exp(x) - exp(-x)) / 2", "0.5 * (exp(x) - exp(-x))", changes=ROUNDING)
def written_sinh(x: Array) -> Array:
    """(exp(x) - exp(-x)) / 2 = sinh(x)"""
    result: Array = op.sinh(x)
    return result


@rewrite(*(f"log(x + sqrt({square} + 1))" for square in squares_of("x")), backward=True)
def written_arcsinh(x: Array) -> Array:
    """log(x + sqrt(x^2 + 1)) = arcsinh(x)"""
    result: Array = op.arcsinh(x)
    return result


@rewrite("log((1 + x) / (1 - x))", changes=ROUNDING)
def written_arctanh(x: Array) -> Array:
    """log((1 + x) / (1 - x)) = 2 arctanh(x)"""
    result: Array = 2 * op.arctanh(x)
    return result


# Near one and near zero -----------------------------------------------------------------------------------------------


@rewrite("log(1 + x)", changes=ROUNDING)
def log_of_one_plus(x: Array) -> Array:
    """log(1 + x) = log1p(x)"""
    result: Array = op.log1p(x)
    return result


@rewrite("log(1 - x)", changes=ROUNDING)
def log_of_one_minus(x: Array) -> Array:
    """log(1 - x) = log1p(-x)"""
    result: Array = op.log1p(-x)
    return result


@rewrite("exp(x) - 1", "exp(x) + -1", changes=ROUNDING)
def exp_minus_one(x: Array) -> Array:
    """exp(x) - 1 = expm1(x)"""
    result: Array = op.expm1(x)
    return result


@rewrite("1 - exp(x)", changes=ROUNDING)
def one_minus_exp(x: Array) -> Array:
    """1 - exp(x) = -expm1(x)"""
    result: Array = -op.expm1(x)
    return result


@rewrite("1 - cos(x)", changes=ROUNDING)
def one_minus_cos(x: Array) -> Array:
    """1 - cos(x) = 2 sin(x/2)^2"""
    result: Array = 2 * op.square(op.sin(x / 2))
    return result


@rewrite(*(f"1 - {square}" for square in squares_of("tanh(x)")), changes=ROUNDING)
def one_minus_tanh_squared(x: Array) -> Array:
    """1 - tanh(x)^2 = 4 sigmoid(2x) sigmoid(-2x)"""
    result: Array = 4 * op.sigmoid(2 * x) * op.sigmoid(-2 * x)
    return result


@rewrite("1 - tanh(x)", changes=ROUNDING)
def one_minus_tanh(x: Array) -> Array:
    """1 - tanh(x) = 2 sigmoid(-2x)"""
    result: Array = 2 * op.sigmoid(-2 * x)
    return result


@rewrite("arccos(1 - x)", changes=ROUNDING)
def arccos_of_one_minus(x: Array) -> Array:
    """arccos(1 - x) = 2 arcsin(sqrt(x / 2))"""
    result: Array = 2 * op.arcsin(op.sqrt(x / 2))
    return result


@rewrite("1 - sqrt(1 - x)", changes=ROUNDING)
def one_minus_root(x: Array) -> Array:
    """1 - sqrt(1 - x) = x / (1 + sqrt(1 - x))"""
    result: Array = x / (1 + op.sqrt(1 - x))
    return result


@rewrite("sqrt(a) - sqrt(b)", changes=ROUNDING, backward=True)
def difference_of_roots(a: Array, b: Array) -> Array:
    """sqrt(a) - sqrt(b) = (a - b) / (sqrt(a) + sqrt(b))"""
    total = op.sqrt(a) + op.sqrt(b)
    tame = (total > 0) & (total < np.inf)
    result: Array = op.where(tame, (a - b) / op.where(tame, total, 1), a - b)
    return result


@rewrite("sqrt(1 + x) - 1", changes=ROUNDING)
def root_minus_one(x: Array) -> Array:
    """sqrt(1 + x) - 1 = x / (sqrt(1 + x) + 1)"""
    result: Array = x / (op.sqrt(1 + x) + 1)
    return result


# The error function ---------------------------------------------------------------------------------------------------


@rewrite("1 - erf(x)", changes=ROUNDING)
def one_minus_erf(x: Array) -> Array:
    """1 - erf(x) = erfc(x)"""
    result: Array = op.erfc(x)
    return result


@rewrite("1 + erf(x)", changes=ROUNDING)
def one_plus_erf(x: Array) -> Array:
    """1 + erf(x) = erfc(-x)"""
    result: Array = op.erfc(-x)
    return result


@rewrite("1 - erfc(x)", changes=ROUNDING)
def one_minus_erfc(x: Array) -> Array:
    """1 - erfc(x) = erf(x)"""
    result: Array = op.erf(x)
    return result


@rewrite("1 - ndtr(x)", changes=ROUNDING)
def one_minus_ndtr(x: Array) -> Array:
    """1 - ndtr(x) = ndtr(-x)"""
    result: Array = op.ndtr(-x)
    return result


@rewrite("log(ndtr(x))", backward=True)
def log_of_ndtr(x: Array) -> Array:
    """log(ndtr(x)) = log_ndtr(x)"""
    result: Array = op.log_ndtr(x)
    return result


@rewrite("log(1 - ndtr(x))", "log1p(-ndtr(x))", backward=True)
def log_of_one_minus_ndtr(x: Array) -> Array:
    """log(1 - ndtr(x)) = log_ndtr(-x)"""
    result: Array = op.log_ndtr(-x)
    return result


@rewrite("log(erfc(x))", "log(1 - erf(x))", backward=True)
def log_of_erfc(x: Array) -> Array:
    """log(erfc(x)) = log_ndtr(-sqrt(2) x) + log 2"""
    result: Array = op.log_ndtr(-math.sqrt(2) * x) + math.log(2)
    return result


# Quotients ------------------------------------------------------------------------------------------------------------


@rewrite("log(x / y)", backward=True)
def log_of_quotient(x: Array, y: Array) -> Array:
    """log(x / y) = log|x| - log|y| where the quotient overflows or underflows, and is not negative"""
    quotient = x / y
    tame = op.isfinite(quotient) & op.not_equal(quotient, 0)
    safe = op.where(tame, quotient, 1)
    sign = op.where(op.sign(x) * op.sign(y) < 0, np.nan, 0)
    apart = op.log(op.absolute(op.where(tame, 1, x))) - op.log(op.absolute(op.where(tame, 1, y))) + sign
    result: Array = op.where(tame, op.log(safe), apart)
    return result


# Roots and squares ----------------------------------------------------------------------------------------------------


@rewrite(*(f"sqrt({square})" for square in squares_of("x")), backward=True)
def root_of_square(x: Array) -> Array:
    """sqrt(x^2) = |x|"""
    result: Array = op.absolute(x)
    return result


@rewrite(*(f"sqrt({one} + {two})" for one in squares_of("a") for two in squares_of("b")), backward=True)
def root_of_two_squares(a: Array, b: Array) -> Array:
    """sqrt(a^2 + b^2) = hypot(a, b)"""
    result: Array = op.hypot(a, b)
    return result


@rewrite(*(f"{one} - {two}" for one in squares_of("a") for two in squares_of("b")), changes=ROUNDING)
def difference_of_squares(a: Array, b: Array) -> Array:
    """a^2 - b^2 = (a - b) (a + b)"""
    result: Array = (a - b) * (a + b)
    return result


# Products -------------------------------------------------------------------------------------------------------------


@rewrite("exp(a) * exp(b)", "strong_product(exp(a), exp(b))", backward=True)
def product_of_exps(a: Array, b: Array) -> Array:
    """exp(a) exp(b) = exp(a + b)"""
    result: Array = op.exp(a + b)
    return result


@rewrite("exp(a) / exp(b)", backward=True)
def quotient_of_exps(a: Array, b: Array) -> Array:
    """exp(a) / exp(b) = exp(a - b)"""
    result: Array = op.exp(a - b)
    return result


@rewrite("x * log(y)", yields=True)
def times_log(x: Array, y: Array) -> Array:
    """X log(y) = xlogy(x, y), which is 0 at x = 0"""
    result: Array = op.xlogy(x, y)
    return result
