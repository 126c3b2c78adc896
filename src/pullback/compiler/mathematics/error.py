"""The error function and its complement. [DLMF 7.2]"""

from __future__ import annotations

from pullback.compiler.mathematics.arithmetic import divide, polynomial, scale, two_product, two_sum
from pullback.compiler.mathematics.coefficients import ERF, ERFC, ERFCX, ERFCX_FAR
from pullback.compiler.mathematics.exponential import exponential, exponential_parts
from pullback.compiler.mathematics.lanes import Value, where
from pullback.compiler.mathematics.registry import define


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
