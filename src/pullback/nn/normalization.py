"""Layers that normalise what goes through them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.creation import as_dtype, asarray
from pullback.core.operations import operations
from pullback.core.parameter import Parameter
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.nn.initializers import positive_integer
from pullback.nn.module import Module


class LayerNorm(Module):
    """``weight * (x - mean) / sqrt(variance + eps) + bias``, with mean and variance over the last axes.

    [Ba, Kiros, Hinton 2016, https://arxiv.org/abs/1607.06450]

    Args:
        features: the length of the last axis, or the lengths of the last axes.
        eps: what is added to the variance.
        bias: whether there are ``weight`` (begins with ones) and ``bias`` (zeros), or only a ``weight``.
        dtype: of the parameters.

    >>> import numpy as np
    >>> LayerNorm(2)(np.array([[1.0, 3.0]], np.float32)).round(3)
    array([[-1.,  1.]], dtype=float32, requires_grad=True)
    """

    def __init__(
        self, features: int | tuple[int, ...], eps: float = 1e-5, bias: bool = True, *, dtype: Any = np.float32
    ) -> None:
        lengths = features if isinstance(features, (tuple, list)) else (features,)
        self.features = tuple(positive_integer("LayerNorm", "features", one) for one in lengths)
        dtype = as_dtype("LayerNorm", dtype)
        if dtype.kind != "f":
            raise DTypeError(f"LayerNorm: expected a real floating dtype, got {dtype}")
        if not eps >= 0:
            raise ArgumentError(f"LayerNorm: expected eps of 0 or more, got {eps!r}")
        self.eps = float(eps)
        self.weight = Parameter(np.ones(self.features, dtype))
        self.bias = Parameter(np.zeros(self.features, dtype)) if bias else None

    def forward(self, x: Any) -> Array:
        """Normalise x. Raises ShapeError unless its last axes are as long as ``features`` says."""
        x = asarray(x)
        count = len(self.features)
        if x.shape[x.ndim - count :] != self.features:
            expected = ", ".join(map(str, self.features))
            raise ShapeError(f"LayerNorm({self.describe()}): expected inputs of shape (..., {expected}), got {x.shape}")
        axes = tuple(range(x.ndim - count, x.ndim))
        centred = x - x.mean(axis=axes, keepdims=True)
        variance = (centred * centred).mean(axis=axes, keepdims=True)
        result: Array = centred / operations.sqrt(variance + self.eps) * self.weight
        return result if self.bias is None else result + self.bias

    def describe(self) -> str:
        """The lengths."""
        return ", ".join(map(str, self.features))
