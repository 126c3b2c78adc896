"""Places for what a drawing shows: how much room each text needs, and the layout that gives it."""

from __future__ import annotations

from pullback.view import nesting
from pullback.view.labels import Drawing, Frame, Line, Shape
from pullback.view.layout import Box, Edge, Spacing
from pullback.view.measure import text_width

NAME, VALUE, GRADIENT, LABEL, FRAME = 14.0, 14.0, 12.5, 11.5, 12.5
"""Sizes of letters."""

PILE = 4.0
PADDING = 13.0

SMALL = 12
"""A drawing of up to so many shapes has room to spare, and its inputs stand below each other."""


def place(drawing: Drawing) -> nesting.Nested:
    """Give every shape, line, label and frame of the drawing its place."""
    boxes = [extent(shape) for shape in drawing.shapes]
    edges = [Edge(line.source, line.target, label_extent(line)) for line in drawing.lines]
    small = len(boxes) <= SMALL
    spacing = Spacing(between=22.0, layers=20.0) if small else Spacing(between=14.0, layers=13.0)
    frames = [nesting.Frame(frame.parent, frame_width(frame)) for frame in drawing.frames]
    return nesting.lay_out_nested(boxes, edges, drawing.homes, frames, align_sources=small, spacing=spacing)


def frame_width(frame: Frame) -> float:
    """The width that the name of a frame needs."""
    return text_width(frame.name, FRAME, bold=True) + text_width(frame.rest, FRAME) + 2 * PADDING


def heading_width(shape: Shape) -> float:
    """The width of the line with the name."""
    return text_width(shape.name, NAME, bold=True) + text_width(shape.rest, NAME)


def body_width(shape: Shape) -> float:
    """The width of the shape itself, without what stands below it."""
    return max(heading_width(shape), text_width(shape.value, VALUE, bold=True), 34.0) + 2 * PADDING


def half_height(shape: Shape) -> float:
    """Half the height of the shape itself."""
    return 25.0 if shape.value else 16.0


def extent(shape: Shape) -> Box:
    """The room that a shape needs, with what stands below it."""
    body = body_width(shape)
    under = text_width(shape.gradient, GRADIENT) + 22.0 if shape.gradient else 0.0
    half = half_height(shape)
    pile = 2 * PILE if shape.copies > 1 else 0.0
    return Box(max(body + 2 * pile, under), half + pile, half + (24.0 if shape.gradient else 0.0), body)


def label_extent(line: Line) -> Box | None:
    """The room that the label of a line needs; None if it has none."""
    return Box(text_width(line.label, LABEL) + 10.0, 9.0, 9.0) if line.label else None
