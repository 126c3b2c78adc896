"""Hyperbolic functions, by the exponential's reduction of the argument. [DLMF 4.28]"""

from __future__ import annotations

from pullback.compiler.mathematics.arithmetic import divide, polynomial, power_of_two
from pullback.compiler.mathematics.coefficients import COSH, SINH
from pullback.compiler.mathematics.exponential import MOST, less_one, reduce
from pullback.compiler.mathematics.lanes import Value, where
from pullback.compiler.mathematics.registry import define


def _parts(x: Value) -> tuple[Value, Value, Value, Value]:
    """For x = n log 2 + r >= 0: 2**n / 16, 2**-n / 16, sinh r and cosh r - 1."""
    element = x.type.element
    x = x.at_most(MOST[element] + 1.0)
    reduced = reduce(x)
    r = reduced.r
    z = r * r
    growing = power_of_two(reduced.exponent - 4, element)
    shrinking = where(x < 40.0, power_of_two(-4 - reduced.exponent, element), 0.0)  # beyond it is nothing
    sinh_r = r + (r * z).fma(polynomial(z, SINH[element]), reduced.low(x))
    return growing, shrinking, sinh_r, z * polynomial(z, COSH[element])


@define(float=1.5, double=1.5)
def sinh(x: Value) -> Value:
    """The hyperbolic sine, by its addition theorem.

    That is sinh(a + r) = sinh a + sinh a (cosh r - 1) + cosh a sinh r, a a multiple of log 2.
    """
    magnitude = abs(x)
    growing, shrinking, sinh_r, cosh_r = _parts(magnitude)
    sinh_n = growing - shrinking
    rest = (growing + shrinking).fma(sinh_r, sinh_n.fma(cosh_r, (growing - sinh_n) - shrinking))
    value = 8.0 * (sinh_n + rest)
    return where(magnitude < 0.5 ** (x.type.digits // 2 + 1), x, value.copysign(x))


@define(float=1.3, double=1.3)
def cosh(x: Value) -> Value:
    """The hyperbolic cosine, by its addition theorem.

    That is cosh(a + r) = cosh a + cosh a (cosh r - 1) + sinh a sinh r, a a multiple of log 2.
    """
    growing, shrinking, sinh_r, cosh_r = _parts(abs(x))
    cosh_n = growing + shrinking
    rest = (growing - shrinking).fma(sinh_r, cosh_n.fma(cosh_r, (growing - cosh_n) + shrinking))
    return 8.0 * (cosh_n + rest)


@define(float=1.2, double=1.3)
def tanh(x: Value) -> Value:
    """The hyperbolic tangent: with t = e**(2x) - 1, t / (t + 2)."""
    _, high, low = less_one(2.0 * abs(x).at_most(10.0 if x.type.element == "float" else 20.0))
    more = 2.0 + high
    return divide(high, low, more, ((2.0 - more) + high) + low).copysign(x)
