"""Elementwise formulas, softmax and its kin as a textbook writes them, in the form that keeps their digits."""

from __future__ import annotations

import math

import numpy as np

from pullback.core.array import Array
from pullback.core.graph import as_scalar
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


@rewrite("1 - softmax(x)", changes=ROUNDING, backward=True)
def one_minus_softmax(x: Array, softmax: Held) -> Array:
    """1 - softmax(x)[i] = sum of the other elements of softmax(x), where that is the smaller part"""
    share = op.softmax(x, axis=softmax.axes)
    large = share > 0.5  # at most one of a row
    others = op.sum(op.where(large, 0, share), axis=softmax.axes, keepdims=True)
    return softmax.moved(op.where(large, others, 1 - share))


@rewrite("log(1 - softmax(x))", "log1p(-softmax(x))", backward=True)
def log_of_one_minus_softmax(x: Array, softmax: Held) -> Array:
    """log(1 - softmax(x)[i]) = logsumexp of the other elements of log_softmax(x), where that is the smaller part"""
    logarithm = op.log_softmax(x, axis=softmax.axes)
    share = op.exp(logarithm)
    large = share > 0.5
    others = op.logsumexp(op.where(large, -np.inf, logarithm), axis=softmax.axes, keepdims=True)
    return softmax.moved(op.where(large, others, op.log1p(-op.where(large, 0, share))))


@rewrite("sum(w * exp(x)) / sum(exp(x))", backward=True)
def mean_by_exps(w: Array, x: Array, sum: Held) -> Array:
    """sum(w exp(x)) / sum(exp(x)) = sum(w softmax(x))"""
    return sum.moved(op.sum(w * op.softmax(x, axis=sum.axes), axis=sum.axes))


@rewrite("exp(a) / (exp(a) + exp(b))", backward=True)
def share_of_two_exps(a: Array, b: Array) -> Array:
    """exp(a) / (exp(a) + exp(b)) = sigmoid(a - b)"""
    result: Array = op.sigmoid(a - b)
    return result


@rewrite("log(exp(a) / (exp(a) + exp(b)))", backward=True)
def log_of_share_of_two_exps(a: Array, b: Array) -> Array:
    """log(exp(a) / (exp(a) + exp(b))) = log_sigmoid(a - b)"""
    result: Array = op.log_sigmoid(a - b)
    return result


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


@rewrite("log(sum(w * exp(x)))", backward=True)
def log_of_weighted_sum_of_exps(w: Array, x: Array, sum: Held) -> Array:
    """log(sum(w exp(x))) = m + log(sum(w exp(x - m))), m being the largest x with a weight"""
    return sum.moved(op.logsumexp(x, axis=sum.axes, b=w))


@rewrite("log(v * exp(a) + w * exp(b))", "log(exp(a) + w * exp(b))", backward=True)
def log_of_weighted_sum_of_two_exps(a: Array, b: Array, w: Array, v: Array | None = None) -> Array:
    """log(v exp(a) + w exp(b)) = m + log(v exp(a - m) + w exp(b - m)), m being the larger one with a weight"""
    v = op.ones_like(w) if v is None else v
    peak = op.maximum(*[op.where(op.equal(weight, 0), -np.inf, op.stop_gradient(x)) for weight, x in ((v, a), (w, b))])
    peak = op.where(op.isfinite(peak), peak, 0)
    terms = op.strong_product(v, op.exp(a - peak)) + op.strong_product(w, op.exp(b - peak))
    result: Array = peak + op.log(terms)
    return result


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


@rewrite("log(2 * cosh(x))", backward=True)
def log_of_twice_cosh(x: Array) -> Array:
    """log(2 cosh(x)) = logaddexp(x, -x)"""
    result: Array = op.logaddexp(x, -x)
    return result


@rewrite("log(sinh(x))", backward=True)
def log_of_sinh(x: Array) -> Array:
    """log(sinh(x)) = x + log(1 - exp(-2x)) - log 2"""
    size = op.absolute(x)
    result: Array = op.where(x < 0, np.nan, size + op.log1mexp(-2 * size) - math.log(2))
    return result


@rewrite("sqrt(exp(x))", backward=True)
def root_of_exp(x: Array) -> Array:
    """sqrt(exp(x)) = exp(x / 2)"""
    result: Array = op.exp(x / 2)
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


@rewrite(*(f"log(1 - {square})" for square in squares_of("tanh(x)")), backward=True)
def log_of_one_minus_tanh_squared(x: Array) -> Array:
    """log(1 - tanh(x)^2) = -2 log(cosh(x))"""
    result: Array = -2 * log_of_cosh(x)
    return result


@rewrite("1 - tanh(x)", changes=ROUNDING)
def one_minus_tanh(x: Array) -> Array:
    """1 - tanh(x) = 2 sigmoid(-2x)"""
    result: Array = 2 * op.sigmoid(-2 * x)
    return result


@rewrite("1 + tanh(x)", changes=ROUNDING)
def one_plus_tanh(x: Array) -> Array:
    """1 + tanh(x) = 2 sigmoid(2x)"""
    result: Array = 2 * op.sigmoid(2 * x)
    return result


@rewrite("log(0.5 * (1 + tanh(x)))", "log((1 + tanh(x)) / 2)", backward=True)
def log_of_half_of_one_plus_tanh(x: Array) -> Array:
    """log((1 + tanh(x)) / 2) = log_sigmoid(2x)"""
    result: Array = op.log_sigmoid(2 * x)
    return result


@rewrite("log(0.5 * (1 - tanh(x)))", "log((1 - tanh(x)) / 2)", backward=True)
def log_of_half_of_one_minus_tanh(x: Array) -> Array:
    """log((1 - tanh(x)) / 2) = log_sigmoid(-2x)"""
    result: Array = op.log_sigmoid(-2 * x)
    return result


@rewrite("log(1 - tanh(x))", "log1p(-tanh(x))", backward=True)
def log_of_one_minus_tanh(x: Array) -> Array:
    """log(1 - tanh(x)) = log 2 + log_sigmoid(-2x)"""
    # Near 0 the terms cancel: there it is computed as it is written.
    near = x < 0.25
    result: Array = op.where(near, op.log1p(-op.tanh(op.where(near, x, 0))), math.log(2) + op.log_sigmoid(-2 * x))
    return result


@rewrite("log(1 + tanh(x))", "log1p(tanh(x))", backward=True)
def log_of_one_plus_tanh(x: Array) -> Array:
    """log(1 + tanh(x)) = log 2 + log_sigmoid(2x)"""
    result: Array = log_of_one_minus_tanh(-x)
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


@rewrite("log(0.5 * erfc(x))", "log(0.5 * (1 - erf(x)))", "log((1 - erf(x)) / 2)", backward=True)
def log_of_half_erfc(x: Array) -> Array:
    """log(erfc(x) / 2) = log_ndtr(-sqrt(2) x)"""
    result: Array = op.log_ndtr(-math.sqrt(2) * x)
    return result


@rewrite("log(0.5 * (1 + erf(x)))", "log((1 + erf(x)) / 2)", backward=True)
def log_of_half_of_one_plus_erf(x: Array) -> Array:
    """log((1 + erf(x)) / 2) = log_ndtr(sqrt(2) x)"""
    result: Array = op.log_ndtr(math.sqrt(2) * x)
    return result


@rewrite("log(erfc(x))", "log(1 - erf(x))", backward=True)
def log_of_erfc(x: Array) -> Array:
    """log(erfc(x)) = log_ndtr(-sqrt(2) x) + log 2"""
    result: Array = op.log_ndtr(-math.sqrt(2) * x) + math.log(2)
    return result


# Quotients and products ----------------------------------------------------------------------------------------------


@rewrite("log(x / y)", backward=True)
def log_of_quotient(x: Array, y: Array) -> Array:
    """log(x / y) = log|x| - log|y| where the quotient overflows or underflows, and is not negative"""
    return _log_apart(x / y, x, y, -1)


@rewrite(*(f"log({square})" for square in squares_of("x")), backward=True)
def log_of_square(x: Array) -> Array:
    """log(x^2) = 2 log|x|"""
    result: Array = 2 * op.log(op.absolute(x))
    return result


@rewrite("log(x**n)", "log(x * x * x)", backward=True)
def log_of_power(x: Array, n: Array | None = None) -> Array | None:
    """log(x^n) = n log|x| where x is not negative, or n even"""
    exponent = 3.0 if n is None else as_scalar(n._node)
    if exponent is None or exponent == 0:
        return None
    logarithm = exponent * op.log(op.absolute(x))
    if exponent % 2 == 0:
        return logarithm
    wrong = op.where(op.equal(op.stop_gradient(x) ** exponent, 0), -np.inf, np.nan)  # as of a product
    result: Array = op.where(x < 0, wrong, logarithm)
    return result


@rewrite("log(x * y)", yields=True)
def log_of_product_of_two(x: Array, y: Array) -> Array | None:
    """log(x y) = log|x| + log|y| where the product overflows or underflows, and is not negative"""
    if as_scalar(x._node) is not None or as_scalar(y._node) is not None:
        return None  # a number is of a usual size
    return _log_apart(x * y, x, y, 1)


def _log_apart(value: Array, x: Array, y: Array, sign: int) -> Array:
    """The logarithm of a product or quotient: by those of x and y where it is 0 or not finite."""
    tame = op.isfinite(value) & op.not_equal(value, 0)
    one, two = [op.log(op.absolute(op.where(tame, 1, part))) for part in (x, y)]
    negative = op.sign(x) * op.sign(y) < 0
    wrong = op.where(op.equal(value, 0), -np.inf, np.nan)  # a -0 has the logarithm -inf
    apart = op.where(negative, wrong, one + sign * two)
    result: Array = op.where(tame, op.log(op.where(tame, value, 1)), apart)
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


@rewrite("exp(a) * exp(b)", backward=True)
def product_of_exps(a: Array, b: Array) -> Array:
    """exp(a) exp(b) = exp(a + b)"""
    result: Array = op.exp(a + b)
    return result


@rewrite("strong_product(exp(a), exp(b))", backward=True)
def strong_product_of_exps(a: Array, b: Array) -> Array:
    """exp(a) exp(b) = exp(a + b), and 0 where a is -inf"""
    result: Array = op.exp(op.where(op.equal(a, -np.inf), a, a + b))
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
