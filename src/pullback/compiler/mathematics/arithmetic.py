"""What the functions have in common: polynomials, powers of two, and sums and products with their rounding errors."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.compiler.mathematics.lanes import Type, Value

LONG = 8
"""So many coefficients are worth two chains of instructions instead of one."""


def polynomial(x: Value, coefficients: Sequence[float], alternating: bool = False) -> Value:
    """The polynomial with these coefficients, lowest power first.

    By Horner's rule, the fewest instructions; longer ones in two independent chains, of the even and the odd powers,
    unless these would cancel.
    """
    if alternating or len(coefficients) <= LONG:
        return _horner(x, coefficients)
    square = x * x
    return x.fma(_horner(square, coefficients[1::2]), _horner(square, coefficients[::2]))


def _horner(x: Value, coefficients: Sequence[float]) -> Value:
    *lower, second, highest = coefficients
    total = x.fma(highest, second)
    for coefficient in reversed(lower):
        total = total.fma(x, coefficient)
    return total


def nearest_integer(x: Value, factor: float = 1.0) -> tuple[Value, Value]:
    """The integer nearest to x * factor: as a number, and in the low bits of an integer.

    By adding a number so large that its last digit is worth 1. For magnitudes below 2**(digits - 2).
    """
    large = 1.5 * 2.0**x.type.digits
    sum = x + large if factor == 1.0 else x.fma(factor, large)
    return sum - large, sum.bits


def power_of_two(exponent: Value, element: str) -> Value:
    """The number 2**exponent, for an integer whose low bits are a normal number's exponent."""
    type = Type(element, exponent.type.lanes)
    return ((exponent << type.digits) + (type.bias << type.digits)).floats(element)


def scale(x: Value, exponent: Value) -> Value:
    """The number x * 2**exponent, rounded once, for x near 1; 2**exponent may be no number."""
    element = x.type.element
    half = exponent >> 1
    return x * power_of_two(half, element) * power_of_two(exponent - half, element)


def two_sum(large: Value, small: Value) -> tuple[Value, Value]:
    """The sum and its rounding error, for |large| >= |small| or large = 0. [Muller et al., Handbook, 4.3.1]"""
    sum = large + small
    return sum, small - (sum - large)


def any_two_sum(x: Value, y: Value) -> tuple[Value, Value]:
    """The sum and its rounding error. [Muller et al., Handbook, 4.3.2]"""
    sum = x + y
    taken = sum - x
    return sum, (x - (sum - taken)) + (y - taken)


def two_product(x: Value, y: Value) -> tuple[Value, Value]:
    """The product and its rounding error. [Muller et al., Handbook, 4.4.1]"""
    product = x * y
    return product, x.fma(y, -product)


def divide(high: Value, low: Value | None, by: Value, by_low: Value) -> Value:
    """The quotient of two sums, (high + low) / (by + by_low), to little more than half a unit in the last place."""
    reciprocal = 1.0 / (by + by_low)
    quotient = (high if low is None else high + low) * reciprocal
    rest = quotient.fma(-by, high)
    rest = quotient.fma(-by_low, rest if low is None else rest + low)
    return rest.fma(reciprocal, quotient)
