"""Sample inputs: each primitive says with what it is to be tried, and the contract test makes the arrays.

A specification is drawn only when a test asks, so declaring samples costs nothing at import.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Spec:
    """How to draw one argument.

    Attributes:
        draw: makes the float64, integer or boolean array from a random generator.
        smooth: whether the operation is differentiable at what is drawn (edge values are compared by value only).
    """

    draw: Callable[[np.random.Generator], Array]
    smooth: bool = True


@dataclass(frozen=True)
class Sample:
    """One call: positional arguments (specifications or plain Python values) and keywords."""

    args: tuple[Any, ...]
    keywords: dict[str, Any] = field(default_factory=dict)

    @property
    def smooth(self) -> bool:
        """Whether derivatives can be checked by finite differences at this sample."""
        return all(arg.smooth for arg in _leaves(self.args) if isinstance(arg, Spec))

    def make(self, seed: int = 0) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Draw the arguments; containers of specifications give containers of arrays."""
        generator = np.random.default_rng(seed)

        def draw(arg: Any) -> Any:
            if isinstance(arg, Spec):
                return arg.draw(generator)
            if isinstance(arg, (list, tuple)):
                return type(arg)(draw(item) for item in arg)
            if isinstance(arg, dict):
                return {name: draw(item) for name, item in arg.items()}
            return arg

        return tuple(draw(arg) for arg in self.args), {name: draw(arg) for name, arg in self.keywords.items()}


@dataclass(frozen=True)
class Reject:
    """One call that must raise: the error, and words that its message must contain."""

    args: tuple[Any, ...]
    keywords: dict[str, Any]
    error: type[Exception]
    match: str


def _leaves(arg: Any) -> list[Any]:
    if isinstance(arg, (list, tuple)):
        return [leaf for item in arg for leaf in _leaves(item)]
    if isinstance(arg, dict):
        return _leaves(list(arg.values()))
    return [arg]


def as_samples(samples: Any) -> tuple[Sample, ...]:
    """Return declared samples as a tuple of Sample; a bare specification is the call with that one argument."""
    return tuple(one if isinstance(one, Sample) else Sample((one,)) for one in samples)


def call(*args: Any, **keywords: Any) -> Sample:
    """A sample with several arguments or with keywords."""
    return Sample(args, keywords)


def reject(error: type[Exception], match: str, *args: Any, **keywords: Any) -> Reject:
    """A call that must raise ``error`` with ``match`` in its message; arguments may be specifications."""
    return Reject(args, keywords, error, match)


def normal(*shape: int) -> Spec:
    """Standard normal numbers."""
    return Spec(lambda generator: generator.normal(size=shape))


def uniform(low: float, high: float, *shape: int) -> Spec:
    """Numbers between ``low`` and ``high``."""
    return Spec(lambda generator: generator.uniform(low, high, size=shape))


def positive(*shape: int) -> Spec:
    """Numbers between 0.2 and 3."""
    return uniform(0.2, 3.0, *shape)


def distinct(*shape: int) -> Spec:
    """Numbers no two of which are closer than 0.1, none within 0.05 of zero: no ties, no kinks."""

    def draw(generator: np.random.Generator) -> Array:
        size = int(np.prod(shape))
        steps = np.arange(size) - size // 2 + 0.5
        return np.asarray(generator.permutation(steps) * 0.17).reshape(shape)

    return Spec(draw)


def integers(low: int, high: int, *shape: int) -> Spec:
    """Integers from ``low`` to ``high - 1``."""
    return Spec(lambda generator: generator.integers(low, high, size=shape))


def booleans(*shape: int) -> Spec:
    """True and False, evenly."""
    return Spec(lambda generator: generator.random(size=shape) < 0.5)


def values(*numbers: Any) -> Spec:
    """Given numbers: edges, infinities, NaN. Compared with NumPy by value, not differentiated."""
    return Spec(lambda generator: np.array(numbers), smooth=False)


def points(*numbers: Any) -> Spec:
    """Given numbers at which the operation is differentiable."""
    return Spec(lambda generator: np.array(numbers))


def by_value(spec: Spec) -> Spec:
    """The same, compared with NumPy by value only: an operation without derivative in every direction."""
    return replace(spec, smooth=False)


def invertible(*shape: int) -> Spec:
    """Square matrices far from singular: normal numbers, and 3 more on the diagonal."""
    return Spec(lambda generator: generator.normal(size=shape) + 3 * np.eye(shape[-1]))


def positive_definite(*shape: int) -> Spec:
    """Symmetric positive definite matrices with eigenvalues above 1.

    Not smooth: of a function of them both triangles count in a derivative, and one only in differences.
    """

    def draw(generator: np.random.Generator) -> Array:
        x = generator.normal(size=shape)
        return np.asarray(x @ np.swapaxes(x, -1, -2) + shape[-1] * np.eye(shape[-1]))

    return Spec(draw, smooth=False)
