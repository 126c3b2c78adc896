"""Inverses of the trigonometric functions. [Muller, 11.4; DLMF 4.23, 4.24]"""

from __future__ import annotations

from pullback.compiler.mathematics.arithmetic import polynomial
from pullback.compiler.mathematics.coefficients import ARCSIN, ARCTAN, HALF_PI
from pullback.compiler.mathematics.lanes import Value, where
from pullback.compiler.mathematics.registry import define


def _arctan(t: Value, base: Value, base_low: Value) -> Value:
    """The number base + arctan(t), |t| <= 1."""
    z = t * t
    return base + (t + (t * z).fma(polynomial(z, ARCTAN[t.type.element], alternating=True), base_low))


@define(float=1.4, double=1.4)
def arctan(x: Value) -> Value:
    """The angle whose tangent is x; above 1 from pi/2, by 1/x."""
    magnitude = abs(x)
    above = magnitude > 1.0
    t = where(above, x.like(-1.0), magnitude) / where(above, magnitude, 1.0)
    base, low, _ = HALF_PI[x.type.element]
    return _arctan(t, where(above, x.like(base), 0.0), where(above, x.like(low), 0.0)).copysign(x)


@define(float=1.7, double=1.7)
def arctan2(y: Value, x: Value) -> Value:
    """The angle of the point (x, y), from -pi to pi; signed zeros are points beside the axis."""
    height, width = abs(y), abs(x)
    steep, left = height > width, x.bits < 0
    ratio = where(steep, width, height) / where(steep, height, width)
    ratio = where(height.equals(width), where(width.equals(0.0), x.like(0.0), 1.0), ratio)
    base, low, _ = HALF_PI[x.type.element]
    t = where(steep ^ left, -ratio, ratio)
    quarters = where(left, x.like(2.0), 0.0)
    quarters = where(steep, 1.0, quarters)
    return _arctan(t, quarters * base, quarters * low).copysign(y)


@define(float=1.7, double=1.7)
def arcsin(x: Value) -> Value:
    """The angle from -pi/2 to pi/2 whose sine is x.

    Above 1/2 it is pi/2 - 2 arcsin(sqrt((1 - x) / 2)).
    """
    magnitude = abs(x)
    above = magnitude > 0.5
    z = where(above, magnitude.fma(-0.5, 0.5), magnitude * magnitude)
    root = z.sqrt()
    twice_low = root.fma(-root, z) / (root + 1e-30)  # what 2 root lost in rounding; 0 for 0
    series = z * polynomial(z, ARCSIN[x.type.element])
    base, low, _ = HALF_PI[x.type.element]
    near = magnitude.fma(series, magnitude)
    far = (base - 2.0 * root) - ((2.0 * root).fma(series, twice_low) - low)
    return where(above, far, near).copysign(x)


@define(float=1.3, double=1.3)
def arccos(x: Value) -> Value:
    """The angle from 0 to pi whose cosine is x, by arcsines of numbers up to 1/2."""
    magnitude = abs(x)
    above = magnitude > 0.5
    z = where(above, magnitude.fma(-0.5, 0.5), magnitude * magnitude)
    series = z * polynomial(z, ARCSIN[x.type.element])
    t = where(above, 2.0 * z.sqrt().copysign(x), -x)
    base, low, _ = HALF_PI[x.type.element]
    quarters = where(above, where(x < 0.0, x.like(2.0), 0.0), 1.0)
    return quarters * base + (t + t.fma(series, quarters * low))
