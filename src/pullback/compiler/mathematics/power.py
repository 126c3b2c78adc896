"""Roots, powers, and the length of a vector."""

from __future__ import annotations

import math

from pullback.compiler.mathematics.arithmetic import (
    nearest_integer,
    polynomial,
    power_of_two,
    scale,
    two_product,
    two_sum,
)
from pullback.compiler.mathematics.coefficients import ATANH, ATANH_REST, CBRT, LOG2_OF_E, THIRD
from pullback.compiler.mathematics.exponential import power_of_fraction
from pullback.compiler.mathematics.lanes import Value, where
from pullback.compiler.mathematics.logarithm import as_number, split
from pullback.compiler.mathematics.registry import define


@define(float=0.5, double=0.5)
def sqrt(x: Value) -> Value:
    """The square root, correctly rounded."""
    return x.sqrt()


@define(float=0.6, double=0.6)
def cbrt(x: Value) -> Value:
    """The cube root: by a polynomial for x**(-1/3) on [1, 2], made better by Newton's iteration. [Muller, 5.4]"""
    type = x.type
    magnitude = abs(x)
    lift = 3 * (type.digits // 3 + 1)
    small = magnitude < type.tiny
    bits = where(small, magnitude * 2.0**lift, magnitude).bits
    biased = bits >> type.digits
    one = type.bias << type.digits
    mantissa = ((bits & ((1 << type.digits) - 1)) | one).floats(type.element)
    _, low_bits = nearest_integer(as_number(biased, x) - (type.bias + 1.0), 1 / 3)
    rest = biased - type.bias - (low_bits + low_bits + low_bits)  # 0, 1 or 2
    whole = power_of_two(rest, type.element) * mantissa
    rest_bit = power_of_two(rest, type.element)
    factor = where(rest_bit > 3.0, x.like(2 ** (-2 / 3)), where(rest_bit > 1.0, x.like(2 ** (-1 / 3)), 1.0))
    inverse = factor * polynomial(mantissa, CBRT[type.element])
    if type.element == "double":
        lacking = (inverse * inverse).fma(-(inverse * whole), 1.0)
        inverse = inverse.fma(lacking * lacking.fma(2 / 9, 1 / 3), inverse)
    square = inverse * inverse
    root = whole * square
    root_square, square_low = two_product(root, root)
    excess = root.fma(square_low, root.fma(root_square, -whole))
    root = excess.fma(square * (-1 / 3), root)
    exponent = where(small, low_bits - lift // 3, low_bits)
    value = root * power_of_two(exponent, type.element)
    return where((magnitude > 0.0) & (magnitude < math.inf), value.copysign(x), x)


@define(float=0.6, double=1.1)
def hypot(x: Value, y: Value) -> Value:
    """The square root of x**2 + y**2, without overflow or underflow on the way; inf if either is, even beside NaN."""
    width, height = abs(x), abs(y)
    ordered = width > height
    larger, smaller = where(ordered, width, height), where(ordered, height, width)
    if x.type.element == "float":
        wide, other = larger.to("double"), smaller.to("double")
        value = wide.fma(wide, other * other).sqrt().to("float")
    else:
        big, tiny = larger > 2.0**500, larger < 2.0**-400
        factor = where(big, x.like(2.0**-600), where(tiny, x.like(2.0**600), 1.0))
        back = where(big, x.like(2.0**600), where(tiny, x.like(2.0**-600), 1.0))
        larger, smaller = larger * factor, smaller * factor
        value = larger.fma(larger, smaller * smaller).sqrt() * back
    return where(width.equals(math.inf) | height.equals(math.inf), math.inf, value)


# Powers -------------------------------------------------------------------------------------------------------------


@define(float=0.6, double=1.5)
def power(x: Value, y: Value) -> Value:
    """The number x**y as 2**(y log2 x), the logarithm to twice the digits; special values as in C, Annex F."""
    base, exponent = (x.to("double"), y.to("double"))
    magnitude = abs(base)
    wide = x.type.element == "float"
    logarithm, low = _wide_logarithm(magnitude) if wide else _logarithm(magnitude)
    logarithm = where(magnitude.equals(0.0), -math.inf, where(magnitude < math.inf, logarithm, magnitude))
    product = exponent * logarithm
    bound = 300.0 if wide else 1100.0
    n, integer = nearest_integer(product.at_most(bound).at_least(-bound))
    if low is None:
        value = power_of_fraction(product.at_most(bound).at_least(-bound) - n, "wide") * power_of_two(integer, "double")
    else:
        rest = exponent.fma(low, exponent.fma(logarithm, -product))
        rest = where(abs(product) < bound, rest, 0.0)
        value = scale(power_of_fraction((product.at_most(bound).at_least(-bound) - n) + rest), integer)
    value = where(magnitude.equals(1.0) & abs(exponent).equals(math.inf), 1.0, value)
    return _with_sign(base, exponent, value).to(x.type.element)


def _with_sign(base: Value, exponent: Value, value: Value) -> Value:
    """The power of |base| made that of base: negative for odd exponents, NaN for fractions; 1 for y = 0 or x = 1."""
    half = 0.5 * exponent
    whole, even = exponent.equals(exponent.intrinsic("trunc")), half.equals(half.intrinsic("trunc"))
    negative = base.bits < 0
    odd = whole & ~even
    value = where(negative & odd, -value, value)
    value = where((base < 0.0) & (base > -math.inf) & ~(whole | exponent.is_nan()), math.nan, value)
    return where(exponent.equals(0.0) | base.equals(1.0), 1.0, value)


def _wide_logarithm(x: Value) -> tuple[Value, None]:
    """The logarithm to base 2 of a float as a double, to more digits than floats have."""
    e, f = split(x)
    s = f / (2.0 + f)
    z = s * s
    unit = 2 * LOG2_OF_E["double"][0]
    return s.fma((z * unit).fma(polynomial(z, ATANH["wide"]), unit), e), None


def _logarithm(x: Value) -> tuple[Value, Value]:
    """The logarithm to base 2 as a sum of two: e + 2 atanh(s) / log(2), s = f / (2 + f), to 2**-64 and better."""
    e, f = split(x)
    by = 2.0 + f
    by_low = f - (by - 2.0)
    reciprocal = 1.0 / by
    s = f * reciprocal
    s_low = s.fma(-by_low, s.fma(-by, f)) * reciprocal
    z, z_low = two_product(s, s)
    z_low = (s + s).fma(s_low, z_low)
    third, third_low, _ = THIRD["double"]
    series, series_low = two_sum(z.like(third), z.fma(polynomial(z, ATANH_REST["double"]), third_low))
    cube, cube_low = two_product(s, z)
    cube_low = s_low.fma(z, s.fma(z_low, cube_low))
    more, more_low = two_product(cube, series)
    more_low = cube_low.fma(series, cube.fma(series_low, more_low))
    high, low = two_sum(s, more)
    low = low + (s_low + more_low)
    unit, unit_low = (2 * part for part in LOG2_OF_E["double"][:2])
    product, product_low = two_product(high, high.like(unit))
    product_low = high.fma(unit_low, low.fma(unit, product_low))
    sum, lost = two_sum(e, product)
    return sum, lost + product_low
