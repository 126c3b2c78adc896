"""Windows as they are, and adding them up again: what pooling is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import linear
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, reject
from pullback.errors import ShapeError
from pullback.ops.window.geometry import CORNER, LINE, Geometry, Shape


@linear(
    name="windows",
    samples=[
        call(normal(2, 5), kernel=(3,), geometry=LINE),
        call(normal(5, 4), kernel=(2, 3), geometry=CORNER),
        call(normal(7), kernel=(2,), geometry=Geometry((2,), ((0, 0),), (3,))),
    ],
    rejects=[
        reject(
            ShapeError,
            "windows: expected windows that fit",
            normal(2),
            kernel=(3,),
            geometry=LINE,
        ),
        reject(
            ShapeError,
            "windows: expected at least 2 axes, got shape (3,)",
            normal(3),
            kernel=(1, 1),
            geometry=Geometry((1, 1), ((0, 0), (0, 0)), (1, 1)),
        ),
    ],
    stacks=True,
)
def unfold(x: Any, *, kernel: Shape, geometry: Geometry) -> Any:
    """The windows of x along its last axes: (..., *windows, *kernel). Zeros are put around x."""
    shape = _infer_unfolded(x, kernel, geometry).shape
    rank = len(kernel)
    view = geometry.view(geometry.pad(x), kernel, shape[len(shape) - 2 * rank : len(shape) - rank])
    lead = x.ndim - rank
    return view.transpose((*range(lead), *range(lead + rank, lead + 2 * rank), *range(lead, lead + rank)))


def _infer_unfolded(x: Any, kernel: Shape, geometry: Geometry) -> Aval:
    lead = x.ndim - len(kernel)
    if lead < 0:
        raise ShapeError(f"windows: expected at least {len(kernel)} axes, got shape {x.shape}")
    windows = geometry.windows("windows", x.shape[lead:], kernel)
    return Aval((*x.shape[:lead], *windows, *kernel), x.dtype)


unfold.infer(_infer_unfolded)


@unfold.transpose
def _(ct: Array, x: Array, *, kernel: Shape, geometry: Geometry) -> Iterator[Thunk]:
    yield lambda: fold(ct, lengths=x.shape[x.ndim - len(kernel) :], geometry=geometry)


@linear(
    name="add_windows",
    samples=[
        call(normal(2, 3, 3), lengths=(5,), geometry=LINE),
        call(normal(3, 3, 2, 3), lengths=(5, 4), geometry=CORNER),
    ],
    rejects=[
        reject(
            ShapeError,
            "add_windows: expected (..., 3, 3), got (2, 2, 3)",
            normal(2, 2, 3),
            lengths=(5,),
            geometry=LINE,
        )
    ],
    stacks=True,
)
def fold(y: Any, *, lengths: Shape, geometry: Geometry) -> Any:
    """The adjoint of ``windows``: the windows added up where they lie on an array of these lengths."""
    shape = _infer_folded(y, lengths, geometry).shape
    rank = len(lengths)
    lead = y.ndim - 2 * rank
    windows, kernel = y.shape[lead : lead + rank], y.shape[lead + rank :]
    x = np.zeros((*shape[:lead], *geometry.padded(lengths)), y.dtype)
    for offset in np.ndindex(*kernel):
        x[(..., *geometry.places(offset, windows))] += y[(..., *offset)]
    return x[(..., *geometry.inside(lengths))]


def _infer_folded(y: Any, lengths: Shape, geometry: Geometry) -> Aval:
    rank = len(lengths)
    lead = y.ndim - 2 * rank
    if lead < 0:
        raise ShapeError(f"add_windows: expected at least {2 * rank} axes, got shape {y.shape}")
    kernel = y.shape[lead + rank :]
    windows = geometry.windows("add_windows", lengths, kernel)
    if y.shape[lead : lead + rank] != windows:
        expected = ", ".join(map(str, (*windows, *kernel)))
        raise ShapeError(f"add_windows: expected (..., {expected}), got {y.shape}")
    return Aval((*y.shape[:lead], *lengths), y.dtype)


fold.infer(_infer_folded)


@fold.transpose
def _(ct: Array, y: Array, *, lengths: Shape, geometry: Geometry) -> Iterator[Thunk]:
    yield lambda: unfold(ct, kernel=y.shape[y.ndim - len(lengths) :], geometry=geometry)
