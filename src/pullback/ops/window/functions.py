"""Convolutions and pooling with the arguments that networks give: over the last one or two axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import as_index
from pullback.core.operations import function, operations
from pullback.core.sample import call, distinct, normal, reject
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.promotion import promoted
from pullback.ops.structural import as_array, as_arrays
from pullback.ops.window.convolution import convolve_images, images_of
from pullback.ops.window.geometry import Geometry, Pairs, Shape
from pullback.ops.window.unfolding import unfold

# Arguments ------------------------------------------------------------------------------------------------------------


def _numbers(operation: str, argument: str, given: Any, rank: int, least: int) -> Shape:
    """An integer for all axes, or one for each, as a tuple."""
    several = given if isinstance(given, (tuple, list)) else (given,) * rank
    if len(several) != rank:
        raise ArgumentError(f"{operation}: expected {argument} as an integer or {rank} of them, got {given!r}")
    found = tuple(as_index(operation, argument, one) for one in several)
    if min(found) < least:
        raise ArgumentError(f"{operation}: expected {argument} of at least {least}, got {given!r}")
    return found


def _padding(operation: str, given: Any, kernel: Shape, strides: Shape, dilation: Shape) -> Pairs:
    """The zeros before and after each axis: an integer, one for each axis, pairs, "valid" or "same"."""
    rank = len(kernel)
    if isinstance(given, str):
        if given == "valid":
            return ((0, 0),) * rank
        if given != "same":
            raise ArgumentError(f"{operation}: expected padding 'valid', 'same' or numbers, got {given!r}")
        if set(strides) != {1}:
            raise ArgumentError(f"{operation}: expected stride 1 with padding 'same', got {strides}")
        spans = [(size - 1) * step for size, step in zip(kernel, dilation, strict=True)]
        return tuple((span // 2, span - span // 2) for span in spans)
    if isinstance(given, (tuple, list)) and any(isinstance(one, (tuple, list)) for one in given):
        if len(given) != rank or any(not isinstance(one, (tuple, list)) or len(one) != 2 for one in given):
            raise ArgumentError(f"{operation}: expected a pair of padding for each of {rank} axes, got {given!r}")
        pairs = [_numbers(operation, "padding", list(one), 2, 0) for one in given]
        return tuple((before, after) for before, after in pairs)
    return tuple((one, one) for one in _numbers(operation, "padding", given, rank, 0))


def _images(operation: str, x: Array, rank: int) -> tuple[Array, bool]:
    """Images as a batch, and whether there was only one, without an axis for the batch."""
    if x.ndim not in (rank + 1, rank + 2):
        names = ", ".join(("length", "height, width")[rank - 1 : rank])
        raise ShapeError(f"{operation}: expected images of shape (batch, channels, {names}), got {x.shape}")
    return (x, False) if x.ndim == rank + 2 else (x.reshape((1, *x.shape)), True)


def _kernel_operands(operation: str, x: Any, weight: Any, rank: int) -> tuple[Array, Array, bool]:
    x, weight = promoted(operation, *as_arrays(operation, x, weight))
    if x.dtype.kind not in "fc":
        raise DTypeError(f"{operation}: expected a floating dtype, got {x.dtype}")
    if weight.ndim != rank + 2:
        raise ShapeError(f"{operation}: expected a weight with {rank + 2} axes, got shape {weight.shape}")
    x, single = _images(operation, x, rank)
    return x, weight, single


def _finish(operation: str, y: Array, bias: Any, single: bool) -> Array:
    """Add a bias for each channel, and drop the axis of the batch if none was given."""
    if bias is not None:
        bias = as_array(operation, bias)
        if bias.shape != y.shape[1:2]:
            raise ShapeError(f"{operation}: expected a bias of shape {y.shape[1:2]}, got {bias.shape}")
        y = y + bias.reshape((*bias.shape, *(1,) * (y.ndim - 2)))
    return y.reshape(y.shape[1:]) if single else y


# Convolution ----------------------------------------------------------------------------------------------------------


def _conv(
    operation: str, rank: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Array:
    x, weight, single = _kernel_operands(operation, x, weight, rank)
    strides = _numbers(operation, "stride", stride, rank, 1)
    steps = _numbers(operation, "dilation", dilation, rank, 1)
    (groups,) = _numbers(operation, "groups", groups, 1, 1)
    pairs = _padding(operation, padding, weight.shape[2:], strides, steps)
    y = convolve_images(x, weight, geometry=Geometry(strides, pairs, steps), groups=groups)
    return _finish(operation, y, bias, single)


@function(
    samples=[
        call(normal(2, 3, 6), normal(4, 3, 3), normal(4), padding=1),
        call(normal(2, 5), normal(2, 1, 2), stride=2, groups=2),
        call(normal(1, 1, 5), normal(1, 1, 2), padding="same"),
    ],
    rejects=[
        reject(
            ShapeError,
            "conv1d: expected images of shape (batch, channels, length), got (5,)",
            normal(5),
            normal(1, 1, 2),
        ),
        reject(
            ArgumentError, "conv1d: expected padding 'valid', 'same'", normal(1, 5), normal(1, 1, 2), padding="full"
        ),
        reject(
            ArgumentError,
            "conv1d: expected stride 1 with padding 'same'",
            normal(1, 5),
            normal(1, 1, 2),
            padding="same",
            stride=2,
        ),
        reject(DTypeError, "conv1d: expected an array or a number, got str", "a", normal(1, 1, 2)),
    ],
)
def conv1d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Array:
    """Sum of products of a kernel with each window along the last axis. Arguments and errors as for ``conv2d``.

    >>> conv1d([[1.0, 2.0, 4.0]], [[[-1.0, 1.0]]])
    array([[1., 2.]])
    """
    return _conv("conv1d", 1, x, weight, bias, stride, padding, dilation, groups)


@function(
    samples=[
        call(normal(2, 3, 5, 4), normal(4, 3, 3, 2), normal(4), stride=(2, 1), padding=(1, 0), dilation=(1, 2)),
        call(normal(4, 4, 4), normal(4, 2, 3, 3), padding="same", groups=2),
        call(normal(1, 1, 3, 3), normal(1, 1, 2, 2), padding=((1, 0), (0, 1))),
    ],
    rejects=[
        reject(
            ShapeError,
            "conv2d: expected images of shape (batch, channels, height, width)",
            normal(5, 5),
            normal(1, 1, 2, 2),
        ),
        reject(ShapeError, "conv2d: expected a weight with 4 axes, got shape (2, 2)", normal(1, 5, 5), normal(2, 2)),
        reject(ShapeError, "for 1 channels in 1 group, got (1, 3, 2, 2)", normal(1, 5, 5), normal(1, 3, 2, 2)),
        reject(
            ShapeError,
            "conv2d: expected a bias of shape (1,), got (2,)",
            normal(1, 5, 5),
            normal(1, 1, 2, 2),
            normal(2),
        ),
        reject(
            ArgumentError, "conv2d: expected stride of at least 1, got 0", normal(1, 5, 5), normal(1, 1, 2, 2), stride=0
        ),
        reject(
            ArgumentError,
            "conv2d: expected padding as an integer or 2 of them",
            normal(1, 5, 5),
            normal(1, 1, 2, 2),
            padding=(1, 1, 1),
        ),
        reject(
            ArgumentError,
            "conv2d: expected a pair of padding for each of 2 axes",
            normal(1, 5, 5),
            normal(1, 1, 2, 2),
            padding=((1, 1),),
        ),
        reject(
            DTypeError,
            "conv2d: expected an integer as stride, got 1.5",
            normal(1, 5, 5),
            normal(1, 1, 2, 2),
            stride=1.5,
        ),
        reject(
            DTypeError,
            "conv2d: expected a floating dtype, got int64",
            np.ones((1, 5, 5), int),
            np.ones((1, 1, 2, 2), int),
        ),
    ],
)
def conv2d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Array:
    """Sum of products of a kernel with each window of images: a convolution as networks define it, nothing is flipped.

    Args:
        x: images (batch, channels, height, width), or one without the axis of the batch.
        weight: (outputs, channels / groups, kernel height, kernel width).
        bias: a number for each output, or None.
        stride: how far one window is from the next; an integer, or one for each axis.
        padding: zeros around the images: an integer, one for each axis, a pair for each axis, "valid" for none, or
            "same" for as many as give images of the same size.
        dilation: how far the elements of a window are apart.
        groups: into how many groups channels and outputs are divided; each output sees the channels of its group.

    Raises:
        ShapeError: the shapes do not fit, or no window fits into an image.
        ArgumentError, DTypeError: an argument is none of what is said here.

    >>> conv2d([[[1.0, 2.0], [3.0, 4.0]]], [[[[1.0, 0.0], [0.0, 1.0]]]])
    array([[[5.]]])
    """
    return _conv("conv2d", 2, x, weight, bias, stride, padding, dilation, groups)


def _conv_transpose(
    operation: str, rank: int, y: Any, weight: Any, bias: Any, stride: Any, padding: Any, output_padding: Any,
    dilation: Any, groups: Any,
) -> Array:  # fmt: skip
    y, weight, single = _kernel_operands(operation, y, weight, rank)
    strides = _numbers(operation, "stride", stride, rank, 1)
    steps = _numbers(operation, "dilation", dilation, rank, 1)
    more = _numbers(operation, "output_padding", output_padding, rank, 0)
    (groups,) = _numbers(operation, "groups", groups, 1, 1)
    kernel = weight.shape[2:]
    if isinstance(padding, str):
        raise ArgumentError(f"{operation}: expected padding as numbers, got {padding!r}")
    pairs = _padding(operation, padding, kernel, strides, steps)
    if any(one >= max(stride, step) for one, stride, step in zip(more, strides, steps, strict=True)):
        raise ArgumentError(f"{operation}: expected output_padding below stride or dilation, got {output_padding!r}")
    lengths = tuple(
        (n - 1) * stride + step * (size - 1) + 1 + extra - before - after
        for n, stride, step, size, extra, (before, after) in zip(
            y.shape[2:], strides, steps, kernel, more, pairs, strict=True
        )
    )
    if min(lengths) < 1:
        raise ShapeError(f"{operation}: expected less padding than {pairs} for images of shape {y.shape}")
    x = images_of(y, weight, geometry=Geometry(strides, pairs, steps), groups=groups, lengths=lengths)
    return _finish(operation, x, bias, single)


@function(
    samples=[
        call(normal(2, 3, 4), normal(3, 2, 3), normal(2), stride=2, padding=1, output_padding=1),
        call(normal(2, 3), normal(2, 2, 2), groups=2),
    ],
    rejects=[
        reject(ShapeError, "conv_transpose1d: expected less padding", normal(1, 1), normal(1, 1, 2), padding=3),
        reject(
            ArgumentError,
            "conv_transpose1d: expected padding as numbers",
            normal(1, 3),
            normal(1, 1, 2),
            padding="same",
        ),
    ],
)
def conv_transpose1d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Array:  # fmt: skip
    """The adjoint of ``conv1d`` by its images. Arguments and errors as for ``conv_transpose2d``.

    >>> conv_transpose1d([[1.0, 2.0]], [[[-1.0, 1.0]]])
    array([[-1., -1.,  2.]])
    """
    return _conv_transpose("conv_transpose1d", 1, x, weight, bias, stride, padding, output_padding, dilation, groups)


@function(
    samples=[call(normal(2, 3, 2, 3), normal(3, 2, 3, 2), normal(2), stride=(2, 1), padding=(1, 0), dilation=(1, 2))],
    rejects=[
        reject(ShapeError, "conv_transpose2d: expected images of shape", normal(5, 5), normal(1, 1, 2, 2)),
        reject(ShapeError, "conv_transpose2d: expected less padding", normal(1, 1, 1), normal(1, 1, 2, 2), padding=3),
        reject(ShapeError, "expected 2 channels, got shape (1, 1, 5, 5)", normal(1, 5, 5), normal(2, 1, 2, 2)),
        reject(
            ArgumentError, "expected output_padding below stride", normal(1, 5, 5), normal(1, 1, 2, 2), output_padding=1
        ),
    ],
)
def conv_transpose2d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Array:  # fmt: skip
    """The adjoint of ``conv2d`` by its images: each element of x times the kernel, added up where the windows lie.

    Args:
        x: images (batch, channels, height, width), or one without the axis of the batch.
        weight: (channels, outputs / groups, kernel height, kernel width), as for the ``conv2d`` whose adjoint this is.
        bias: a number for each output, or None.
        stride: how far one window is from the next in the result.
        padding: how much is cut off around the result.
        output_padding: how much longer each axis of the result is: several lengths have the same number of windows.
        groups: as for ``conv2d``.
        dilation: as for ``conv2d``.

    Raises:
        ShapeError: the shapes do not fit, or nothing is left of the result.
        ArgumentError, DTypeError: an argument is none of what is said here.

    >>> conv_transpose2d([[[2.0]]], [[[[1.0, 0.0], [0.0, 1.0]]]])
    array([[[2., 0.],
            [0., 2.]]])
    """
    return _conv_transpose("conv_transpose2d", 2, x, weight, bias, stride, padding, output_padding, dilation, groups)


# Pooling --------------------------------------------------------------------------------------------------------------


def _pool(
    operation: str, rank: int, x: Any, kernel_size: Any, stride: Any, padding: Any, fill: float,
    reduce: Callable[..., Array], dilation: Any = 1,
) -> Array:  # fmt: skip
    """Reduce each window of images to one number."""
    x = as_array(operation, x)
    if x.dtype.kind != "f":
        raise DTypeError(f"{operation}: expected a real floating dtype, got {x.dtype}")
    x, single = _images(operation, x, rank)
    kernel = _numbers(operation, "kernel_size", kernel_size, rank, 1)
    strides = kernel if stride is None else _numbers(operation, "stride", stride, rank, 1)
    steps = _numbers(operation, "dilation", dilation, rank, 1)
    widths = _numbers(operation, "padding", padding, rank, 0)
    if any(2 * width > size for width, size in zip(widths, kernel, strict=True)):
        raise ArgumentError(f"{operation}: expected padding of at most half of kernel_size, got {padding!r}")
    if any(widths):
        x = operations.pad(x, ((0, 0), (0, 0), *((n, n) for n in widths)), constant_values=fill)
    geometry = Geometry(strides, ((0, 0),) * rank, steps)
    windows = geometry.windows(operation, x.shape[2:], kernel)
    if strides == kernel and set(steps) == {1}:  # windows side by side: nothing need be laid out
        x = x[(..., *(slice(n * size) for n, size in zip(windows, kernel, strict=True)))]
        pairs = [length for pair in zip(windows, kernel, strict=True) for length in pair]
        y = reduce(x.reshape((*x.shape[:2], *pairs)), axis=tuple(range(3, 3 + 2 * rank, 2)))
    else:
        y = reduce(unfold(x, kernel=kernel, geometry=geometry), axis=tuple(range(2 + rank, 2 + 2 * rank)))
    return y.reshape(y.shape[1:]) if single else y


_POOL_REJECTS = [
    reject(ArgumentError, "expected kernel_size of at least 1, got 0", normal(1, 4), 0),
    reject(ArgumentError, "expected padding of at most half of kernel_size", normal(1, 4), 2, padding=2),
    reject(ShapeError, "expected windows that fit", normal(1, 4), 5),
    reject(ShapeError, "expected images of shape (batch, channels, length)", normal(4), 2),
]


@function(
    samples=[call(distinct(2, 3, 6), 2), call(distinct(2, 5), 3, stride=1), call(distinct(1, 2, 5), 3, 2, 1)],
    rejects=_POOL_REJECTS,
)
def max_pool1d(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> Array:
    """Largest element of each window along the last axis. Arguments and errors as for ``max_pool2d``.

    >>> max_pool1d([[1.0, 3.0, 2.0, 0.0]], 2)
    array([[3., 2.]])
    """
    return _pool("max_pool1d", 1, x, kernel_size, stride, padding, -np.inf, operations.max, dilation)


@function(
    samples=[
        call(distinct(2, 2, 5, 4), 2),
        call(distinct(2, 4, 5), (2, 3), stride=(1, 2)),
        call(distinct(1, 1, 4, 5), 3, 2, (1, 0)),
        call(distinct(1, 5, 5), 2, 1, dilation=2),
    ],
    rejects=[reject(DTypeError, "max_pool2d: expected a real floating dtype", np.ones((1, 4, 4), int), 2)],
)
def max_pool2d(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> Array:
    """Largest element of each window of images; equal ones share the gradient.

    Args:
        x: images (batch, channels, height, width), or one without the axis of the batch.
        kernel_size: the size of a window: an integer, or one for each axis.
        stride: how far one window is from the next; by default they lie side by side.
        padding: how far windows reach over the border, at most by half; nothing is taken from there.
        dilation: how far the elements of a window are apart.

    Raises:
        ShapeError: the shape does not fit, or no window fits into an image.
        ArgumentError, DTypeError: an argument is none of what is said here.

    >>> max_pool2d([[[1.0, 2.0], [3.0, 0.0]]], 2)
    array([[[3.]]])
    """
    return _pool("max_pool2d", 2, x, kernel_size, stride, padding, -np.inf, operations.max, dilation)


@function(
    samples=[call(normal(2, 3, 6), 2), call(normal(2, 5), 3, stride=1), call(normal(1, 2, 5), 3, 2, 1)],
    rejects=_POOL_REJECTS,
)
def avg_pool1d(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Mean of each window along the last axis. Arguments and errors as for ``avg_pool2d``.

    >>> avg_pool1d([[1.0, 3.0, 2.0, 0.0]], 2)
    array([[2., 1.]])
    """
    return _pool("avg_pool1d", 1, x, kernel_size, stride, padding, 0.0, operations.mean)


@function(
    samples=[call(normal(2, 2, 5, 4), 2), call(normal(2, 4, 5), (2, 3), stride=1, padding=1)],
    rejects=[
        reject(ArgumentError, "avg_pool2d: expected kernel_size as an integer or 2 of them", normal(1, 4, 4), (2,))
    ],
)
def avg_pool2d(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Mean of each window of images; zeros around them count.

    Arguments and errors as for ``max_pool2d``, but for ``dilation``.

    >>> avg_pool2d([[[1.0, 2.0], [3.0, 0.0]]], 2)
    array([[[1.5]]])
    """
    return _pool("avg_pool2d", 2, x, kernel_size, stride, padding, 0.0, operations.mean)
