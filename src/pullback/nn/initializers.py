"""What parameters hold at the beginning, and where the random numbers come from."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.creation import as_dtype, asarray
from pullback.core.parameter import Parameter
from pullback.dtypes import is_differentiable
from pullback.errors import ArgumentError, DTypeError, ShapeError

Initializer = Callable[[np.random.Generator, tuple[int, ...]], Any]
"""What gives the first numbers of a weight: ``(rng, shape) -> numbers``."""

_default = np.random.Generator(np.random.Philox(0))


def set_seed(seed: int) -> None:
    """Start the random numbers of layers that were given no ``rng`` anew; at the start of a program the seed is 0.

    So a program that is run twice makes the same network twice.

    >>> import pullback as pb
    >>> pb.nn.set_seed(3)
    >>> first = pb.nn.Linear(2, 2).weight
    >>> pb.nn.set_seed(3)
    >>> bool((first == pb.nn.Linear(2, 2).weight).all())
    True
    """
    global _default
    _default = generator(seed)


def generator(rng: int | np.random.Generator | None = None) -> np.random.Generator:
    """Return the generator of random numbers that ``rng`` means.

    Args:
        rng: a generator, which is used (and moves on); a seed, for a new one; None for the one that all layers
            without an ``rng`` share, see ``set_seed``.

    Raises:
        DTypeError: something else.
        ArgumentError: a negative seed.

    >>> bool(generator(0).integers(10) == generator(0).integers(10))
    True
    """
    if rng is None:
        return _default
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, (bool, float)) or not hasattr(rng, "__index__"):
        raise DTypeError(f"rng: expected a seed (an integer) or a numpy.random.Generator, got {type(rng).__name__}")
    if rng < 0:
        raise ArgumentError(f"rng: expected a seed of 0 or more, got {rng}")
    return np.random.Generator(np.random.Philox(int(rng)))


def he_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return float64 numbers, uniform in ±√(6 / fan_in): keeps the variance of the activations behind a ReLU.

    Args:
        rng: where the numbers come from.
        shape: ``(fan_out, fan_in, ...)``; further axes (of a kernel) count to both fans.

    [He, Zhang, Ren, Sun 2015, https://arxiv.org/abs/1502.01852, equation 10]

    >>> bool(abs(he_uniform(generator(0), (100, 6))).max() <= 1)
    True
    """
    fan_in, _ = _fans(shape)
    return _uniform(rng, shape, math.sqrt(6 / max(fan_in, 1)))


def glorot_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return float64 numbers, uniform in ±√(6 / (fan_in + fan_out)): for tanh, sigmoid, and linear outputs.

    Arguments as for ``he_uniform``. [Glorot, Bengio 2010, equation 16]

    >>> bool(abs(glorot_uniform(generator(0), (3, 3))).max() <= 1)
    True
    """
    return _uniform(rng, shape, math.sqrt(6 / max(sum(_fans(shape)), 1)))


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], bound: float) -> np.ndarray[Any, Any]:
    try:
        return generator(rng).uniform(-bound, bound, shape)
    except ValueError:  # more elements than an array can have
        raise ShapeError(f"initial weights: an array of shape {shape} is too large") from None


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    if not isinstance(shape, (tuple, list)) or len(shape) < 2 or not all(_is_length(one) for one in shape):
        raise ArgumentError(f"initial weights: expected a shape (fan_out, fan_in, ...), got {shape!r}")
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _is_length(one: Any) -> bool:
    return hasattr(one, "__index__") and one >= 0


_BY_NAME: dict[str, Initializer] = {"he": he_uniform, "glorot": glorot_uniform}


def initial_weight(
    layer: str, shape: tuple[int, ...], init: str | Initializer, rng: int | np.random.Generator | None, dtype: Any
) -> Parameter:
    """Return the weight with which a layer begins: ``init`` by name or as a function, rounded to ``dtype``."""
    dtype = as_dtype(layer, dtype)
    if not is_differentiable(dtype):
        raise DTypeError(f"{layer}: expected a floating or complex dtype, got {dtype}")
    initial = _BY_NAME.get(init) if isinstance(init, str) else init
    if not callable(initial):
        raise ArgumentError(f"{layer}: expected init to be 'he', 'glorot' or a function, got {init!r}")
    weight = np.asarray(asarray(initial(generator(rng), shape)))
    if weight.shape != shape:
        raise ShapeError(f"{layer}: expected init to give numbers of shape {shape}, got {weight.shape}")
    if not np.can_cast(weight.dtype, dtype, "same_kind"):
        raise DTypeError(f"{layer}: expected init to give {dtype}, got {weight.dtype}")
    return Parameter(weight.astype(dtype))


def positive_integer(layer: str, name: str, value: Any) -> int:
    """Return ``value`` as an integer; raise ArgumentError naming the layer and the argument if it is not above 0."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
        raise ArgumentError(f"{layer}: expected {name} to be a positive integer, got {value!r}")
    return int(value)
