"""The functions of ``numpy.fft`` over Array, by its names and with its signatures; in short ``pullback.fft``.

>>> import pullback as pb
>>> pb.fft.rfft([1.0, 0.0, 0.0, 0.0])
array([1.+0.j, 1.+0.j, 1.+0.j])
>>> pb.grad(lambda x: abs(pb.fft.fft(x)[1]) ** 2)(pb.array([1.0, 0.0, 0.0]))
array([ 2., -1., -1.])
"""

from typing import Any as _Any

import numpy as np

from pullback.core.array import Array as _Array
from pullback.core.aval import as_index as _as_index
from pullback.core.creation import asarray as _asarray
from pullback.core.operations import operations as _operations
from pullback.errors import ArgumentError as _ArgumentError
from pullback.errors import ShapeError as _ShapeError
from pullback.ops.fourier import (
    fft,
    fft2,
    fftn,
    fftshift,
    hfft,
    ifft,
    ifft2,
    ifftn,
    ifftshift,
    ihfft,
    irfft,
    irfft2,
    irfftn,
    rfft,
    rfft2,
    rfftn,
)

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft",
    "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip


def fftfreq(n: int, d: _Any = 1.0, *, dtype: _Any = None, device: str | None = None) -> _Array:
    """Return the frequency of each element of ``fft`` of ``n`` samples, in cycles per unit of their spacing ``d``.

    The spacing may be watched. ``device`` is "cpu", the only one.

    >>> fftfreq(4, 0.5)
    array([ 0. ,  0.5, -1. , -0.5])
    """
    return _frequencies(np.fft.fftfreq, n, d, dtype, device)


def rfftfreq(n: int, d: _Any = 1.0, *, dtype: _Any = None, device: str | None = None) -> _Array:
    """Return the frequency of each element of ``rfft`` of ``n`` samples, in cycles per unit of their spacing ``d``.

    The spacing may be watched. ``device`` is "cpu", the only one.

    >>> rfftfreq(4, 0.5)
    array([0. , 0.5, 1. ])
    """
    return _frequencies(np.fft.rfftfreq, n, d, dtype, device)


def _frequencies(numpys: _Any, n: int, d: _Any, dtype: _Any, device: str | None) -> _Array:
    name = numpys.__name__
    length = _as_index(name, "n", n)
    if length < 1:
        raise _ShapeError(f"{name}: expected n of at least 1, got {length}")
    if device not in (None, "cpu"):
        raise _ArgumentError(f"{name}: expected device 'cpu', got {device!r}")
    found: _Array = _asarray(numpys(length)) / _asarray(d)
    if dtype is not None:
        found = _operations.astype(found, dtype)
    return found
