"""Primitives whose result at a place depends on their operands at that place only."""

from pullback.ops.pointwise import (
    arithmetic,
    bits,
    bounds,
    comparison,
    complex,
    exponential,
    hyperbolic,
    power,
    rounding,
    special,
    trigonometric,
)
