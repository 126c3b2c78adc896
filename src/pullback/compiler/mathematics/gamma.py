"""The logarithm of the gamma function, and its derivative. [DLMF 5]

Near 2 each is a polynomial, to which the recurrence brings what is not far; what is far has an asymptotic series; what
is left of zero is mirrored. Floats are computed as doubles: their logarithms would be too inexact.
"""

from __future__ import annotations

import math

from pullback.compiler.mathematics.arithmetic import polynomial
from pullback.compiler.mathematics.coefficients import (
    DIGAMMA,
    DIGAMMA_FAR,
    DIGAMMA_ZERO,
    GAMMALN,
    GAMMALN_FAR,
    HALF_PI,
    SIN_OF_PI,
)
from pullback.compiler.mathematics.lanes import Value, where
from pullback.compiler.mathematics.logarithm import log
from pullback.compiler.mathematics.registry import define, in_doubles


@define(float=0.6, double=3.0)
@in_doubles
def gammaln(x: Value, use: str) -> Value:
    """The logarithm of the absolute value of the gamma function. [DLMF 5.2]"""
    mirrored = x < -0.5
    y = where(mirrored, -x, x)
    far = y > 7.5
    inside = y.at_most(8.0)
    n = inside.intrinsic("rint")
    n = where((inside >= 1.25) & (n < 1.5), 2.0, n)  # towards 3/2 the recurrence would take away what is alike
    t = inside - n
    product = x.like(1.0)  # of what the recurrence takes away, (y - 1) ... (t + 2)
    for k in range(1, 6):
        product = where(n > k + 1.5, product * (inside - k), product)
    product = where(n < 1.5, abs(where(n < 0.5, inside * (inside + 1.0), inside)), product)
    logarithm = log(where(far, y, product))
    series = t * polynomial(t, GAMMALN[use])
    near = where(n < 1.5, series - logarithm, series + logarithm)
    reciprocal = 1.0 / y
    rest = reciprocal.fma(polynomial(reciprocal * reciprocal, GAMMALN_FAR[use]), 0.5 * math.log(2 * math.pi) - 0.5)
    value = where(far, (logarithm - 1.0).fma(y - 0.5, rest), near)
    sine = abs(_sine(_turn(y), use))
    left = where(sine > 0.0, log(math.pi / (sine * y)) - value, math.inf)
    return where(mirrored, where(y < math.inf, left, x), value)


@define(float=0.6, double=3.0)
@in_doubles
def digamma(x: Value, use: str) -> Value:
    """The derivative of the logarithm of the gamma function; below 0 its error is absolute near zeros. [DLMF 5.2]"""
    mirrored = x < 0.0
    y = where(mirrored, 1.0 - x, x)
    inside = y.at_most(9.0)
    small = inside < 1.0
    over, under = x.like(0.0), x.like(1.0)  # the sum of what the recurrence takes away, 1 / (y - 1) + ...
    rest = inside - 2.0
    for k in range(1, 6):
        more, factor = inside >= k + 2.0, inside - float(k)
        over, under = where(more, over.fma(factor, under), over), where(more, under * factor, under)
        rest = where(more, factor - 2.0, rest)
    rest = where(small, inside - 1.0, rest)
    zero, zero_low, _ = DIGAMMA_ZERO["double"]
    steps = where(small, -1.0, over) / where(small, inside, under)
    near = ((rest - zero) - zero_low).fma(polynomial(rest, DIGAMMA[use]), steps)
    reciprocal = 1.0 / y
    square = reciprocal * reciprocal
    correction = square.fma(polynomial(square, DIGAMMA_FAR[use]), 0.5 * reciprocal)
    value = where(y >= 8.0, log(y) - correction, near)
    turn = _turn(x)
    tangent = _sine(turn, use) / _sine(0.5 - abs(turn), use)
    left = where(turn.equals(0.0), math.nan, value - math.pi / tangent)
    return where(mirrored, left, value)


def _turn(x: Value) -> Value:
    """What x is more than the nearest integer: exact, and 0 where numbers have no fractions."""
    inside = x.at_most(2.0**53).at_least(-(2.0**53))
    return inside - inside.intrinsic("rint")


def _sine(turn: Value, use: str) -> Value:
    """The sine of pi times a number between -1/2 and 1/2."""
    high, low, _ = HALF_PI["double"]
    square = turn * turn
    return turn.fma(2 * high, turn * square.fma(polynomial(square, SIN_OF_PI[use]), 2 * low))
