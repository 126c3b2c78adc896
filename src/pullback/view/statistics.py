"""A value in numbers that fit into a picture: range, mean, histogram, thumbnail. Never the value itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

BINS = 24
"""The bars of a histogram."""
THUMBNAIL = 24
"""The rows and columns that a thumbnail has at most."""
NOT_FINITE = 255
"""Stands in a thumbnail for what has no place between lowest and highest."""

_BLOCK = 1 << 20  # elements that are looked at together: a large array is not copied as a whole


@dataclass(frozen=True)
class Thumbnail:
    """A matrix made small: each cell the mean of the elements that it stands for.

    Attributes:
        rows: of the thumbnail.
        columns: of the thumbnail.
        low: what the byte 0 stands for.
        high: what the byte 254 stands for; 255 stands for what is not finite.
        cells: one byte for each, row after row.
    """

    rows: int
    columns: int
    low: float
    high: float
    cells: bytes


@dataclass(frozen=True)
class Statistics:
    """What is known of an array of real numbers; of what is finite in it, but for the counts.

    Attributes:
        size: how many elements there are.
        low: the least, None where nothing is finite.
        high: the greatest.
        mean: the mean.
        std: the standard deviation.
        norm: the Euclidean norm, of a complex array too.
        nan: how many are no numbers.
        inf: how many are infinite.
        zeros: how many are zero.
        histogram: how many are in each of so many intervals of equal width from ``low`` to ``high``.
        thumbnail: of a matrix.
    """

    size: int
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    std: float | None = None
    norm: float | None = None
    nan: int = 0
    inf: int = 0
    zeros: int = 0
    histogram: tuple[int, ...] = ()
    thumbnail: Thumbnail | None = None


def statistics(value: np.ndarray[Any, Any], counted: bool = True, pictured: bool = True) -> Statistics:
    """Look at an array of numbers.

    Args:
        value: of any shape and dtype.
        counted: whether there is to be a histogram.
        pictured: whether a matrix gets a thumbnail.

    >>> found = statistics(np.array([1.0, 3.0, np.nan]))
    >>> found.low, found.high, found.mean, found.nan
    (1.0, 3.0, 2.0, 1)
    """
    if not value.size:
        return Statistics(0)
    once = value[tuple(slice(0, 1) if not step else slice(None) for step in value.strides)]
    if once.size < value.size:  # a broadcast: its elements take no memory, and are not to take any here
        found = _times(statistics(once, counted, pictured=False), value.size // once.size)
        return replace(found, thumbnail=_thumbnail(value)) if pictured and value.dtype.kind != "c" else found
    flat = value.ravel()
    size = flat.size
    with np.errstate(all="ignore"):
        if flat.dtype.kind == "c":
            finite = flat[np.isfinite(flat)]
            nan, inf = _strange(flat, finite.size)
            return Statistics(size, norm=_norm(np.abs(finite)), nan=nan, inf=inf, zeros=_zeros(flat))
        if size > _BLOCK:
            return _in_blocks(value, flat, counted, pictured)
        numbers = _finite(flat)
        nan, inf = _strange(flat, numbers.size)
        if not numbers.size:
            return Statistics(size, nan=nan, inf=inf)
        low, high = float(numbers.min()), float(numbers.max())
        mean = float(numbers.mean())
        deviations = numbers - mean
        std = float(np.sqrt(deviations.dot(deviations) / numbers.size))
        return Statistics(
            size, low, high, mean, std, _norm(numbers), nan, inf, _zeros(numbers),
            _counts(numbers, low, high) if counted else (), _thumbnail(value) if pictured else None,
        )  # fmt: skip


def _times(found: Statistics, times: int) -> Statistics:
    """The statistics of so many copies."""
    return replace(
        found,
        size=found.size * times,
        norm=found.norm * math.sqrt(times) if found.norm is not None else None,
        nan=found.nan * times,
        inf=found.inf * times,
        zeros=found.zeros * times,
        histogram=tuple(count * times for count in found.histogram),
    )


def _in_blocks(value: np.ndarray[Any, Any], flat: np.ndarray[Any, Any], counted: bool, pictured: bool) -> Statistics:
    """The same, without copies of the whole."""
    blocks = [flat[start : start + _BLOCK] for start in range(0, flat.size, _BLOCK)]
    parts = [_finite(block) for block in blocks]
    count = sum(part.size for part in parts)
    nan = sum(_strange(block, part.size)[0] for block, part in zip(blocks, parts, strict=True))
    inf = flat.size - count - nan
    parts = [part for part in parts if part.size]
    if not parts:
        return Statistics(flat.size, nan=nan, inf=inf)
    low, high = float(min(part.min() for part in parts)), float(max(part.max() for part in parts))
    mean = float(sum(part.sum() / count for part in parts))
    std = float(np.sqrt(sum(np.square(part - mean).sum() / count for part in parts)))
    norm = _norm(np.array([_norm(part) for part in parts]))
    counts = zip(*[_counts(part, low, high) for part in parts], strict=True) if counted else ()
    zeros = sum(_zeros(part) for part in parts)
    thumbnail = _thumbnail(value) if pictured else None
    return Statistics(flat.size, low, high, mean, std, norm, nan, inf, zeros, tuple(map(sum, counts)), thumbnail)


def _finite(flat: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    numbers = flat.astype(np.float64, copy=False)
    if flat.dtype.kind == "f":
        mask = np.isfinite(numbers)
        if not mask.all():
            return numbers[mask]
    return numbers


def _strange(flat: np.ndarray[Any, Any], finite: int) -> tuple[int, int]:
    """How many are no numbers, and how many infinite."""
    if finite == flat.size:
        return 0, 0
    nan = int(np.count_nonzero(np.isnan(flat)))
    return nan, flat.size - finite - nan


def _zeros(flat: np.ndarray[Any, Any]) -> int:
    return int(flat.size - np.count_nonzero(flat))


def _norm(numbers: np.ndarray[Any, Any]) -> float:
    """The Euclidean norm, also where the squares would overflow or vanish."""
    largest = float(np.abs(numbers).max(initial=0.0))
    if largest == 0.0 or 1e-100 < largest < 1e100:
        return float(np.sqrt(numbers.dot(numbers)))
    scaled = numbers / largest
    return float(largest * np.sqrt(scaled.dot(scaled)))


def _counts(numbers: np.ndarray[Any, Any], low: float, high: float) -> tuple[int, ...]:
    if low == high:
        return (numbers.size,)
    scale = high / 2 - low / 2  # the difference of the two may not be finite
    places = ((numbers / 2 - low / 2) * (BINS / scale)).astype(np.intp)
    counts: list[int] = np.bincount(np.minimum(places, BINS - 1), minlength=BINS).tolist()
    return tuple(counts)


def _thumbnail(value: np.ndarray[Any, Any]) -> Thumbnail | None:
    if value.ndim != 2 or value.size < 2:
        return None
    cells = value
    for axis, length in enumerate(value.shape):
        if length > THUMBNAIL:
            starts = np.arange(THUMBNAIL) * length // THUMBNAIL
            widths = np.diff(starts, append=length)
            cells = np.add.reduceat(cells, starts, axis=axis, dtype=np.float64)
            cells = cells / (widths[:, None] if axis == 0 else widths)
    cells = cells.astype(np.float64)
    finite = np.isfinite(cells)
    if not finite.any():
        low = high = 0.0
    else:
        low, high = float(cells[finite].min()), float(cells[finite].max())
    scale = high / 2 - low / 2
    places = (cells / 2 - low / 2) / (scale or 1.0) * (NOT_FINITE - 1)
    levels = np.where(finite, np.rint(np.where(finite, places, 0.0)), NOT_FINITE).astype(np.uint8)
    rows, columns = levels.shape
    return Thumbnail(rows, columns, low, high, levels.tobytes())
