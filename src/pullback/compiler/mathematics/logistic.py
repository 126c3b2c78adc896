"""The logistic function and its integral, and logarithms of sums of exponentials."""

from __future__ import annotations

import math

from pullback.compiler.mathematics.arithmetic import any_two_sum, divide, nearest_integer, scale
from pullback.compiler.mathematics.coefficients import LOG_OF_2
from pullback.compiler.mathematics.exponential import exponential, power_of_fraction
from pullback.compiler.mathematics.lanes import Value, where
from pullback.compiler.mathematics.logarithm import logarithm, logarithm_near_one, logarithm_to_2
from pullback.compiler.mathematics.registry import define


@define(float=1.6, double=1.6)
def sigmoid(x: Value) -> Value:
    """The value of 1 / (1 + e**-x), by e**-|x|, which never overflows."""
    z = exponential(-abs(x))
    more = 1.0 + z
    return divide(where(x < 0.0, z, 1.0), None, more, z - (more - 1.0))


def _split_up_to_two(z: Value) -> tuple[Value, Value]:
    """For 1 + z = 2**e (1 + f), 0 <= z <= 1: the numbers e and f."""
    upper = z > math.sqrt(2.0) - 1.0
    return where(upper, z.like(1.0), 0.0), where(upper, z.fma(0.5, -0.5), z)


@define(float=1.9, double=1.9)
def softplus(x: Value) -> Value:
    """The value of log(1 + e**x) = max(x, 0) + log(1 + e**-|x|)."""
    return where(x > 0.0, x, 0.0) + logarithm(*_split_up_to_two(exponential(-abs(x))))


@define(float=1.9, double=1.9)
def log_sigmoid(x: Value) -> Value:
    """The logarithm of the logistic function, -log(1 + e**-x)."""
    return -(where(x < 0.0, -x, 0.0) + logarithm(*_split_up_to_two(exponential(-abs(x)))))


def _nothing(x: Value) -> float:
    """A number such that 2 to the power of less than minus it is 0."""
    return float(x.type.bias + x.type.digits + 2)


def _larger_and_difference(x: Value, y: Value) -> tuple[Value, Value, Value]:
    """The larger of the two, and -|x - y| with its rounding error, which is left out where powers of it are 0."""
    ordered = x > y
    larger, smaller = where(ordered, x, y), where(ordered, y, x)
    difference, low = any_two_sum(smaller, -larger)
    return larger, difference, where(difference > -_nothing(x), low, 0.0)


@define(float=1.9, double=1.9)
def logaddexp(x: Value, y: Value) -> Value:
    """The logarithm of e**x + e**y. The error is in units of the largest of |x|, |y| and the result."""
    larger, difference, low = _larger_and_difference(x, y)
    e, f = _split_up_to_two(exponential(difference, low=low))
    high_part, low_part, _ = LOG_OF_2[x.type.element]
    # The larger may be negative and all but cancel the rest: log 2 is added to it without a loss.
    sum, lost = any_two_sum(larger, high_part * e)
    lost = where(abs(larger) < math.inf, lost, 0.0)
    return where(x.equals(y), x + high_part, sum + logarithm_near_one(f, e.fma(low_part, lost)))


@define(float=1.9, double=1.9)
def logaddexp2(x: Value, y: Value) -> Value:
    """The logarithm to base 2 of 2**x + 2**y. The error is in units of the largest of |x|, |y| and the result."""
    larger, difference, low = _larger_and_difference(x, y)
    difference = difference.at_least(-_nothing(x))
    n, exponent = nearest_integer(difference)
    e, f = _split_up_to_two(scale(power_of_fraction((difference - n) + low), exponent))
    sum, lost = any_two_sum(larger, e)
    lost = where(abs(larger) < math.inf, lost, 0.0)
    return where(x.equals(y), x + 1.0, sum + (logarithm_to_2(e.like(0.0), f) + lost))
