"""The error function, its complement, and the logarithm of the normal distribution function. [DLMF 7.2]"""

from __future__ import annotations

import math

from pullback.compiler.mathematics.arithmetic import divide, polynomial, scale, two_product, two_sum
from pullback.compiler.mathematics.coefficients import ERF, ERFC, ERFCX, ERFCX_FAR, ERFCX_WHOLE
from pullback.compiler.mathematics.exponential import MOST, exponential, exponential_parts
from pullback.compiler.mathematics.lanes import Value, where
from pullback.compiler.mathematics.logarithm import log, log1p
from pullback.compiler.mathematics.registry import define, in_doubles


def _near_zero(x: Value) -> Value:
    """The error function for |x| <= 1."""
    return x.fma(polynomial(x * x, ERF[x.type.element]), x)


@define(float=1.1, double=1.1)
def erf(x: Value) -> Value:
    """The error function: a series up to 1, then 1 - erfc with a polynomial of exp(x**2) erfc(x)."""
    element = x.type.element
    magnitude = abs(x)
    near = _near_zero(magnitude)
    inside = magnitude.at_most(4.0 if element == "float" else 6.0)  # beyond it is 1
    tail = ERFCX["float"] if element == "float" else ERFCX_FAR["double"]
    far = exponential(-(inside * inside)).fma(-polynomial(inside - 2.5, tail), 1.0)
    return where(magnitude < 1.0, near, far).copysign(x)


@define(float=0.6, double=1.4)
def erfc(x: Value) -> Value:
    """The complement of the error function, exact also where it is tiny. [Shepherd and Laframboise, 1981]"""
    if x.type.element == "float":
        return _wide_erfc(x.to("double")).to("float")
    magnitude = abs(x).at_most(28.0)
    square, square_low = two_product(magnitude, magnitude)
    high, low, exponent = exponential_parts(-square, -square_low)
    t = (magnitude - 4.0) / (magnitude + 4.0)
    q, q_low = two_sum(t.like(1.25), polynomial(t, ERFC["double"], alternating=True))
    product, error = two_product(high, q)
    by = magnitude.fma(2.0, 1.0)
    by_low = magnitude.fma(2.0, -by) + 1.0
    quotient = divide(product, error + high.fma(q_low, low * q), by, by_low)
    value = scale(quotient, exponent)
    far = where(x < 0.0, 2.0 - value, value)
    return where(magnitude < 0.5, 1.0 - _near_zero(x), far)  # where t would be too inexact


def _wide_erfc(x: Value) -> Value:
    """For a float as a double, whose square is exact."""
    magnitude = abs(x).at_most(12.0)
    value = exponential(-(magnitude * magnitude), "wide")
    shifted, by = magnitude + 4.0, magnitude.fma(2.0, 1.0)
    reciprocal = 1.0 / (shifted * by)
    t = (magnitude - 4.0) * (by * reciprocal)
    value = value * ((1.25 + polynomial(t, ERFC["wide"])) * (shifted * reciprocal))
    return where(x < 0.0, 2.0 - value, value)


@define(float=0.6, double=2.0)
@in_doubles
def erfcx(x: Value, use: str) -> Value:
    """The complement of the error function times exp(x**2)."""
    inside = x.at_least(-27.0)  # what is below overflows
    square, square_low = two_product(inside, inside)
    growing = exponential(square.at_most(MOST["double"]), low=square_low)
    tail = _scaled_tail(abs(x), use)
    far = where(x < 0.0, 2.0 * growing - tail, tail)
    return where(abs(x) < 0.5, growing * (1.0 - _near_zero(x)), far)


def _scaled_tail(x: Value, use: str) -> Value:
    """The number exp(x**2) erfc(x), in doubles, x not near 0, where t would be too inexact; "wide" for floats."""
    t = 1.0 - 8.0 / (x + 4.0)
    return 0.5 * (1.25 + polynomial(t, ERFCX_WHOLE[use], alternating=True)) / (x + 0.5)


@define(float=0.6, double=4.0)
@in_doubles
def log_ndtr(x: Value, use: str) -> Value:
    """The logarithm of the normal distribution function, exact also where that underflows or is nearly 1."""
    magnitude = abs(x)
    quotient = x * math.sqrt(0.5)
    half = 0.5 * _scaled_tail(abs(quotient), use)
    inside = magnitude.at_most(40.0)  # beyond it the tail is 0
    square, square_low = two_product(inside, 0.5 * inside)
    tail = half * exponential(-square, low=-square_low)
    near = abs(quotient) < 0.5
    logarithm = log(where(near, 0.5 + 0.5 * _near_zero(quotient), half))
    below = where(near, logarithm, logarithm - 0.5 * magnitude * magnitude)
    return where((x < 0.0) | near, below, log1p(-tail))
