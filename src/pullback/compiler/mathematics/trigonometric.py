"""Sine, cosine and tangent: the argument less a multiple of pi/2, and a polynomial of what is left. [Muller, 11.3]"""

from __future__ import annotations

from pullback.compiler.mathematics.arithmetic import (
    any_two_sum,
    divide,
    nearest_integer,
    polynomial,
    two_product,
    two_sum,
)
from pullback.compiler.mathematics.coefficients import COS, HALF_PI, SIN
from pullback.compiler.mathematics.lanes import Value, where
from pullback.compiler.mathematics.reduction import FAR
from pullback.compiler.mathematics.registry import define

_PER_QUADRANT = 0.6366197723675814  # 2/pi


def _reduce(x: Value, exactly: bool = False) -> list[Value]:
    """For x >= 0: r with |r| <= pi/4, the quadrant in the low bits, and if wanted what r lost in rounding."""
    first, second, third = HALF_PI[x.type.element]
    n, quadrant = nearest_integer(x, _PER_QUADRANT)
    leading = n.fma(-first, x)  # exact
    far = x > FAR[x.type.element]
    if not exactly:
        usual = [n.fma(-third, n.fma(-second, leading)), quadrant]
        return x.writer.rarely(far, "reduced", usual, x, *usual)
    product, product_error = two_product(n, n.like(-second))
    middle, lost = any_two_sum(leading, product)
    r, low = two_sum(middle, n.fma(-third, lost + product_error))
    usual = [r, quadrant, low]
    return x.writer.rarely(far, "reduced exactly", usual, x, *usual)


def _sine_or_cosine(r: Value, quadrant: Value) -> Value:
    """The sine of r, or in odd quadrants the cosine, with the quadrant's sign."""
    z = r * r
    sine = (r * z).fma(polynomial(z, SIN[r.type.element]), r)
    cosine = z.fma(z.fma(polynomial(z, COS[r.type.element]), -0.5), 1.0)
    value = where((quadrant & 1).equals(0), sine, cosine)
    sign = (quadrant << (r.type.width - 2)) & r.type.sign_bit
    return (value.bits ^ sign).floats(r.type.element)


@define(float=1.7, double=1.7)
def sin(x: Value) -> Value:
    """The sine, in radians. [DLMF 4.14]"""
    value = _sine_or_cosine(*_reduce(abs(x)))
    return (value.bits ^ (x.bits & x.type.sign_bit)).floats(x.type.element)


@define(float=1.7, double=1.7)
def cos(x: Value) -> Value:
    """The cosine, in radians. [DLMF 4.14]"""
    r, quadrant = _reduce(abs(x))
    return _sine_or_cosine(r, quadrant + 1)


@define(float=1.3, double=1.3)
def tan(x: Value) -> Value:
    """The tangent, in radians. [DLMF 4.14]"""
    r, quadrant, low = _reduce(abs(x), exactly=True)
    z, z_error = two_product(r, r)
    half = 0.5 * z
    cosine = 1.0 - half
    cosine_rest = z_error.fma(-0.5, (1.0 - cosine) - half) + (z * z).fma(polynomial(z, COS[r.type.element]), -(r * low))
    sine_rest = (r * z).fma(polynomial(z, SIN[r.type.element]), low)
    even = (quadrant & 1).equals(0)
    numerator, numerator_rest = where(even, r, cosine), where(even, sine_rest, cosine_rest)
    denominator, denominator_rest = where(even, cosine, -r), where(even, cosine_rest, -sine_rest)
    value = divide(numerator, numerator_rest, denominator, denominator_rest)
    return (value.bits ^ (x.bits & x.type.sign_bit)).floats(x.type.element)
