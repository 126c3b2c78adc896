"""Bits of integers and booleans, and divisors: results are integers and carry no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.families import pointwise
from pullback.core.sample import booleans, call, integers, normal, reject, values
from pullback.errors import DTypeError, ShapeError

_BITS = [
    call(integers(-9, 9, 3, 1), integers(-9, 9, 4)),
    call(integers(-9, 9, 3), 5),
    call(booleans(5), booleans(5)),
    call(values(0, 1, -1), values(-1, 0, 2**62)),
]
_SHIFTS = [
    call(integers(-9, 9, 3, 1), integers(0, 9, 4)),
    call(integers(-9, 9, 3), 2),
    call(values(1, -8), values(62, 70)),
]
_DIVISORS = [
    call(integers(-30, 30, 3, 1), integers(1, 30, 4)),
    call(integers(-9, 9, 3), 6),
    call(values(0, 0, 4), values(0, 3, 0)),
]


@pointwise(
    differentiable=False,
    samples=_BITS,
    rejects=[
        reject(ShapeError, "bitwise_and: expected shapes that broadcast", integers(0, 9, 3), integers(0, 9, 4)),
        reject(DTypeError, "bitwise_and: expected boolean or integer dtypes, got float64", normal(3), normal(3)),
    ],
)
def bitwise_and(x: Any, y: Any) -> Any:
    """The bits that x and y both have, elementwise; integer or boolean.

    >>> bitwise_and(12, 10)
    array(8)
    """
    return np.bitwise_and(x, y)


@pointwise(
    differentiable=False,
    samples=_BITS,
    rejects=[
        reject(ShapeError, "bitwise_or: expected shapes that broadcast", integers(0, 9, 3), integers(0, 9, 4)),
        reject(DTypeError, "bitwise_or: expected boolean or integer dtypes, got float64", normal(3), normal(3)),
    ],
)
def bitwise_or(x: Any, y: Any) -> Any:
    """The bits that x or y has, elementwise; integer or boolean.

    >>> bitwise_or(12, 10)
    array(14)
    """
    return np.bitwise_or(x, y)


@pointwise(
    differentiable=False,
    samples=_BITS,
    rejects=[
        reject(ShapeError, "bitwise_xor: expected shapes that broadcast", integers(0, 9, 3), integers(0, 9, 4)),
        reject(DTypeError, "bitwise_xor: expected boolean or integer dtypes, got float64", normal(3), normal(3)),
    ],
)
def bitwise_xor(x: Any, y: Any) -> Any:
    """The bits that exactly one of x and y has, elementwise; integer or boolean.

    >>> bitwise_xor(12, 10)
    array(6)
    """
    return np.bitwise_xor(x, y)


@pointwise(
    differentiable=False,
    samples=_SHIFTS,
    rejects=[
        reject(ShapeError, "left_shift: expected shapes that broadcast", integers(0, 9, 3), integers(0, 9, 4)),
        reject(DTypeError, "left_shift: expected integer dtypes, got float64", normal(3), normal(3)),
    ],
)
def left_shift(x: Any, y: Any) -> Any:
    """Multiply x by 2**y by moving bits to the left, elementwise; integer.

    >>> left_shift(3, 2)
    array(12)
    """
    return np.left_shift(x, y)


@pointwise(
    differentiable=False,
    samples=_SHIFTS,
    rejects=[
        reject(ShapeError, "right_shift: expected shapes that broadcast", integers(0, 9, 3), integers(0, 9, 4)),
        reject(DTypeError, "right_shift: expected integer dtypes, got float64", normal(3), normal(3)),
    ],
)
def right_shift(x: Any, y: Any) -> Any:
    """Divide x by 2**y by moving bits to the right, elementwise; integer.

    >>> right_shift(12, 2)
    array(3)
    """
    return np.right_shift(x, y)


@pointwise(
    differentiable=False,
    samples=_DIVISORS,
    rejects=[
        reject(ShapeError, "gcd: expected shapes that broadcast", integers(0, 9, 3), integers(0, 9, 4)),
        reject(DTypeError, "gcd: expected integer dtypes, got float64", normal(3), normal(3)),
    ],
)
def gcd(x: Any, y: Any) -> Any:
    """Greatest common divisor of x and y, elementwise; integer.

    >>> gcd(12, 18)
    array(6)
    """
    return np.gcd(x, y)


@pointwise(
    differentiable=False,
    samples=_DIVISORS,
    rejects=[
        reject(ShapeError, "lcm: expected shapes that broadcast", integers(0, 9, 3), integers(0, 9, 4)),
        reject(DTypeError, "lcm: expected integer dtypes, got float64", normal(3), normal(3)),
    ],
)
def lcm(x: Any, y: Any) -> Any:
    """Least common multiple of x and y, elementwise; integer.

    >>> lcm(4, 6)
    array(12)
    """
    return np.lcm(x, y)


@pointwise(
    differentiable=False,
    samples=[integers(-9, 9, 3, 4), booleans(5), values(0, -1)],
    rejects=[reject(DTypeError, "invert: expected boolean or integer dtypes, got float64", normal(3))],
)
def invert(x: Any) -> Any:
    """The bits that x does not have, elementwise; integer, or boolean: logical not.

    >>> invert([True, False])
    array([False,  True])
    """
    return np.invert(x)


@pointwise(
    differentiable=False,
    samples=[integers(-9, 9, 3, 4), values(0, -1, 2**62)],
    rejects=[reject(DTypeError, "bitwise_count: expected integer dtypes, got float64", normal(3))],
)
def bitwise_count(x: Any) -> Any:
    """The number of bits in abs(x), elementwise, as uint8; integer.

    >>> bitwise_count([7, 8])
    array([3, 1], dtype=uint8)
    """
    return np.bitwise_count(x)
