"""Discrete Fourier transforms: of complex arrays, of real ones, and all functions of ``numpy.fft``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, as_index, normalize_axes, normalize_axis
from pullback.core.families import linear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, points, reject
from pullback.core.terminals import constant_node
from pullback.dtypes import real_dtype
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.indexing import cut, whole
from pullback.ops.repeating import pad_zeros
from pullback.ops.structural import as_array, astype

# The scale of a transform is said as NumPy says it: "backward" divides by n in the inverse transform only, "forward"
# in the forward transform only, "ortho" by the root of n in both. The adjoint of a transform is the transform the
# other way with the scale that it had itself, so its name is the other one.
_ADJOINT_SCALE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


# The primitives -------------------------------------------------------------------------------------------------------


@linear(
    name="fft",
    samples=[
        call(points(1.0 + 2.0j, -0.5j, 3.0), axes=(0,), inverse=False, norm="backward"),
        call(points([1.0 + 2.0j, -0.5j, 3.0], [0.5, 1.0j, -2.0]), axes=(0, 1), inverse=True, norm="ortho"),
        call(points([1.0 + 2.0j, -0.5j, 3.0, 1.0]), axes=(1,), inverse=True, norm="backward"),
        call(points([1.0 + 2.0j, -0.5j, 3.0, 1.0]), axes=(0, 1), inverse=False, norm="forward"),
    ],
    rejects=[
        reject(DTypeError, "fft: expected a complex dtype", normal(3), axes=(0,), inverse=False, norm="backward"),
        reject(
            ShapeError,
            "fft: expected at least one element along axis 0",
            np.zeros(0, complex),
            axes=(0,),
            inverse=False,
            norm="backward",
        ),
    ],
    axis_params=("axes",),
)
def transform(x: Any, *, axes: tuple[int, ...], inverse: bool, norm: str) -> Any:
    """Discrete Fourier transform of a complex array along ``axes``, or the ``inverse`` one."""
    _check_complex("fft", x)
    if len(axes) == 1:
        return (np.fft.ifft if inverse else np.fft.fft)(x, axis=axes[0], norm=norm)  # type: ignore[arg-type]
    return (np.fft.ifftn if inverse else np.fft.fftn)(x, axes=axes, norm=norm)  # type: ignore[arg-type]


def _check_complex(operation: str, x: Any) -> None:
    if x.dtype.kind != "c":
        raise DTypeError(f"{operation}: expected a complex dtype, got {x.dtype}")


def _check_length(operation: str, shape: tuple[int, ...], axis: int) -> None:
    if not shape[axis]:
        raise ShapeError(f"{operation}: expected at least one element along axis {axis}, got shape {shape}")


@transform.infer
def _(x: Aval, *, axes: tuple[int, ...], inverse: bool, norm: str) -> Aval:
    _check_complex("fft", x)
    for axis in axes:
        _check_length("fft", x.shape, axis)
    return x


@transform.transpose
def _(ct: Array, x: Array, *, axes: tuple[int, ...], inverse: bool, norm: str) -> Iterator[Thunk]:
    yield lambda: transform(ct, axes=axes, inverse=not inverse, norm=_ADJOINT_SCALE[norm])


@linear(
    name="rfft",
    samples=[
        call(normal(5), axis=0, norm="backward"),
        call(normal(3, 4), axis=1, norm="ortho"),
        call(normal(1, 3), axis=0, norm="forward"),
    ],
    rejects=[
        reject(DTypeError, "rfft: expected a real floating dtype, got int64", np.arange(3), axis=0, norm="ortho"),
        reject(ShapeError, "rfft: expected at least one element along axis 0", normal(0), axis=0, norm="ortho"),
    ],
    axis_params=("axis",),
)
def transform_real(x: Any, *, axis: int, norm: str) -> Any:
    """Discrete Fourier transform of a real array along ``axis``, up to the middle: the rest are the conjugates."""
    if x.dtype.kind != "f":
        raise DTypeError(f"rfft: expected a real floating dtype, got {x.dtype}")
    return np.fft.rfft(x, axis=axis, norm=norm)  # type: ignore[arg-type]


@transform_real.infer
def _(x: Aval, *, axis: int, norm: str) -> Aval:
    if x.dtype.kind != "f":
        raise DTypeError(f"rfft: expected a real floating dtype, got {x.dtype}")
    _check_length("rfft", x.shape, axis)
    return Aval((*x.shape[:axis], x.shape[axis] // 2 + 1, *x.shape[axis + 1 :]), np.result_type(x.dtype, np.complex64))


@transform_real.transpose
def _(ct: Array, x: Array, *, axis: int, norm: str) -> Iterator[Thunk]:
    # The inverse transform counts every frequency but the first and the middle one twice; its adjoint does not.
    n = x.shape[axis]

    def by_x() -> Array:
        halved: Array = ct * (1 / _multiplicity(n, axis, ct))
        return to_real(halved, axis=axis, n=n, norm=_ADJOINT_SCALE[norm])

    yield by_x


@linear(
    name="irfft",
    samples=[
        call(points(1.0 + 2.0j, -0.5j, 3.0 + 1.0j), axis=0, n=4, norm="backward"),
        call(points(1.0 + 2.0j, -0.5j, 3.0 + 1.0j), axis=0, n=5, norm="ortho"),
        call(points([1.0 + 2.0j], [-0.5j], [3.0 + 1.0j]), axis=1, n=1, norm="forward"),
    ],
    rejects=[
        reject(DTypeError, "irfft: expected a complex dtype", normal(3), axis=0, n=4, norm="ortho"),
        reject(ShapeError, "irfft: expected 3 elements along axis 0", np.ones(2, complex), axis=0, n=4, norm="ortho"),
    ],
    axis_params=("axis",),
)
def to_real(x: Any, *, axis: int, n: int, norm: str) -> Any:
    """The real array, ``n`` long along ``axis``, of which x is the discrete Fourier transform up to the middle."""
    _check_half(x, axis, n)
    return np.fft.irfft(x, n, axis=axis, norm=norm)  # type: ignore[arg-type]


def _check_half(x: Any, axis: int, n: int) -> None:
    _check_complex("irfft", x)
    if x.shape[axis] != n // 2 + 1:
        raise ShapeError(
            f"irfft: expected {n // 2 + 1} elements along axis {axis} for a result of length {n}, got shape {x.shape}"
        )


@to_real.infer
def _(x: Aval, *, axis: int, n: int, norm: str) -> Aval:
    _check_half(x, axis, n)
    return Aval((*x.shape[:axis], n, *x.shape[axis + 1 :]), real_dtype(x.dtype))


@to_real.transpose
def _(ct: Array, x: Array, *, axis: int, n: int, norm: str) -> Iterator[Thunk]:
    yield lambda: transform_real(ct, axis=axis, norm=_ADJOINT_SCALE[norm]) * _multiplicity(n, axis, x)


def _multiplicity(n: int, axis: int, x: Array) -> Array:
    """How often each frequency of the half transform x stands in the whole one: twice, but for the first and middle."""
    counts = np.full(n // 2 + 1, 2, real_dtype(x.dtype))
    counts[0] = 1
    if n % 2 == 0:
        counts[-1] = 1
    return Array(constant_node(counts.reshape(-1, *(1,) * (x.ndim - axis - 1))))


# What the public functions share --------------------------------------------------------------------------------------


def _scale(operation: str, norm: Any) -> str:
    if norm is None:
        return "backward"
    if norm not in _ADJOINT_SCALE:
        raise ArgumentError(f"{operation}: expected norm to be 'backward', 'ortho' or 'forward', got {norm!r}")
    return str(norm)


def _length(operation: str, n: Any) -> int:
    length = as_index(operation, "n", n)
    if length < 1:
        raise ShapeError(f"{operation}: expected a length of at least 1, got {length}")
    return length


def _resized(x: Array, axis: int, n: int) -> Array:
    """Cut x along ``axis``, or pad it with zeros, to the length ``n``."""
    length = x.shape[axis]
    if n < length:
        return cut(x, index=(*whole(x.shape[:axis]), (0, n, 1)))
    if n > length:
        return pad_zeros(x, widths=tuple((0, n - length if i == axis else 0) for i in range(x.ndim)))
    return x


def _as_complex(x: Array) -> Array:
    if x.dtype.kind == "c":
        return x
    return astype(x, np.result_type(_as_real(x).dtype, np.complex64))


def _as_real(x: Array) -> Array:
    """An array of integers as the floating one that NumPy makes of it."""
    return x if x.dtype.kind in "fc" else astype(x, np.float64)


def _axes(operation: str, x: Array, s: Any, axes: Any, default: int | None = None) -> list[tuple[int, int]]:
    """The axes to transform, each with the length that it is to have."""
    if axes is None:
        axes = range(x.ndim) if s is None else range(-len(s), 0)
    axes = [normalize_axis(operation, axis, x.ndim) for axis in axes]
    if default is not None and len(axes) != default:
        raise ShapeError(f"{operation}: expected {default} axes, got {len(axes)}")
    lengths = [None] * len(axes) if s is None else list(s)
    if len(lengths) != len(axes):
        raise ShapeError(f"{operation}: expected s= and axes= of one length, got {len(lengths)} and {len(axes)}")
    return [
        (axis, x.shape[axis] if n is None or n == -1 else _length(operation, n))
        for axis, n in zip(axes, lengths, strict=True)
    ]


def _one(operation: str, a: Any, n: Any, axis: Any) -> tuple[Array, int, int]:
    """The operand, the axis to transform, and the length that it is to have."""
    x = as_array(operation, a)
    axis = normalize_axis(operation, axis, x.ndim)
    return x, axis, x.shape[axis] if n is None else _length(operation, n)


def _complex_transform(operation: str, x: Array, axes: Sequence[tuple[int, int]], inverse: bool, norm: Any) -> Array:
    scale = _scale(operation, norm)
    for axis, n in axes:
        x = _resized(x, axis, n)
        _check_length(operation, x.shape, axis)
    x = _as_complex(x)
    numbers = tuple(axis for axis, _ in axes)
    if len(set(numbers)) == len(numbers):
        return transform(x, axes=numbers, inverse=inverse, norm=scale) if numbers else x
    for axis in reversed(numbers):  # one axis may be named twice: it is then transformed twice
        x = transform(x, axes=(axis,), inverse=inverse, norm=scale)
    return x


def _real_transform(operation: str, x: Array, axes: Sequence[tuple[int, int]], norm: Any) -> Array:
    """Transform a real array along the last of ``axes`` up to the middle, along the others whole."""
    if x.dtype.kind == "c":
        raise DTypeError(f"{operation}: expected a real array, got {x.dtype}. Use fft")
    scale = _scale(operation, norm)
    if not axes:
        raise ShapeError(f"{operation}: expected at least one axis")
    (axis, n), others = axes[-1], axes[:-1]
    x = _resized(_as_real(x), axis, n)
    _check_length(operation, x.shape, axis)
    half = transform_real(x, axis=axis, norm=scale)
    return _complex_transform(operation, half, others, False, scale) if others else half


def _to_real(operation: str, x: Array, axes: Sequence[tuple[int, int]], norm: Any) -> Array:
    """The inverse of ``_real_transform``; the last of ``axes`` has the length of the result."""
    scale = _scale(operation, norm)
    if not axes:
        raise ShapeError(f"{operation}: expected at least one axis")
    (axis, n), others = axes[-1], axes[:-1]
    half = x.dtype == np.float16 and not others  # of this one NumPy keeps the precision
    x = _complex_transform(operation, x, others, True, scale) if others else _as_complex(x)
    _check_length(operation, x.shape, axis)
    result = to_real(_resized(x, axis, n // 2 + 1), axis=axis, n=n, norm=scale)
    return astype(result, np.float16) if half else result


def _full_length(operation: str, x: Array, axis: int, n: Any) -> int:
    """The length of the real array that a half transform belongs to, an even one unless it is given."""
    length = 2 * (x.shape[axis] - 1) if n is None or n == -1 else as_index(operation, "n", n)
    return _length(operation, length)


# One axis -------------------------------------------------------------------------------------------------------------

_LINE = [
    normal(5),
    call(normal(3, 4), n=6, axis=0, norm="ortho"),
    call(normal(3, 4), 2, norm="forward"),
    call(points(1.0 + 2.0j, -0.5j, 3.0)),
]


def _line_rejects(name: str) -> list[Any]:
    return [
        reject(ShapeError, f"{name}: axis 1 is out of range", normal(3), axis=1),
        reject(ArgumentError, f"{name}: expected norm to be 'backward', 'ortho' or 'forward'", normal(3), norm="x"),
        reject(ShapeError, f"{name}: expected a length of at least 1, got 0", normal(3), 0),
    ]


@function(
    np.fft.fft,
    samples=_LINE,
    rejects=[*_line_rejects("fft"), reject(ShapeError, "fft: expected at least one element", normal(0))],
)
def fft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Array:
    """Discrete Fourier transform along ``axis``, of length ``n``: a is cut or padded with zeros to it.

    >>> fft([1.0, 0.0, 0.0])
    array([1.+0.j, 1.+0.j, 1.+0.j])
    """
    x, axis, n = _one("fft", a, n, axis)
    return _complex_transform("fft", x, [(axis, n)], False, norm)


@function(np.fft.ifft, samples=_LINE, rejects=_line_rejects("ifft"))
def ifft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Array:
    """Inverse discrete Fourier transform along ``axis``.

    >>> ifft([3.0, 0.0, 0.0])
    array([1.+0.j, 1.+0.j, 1.+0.j])
    """
    x, axis, n = _one("ifft", a, n, axis)
    return _complex_transform("ifft", x, [(axis, n)], True, norm)


_REAL_LINE = [normal(5), normal(1), call(normal(3, 4), n=6, axis=0, norm="ortho"), call(normal(3, 4), 2)]


@function(
    np.fft.rfft,
    samples=_REAL_LINE,
    rejects=[*_line_rejects("rfft"), reject(DTypeError, "rfft: expected a real array", points(1j, 2.0))],
)
def rfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Array:
    """Discrete Fourier transform of a real array along ``axis``, up to the middle frequency.

    >>> rfft([1.0, 0.0, 0.0, 0.0])
    array([1.+0.j, 1.+0.j, 1.+0.j])
    """
    x, axis, n = _one("rfft", a, n, axis)
    return _real_transform("rfft", x, [(axis, n)], norm)


@function(
    np.fft.irfft,
    samples=[
        call(points(1.0 + 2.0j, -0.5j, 3.0 + 1.0j)),
        call(points(1.0 + 2.0j, -0.5j, 3.0 + 1.0j), 5, norm="ortho"),
        call(normal(3, 4), 3, axis=0),
        call(normal(3, 4), 8, norm="forward"),
    ],
    rejects=[
        *_line_rejects("irfft"),
        reject(ShapeError, "irfft: expected a length of at least 1, got 0", np.ones(1, complex)),
    ],
)
def irfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Array:
    """The real array of length ``n`` (by default even) of which a is the transform up to the middle frequency.

    >>> irfft([1.0, 1.0, 1.0])
    array([1., 0., 0., 0.])
    """
    x, axis, _ = _one("irfft", a, None, axis)
    return _to_real("irfft", x, [(axis, _full_length("irfft", x, axis, n))], norm)


def _opposite(operation: str, norm: Any) -> str:
    return _ADJOINT_SCALE[_scale(operation, norm)]


@function(
    np.fft.hfft,
    samples=[call(points(1.0 + 2.0j, -0.5j, 3.0 + 1.0j)), call(normal(3, 4), 5, axis=0, norm="ortho")],
    rejects=_line_rejects("hfft"),
)
def hfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Array:
    """Discrete Fourier transform, real, of an array of which a is the first half, the other being its conjugate.

    >>> hfft([1.0, 1.0, 1.0])
    array([4., 0., 0., 0.])
    """
    x, axis, _ = _one("hfft", a, None, axis)
    length = _full_length("hfft", x, axis, n)
    return _to_real("hfft", operations.conjugate(x), [(axis, length)], _opposite("hfft", norm))


@function(np.fft.ihfft, samples=_REAL_LINE, rejects=_line_rejects("ihfft"))
def ihfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Array:
    """The first half of the array of which the real array a is the discrete Fourier transform.

    >>> ihfft([4.0, 0.0, 0.0, 0.0])
    array([1.-0.j, 1.-0.j, 1.-0.j])
    """
    x, axis, n = _one("ihfft", a, n, axis)
    half: Array = operations.conjugate(_real_transform("ihfft", x, [(axis, n)], _opposite("ihfft", norm)))
    return half


# Several axes ---------------------------------------------------------------------------------------------------------


_GRID = [
    normal(3, 4),
    call(normal(2, 3, 4), axes=(0, 2), norm="ortho"),
    call(normal(3, 4), s=(2, 5), axes=(0, 1), norm="forward"),
    call(points([1.0 + 2.0j, -0.5j], [3.0, 0.5])),
]
_REAL_GRID = [normal(3, 4), call(normal(2, 3, 5), axes=(0, 2), norm="ortho"), call(normal(3, 4), s=(2, 5), axes=(0, 1))]


def _grid_rejects(name: str) -> list[Any]:
    return [
        reject(ShapeError, f"{name}: axis 2 is out of range", normal(3, 3), axes=(0, 2)),
        reject(
            ShapeError, f"{name}: expected s= and axes= of one length, got 1 and 2", normal(3, 3), s=(2,), axes=(0, 1)
        ),
        reject(ArgumentError, f"{name}: expected norm to be", normal(3, 3), norm="x"),
    ]


@function(np.fft.fftn, samples=_GRID, rejects=_grid_rejects("fftn"))
def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Array:
    """Discrete Fourier transform over ``axes`` (None: all), each made as long as ``s`` says.

    >>> fftn([[1.0, 0.0], [0.0, 0.0]])
    array([[1.+0.j, 1.+0.j],
           [1.+0.j, 1.+0.j]])
    """
    x = as_array("fftn", a)
    return _complex_transform("fftn", x, _axes("fftn", x, s, axes), False, norm)


@function(np.fft.fft2, samples=_GRID, rejects=_grid_rejects("fft2"))
def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Array:
    """Discrete Fourier transform over two axes, each made as long as ``s`` says.

    >>> fft2([[1.0, 0.0], [0.0, 0.0]])
    array([[1.+0.j, 1.+0.j],
           [1.+0.j, 1.+0.j]])
    """
    x = as_array("fft2", a)
    return _complex_transform("fft2", x, _axes("fft2", x, s, axes), False, norm)


@function(np.fft.ifftn, samples=_GRID, rejects=_grid_rejects("ifftn"))
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Array:
    """Inverse discrete Fourier transform over ``axes`` (None: all), each made as long as ``s`` says.

    >>> ifftn([[4.0, 0.0], [0.0, 0.0]])
    array([[1.+0.j, 1.+0.j],
           [1.+0.j, 1.+0.j]])
    """
    x = as_array("ifftn", a)
    return _complex_transform("ifftn", x, _axes("ifftn", x, s, axes), True, norm)


@function(np.fft.ifft2, samples=_GRID, rejects=_grid_rejects("ifft2"))
def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Array:
    """Inverse discrete Fourier transform over two axes, each made as long as ``s`` says.

    >>> ifft2([[4.0, 0.0], [0.0, 0.0]])
    array([[1.+0.j, 1.+0.j],
           [1.+0.j, 1.+0.j]])
    """
    x = as_array("ifft2", a)
    return _complex_transform("ifft2", x, _axes("ifft2", x, s, axes), True, norm)


@function(
    np.fft.rfftn,
    samples=_REAL_GRID,
    rejects=[
        *_grid_rejects("rfftn"),
        reject(DTypeError, "rfftn: expected a real array", np.ones((2, 2), complex)),
    ],
)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Array:
    """Discrete Fourier transform of a real array over ``axes`` (None: all), along the last of them up to the middle.

    >>> rfftn([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    array([[1.+0.j, 1.+0.j],
           [1.+0.j, 1.+0.j]])
    """
    x = as_array("rfftn", a)
    return _real_transform("rfftn", x, _axes("rfftn", x, s, axes), norm)


@function(
    np.fft.irfftn,
    samples=[
        normal(3, 4),
        call(normal(2, 3, 4), axes=(0, 2), norm="ortho"),
        call(points([1.0 + 2.0j, -0.5j], [3.0, 0.5]), s=(3, 3), axes=(0, 1)),
    ],
    rejects=[
        *_grid_rejects("irfftn"),
        reject(ShapeError, "irfftn: expected a length for at least one axis", normal(2, 2), s=()),
    ],
)
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Array:
    """The real array of which a is the transform over ``axes`` (None: all), along the last of them up to the middle.

    >>> irfftn([[1.0, 1.0], [1.0, 1.0]])
    array([[1., 0.],
           [0., 0.]])
    """
    x = as_array("irfftn", a)
    last = None
    if s is not None:
        if not len(s):
            raise ShapeError("irfftn: expected a length for at least one axis, got s=()")
        s, last = [*s[:-1], None], s[-1]
    pairs = _axes("irfftn", x, s, axes)
    if pairs:
        axis = pairs[-1][0]
        pairs[-1] = (axis, _full_length("irfftn", x, axis, last))
    return _to_real("irfftn", x, pairs, norm)


@function(
    np.fft.rfft2,
    samples=_REAL_GRID,
    rejects=[
        *_grid_rejects("rfft2"),
        reject(DTypeError, "rfft2: expected a real array", np.ones((2, 2), complex)),
    ],
)
def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Array:
    """Discrete Fourier transform of a real array over two axes, along the last of them up to the middle.

    >>> rfft2([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    array([[1.+0.j, 1.+0.j],
           [1.+0.j, 1.+0.j]])
    """
    x = as_array("rfft2", a)
    return _real_transform("rfft2", x, _axes("rfft2", x, s, axes), norm)


@function(
    np.fft.irfft2,
    samples=[
        normal(3, 4),
        call(normal(2, 3, 4), axes=(0, 2), norm="ortho"),
        call(points([1.0 + 2.0j, -0.5j], [3.0, 0.5]), s=(3, 3), axes=(0, 1)),
    ],
    rejects=_grid_rejects("irfft2"),
)
def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Array:
    """The real array of which a is the transform over two axes, along the last of them up to the middle.

    >>> irfft2([[1.0, 1.0], [1.0, 1.0]])
    array([[1., 0.],
           [0., 0.]])
    """
    x = as_array("irfft2", a)
    pairs = _axes("irfft2", x, None if s is None else [*list(s)[:-1], None], axes)
    if pairs:
        axis = pairs[-1][0]
        pairs[-1] = (axis, _full_length("irfft2", x, axis, None if s is None else list(s)[-1]))
    return _to_real("irfft2", x, pairs, norm)


# The order of the frequencies -----------------------------------------------------------------------------------------


_SHIFTS = [normal(5), normal(4), call(normal(3, 4), axes=1), call(normal(3, 4), axes=(0, 1)), normal(2, 3)]


@function(
    np.fft.fftshift,
    samples=_SHIFTS,
    rejects=[reject(ShapeError, "fftshift: axis 1 is out of range", normal(3), axes=1)],
)
def fftshift(x: Any, axes: Any = None) -> Array:
    """The frequency zero moved to the middle of ``axes`` (None: all).

    >>> fftshift([0.0, 1.0, -2.0, -1.0])
    array([-2., -1.,  0.,  1.])
    """
    x = as_array("fftshift", x)
    axes = normalize_axes("fftshift", axes, x.ndim)
    shifted: Array = operations.roll(x, tuple(x.shape[axis] // 2 for axis in axes), axes)
    return shifted


@function(
    np.fft.ifftshift,
    samples=_SHIFTS,
    rejects=[reject(ShapeError, "ifftshift: axis 1 is out of range", normal(3), axes=1)],
)
def ifftshift(x: Any, axes: Any = None) -> Array:
    """What ``fftshift`` moved, moved back.

    >>> ifftshift([-2.0, -1.0, 0.0, 1.0])
    array([ 0.,  1., -2., -1.])
    """
    x = as_array("ifftshift", x)
    axes = normalize_axes("ifftshift", axes, x.ndim)
    shifted: Array = operations.roll(x, tuple(-(x.shape[axis] // 2) for axis in axes), axes)
    return shifted
