"""Exponentials: the argument less a multiple of log 2, a polynomial, and the exponent put back. [Muller, 11.1]"""

from __future__ import annotations

from typing import NamedTuple

from pullback.compiler.mathematics.arithmetic import LONG, nearest_integer, polynomial, power_of_two, scale, two_sum
from pullback.compiler.mathematics.coefficients import EXP, EXP2, LOG2_OF_E, LOG_OF_2
from pullback.compiler.mathematics.lanes import Value, where
from pullback.compiler.mathematics.registry import define

LEAST = {"float": -104.0, "double": -746.0}
"""An argument below which the exponential is 0."""
MOST = {"float": 89.0, "double": 710.0}
"""An argument above which it overflows."""


class Reduced(NamedTuple):
    """An argument x = n log 2 + r, |r| <= log(2)/2; the integer n also in the low bits of `exponent`."""

    n: Value
    exponent: Value
    r: Value

    def low(self, x: Value) -> Value:
        """What r lost in rounding."""
        high_part, low_part, _ = LOG_OF_2[x.type.element]
        exact = self.n.fma(-high_part, x)
        return self.n.fma(-low_part, exact - self.r)


def reduce(x: Value) -> Reduced:
    """Take the multiple of log 2 away, which an fma does exactly for the leading part of log 2. [Cody and Waite]"""
    element = x.type.element
    n, exponent = nearest_integer(x, LOG2_OF_E["double"][0])
    high_part, low_part, _ = LOG_OF_2[element]
    return Reduced(n, exponent, n.fma(-low_part, n.fma(-high_part, x)))


def exponential(x: Value, use: str = "", low: Value | None = None) -> Value:
    """The number e**(x + low) for x not above MOST, and tiny low; use "wide" for a double as exact as floats need."""
    element = x.type.element
    x = x.at_least(LEAST[element])
    reduced = reduce(x)
    r = reduced.r
    coefficients = EXP[use or element]
    if len(coefficients) <= LONG and low is None:
        return scale(polynomial(r, coefficients), reduced.exponent)
    less_one = (r * r).fma(polynomial(r, coefficients[2:]), r)
    if low is not None:
        less_one = less_one + low.fma(less_one, low)
    return scale(1.0 + less_one, reduced.exponent)


def exponential_parts(x: Value, low: Value) -> tuple[Value, Value, Value]:
    """For e**(x + low), tiny low: a number near 1, what it lost in rounding, and the exponent of 2 that it lacks."""
    reduced = reduce(x)
    r = reduced.r
    rest = (r * r).fma(polynomial(r, EXP[x.type.element][2:]), reduced.low(x) + low)
    less_one, lost = two_sum(r, rest)
    near_one, more_lost = two_sum(x.like(1.0), less_one)
    return near_one, more_lost + less_one.fma(low, lost), reduced.exponent


@define(float=1.0, double=1.2)
def exp(x: Value) -> Value:
    """The number e**x. [DLMF 4.2]"""
    return exponential(x.at_most(MOST[x.type.element]))


@define(float=1.0, double=1.5)
def exp2(x: Value) -> Value:
    """The number 2**x."""
    x = x.at_most(float(x.type.bias + 2)).at_least(-float(x.type.bias + x.type.digits + 2))
    n, exponent = nearest_integer(x)
    return scale(power_of_fraction(x - n), exponent)


def power_of_fraction(r: Value, use: str = "") -> Value:
    """The number 2**r, |r| <= 1/2; use "wide" for a double as exact as floats need."""
    coefficients = EXP2[use or r.type.element]
    if len(coefficients) <= LONG:
        return polynomial(r, coefficients)
    return 1.0 + r * polynomial(r, coefficients[1:])


def less_one(x: Value, shift: int = 0) -> tuple[Value, Value, Value]:
    """Numbers s, high, low with s = 2**(n - shift) and e**x - 1 = p 2**n + 2**n - 1 = 2**shift (high + low)."""
    element = x.type.element
    reduced = reduce(x)
    r = reduced.r
    rest = (r * r).fma(polynomial(r, EXP[element][2:]), reduced.low(x))
    s = power_of_two(reduced.exponent - shift if shift else reduced.exponent, element)
    high, low = two_sum(s - 0.5**shift, s * r)
    return s, high, s.fma(rest, low)


@define(float=1.2, double=1.5)
def expm1(x: Value) -> Value:
    """The value of e**x - 1, exact also near 0. [DLMF 4.2]"""
    type = x.type
    inside = x.at_most(MOST[type.element]).at_least(-20.0 if type.element == "float" else -40.0)
    _, high, low = less_one(inside, shift=1)  # by halves, since 2**n itself may be too large
    return where(abs(x) < 0.5 ** (type.digits + 2), x, 2.0 * (high + low))
