"""Parts of complex numbers. Linear over the reals, not over the complex numbers: transposes are by Re<a, b>."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import general, linear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, points, reject, values
from pullback.dtypes import real_dtype
from pullback.errors import DTypeError, ShapeError
from pullback.ops.structural import as_array

_COMPLEX = [points(1.0 + 2.0j, -0.5j, -3.0 + 1.0j), values(0j, complex(np.inf, 1.0), complex(np.nan, 0.0))]
_EITHER = [normal(3, 4), normal(), *_COMPLEX]


def _real_result(operation: str, x: Aval) -> Aval:
    return Aval(x.shape, real_dtype(_complex_result(operation, x).dtype))


def _complex_result(operation: str, x: Aval) -> Aval:
    if x.dtype.kind != "c":
        raise DTypeError(f"{operation}: expected a complex dtype, got {x.dtype}")
    return x


@linear(name="real", samples=_COMPLEX, stacks=True)
def real_part(x: Any) -> Any:
    """The real part of a complex array."""
    return np.real(x)


@real_part.infer
def _(x: Aval) -> Aval:
    return _real_result("real", x)


@real_part.transpose
def _(ct: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: operations.astype(ct, x.dtype)


@function(np.real, samples=_EITHER, rejects=[reject(DTypeError, "real: expected an array or a number, got str", "a")])
def real(val: Any) -> Array:
    """The real part, elementwise; a real array is returned as it is.

    >>> real(1.0 + 2.0j)
    array(1.)
    """
    val = as_array("real", val)
    return real_part(val) if val.dtype.kind == "c" else val


@linear(name="imag", samples=_COMPLEX, stacks=True)
def imaginary_part(x: Any) -> Any:
    """The imaginary part of a complex array."""
    return np.imag(x)


@imaginary_part.infer
def _(x: Aval) -> Aval:
    return _real_result("imag", x)


@imaginary_part.transpose
def _(ct: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: complex_of(operations.zeros_like(ct), ct)


@function(np.imag, samples=_EITHER, rejects=[reject(DTypeError, "imag: expected an array or a number, got str", "a")])
def imag(val: Any) -> Array:
    """The imaginary part, elementwise; zeros for a real array.

    >>> imag(1.0 + 2.0j)
    array(2.)
    """
    val = as_array("imag", val)
    result: Array = imaginary_part(val) if val.dtype.kind == "c" else operations.zeros_like(val)
    return result


@linear(
    name="complex",
    samples=[call(normal(3, 4), normal(3, 4)), call(values(np.inf, 0.0), values(0.0, np.nan))],
    rejects=[reject(ShapeError, "complex: expected two arrays of one shape", normal(3), normal(4))],
    stacks=True,
)
def complex_of(re: Any, im: Any) -> Any:
    """The complex array with this real and this imaginary part, real arrays of one shape and dtype."""
    if np.iscomplexobj(re) or np.iscomplexobj(im):
        raise TypeError("parts are real")  # assigning would discard their imaginary parts
    result = np.empty(np.shape(re), np.result_type(re, np.complex64))
    result.real, result.imag = re, im
    return result


@complex_of.infer
def _(re: Aval, im: Aval) -> Aval:
    if re != im or re.dtype.kind != "f":
        raise ShapeError(f"complex: expected two arrays of one shape and floating dtype, got {re} and {im}")
    return Aval(re.shape, np.result_type(re.dtype, np.complex64))


@complex_of.transpose
def _(ct: Array, re: Array, im: Array) -> Iterator[Thunk]:
    yield lambda: real_part(ct)
    yield lambda: imaginary_part(ct)


@linear(name="conjugate", samples=_COMPLEX, stacks=True)
def conjugate_complex(x: Any) -> Any:
    """The complex conjugate of a complex array."""
    return np.conjugate(x)


@conjugate_complex.infer
def _(x: Aval) -> Aval:
    return _complex_result("conjugate", x)


@conjugate_complex.transpose
def _(ct: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: conjugate_complex(ct)


@function(
    np.conjugate,
    samples=_EITHER,
    rejects=[reject(DTypeError, "conjugate: expected an array or a number, got str", "a")],
)
def conjugate(x: Any) -> Array:
    """The complex conjugate, elementwise; a real array is returned as it is.

    >>> conjugate(1.0 + 2.0j)
    array(1.-2.j)
    """
    x = as_array("conjugate", x)
    if x.dtype.kind == "c":
        return conjugate_complex(x)
    return operations.astype(x, np.int8) if x.dtype.kind == "b" else x  # NumPy has no boolean conjugate


@function(
    np.angle,
    samples=[*_EITHER, call(normal(3), deg=True), call(points(1.0 + 2.0j, -3.0 - 1.0j), True)],
    rejects=[reject(DTypeError, "angle: expected an array or a number, got str", "a")],
)
def angle(z: Any, deg: bool = False) -> Array:
    """The angle of a complex number from -pi to pi, in degrees if ``deg``; 0 or pi for a real one. [DLMF 4.2]

    >>> angle(1.0j, deg=True)
    array(90.)
    """
    z = as_array("angle", z)
    radians: Array = operations.arctan2(imag(z) if z.dtype.kind == "c" else 0, real(z))
    return radians * (180 / np.pi) if deg else radians


@general(name="modulus", samples=_COMPLEX, stacks=True)
def modulus(x: Any) -> Any:
    """The absolute value of a complex array, real. The gradient is x / abs(x), and 0 at 0."""
    return np.absolute(x)


@modulus.infer
def _(x: Aval) -> Aval:
    return _real_result("absolute", x)


@modulus.define_vjp
def _(ct: Array, out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: ct * complex_sign(x)


@modulus.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array) -> Array:
    return real_part(conjugate_complex(complex_sign(x)) * tangents[0])


@general(name="complex_sign", samples=_COMPLEX, stacks=True)
def complex_sign(x: Any) -> Any:
    """Divide a complex array by its absolute value; 0 at 0."""
    return np.sign(x)


@complex_sign.infer
def _(x: Aval) -> Aval:
    return _complex_result("sign", x)


def _across(t: Array, out: Array, x: Array) -> Array:
    """The part of t at right angles to x, over abs(x); 0 at x = 0. A symmetric map: it is its own transpose."""
    along = real_part(conjugate_complex(out) * t)
    radius = modulus(x)
    across: Array = (t - out * along) / operations.where(radius == 0, np.inf, radius)
    return across


@complex_sign.define_vjp
def _(ct: Array, out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: _across(ct, out, x)


@complex_sign.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array) -> Array:
    return _across(tangents[0], out, x)
