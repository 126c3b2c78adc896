"""Dropping activations while a network is trained."""

from __future__ import annotations

from typing import Any

from pullback.core.array import Array
from pullback.core.creation import asarray
from pullback.core.operations import operations
from pullback.errors import ArgumentError
from pullback.nn.module import Module


class Dropout(Module):
    """While training, set each element to zero with probability ``p``, and divide the others by ``1 - p``.

    After ``eval()`` it is the identity. [Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014]

    Args:
        p: the probability, from 0 to below 1.
        rng: a seed or a ``pullback.random.Generator``.

    >>> import numpy as np
    >>> layer = Dropout(0.5, rng=0)
    >>> sorted(set(layer(np.ones(100)).tolist())), layer.eval()(np.ones(2))
    ([0.0, 2.0], array([1., 1.]))
    """

    def __init__(self, p: float = 0.5, *, rng: Any = 0) -> None:
        if isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p < 1:
            raise ArgumentError(f"Dropout: expected p from 0 to below 1, got {p!r}")
        self.p = float(p)
        self.rng = rng if hasattr(rng, "bernoulli") else operations.default_rng(rng)

    def forward(self, x: Any) -> Array:
        """Drop elements of x, in training."""
        x = asarray(x)
        if not self.training or not self.p:
            return x
        kept = self.rng.bernoulli(1 - self.p, x.shape)
        dropped: Array = operations.where(kept, x * (1 / (1 - self.p)), operations.zeros_like(x))
        return dropped

    def describe(self) -> str:
        """The probability."""
        return f"{self.p:g}"
