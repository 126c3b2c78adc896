"""Logarithms: x = 2**e (1 + f) with 1 + f between the roots of 1/2 and 2, and a polynomial. [Muller, 11.2]"""

from __future__ import annotations

import math

from pullback.compiler.mathematics.arithmetic import polynomial, two_product, two_sum
from pullback.compiler.mathematics.coefficients import (
    ATANH,
    LOG,
    LOG2,
    LOG2_OF_E,
    LOG10,
    LOG10_OF_2,
    LOG10_OF_E,
    LOG_OF_2,
)
from pullback.compiler.mathematics.lanes import Value, where
from pullback.compiler.mathematics.registry import define

_ROOT_BITS = {"float": 0x3F3504F3, "double": 0x3FE6A09E667F3BCC}  # of the root of 1/2
_ONE_BITS = {"float": 0x3F800000, "double": 0x3FF0000000000000}


def _moved(x: Value) -> Value:
    """The bits of x, moved so that the exponent field is e + bias and the rest those of 1 + f from the root on."""
    element = x.type.element
    return x.bits + (_ONE_BITS[element] - _ROOT_BITS[element])


def _in_large(integer: Value, like: Value) -> Value:
    """A small integer, 0 or positive, plus 2**digits, as a floating-point number: in the last places of its bits."""
    type = like.type
    return (integer | ((type.bias + type.digits) << type.digits)).floats(type.element)


def as_number(integer: Value, like: Value) -> Value:
    """A small integer, 0 or positive, as a floating-point number of the type of another value."""
    return _in_large(integer, like) - 2.0**like.type.digits


def split(x: Value) -> tuple[Value, Value]:
    """The integer e, as a floating-point number, and f. For positive finite numbers."""
    type = x.type
    lift = type.digits + 1
    small = x < type.tiny
    lifted = where(small, x * 2.0**lift, x)
    moved = _moved(lifted)
    mantissa = (moved & ((1 << type.digits) - 1)) + _ROOT_BITS[type.element]
    large = 2.0**type.digits
    bias = where(small, x.like(large + type.bias + lift), large + type.bias)
    return _in_large(moved >> type.digits, x) - bias, mantissa.floats(type.element) - 1.0


def split_from_one(x: Value) -> tuple[Value, Value, Value]:
    """For 1 + x, x > -1 and finite: the integer e, f, and 2**-e."""
    type = x.type
    biased = _moved(1.0 + x) >> type.digits
    e = _in_large(biased, x) - (2.0**type.digits + type.bias)
    quadruple = ((2 * type.bias + 2 - biased) << type.digits).floats(type.element)
    factor = 0.25 * quadruple  # which may be subnormal
    return e, x.fma(factor, factor - 1.0), factor


def logarithm(e: Value, f: Value, use: str = "", low: Value | None = None) -> Value:
    """The number e log 2 + log(1 + f) + low, low tiny; use "wide" for a double as exact as floats need."""
    high_part, low_part, _ = LOG_OF_2[f.type.element]
    rest = e * low_part
    return e.fma(high_part, logarithm_near_one(f, rest if low is None else rest + low, use))


def logarithm_near_one(f: Value, low: Value, use: str = "") -> Value:
    """The number log(1 + f) + low."""
    if f.type.element == "float":
        square = f * f
        return f + square.fma(f.fma(polynomial(f, LOG["float"]), -0.5), low)
    half_square, correction = _correction(f, use)
    return f - (half_square - (correction + low))


def _correction(f: Value, use: str = "") -> tuple[Value, Value]:
    """Numbers h = f**2/2 and c with log(1 + f) = f - h + c, by the inverse hyperbolic tangent of f / (2 + f)."""
    s = f / (2.0 + f)
    z = s * s
    series = polynomial(z, [2 * c for c in ATANH[use or "double"]])
    half_square = 0.5 * f * f
    return half_square, s * z.fma(series, half_square)


def _with_special(x: Value, result: Value) -> Value:
    """The result, but -inf for 0, NaN below, and inf and NaN as they are."""
    special = where(x.equals(0.0), x.like(-math.inf), where(x < 0.0, x.like(math.nan), x))
    return where((x > 0.0) & (x < math.inf), result, special)


@define(float=1.0, double=1.0)
def log(x: Value) -> Value:
    """The natural logarithm. [DLMF 4.2]"""
    return _with_special(x, logarithm(*split(x)))


@define(float=1.1, double=0.9)
def log2(x: Value) -> Value:
    """The logarithm to base 2."""
    return _with_special(x, logarithm_to_2(*split(x)))


def logarithm_to_2(e: Value, f: Value) -> Value:
    """The number e + log2(1 + f)."""
    if f.type.element == "float":
        return e + f.fma(LOG2_OF_E["float"][0], f * polynomial(f, LOG2["float"]))
    return _to_base(e, f, 1.0, 0.0, LOG2_OF_E["double"])


@define(float=1.0, double=0.8)
def log10(x: Value) -> Value:
    """The logarithm to base 10."""
    e, f = split(x)
    unit, unit_low, _ = LOG10_OF_2[x.type.element]
    if x.type.element == "float":
        factor = LOG10_OF_E["float"][0]
        rest = f.fma(polynomial(f, LOG10["float"]), e * unit_low)
        return _with_special(x, e.fma(unit, f.fma(factor, rest)))
    return _with_special(x, _to_base(e, f, unit, unit_low, LOG10_OF_E["double"]))


def _to_base(e: Value, f: Value, unit: float, unit_low: float, factor: tuple[float, float, float]) -> Value:
    """The number e unit + log(1 + f) factor, products and sums with their errors."""
    half_square, correction = _correction(f)
    high = f - half_square
    low = ((f - high) - half_square) + correction
    product, error = two_product(high, high.like(factor[0]))
    rest = high.fma(factor[1], low.fma(factor[0], error))
    if unit == 1.0:
        sum, lost = two_sum(e, product)
        return sum + (lost + rest)
    whole, whole_error = two_product(e, e.like(unit))
    sum, lost = two_sum(whole, product)
    return sum + (lost + (rest + e.fma(unit_low, whole_error)))


@define(float=1.6, double=1.6)
def log1p(x: Value) -> Value:
    """The value of log(1 + x), exact also near 0. [DLMF 4.2]"""
    e, f, _ = split_from_one(x)
    one_more = 1.0 + x
    same = one_more.equals(1.0) | x.equals(math.inf)
    outside = where(x.equals(-1.0), x.like(-math.inf), where(x < -1.0, x.like(math.nan), logarithm(e, f)))
    return where(same, x, outside)
