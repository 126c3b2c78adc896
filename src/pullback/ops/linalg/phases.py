"""The phases of complex vectors: each has one component that is real, so that they are functions of the matrix.

NumPy's vectors come from LAPACK, whose algorithms leave a certain component of each real: of ``eigh`` the first (the
last, where the upper triangle is read), of ``svd`` the first of each right vector (the left one, of a wide matrix), of
``eig`` the largest. Here this is made sure of, and derivatives keep it so: they are those of what NumPy computes. Only
where that component is 0 does a function that depends on the phase have no derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import operations
from pullback.ops.linalg.matrices import columns_times
from pullback.ops.linalg.ties import reciprocal
from pullback.ops.reduction import conjugated


def turned_real(pivots: Any, *vectors: Any) -> list[Any]:
    """Turn the columns of ``vectors``, by less than a right angle, so that ``pivots``, one for each, become real."""
    if pivots.dtype.kind != "c" or not pivots.imag.any():
        return list(vectors)
    sizes = np.copysign(np.abs(pivots), pivots.real)
    phases = np.where(sizes == 0, 1, np.conjugate(pivots) / np.where(sizes == 0, 1, sizes))
    return [x * phases[..., None, :].astype(x.dtype) for x in vectors]


def row(v: Array, place: int) -> Any:
    """Which components are real if it is those in one row, as numbers 1 and 0."""
    mask = np.zeros((v.shape[-2], 1), v.dtype)
    mask[place:][:1] = 1  # of an empty matrix none
    return mask


def _inverse(v: Array, pivots: Any) -> tuple[Array, Array]:
    """One over the real component of each column, and where that is too small to tell the phase."""
    component = operations.real((v * pivots).sum(-2))
    small = abs(component) <= np.sqrt(np.finfo(component.dtype).eps)
    return reciprocal(component, component == 0), small


def pulled(ct: Array, v: Array, pivots: Any, turning: Array, scale: Array) -> Array:
    """The cotangent of v as one of vectors whose phases are free.

    Args:
        ct: the cotangent of v.
        v: vectors, in columns.
        pivots: which component of each is kept real.
        turning: what the cotangent (of all that turns with v) says about turning each column.
        scale: of what size a ``turning`` of 0 may be, by rounding, over the square root of the accuracy.
    """
    inverse, small = _inverse(v, pivots)
    nothing = small & (abs(turning) <= np.sqrt(np.finfo(inverse.dtype).eps) * scale[..., None])
    turning = operations.where(nothing, 0, turning * inverse)
    kept: Array = ct - columns_times(operations.asarray(pivots), 1j * turning.astype(v.dtype))
    return kept


def pushed(t: Array, v: Array, pivots: Any) -> Array:
    """By how much each column has to turn, as a rate, so that its component stays real when v moves by t."""
    inverse, small = _inverse(v, pivots)
    rate = -operations.imag((t * pivots).sum(-2)) * operations.where(small, 0, inverse)
    turning: Array = 1j * rate.astype(v.dtype)
    return turning


def turning_of(ct: Array, v: Array) -> Array:
    """What the cotangent says about turning each column of v by a phase."""
    rate: Array = operations.imag((conjugated(v) * ct).sum(-2))
    return rate
