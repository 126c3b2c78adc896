"""Windows along one axis as windows along two: all is written for planes, of which a line is one."""

from __future__ import annotations

from typing import TypeVar

from pullback.compiler.convolution.layout import Side
from pullback.compiler.views import View
from pullback.ops.window.geometry import Geometry

T = TypeVar("T")


def planar_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with two axes after the first two: an axis of length 1 is added where there is only one."""
    return shape if len(shape) == 4 else (*shape[:2], 1, *shape[2:])


def planar(view: View) -> View:
    """The view with two axes after the first two."""
    if len(view.shape) == 4:
        return view
    strides = (*view.strides[:2], view.strides[2] * view.shape[2], view.strides[2])
    return View(view.buffer, view.offset, strides, planar_shape(view.shape))


def planar_pairs(given: tuple[T, ...], none: T) -> tuple[T, T]:
    """What a geometry says for two axes."""
    return (given[0], given[1]) if len(given) == 2 else (none, given[0])


def sides_of(lengths: tuple[int, ...], geometry: Geometry) -> tuple[Side, Side]:
    """The last two axes of images, as the windows of a geometry see them."""
    found = [
        Side(length, before, before + length + after, stride)
        for length, (before, after), stride in zip(
            lengths, planar_pairs(geometry.padding, (0, 0)), planar_pairs(geometry.strides, 1), strict=True
        )
    ]
    return found[0], found[1]
