"""Random numbers from a counter, by the names of ``numpy.random.Generator``; in short ``pullback.random``.

A generator is a key and a counter, held in a Parameter. So the same seed gives the same numbers, recorded or not,
compiled or not, on any number of threads; and what is drawn is differentiable by the parameters of its distribution.

>>> import pullback as pb
>>> rng = pb.random.default_rng(7)
>>> rng.normal(size=(2, 3)).shape
(2, 3)
>>> pb.grad(lambda scale: pb.random.default_rng(7).normal(0.0, scale))(2.0) == pb.random.default_rng(7).normal().item()
True
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import as_index, broadcast_shapes
from pullback.core.creation import as_dtype, asarray
from pullback.core.operations import operations
from pullback.core.parameter import Parameter
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.random import blocks, random_bits
from pullback.ops.structural import as_shape

__all__ = ["Generator", "default_rng"]


class Generator:
    """A source of random numbers. Made by ``default_rng``.

    Methods have the names and arguments of ``numpy.random.Generator``; the numbers are others. ``size`` is the shape
    of the result, by default that of the parameters of the distribution. ``dtype`` is float64 or float32.

    Inside ``vmap`` all members of a batch get the same numbers: draw the numbers outside, and map over them.
    """

    def __init__(self, seed: int) -> None:
        key = np.random.SeedSequence(seed).generate_state(2, np.uint64)
        self.state = Parameter(np.array([*key, 0], np.uint64), trainable=False, name="random")

    def __repr__(self) -> str:
        return (
            f"Generator(counter={int(self.state.node.value[2])})" if self.state.node.value is not None else "Generator"
        )

    def bits(self, size: Any = None, dtype: Any = np.uint64) -> Array:
        """Draw random bits, all 64 (or, for uint32, 32) of each number.

        >>> default_rng(0).bits(3).dtype
        dtype('uint64')
        """
        shape = _shape("bits", size)
        dtype = as_dtype("bits", dtype)
        drawn = random_bits(self.state, shape=shape, dtype=dtype)
        self.state.assign(operations.add(self.state, np.array([0, 0, blocks(shape, dtype)], np.uint64)))
        return drawn

    def random(self, size: Any = None, dtype: Any = np.float64) -> Array:
        """Draw from the uniform distribution over [0, 1).

        >>> bool((default_rng(0).random(100) < 1).all())
        True
        """
        dtype = as_dtype("random", dtype)
        if dtype == np.float64:
            return operations.right_shift(self.bits(size), np.uint64(11)).astype(np.float64) * 2.0**-53
        if dtype == np.float32:
            top = operations.right_shift(self.bits(size, np.uint32), np.uint32(8))
            return top.astype(np.float32) * np.float32(2.0**-24)
        raise DTypeError(f"random: expected float64 or float32, got {dtype}")

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None, dtype: Any = np.float64) -> Array:
        """Draw from the uniform distribution over [low, high).

        >>> bool((default_rng(0).uniform(2.0, 3.0, 100) >= 2).all())
        True
        """
        low, high, shape = _parameters("uniform", low, high, size, dtype)
        return low + (high - low) * self.random(shape, dtype)

    def standard_normal(self, size: Any = None, dtype: Any = np.float64) -> Array:
        """Draw from the normal distribution with mean 0 and standard deviation 1. [Box, Muller 1958]

        >>> default_rng(0).standard_normal((2, 3)).shape
        (2, 3)
        """
        shape = _shape("standard_normal", size)
        count = int(np.prod(shape, dtype=int))
        pairs = (count + 1) // 2
        uniform = self.random(2 * pairs, dtype)
        radius = operations.sqrt(-2 * operations.log1p(-uniform[:pairs]))
        angle = (2 * np.pi) * uniform[pairs:]
        both: Array = operations.concatenate([radius * operations.cos(angle), radius * operations.sin(angle)])
        drawn: Array = both[:count].reshape(shape)
        return drawn

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = np.float64) -> Array:
        """Draw from the normal distribution with mean ``loc`` and standard deviation ``scale``, differentiable by both.

        >>> default_rng(0).normal([0.0, 100.0], 1.0).shape
        (2,)
        """
        loc, scale, shape = _parameters("normal", loc, scale, size, dtype)
        _check_scale("normal", scale)
        return loc + scale * self.standard_normal(shape, dtype)

    def exponential(self, scale: Any = 1.0, size: Any = None, dtype: Any = np.float64) -> Array:
        """Draw from the exponential distribution with mean ``scale``, differentiable by it.

        >>> bool((default_rng(0).exponential(2.0, 100) >= 0).all())
        True
        """
        scale, _, shape = _parameters("exponential", scale, 0.0, size, dtype)
        _check_scale("exponential", scale)
        drawn: Array = -scale * operations.log1p(-self.random(shape, dtype))
        return drawn

    def gumbel(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = np.float64) -> Array:
        """Draw from the Gumbel distribution, differentiable by ``loc`` and ``scale``.

        >>> default_rng(0).gumbel(size=4).shape
        (4,)
        """
        loc, scale, shape = _parameters("gumbel", loc, scale, size, dtype)
        _check_scale("gumbel", scale)
        drawn: Array = loc - scale * operations.log(self.exponential(1.0, shape, dtype))
        return drawn

    def bernoulli(self, p: Any = 0.5, size: Any = None) -> Array:
        """Draw True with probability ``p``: no derivative goes through it.

        >>> default_rng(0).bernoulli(0.5, 3).dtype
        dtype('bool')
        """
        p, _, shape = _parameters("bernoulli", p, 0.0, size, np.float64)
        drawn: Array = operations.less(self.random(shape), p)
        return drawn

    def integers(
        self, low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64, endpoint: bool = False
    ) -> Array:
        """Draw integers from ``low`` to ``high - 1`` (``high``, if ``endpoint``); from 0 to ``low - 1`` without high.

        Each comes with the same probability, to one part in 2**64 / (high - low).

        >>> sorted(set(default_rng(0).integers(3, size=100).tolist()))
        [0, 1, 2]
        """
        first, last = (0, low) if high is None else (low, high)
        first, last = as_index("integers", "low", first), as_index("integers", "high", last)
        count = last - first + bool(endpoint)
        if not 0 < count <= 2**63:
            raise ArgumentError(f"integers: expected low < high, got {first} and {last}")
        drawn = operations.remainder(self.bits(size), np.uint64(count))
        result: Array = operations.astype(operations.astype(drawn, np.int64) + first, as_dtype("integers", dtype))
        return result

    def permutation(self, x: Any, axis: int = 0) -> Array:
        """Draw an order of ``x``: of the integers below it, or of its parts along ``axis``.

        >>> sorted(default_rng(0).permutation(4).tolist())
        [0, 1, 2, 3]
        """
        if _is_count(x):
            drawn: Array = operations.argsort(self.bits(_count("permutation", x)))
            return drawn
        x = asarray(x)
        if not x.ndim:
            raise ShapeError("permutation: expected an integer or an array with at least one axis, got a 0-d array")
        order = operations.argsort(self.bits(x.shape[axis]))
        permuted: Array = operations.take(x, order, axis=axis)
        return permuted

    def choice(self, a: Any, size: Any = None, replace: bool = True, p: Any = None, axis: int = 0) -> Array:
        """Draw parts of ``a`` along ``axis`` (of the integers below it, if it is one).

        Args:
            a: what is drawn from.
            size: how many are drawn, as a shape.
            replace: whether one may be drawn twice.
            p: the probability of each; by default they are equal. Without ``replace`` they must be.
            axis: the axis of ``a``.

        >>> default_rng(0).choice(5, 3).shape
        (3,)
        """
        integer = _is_count(a)
        count = _count("choice", a) if integer else asarray(a).shape[axis]
        shape = _shape("choice", size)
        wanted = int(np.prod(shape, dtype=int))
        if not count:
            raise ArgumentError("choice: expected something to draw from, got none")
        if not replace:
            if p is not None:
                raise ArgumentError("choice: p= with replace=False is not supported")
            if wanted > count:
                raise ArgumentError(f"choice: expected at most {count} draws without replacement, got {wanted}")
            places = operations.argsort(self.bits(count))[:wanted].reshape(shape)
        elif p is None:
            places = self.integers(count, size=shape)
        else:
            weights = asarray(p)
            if weights.shape != (count,):
                raise ShapeError(f"choice: expected p of shape ({count},), got {weights.shape}")
            _check_probabilities(weights)
            edges = operations.cumsum(operations.astype(weights, np.float64))
            places = operations.searchsorted(edges / edges[-1], self.random(shape), side="right")
        drawn: Array = places if integer else operations.take(asarray(a), places, axis=axis)
        return drawn


def default_rng(seed: int = 0) -> Generator:
    """Return a generator that starts with ``seed``, an integer of 0 or more.

    >>> bool(default_rng(3).random() == default_rng(3).random())
    True
    """
    if isinstance(seed, (bool, float)) or not hasattr(seed, "__index__"):
        raise DTypeError(f"default_rng: expected a seed that is an integer, got {type(seed).__name__}")
    if seed < 0:
        raise ArgumentError(f"default_rng: expected a seed of 0 or more, got {seed}")
    return Generator(int(seed))


def _is_count(x: Any) -> bool:
    """Whether x is an integer, which stands for the integers below it, and no array."""
    return hasattr(x, "__index__") and not isinstance(x, (Array, np.ndarray))


def _shape(operation: str, size: Any) -> tuple[int, ...]:
    shape = () if size is None else as_shape(operation, size)
    if min(shape, default=0) < 0:
        raise ShapeError(f"{operation}: expected lengths of 0 or more, got {shape}")
    return shape


def _count(operation: str, n: Any) -> int:
    count = as_index(operation, "n", n)
    if count < 0:
        raise ArgumentError(f"{operation}: expected a number of 0 or more, got {count}")
    return count


def _parameters(operation: str, first: Any, second: Any, size: Any, dtype: Any) -> tuple[Array, Array, tuple[int, ...]]:
    """The parameters of a distribution as Arrays of ``dtype``, and the shape of what is drawn."""
    dtype = as_dtype(operation, dtype)
    one, two = (operations.astype(asarray(x), dtype) for x in (first, second))
    if one.dtype.kind != "f":
        raise DTypeError(f"{operation}: expected float64 or float32, got {dtype}")
    common = broadcast_shapes(operation, one.shape, two.shape)
    shape = common if size is None else _shape(operation, size)
    if broadcast_shapes(operation, common, shape) != shape:
        raise ShapeError(f"{operation}: expected parameters that broadcast to size {shape}, got {common}")
    return one, two, shape


def _check_scale(operation: str, scale: Array) -> None:
    """Raise ArgumentError for a negative scale; unknown while a function is being traced."""
    value = scale._node.value
    if value is not None and (value < 0).any():
        raise ArgumentError(f"{operation}: expected a scale of 0 or more, got {value.min():g}")


def _check_probabilities(p: Array) -> None:
    """Raise ArgumentError for what are no probabilities of all outcomes; unknown while a function is being traced."""
    value = p._node.value
    if value is None:
        return
    if not (value >= 0).all() or not abs(float(value.sum()) - 1) <= 1e-6:
        raise ArgumentError(f"choice: expected p of 0 or more that adds up to 1, got a sum of {float(value.sum()):g}")
