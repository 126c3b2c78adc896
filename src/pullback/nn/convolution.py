"""Layers of windows: convolutions and pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.creation import asarray
from pullback.core.parameter import Parameter
from pullback.errors import ArgumentError, ShapeError
from pullback.nn.initializers import Initializer, initial_weight, positive_integer
from pullback.nn.module import Module
from pullback.ops.window.functions import avg_pool1d, avg_pool2d, conv1d, conv2d, max_pool1d, max_pool2d


class _Conv(Module):
    """What Conv1d and Conv2d share; ``_rank`` is the number of axes that windows move along."""

    _rank: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: Any = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        rng: int | np.random.Generator | None = None,
        init: str | Initializer = "he",
        dtype: Any = np.float32,
    ) -> None:
        name = type(self).__name__
        self.in_channels = positive_integer(name, "in_channels", in_channels)
        self.out_channels = positive_integer(name, "out_channels", out_channels)
        self.groups = positive_integer(name, "groups", groups)
        if in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"{name}: expected in_channels and out_channels that groups={groups} divides, got {in_channels} and "
                f"{out_channels}"
            )
        self.kernel_size = _lengths(name, "kernel_size", kernel_size, self._rank)
        self.stride = _lengths(name, "stride", stride, self._rank)
        self.dilation = _lengths(name, "dilation", dilation, self._rank)
        self.padding = padding
        shape = (self.out_channels, self.in_channels // groups, *self.kernel_size)
        self.weight = initial_weight(name, shape, init, rng, dtype)
        self.bias = Parameter(np.zeros(self.out_channels, self.weight.dtype)) if bias else None

    def _images(self, x: Any) -> Array:
        x = asarray(x)
        if x.ndim not in (self._rank + 1, self._rank + 2) or x.shape[-1 - self._rank] != self.in_channels:
            lengths = ", length" if self._rank == 1 else ", height, width"
            raise ShapeError(
                f"{type(self).__name__}({self.describe()}): expected images of shape "
                f"(batch, {self.in_channels}{lengths}), got {x.shape}"
            )
        return x

    def describe(self) -> str:
        """The channels, the kernel, and what is not as by default."""
        words = [f"{self.in_channels}, {self.out_channels}, {_brief(self.kernel_size)}"]
        words += [f"stride={_brief(self.stride)}"] if set(self.stride) != {1} else []
        words += [f"padding={self.padding!r}"] if self.padding != 0 else []
        words += [f"dilation={_brief(self.dilation)}"] if set(self.dilation) != {1} else []
        words += [f"groups={self.groups}"] if self.groups != 1 else []
        words += ["bias=False"] if self.bias is None else []
        return ", ".join(words)


def _lengths(layer: str, argument: str, given: Any, rank: int) -> tuple[int, ...]:
    several = tuple(given) if isinstance(given, (tuple, list)) else (given,) * rank
    if len(several) != rank:
        raise ArgumentError(f"{layer}: expected {argument} as an integer or {rank} of them, got {given!r}")
    return tuple(positive_integer(layer, argument, one) for one in several)


def _brief(lengths: tuple[int, ...]) -> str:
    return str(lengths[0] if len(set(lengths)) == 1 else lengths)


class Conv2d(_Conv):
    """Convolution of images with a kernel for each output, plus a bias: see ``conv2d``.

    Args:
        in_channels: channels of the images.
        out_channels: channels of the result.
        kernel_size: size of the windows: an integer, or (height, width).
        stride: how far one window is from the next.
        padding: zeros around the images; "same" for as many as keep their size.
        dilation: how far the elements of a window are apart.
        groups: into how many groups the channels are divided; ``groups=in_channels`` is a depthwise convolution.
        bias: whether there is a ``bias``; it begins with zeros.
        rng: a seed or a ``numpy.random.Generator`` for the weights, as for ``Linear``.
        init: "he", "glorot", or a function ``(rng, shape) -> numbers``.
        dtype: of the parameters.

    ``weight`` has shape (out_channels, in_channels / groups, height, width), as PyTorch's; so has the data
    (batch, channels, height, width).

    >>> import numpy as np
    >>> layer = Conv2d(1, 8, 3, padding="same", rng=0)
    >>> layer(np.ones((2, 1, 28, 28), np.float32)).shape
    (2, 8, 28, 28)
    >>> layer
    Conv2d(1, 8, 3, padding='same') · 80 parameters
    """

    _rank = 2

    def forward(self, x: Any) -> Array:
        """Convolve images. Raises ShapeError unless they have ``in_channels`` channels."""
        return conv2d(self._images(x), self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Conv1d(_Conv):
    """Convolution of sequences (batch, channels, length), with the arguments of ``Conv2d``.

    >>> import numpy as np
    >>> Conv1d(3, 4, 5, stride=2, rng=0)(np.ones((2, 3, 9), np.float32)).shape
    (2, 4, 3)
    """

    _rank = 1

    def forward(self, x: Any) -> Array:
        """Convolve sequences. Raises ShapeError unless they have ``in_channels`` channels."""
        return conv1d(self._images(x), self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class _Pool(Module):
    """What pooling layers share."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding

    def describe(self) -> str:
        """The window, and what is not as by default."""
        words = [str(self.kernel_size)]
        words += [f"stride={self.stride}"] if self.stride is not None else []
        words += [f"padding={self.padding}"] if self.padding != 0 else []
        return ", ".join(words)


class MaxPool2d(_Pool):
    """Largest element of each window of images: see ``max_pool2d`` for the arguments.

    >>> import numpy as np
    >>> MaxPool2d(2)(np.ones((2, 8, 28, 28))).shape
    (2, 8, 14, 14)
    """

    def forward(self, x: Any) -> Array:
        """Reduce images."""
        return max_pool2d(x, self.kernel_size, self.stride, self.padding)


class MaxPool1d(_Pool):
    """Largest element of each window of sequences: see ``max_pool2d`` for the arguments.

    >>> import numpy as np
    >>> MaxPool1d(2)(np.ones((2, 8, 28))).shape
    (2, 8, 14)
    """

    def forward(self, x: Any) -> Array:
        """Reduce sequences."""
        return max_pool1d(x, self.kernel_size, self.stride, self.padding)


class AvgPool2d(_Pool):
    """Mean of each window of images: see ``avg_pool2d`` for the arguments.

    >>> import numpy as np
    >>> AvgPool2d(2)(np.ones((2, 8, 28, 28))).shape
    (2, 8, 14, 14)
    """

    def forward(self, x: Any) -> Array:
        """Reduce images."""
        return avg_pool2d(x, self.kernel_size, self.stride, self.padding)


class AvgPool1d(_Pool):
    """Mean of each window of sequences: see ``avg_pool2d`` for the arguments.

    >>> import numpy as np
    >>> AvgPool1d(2)(np.ones((2, 8, 28))).shape
    (2, 8, 14)
    """

    def forward(self, x: Any) -> Array:
        """Reduce sequences."""
        return avg_pool1d(x, self.kernel_size, self.stride, self.padding)


class Flatten(Module):
    """All axes but the first as one: from images to rows.

    >>> import numpy as np
    >>> Flatten()(np.ones((2, 8, 4, 4))).shape
    (2, 128)
    """

    def forward(self, x: Any) -> Array:
        """Reshape. Raises ShapeError for a number without axes."""
        x = asarray(x)
        if not x.ndim:
            raise ShapeError("Flatten: expected at least one axis, got a 0-d array")
        rows: Array = x.reshape((x.shape[0], -1)) if x.size else x.reshape((x.shape[0], int(np.prod(x.shape[1:]))))
        return rows
