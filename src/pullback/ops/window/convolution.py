"""Convolution, and its two adjoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import batch_all, bilinear
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, points, reject
from pullback.errors import DTypeError, ShapeError
from pullback.ops.permuting import permuted
from pullback.ops.reduction import conjugated
from pullback.ops.structural import refit
from pullback.ops.window.geometry import LINE, PLANE, SPREAD, Geometry, Shape

_CHUNK = 1 << 20
"""How many elements of windows are laid out at a time: what fits in the second-level cache's neighbourhood."""


# Convolution ----------------------------------------------------------------------------------------------------------
#
# Three bilinear maps, each an adjoint of the others: the images y of x and a kernel w; x from y and w; w from x and y.
# x is (batch, channels, *lengths), w (outputs, channels / groups, *kernel), y (batch, outputs, *windows). They are
# products of matrices: the windows of a few images at a time are laid out as columns, which fit in the cache.


def _check_images(operation: str, name: str, x: Any, rank: int) -> None:
    if x.ndim != rank + 2:
        raise ShapeError(f"{operation}: expected {name} with {rank + 2} axes (batch, channels, ...), got {x.shape}")


def _check_channels(operation: str, channels: int, w_shape: Shape, groups: int) -> None:
    outputs, inner = w_shape[:2]
    if groups < 1 or outputs % groups or channels != inner * groups:
        raise ShapeError(
            f"{operation}: expected a kernel of shape (outputs, channels / groups, ...) for {channels} channels in "
            f"{groups} group{'s' * (groups != 1)}, got {w_shape}"
        )


def _check_dtypes(operation: str, x: Any, y: Any) -> None:
    if x.dtype != y.dtype:
        raise DTypeError(f"{operation}: expected one dtype, got {x.dtype} and {y.dtype}")


def _chunks(count: int, columns: int) -> Iterator[slice]:
    """A few images at a time, when each has so many elements of columns."""
    step = max(1, _CHUNK // max(columns, 1))
    for start in range(0, count, step):
        yield slice(start, start + step)


def _columns(x: Any, geometry: Geometry, groups: int, kernel: Shape, windows: Shape) -> Any:
    """The windows of padded images as columns: (batch, groups, channels / groups * kernel, windows)."""
    view = geometry.view(x, kernel, windows)
    return np.ascontiguousarray(view).reshape(len(x), groups, -1, math.prod(windows))


@bilinear(
    name="convolution",
    samples=[
        call(normal(2, 3, 5), normal(4, 3, 3), geometry=LINE, groups=1),
        call(normal(2, 2, 5, 4), normal(3, 2, 3, 2), geometry=PLANE, groups=1),
        call(normal(1, 4, 4), normal(4, 2, 2), geometry=SPREAD, groups=2),
        call(normal(0, 2, 3), normal(1, 2, 2), geometry=LINE, groups=1),
        call(
            points([[1.0 + 2.0j, 0.5j, -1.0]]),
            points([[2.0j, 1.0 - 1.0j]]),
            geometry=Geometry((1,), ((1, 0),), (1,)),
            groups=1,
        ),
    ],
    rejects=[
        reject(
            ShapeError,
            "convolution: expected images with 3 axes",
            normal(3, 5),
            normal(4, 3, 3),
            geometry=LINE,
            groups=1,
        ),
        reject(
            ShapeError,
            "for 3 channels in 1 group, got (4, 2, 3)",
            normal(2, 3, 5),
            normal(4, 2, 3),
            geometry=LINE,
            groups=1,
        ),
        reject(
            ShapeError,
            "convolution: expected windows that fit",
            normal(2, 3, 2),
            normal(4, 3, 3),
            geometry=LINE,
            groups=1,
        ),
        reject(
            ShapeError,
            "convolution: expected strides, dilation",
            normal(2, 3, 4),
            normal(4, 3, 3),
            geometry=Geometry((0,), ((0, 0),), (1,)),
            groups=1,
        ),
        reject(
            DTypeError,
            "convolution: expected one dtype",
            normal(2, 3, 4),
            np.ones((4, 3, 3), int),
            geometry=LINE,
            groups=1,
        ),
    ],
)
def convolve_images(x: Any, w: Any, *, geometry: Geometry, groups: int) -> Any:
    """Sum of products of a kernel with each window of images: what networks call a convolution."""
    kernel, windows = w.shape[2:], _infer_images(x, w, geometry, groups).shape[2:]
    matrix = w.reshape(groups, len(w) // groups, -1)
    result = np.empty((len(x), groups, len(w) // groups, math.prod(windows)), x.dtype)
    for part in _chunks(len(x), x.shape[1] * math.prod(kernel) * math.prod(windows)):
        np.matmul(matrix, _columns(geometry.pad(x[part]), geometry, groups, kernel, windows), out=result[part])
    return result.reshape(len(x), len(w), *windows)


def _infer_images(x: Any, w: Any, geometry: Geometry, groups: int) -> Aval:
    _check_images("convolution", "images", x, len(geometry.strides))
    _check_images("convolution", "a kernel", w, len(geometry.strides))
    _check_dtypes("convolution", x, w)
    _check_channels("convolution", x.shape[1], w.shape, groups)
    windows = geometry.windows("convolution", x.shape[2:], w.shape[2:])
    return Aval((x.shape[0], w.shape[0], *windows), x.dtype)


convolve_images.infer(_infer_images)


@convolve_images.transpose
def _(ct: Array, x: Array, w: Array, *, geometry: Geometry, groups: int) -> Iterator[Thunk]:
    yield lambda: images_of(ct, conjugated(w), geometry=geometry, groups=groups, lengths=x.shape[2:])
    yield lambda: kernel_of(conjugated(x), ct, geometry=geometry, groups=groups, kernel=w.shape[2:])


@bilinear(
    name="convolution_by_images",
    samples=[
        call(normal(2, 4, 3), normal(4, 3, 3), geometry=LINE, groups=1, lengths=(5,)),
        call(
            normal(2, 3, 2, 5),
            normal(3, 2, 3, 2),
            geometry=PLANE,
            groups=1,
            lengths=(5, 4),
        ),
        call(normal(1, 4, 4), normal(4, 2, 2), geometry=SPREAD, groups=2, lengths=(4,)),
    ],
    rejects=[
        reject(
            ShapeError,
            "convolution_by_images: expected 3 windows, got 2",
            normal(2, 4, 2),
            normal(4, 3, 3),
            geometry=LINE,
            groups=1,
            lengths=(5,),
        ),
    ],
)
def images_of(y: Any, w: Any, *, geometry: Geometry, groups: int, lengths: Shape) -> Any:
    """The adjoint of a convolution by its images, also called a transposed convolution: each y times the kernel."""
    result = _infer_adjoint_images(y, w, geometry, groups, lengths)
    kernel, windows = w.shape[2:], y.shape[2:]
    channels = result.shape[1]
    matrix = np.swapaxes(w.reshape(groups, len(w) // groups, -1), 1, 2)
    x = np.zeros((len(y), channels, *geometry.padded(lengths)), y.dtype)
    for part in _chunks(len(y), channels * math.prod(kernel) * math.prod(windows)):
        few = y[part].reshape(-1, groups, len(w) // groups, math.prod(windows))
        columns = np.matmul(matrix, few).reshape(len(few), channels, *kernel, *windows)
        for offset in np.ndindex(*kernel):
            x[(part, slice(None), *geometry.places(offset, windows))] += columns[(slice(None), slice(None), *offset)]
    return x[(..., *geometry.inside(lengths))]


def _infer_adjoint_images(y: Any, w: Any, geometry: Geometry, groups: int, lengths: Shape) -> Aval:
    _check_images("convolution_by_images", "windows", y, len(geometry.strides))
    _check_images("convolution_by_images", "a kernel", w, len(geometry.strides))
    _check_dtypes("convolution_by_images", y, w)
    channels = w.shape[1] * groups
    _check_channels("convolution_by_images", channels, w.shape, groups)
    _check_windows("convolution_by_images", y, geometry, lengths, w.shape[2:])
    if y.shape[1] != w.shape[0]:
        raise ShapeError(f"convolution_by_images: expected {w.shape[0]} channels, got shape {y.shape}")
    return Aval((y.shape[0], channels, *lengths), y.dtype)


images_of.infer(_infer_adjoint_images)


def _check_windows(operation: str, y: Any, geometry: Geometry, lengths: Shape, kernel: Shape) -> None:
    windows = geometry.windows(operation, lengths, kernel)
    if y.shape[2:] != windows:
        listed, got = (" x ".join(map(str, one)) for one in (windows, y.shape[2:]))
        raise ShapeError(f"{operation}: expected {listed} windows, got {got}")


@images_of.transpose
def _(ct: Array, y: Array, w: Array, *, geometry: Geometry, groups: int, lengths: Shape) -> Iterator[Thunk]:
    yield lambda: convolve_images(ct, conjugated(w), geometry=geometry, groups=groups)
    yield lambda: kernel_of(ct, conjugated(y), geometry=geometry, groups=groups, kernel=w.shape[2:])


@bilinear(
    name="convolution_by_kernel",
    samples=[
        call(normal(2, 3, 5), normal(2, 4, 3), geometry=LINE, groups=1, kernel=(3,)),
        call(
            normal(2, 2, 5, 4),
            normal(2, 3, 2, 5),
            geometry=PLANE,
            groups=1,
            kernel=(3, 2),
        ),
        call(normal(1, 4, 4), normal(1, 4, 4), geometry=SPREAD, groups=2, kernel=(2,)),
    ],
    rejects=[
        reject(
            ShapeError,
            "convolution_by_kernel: expected 3 windows, got 2",
            normal(2, 3, 5),
            normal(2, 4, 2),
            geometry=LINE,
            groups=1,
            kernel=(3,),
        ),
        reject(
            ShapeError,
            "convolution_by_kernel: expected one batch",
            normal(2, 3, 5),
            normal(3, 4, 3),
            geometry=LINE,
            groups=1,
            kernel=(3,),
        ),
    ],
)
def kernel_of(x: Any, y: Any, *, geometry: Geometry, groups: int, kernel: Shape) -> Any:
    """The adjoint of a convolution by its kernel: the sum over all windows of the window times its y."""
    shape = _infer_adjoint_kernel(x, y, geometry, groups, kernel).shape
    windows = y.shape[2:]
    outputs = shape[0] // groups
    total = np.zeros((groups, outputs, math.prod(shape[1:])), x.dtype)
    for part in _chunks(len(x), x.shape[1] * math.prod(kernel) * math.prod(windows)):
        columns = _columns(geometry.pad(x[part]), geometry, groups, kernel, windows)
        few = y[part].reshape(-1, groups, outputs, math.prod(windows))
        total += np.matmul(few, np.swapaxes(columns, 2, 3)).sum(0)
    return total.reshape(shape)


def _infer_adjoint_kernel(x: Any, y: Any, geometry: Geometry, groups: int, kernel: Shape) -> Aval:
    _check_images("convolution_by_kernel", "images", x, len(geometry.strides))
    _check_images("convolution_by_kernel", "windows", y, len(geometry.strides))
    _check_dtypes("convolution_by_kernel", x, y)
    if x.shape[0] != y.shape[0]:
        raise ShapeError(f"convolution_by_kernel: expected one batch, got {x.shape} and {y.shape}")
    _check_windows("convolution_by_kernel", y, geometry, x.shape[2:], kernel)
    shape = (y.shape[1], x.shape[1] // max(groups, 1), *kernel)
    _check_channels("convolution_by_kernel", x.shape[1], shape, groups)
    return Aval(shape, x.dtype)


kernel_of.infer(_infer_adjoint_kernel)


@kernel_of.transpose
def _(ct: Array, x: Array, y: Array, *, geometry: Geometry, groups: int, kernel: Shape) -> Iterator[Thunk]:
    yield lambda: images_of(conjugated(y), ct, geometry=geometry, groups=groups, lengths=x.shape[2:])
    yield lambda: convolve_images(conjugated(x), ct, geometry=geometry, groups=groups)


# A batch of images with one kernel is one larger batch. Kernels of their own are groups of channels.


def _grouped(x: Array) -> Array:
    """(members, batch, channels, ...) as (batch, members * channels, ...)."""
    x = permuted(x, (1, 0, *range(2, x.ndim)))
    return refit(x, shape=(x.shape[0], x.shape[1] * x.shape[2], *x.shape[3:]))


def _ungrouped(x: Array, members: int) -> Array:
    x = refit(x, shape=(x.shape[0], members, x.shape[1] // members, *x.shape[2:]))
    return permuted(x, (1, 0, *range(2, x.ndim)))


def _joined(x: Array) -> Array:
    """The first two axes as one."""
    return refit(x, shape=(x.shape[0] * x.shape[1], *x.shape[2:]))


def _split(x: Array, members: int) -> Array:
    """The first axis as two, the first of which is as long as there are members."""
    return refit(x, shape=(members, x.shape[0] // members, *x.shape[1:]))


def _batch_of_images(primitive: Callable[..., Array]) -> Callable[..., Array]:
    def rule(batched: Sequence[bool], x: Array, w: Array, *, groups: int, **params: Any) -> Array:
        if not batched[1]:
            return _split(primitive(_joined(x), w, groups=groups, **params), len(x))
        x, w = batch_all(batched, (x, w))
        members = len(w)
        return _ungrouped(primitive(_grouped(x), _joined(w), groups=groups * members, **params), members)

    return rule


convolve_images.batching(_batch_of_images(convolve_images))
images_of.batching(_batch_of_images(images_of))


@kernel_of.batching
def _(batched: Sequence[bool], x: Array, y: Array, *, groups: int, **params: Any) -> Array:
    x, y = batch_all(batched, (x, y))
    members = len(x)
    return _split(kernel_of(_grouped(x), _grouped(y), groups=groups * members, **params), members)
