"""A vector for each of some integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.creation import as_dtype, asarray
from pullback.core.operations import operations
from pullback.core.parameter import Parameter
from pullback.dtypes import is_differentiable
from pullback.errors import DTypeError
from pullback.nn.initializers import generator, positive_integer
from pullback.nn.module import Module


class Embedding(Module):
    """A vector for each of ``count`` integers: ``weight[x]``.

    Args:
        count: how many integers there are, from 0.
        features: the length of a vector.
        rng: a seed or a ``numpy.random.Generator`` for the weights, as for ``Linear``.
        scale: the standard deviation of the weights, normally distributed.
        dtype: of the weights.

    >>> import numpy as np
    >>> Embedding(10, 4, rng=0)(np.array([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        count: int,
        features: int,
        *,
        rng: int | np.random.Generator | None = None,
        scale: float = 1.0,
        dtype: Any = np.float32,
    ) -> None:
        self.count = positive_integer("Embedding", "count", count)
        self.features = positive_integer("Embedding", "features", features)
        dtype = as_dtype("Embedding", dtype)
        if not is_differentiable(dtype):
            raise DTypeError(f"Embedding: expected a floating dtype, got {dtype}")
        self.weight = Parameter((generator(rng).normal(size=(self.count, self.features)) * scale).astype(dtype))

    def forward(self, x: Any) -> Array:
        """Look the vectors up. Raises DTypeError unless x holds integers, IndexingError for those out of range."""
        x = asarray(x)
        if x.dtype.kind not in "iu":
            raise DTypeError(f"Embedding({self.describe()}): expected integers, got {x.dtype}")
        found: Array = operations.take(self.weight, x, axis=0)
        return found

    def describe(self) -> str:
        """The sizes."""
        return f"{self.count}, {self.features}"
