"""Primitives whose result at a place depends on their operands at that place only."""

from pullback.ops.pointwise import arithmetic, comparison, complex, exponential, rounding, special, trigonometric
