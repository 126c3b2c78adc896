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

from inspect import isfunction
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import as_index, normalize_axis
from pullback.core.creation import as_dtype, asarray
from pullback.core.operations import operations
from pullback.core.parameter import Parameter
from pullback.errors import ArgumentError, DTypeError, ShapeError, UnsupportedError, operation_names
from pullback.numpy.continuous import Continuous
from pullback.numpy.discrete import Discrete, check_shares
from pullback.numpy.drawing import constants, count_of, given_out, shape_of
from pullback.ops.random import blocks, random_bits

__all__ = ["Generator", "default_rng"]


class Generator(Continuous, Discrete):
    """A source of random numbers. Made by ``default_rng``.

    Methods have the names and arguments of ``numpy.random.Generator``; the numbers are others. ``size`` is the shape
    of the result, by default that of the parameters of the distribution. ``dtype`` is float64 or float32. Real numbers
    are differentiable by the parameters of their distribution; integers are not, and refuse watched parameters.

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
        shape = shape_of("bits", size)
        dtype = as_dtype("bits", dtype)
        drawn = random_bits(self.state, shape=shape, dtype=dtype)
        self.state.assign(operations.add(self.state, np.array([0, 0, blocks(shape, dtype)], np.uint64)))
        return drawn

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(np.random.Generator, name):
            raise UnsupportedError(f"a generator of pullback.random has no {name!r}")
        raise UnsupportedError(
            f"a generator of pullback.random has no {name!r}. "
            f"Draw constants with numpy.random.default_rng(seed).{name}, outside of what is compiled"
        )

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Array:
        """Draw from the uniform distribution over [0, 1).

        >>> bool((default_rng(0).random(100) < 1).all())
        True
        """
        dtype = as_dtype("random", dtype)
        if dtype == np.float64:
            drawn = operations.right_shift(self.bits(size), np.uint64(11)).astype(np.float64) * 2.0**-53
        elif dtype == np.float32:
            top = operations.right_shift(self.bits(size, np.uint32), np.uint32(8))
            drawn = top.astype(np.float32) * np.float32(2.0**-24)
        else:
            raise DTypeError(f"random: expected float64 or float32, got {dtype}")
        return given_out("random", out, drawn)

    def bytes(self, length: int) -> bytes:
        """Draw ``length`` random bytes.

        >>> len(default_rng(0).bytes(5))
        5
        """
        count = count_of("bytes", length)
        return self.bits(-(-count // 8))._concrete("bytes()").tobytes()[:count]

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
            drawn: Array = operations.argsort(self.bits(count_of("permutation", x)))
            return drawn
        x = asarray(x)
        if not x.ndim:
            raise ShapeError("permutation: expected an integer or an array with at least one axis, got a 0-d array")
        order = operations.argsort(self.bits(x.shape[axis]))
        permuted: Array = operations.take(x, order, axis=axis)
        return permuted

    def permuted(self, x: Any, axis: int | None = None, out: Any = None) -> Array:
        """Return ``x`` with each row along ``axis`` (None: all elements) in an order of its own.

        >>> sorted(default_rng(0).permuted([3.0, 1.0, 2.0]).tolist())
        [1.0, 2.0, 3.0]
        """
        x = asarray(x)
        if axis is None:
            drawn = operations.take(operations.ravel(x), operations.argsort(self.bits(x.size))).reshape(x.shape)
        else:
            order = operations.argsort(self.bits(x.shape), axis=normalize_axis("permuted", axis, x.ndim))
            drawn = operations.take_along_axis(x, order, axis=axis)
        return given_out("permuted", out, drawn)

    def shuffle(self, x: Any, axis: int = 0) -> None:
        """Put the parts of ``x`` along ``axis`` in another order, in place: an Array, a NumPy array or a list.

        >>> x = [1, 2, 3]
        >>> default_rng(0).shuffle(x)
        >>> sorted(x)
        [1, 2, 3]
        """
        if isinstance(x, list):
            x[:] = [x[i] for i in self.permutation(len(x)).tolist()]
        elif isinstance(x, Array):
            x._rebind("shuffle", self.permutation(x, axis))
        elif isinstance(x, np.ndarray) and x.ndim:
            x[...] = np.take(x, np.asarray(self.permutation(x.shape[axis])), axis=axis)
        else:
            raise DTypeError(f"shuffle: expected an array with at least one axis or a list, got {type(x).__name__}")

    def choice(
        self, a: Any, size: Any = None, replace: bool = True, p: Any = None, axis: int = 0, shuffle: bool = True
    ) -> Array:
        """Draw parts of ``a`` along ``axis`` (of the integers below it, if it is one).

        Args:
            a: what is drawn from.
            size: how many are drawn, as a shape.
            replace: whether one may be drawn twice.
            p: the probability of each; by default they are equal. Without ``replace``, that of being drawn next among
                those that are left.
            axis: the axis of ``a``.
            shuffle: there for NumPy's sake: the order is always random.

        >>> default_rng(0).choice(5, 3).shape
        (3,)
        """
        integer = _is_count(a)
        count = count_of("choice", a) if integer else asarray(a).shape[axis]
        shape = shape_of("choice", size)
        wanted = int(np.prod(shape, dtype=int))
        if not count:
            raise ArgumentError("choice: expected something to draw from, got none")
        shares = None if p is None else _shares(p, count, 0 if replace else wanted)
        if not replace:
            if wanted > count:
                raise ArgumentError(f"choice: expected at most {count} draws without replacement, got {wanted}")
            places = operations.argsort(self.bits(count) if shares is None else self._waits(shares))
            places = places[:wanted].reshape(shape)
        elif shares is None:
            places = self.integers(count, size=shape)
        else:
            edges = operations.cumsum(shares)
            places = operations.searchsorted(edges / edges[-1], self.random(shape), side="right")
        drawn: Array = places if integer else operations.take(asarray(a), places, axis=axis)
        return drawn

    def _waits(self, shares: Array) -> Array:
        """Times at which things come that come at these rates: each is the next one with its share of those left."""
        possible = shares > 0
        times = self.standard_exponential(shares.shape) / operations.where(possible, shares, 1)
        waits: Array = operations.where(possible, times, np.inf)
        return waits


for _class in Generator.__mro__:
    operation_names.update(
        {
            method.__code__: name
            for name, method in vars(_class).items()
            if isfunction(method) and not name.startswith("_")
        }
    )


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


def __getattr__(name: str) -> Any:
    if hasattr(Generator, name) or name in _LEGACY:
        raise UnsupportedError(
            f"pullback.random has no {name!r}. Use pullback.random.default_rng(seed).{_LEGACY.get(name, name)}(...)"
        )
    raise UnsupportedError(f"pullback.random has no {name!r}. Use pullback.random.default_rng(seed)")


_LEGACY = {
    "rand": "random", "randint": "integers", "randn": "standard_normal", "random_integers": "integers",
    "random_sample": "random", "ranf": "random", "sample": "random",
}  # fmt: skip
"""Functions of ``numpy.random``, each with the method of a generator that does the same."""


def _shares(p: Any, count: int, wanted: int) -> Array:
    """The probabilities of ``choice``, of which ``wanted`` must not be 0."""
    constants("choice", p)
    shares: Array = operations.astype(asarray(p), np.float64)
    if shares.shape != (count,):
        raise ShapeError(f"choice: expected p of shape ({count},), got {shares.shape}")
    check_shares("choice", "p", shares)
    value = shares._node.value
    if value is not None and (possible := np.count_nonzero(value)) < wanted:
        raise ArgumentError(f"choice: expected at least {wanted} probabilities that are not 0, got {possible}")
    return shares


def _is_count(x: Any) -> bool:
    """Whether x is an integer, which stands for the integers below it, and no array."""
    return hasattr(x, "__index__") and not isinstance(x, (Array, np.ndarray))
