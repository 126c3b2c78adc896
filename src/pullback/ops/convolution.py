"""Convolution and correlation of sequences, two bilinear maps each of which is the other's adjoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import Bilinear, batch_all, bilinear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, integers, normal, reject
from pullback.dtypes import is_differentiable
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.permuting import flip
from pullback.ops.promotion import promoted
from pullback.ops.reduction import conjugated, reduce_sum
from pullback.ops.structural import as_arrays

_SAMPLES = [call(normal(5), normal(3)), call(normal(3), normal(3)), call(normal(2, 5), normal(2, 2))]


def _rows(combine: Callable[[Any, Any], Any], a: Any, v: Any, length: int) -> Any:
    """Combine two sequences; where there are leading axes, those of each place."""
    if a.ndim == 1:
        return combine(a, v)
    result = np.empty((*a.shape[:-1], length), np.result_type(a, v))
    for row in np.ndindex(a.shape[:-1]):
        result[row] = combine(a[row], v[row])
    return result


@bilinear(
    name="convolve",
    samples=_SAMPLES,
    rejects=[reject(ShapeError, "convolve: expected two stacks of sequences", normal(3), normal(0))],
)
def convolve_whole(a: Any, v: Any) -> Any:
    """The convolution c[k] = sum of a[i] v[k - i] along the last axis, wherever the sequences overlap."""
    _check("convolve", a, v)
    return _rows(np.convolve, a, v, a.shape[-1] + v.shape[-1] - 1)


@bilinear(
    name="slide",
    samples=_SAMPLES,
    rejects=[reject(ShapeError, "slide: expected the first sequence to be at least as long", normal(3), normal(4))],
)
def slide(a: Any, v: Any) -> Any:
    """The products c[k] = sum of a[k + i] v[i] along the last axis, of v with each part of a that is as long."""
    _check("slide", a, v)
    return _rows(lambda a, v: np.convolve(a, v[::-1], "valid"), a, v, a.shape[-1] - v.shape[-1] + 1)


def _check(operation: str, a: Any, v: Any) -> None:
    if not a.shape or not v.shape or a.shape[:-1] != v.shape[:-1] or not a.shape[-1] or not v.shape[-1]:
        raise ShapeError(f"{operation}: expected two stacks of sequences that are not empty, got {a.shape}, {v.shape}")
    if operation == "slide" and a.shape[-1] < v.shape[-1]:
        raise ShapeError(f"slide: expected the first sequence to be at least as long, got {a.shape}, {v.shape}")


def _infer(operation: str, a: Aval, v: Aval) -> Aval:
    _check(operation, a, v)
    if a.dtype != v.dtype:
        raise DTypeError(f"{operation}: expected one dtype, got {a} and {v}")
    length = a.shape[-1] + v.shape[-1] - 1 if operation == "convolve" else a.shape[-1] - v.shape[-1] + 1
    return Aval((*a.shape[:-1], length), a.dtype)


convolve_whole.infer(lambda a, v: _infer("convolve", a, v))
slide.infer(lambda a, v: _infer("slide", a, v))


@convolve_whole.transpose
def _(ct: Array, a: Array, v: Array) -> Iterator[Thunk]:
    yield lambda: slide(ct, conjugated(v))
    yield lambda: slide(ct, conjugated(a))


@slide.transpose
def _(ct: Array, a: Array, v: Array) -> Iterator[Thunk]:
    yield lambda: convolve_whole(ct, conjugated(v))
    yield lambda: slide(conjugated(a), ct)


def _batch(primitive: Bilinear, batched: Sequence[bool], a: Array, v: Array) -> Array:
    """One operation for all members. Where they share the short sequence it goes over all of them, term by term."""
    if batched[1]:
        return primitive(*batch_all(batched, (a, v)))
    if v.ndim > 1 or v.shape[-1] > a.shape[-1]:
        return primitive(*batch_all(batched, (a, v)))
    if primitive is convolve_whole:
        edge = v.shape[-1] - 1
        a = operations.pad(a, [(0, 0)] * (a.ndim - 1) + [(edge, edge)])
        v = flip(v)
    length = a.shape[-1] - v.shape[-1] + 1
    terms = operations.stack([a[..., i : i + length] for i in range(v.shape[-1])], axis=-1)
    return reduce_sum(terms * v, axes=(terms.ndim - 1,))


convolve_whole.batching(lambda batched, a, v: _batch(convolve_whole, batched, a, v))
slide.batching(lambda batched, a, v: _batch(slide, batched, a, v))


# Public functions -----------------------------------------------------------------------------------------------------

_MODES = ("valid", "same", "full")


def _operands(operation: str, a: Any, v: Any, mode: Any) -> tuple[Array, Array, str]:
    a, v = promoted(operation, *as_arrays(operation, a, v))
    for one in (a, v):
        if one.ndim > 1 or (not one.ndim and operation == "correlate"):
            raise ShapeError(f"{operation}: expected sequences with one axis, got shape {one.shape}")
        if not one.size:
            raise ShapeError(f"{operation}: expected sequences that are not empty, got none")
    if isinstance(mode, int) and not isinstance(mode, bool) and 0 <= mode <= 2:
        mode = _MODES[mode]  # as NumPy numbers them
    if mode not in _MODES:
        raise ArgumentError(f"{operation}: expected mode 'full', 'same' or 'valid', got {mode!r}")
    return operations.atleast_1d(a), operations.atleast_1d(v), mode


def _overlap(a: Array, v: Array, mode: str) -> Array:
    """The convolution of a longer sequence with a shorter one, or the part of it that ``mode`` says."""
    if mode == "valid" and is_differentiable(a.dtype):
        return slide(a, flip(v))
    whole = convolve_whole(a, v)
    if mode == "full":
        return whole
    if mode == "valid":
        return whole[v.size - 1 : a.size]
    start = (v.size - 1) // 2
    return whole[start : start + a.size]


_PUBLIC_SAMPLES = [
    call(normal(5), normal(3)),
    call(normal(2), normal(5)),
    *[call(normal(n), normal(m), mode) for n, m in ((5, 2), (3, 4), (4, 4)) for mode in ("same", "valid")],
    call(integers(-3, 3, 4), integers(-3, 3, 3), mode="full"),
    call(integers(-3, 3, 2), integers(-3, 3, 3), mode="same"),
]


def _rejects(operation: str) -> list[Any]:
    return [
        reject(ShapeError, f"{operation}: expected sequences with one axis", normal(2, 3), normal(3)),
        reject(ShapeError, f"{operation}: expected sequences that are not empty", normal(0), normal(3)),
        reject(ArgumentError, f"{operation}: expected mode 'full', 'same' or 'valid'", normal(3), normal(3), "half"),
    ]


@function(np.convolve, samples=[*_PUBLIC_SAMPLES, call(normal(), normal(3))], rejects=_rejects("convolve"))
def convolve(a: Any, v: Any, mode: Any = "full") -> Array:
    """The convolution of two sequences, c[k] = sum of a[i] v[k - i].

    Args:
        a: a sequence.
        v: another.
        mode: "full" wherever they overlap, "valid" where they overlap wholly, "same" for the middle part that is as
            long as the longer one.

    >>> convolve([1.0, 2.0, 3.0], [0.0, 1.0, 0.5])
    array([0. , 1. , 2.5, 4. , 1.5])
    """
    a, v, mode = _operands("convolve", a, v, mode)
    return _overlap(a, v, mode) if a.size >= v.size else _overlap(v, a, mode)


@function(np.correlate, samples=_PUBLIC_SAMPLES, rejects=_rejects("correlate"))
def correlate(a: Any, v: Any, mode: Any = "valid") -> Array:
    """The correlation of two sequences, c[k] = sum of a[i + k] conj(v[i]); ``mode`` as for ``convolve``.

    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5])
    array([3.5])
    """
    a, v, mode = _operands("correlate", a, v, mode)
    v = conjugated(v)
    if a.size >= v.size:
        return _overlap(a, flip(v), mode)
    return flip(_overlap(v, flip(a), mode))
