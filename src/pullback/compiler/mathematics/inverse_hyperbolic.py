"""Inverses of the hyperbolic functions, by the logarithm. [DLMF 4.37]"""

from __future__ import annotations

import math

from pullback.compiler.mathematics.arithmetic import polynomial
from pullback.compiler.mathematics.coefficients import ARCSINH, ATANH_FAR, LOG_OF_2
from pullback.compiler.mathematics.lanes import Value, where
from pullback.compiler.mathematics.logarithm import as_number, logarithm, split, split_from_one
from pullback.compiler.mathematics.registry import define

_SERIES_UP_TO = 0.5211  # sinh(1/2): from here on the result is at least 1/2


def _wide(x: Value) -> tuple[Value, str]:
    """The argument as a double, and which coefficients to use."""
    return (x.to("double"), "wide") if x.type.element == "float" else (x, "double")


@define(float=0.6, double=1.7)
def arcsinh(x: Value) -> Value:
    """The number whose hyperbolic sine is x: the logarithm of x + sqrt(x**2 + 1); a series near 0."""
    magnitude, use = _wide(abs(x))
    z = magnitude * magnitude
    near = (magnitude * z).fma(polynomial(z, ARCSINH[use]), magnitude)
    large = magnitude > 2.0**60  # where adding 1 to x**2 is nothing, and x**2 may overflow
    root = magnitude.fma(magnitude, 1.0).sqrt()
    sum = where(large, magnitude, root + magnitude)
    low = where(large, 0.0, (magnitude - (sum - root)) / sum)
    e, f = split(sum)
    far = logarithm(e + where(large, e.like(1.0), 0.0), f, use, low)
    far = where(magnitude < math.inf, far, magnitude)
    return where(magnitude < _SERIES_UP_TO, near, far).to(x.type.element).copysign(x)


@define(float=0.6, double=2.0)
def arccosh(x: Value) -> Value:
    """The number, 0 or positive, whose hyperbolic cosine is x: with t = x - 1, log(1 + t + sqrt(t**2 + 2t))."""
    wide, use = _wide(x)
    t = wide - 1.0
    root = t.fma(t, 2.0 * t).sqrt()
    large = wide > 2.0**60
    sum = where(large, wide, root + t)
    low = where(large, 0.0, t - (sum - root))
    e, f, factor = split_from_one(sum)
    low = low * factor
    value = logarithm(e + where(large, e.like(1.0), 0.0), f, use, low.fma(-f, low))
    return where(wide < math.inf, where(wide < 1.0, math.nan, value), wide).to(x.type.element)


@define(float=1.8, double=1.8)
def arctanh(x: Value) -> Value:
    """The number whose hyperbolic tangent is x: half the logarithm of (1 + x) / (1 - x), as 2**e (1 + s) / (1 - s)."""
    type = x.type
    magnitude = abs(x)
    more, less = 1.0 + magnitude, 1.0 - magnitude
    # The difference of the bits is nearly a logarithm to base 2; e = 0 up to 1/4, where then s = x exactly.
    e = (more.bits - less.bits + int(0.263 * 2**type.digits)) >> type.digits
    power = ((e + type.bias) << type.digits).floats(type.element)
    upper = magnitude > 0.5  # where 1 - x is exact
    above = where(upper, less.fma(-power, more), magnitude.fma(1.0 + power, 1.0 - power))
    below = where(upper, less.fma(power, more), magnitude.fma(1.0 - power, 1.0 + power))
    s = above / below
    z = s * s
    high_part, low_part, _ = LOG_OF_2[type.element]
    number = as_number(e, x)
    rest = (s * z).fma(polynomial(z, ATANH_FAR[type.element]), number * (low_part / 2))
    value = number.fma(high_part / 2, s + rest)
    value = where(magnitude < 1.0, value, where(magnitude.equals(1.0), math.inf, less * math.nan))
    return value.copysign(x)
