"""Polynomials by their coefficients, the highest power first: NumPy's polyval, polyfit, roots and their kin."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import as_index
from pullback.core.operations import function, operations
from pullback.core.sample import call, distinct, integers, normal, points, positive, reject, values
from pullback.core.terminals import scalar_node
from pullback.dtypes import is_differentiable
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.convolution import convolve, convolve_whole
from pullback.ops.cumulative import cumprod
from pullback.ops.joining import concatenate
from pullback.ops.permuting import flip
from pullback.ops.promotion import promoted
from pullback.ops.structural import as_array, as_arrays, astype, atleast_1d, broadcast_to, expand_dims, reshape


def _coefficients(operation: str, p: Any) -> Array:
    """Coefficients along one axis."""
    if isinstance(p, np.poly1d):
        raise DTypeError(f"{operation}: expected an array of coefficients, got poly1d. Give its .coeffs")
    p = atleast_1d(as_array(operation, p))
    if p.ndim != 1:
        raise ShapeError(f"{operation}: expected coefficients with one axis, got shape {p.shape}")
    return p


def _zeros(count: int, like: Array) -> Array:
    return Array(scalar_node(0, (count,), like.dtype))


_POLY1D = np.poly1d([1.0, 2.0])


@function(
    np.polyval,
    samples=[
        call(normal(4), normal(2, 3)),
        call(normal(3), 0.5),
        call(normal(2, 3), normal(3)),
        call(integers(0, 4, 3), integers(0, 4, 2)),
        call(values(), normal(2)),
    ],
    rejects=[
        reject(DTypeError, "polyval: expected an array of coefficients, got poly1d", [1.0], _POLY1D),
        reject(ShapeError, "polyval: expected coefficients with at least one axis", normal(), normal(3)),
    ],
)
def polyval(p: Any, x: Any) -> Array:
    """The value at x of the polynomial with coefficients p, the highest power first, by Horner's rule.

    >>> polyval([1.0, 0.0, -1.0], [2.0, 3.0])
    array([3., 8.])
    """
    for one in (p, x):
        if isinstance(one, np.poly1d):
            raise DTypeError("polyval: expected an array of coefficients, got poly1d. Give its .coeffs")
    p, x = as_arrays("polyval", p, x)
    if not p.ndim:
        raise ShapeError("polyval: expected coefficients with at least one axis, got a number")
    result = operations.zeros_like(x)
    for coefficient in p:
        result = result * x + coefficient
    return result


def _surface(operation: str, c: Any) -> Array:
    """The coefficients of a polynomial of two variables along the first two axes, floating."""
    c = as_array(operation, c)
    if c.ndim < 2:
        raise ShapeError(f"{operation}: expected coefficients with at least 2 axes, got shape {c.shape}")
    if 0 in c.shape[:2]:
        raise ShapeError(f"{operation}: expected at least one coefficient, got shape {c.shape}")
    return c if is_differentiable(c.dtype) else astype(c, float)


def _horner(c: Array, x: Array) -> Array:
    """The polynomial whose coefficients, the lowest power first, stand along the first axis; the others broadcast."""
    result = c[-1] + x * 0
    for i in range(c.shape[0] - 2, -1, -1):
        result = result * x + c[i]
    return result


def _with_axes(c: Array, count: int) -> Array:
    return reshape(c, c.shape + (1,) * count)


@function(
    np.polynomial.polynomial.polyval2d,
    samples=[
        call(normal(3), normal(3), normal(2, 4)),
        call(normal(2, 2), normal(2, 2), normal(1, 2, 3)),
        call(0.5, 2.0, integers(0, 5, 3, 2)),
    ],
    rejects=[
        reject(
            ShapeError, "polyval2d: expected x and y of one shape, got (2,) and (3,)", normal(2), normal(3), [[1.0]]
        ),
        reject(ShapeError, "polyval2d: expected coefficients with at least 2 axes", normal(2), normal(2), [1.0]),
        reject(ShapeError, "polyval2d: expected at least one coefficient", normal(2), normal(2), [[]]),
    ],
)
def polyval2d(x: Any, y: Any, c: Any) -> Array:
    """The value at the points (x, y) of the polynomial with coefficients c[i, j] of x**i * y**j.

    >>> polyval2d(2.0, 3.0, [[1.0, 0.0], [0.0, 1.0]])
    array(7.)
    """
    x, y = as_arrays("polyval2d", x, y)
    if x.shape != y.shape:
        raise ShapeError(f"polyval2d: expected x and y of one shape, got {x.shape} and {y.shape}")
    return _horner(_horner(_with_axes(_surface("polyval2d", c), x.ndim), x), y)


@function(
    np.polynomial.polynomial.polygrid2d,
    samples=[call(normal(3), normal(2), normal(2, 4)), call(normal(2, 2), normal(), normal(3, 2, 2))],
    rejects=[
        reject(ShapeError, "polygrid2d: expected coefficients with at least 2 axes", normal(2), normal(2), [1.0]),
    ],
)
def polygrid2d(x: Any, y: Any, c: Any) -> Array:
    """The value at every pair of an x and a y of the polynomial with coefficients c[i, j] of x**i * y**j.

    >>> polygrid2d([1.0, 2.0], [3.0], [[0.0, 0.0], [0.0, 1.0]])
    array([[3.],
           [6.]])
    """
    x, y = as_arrays("polygrid2d", x, y)
    along_x = _horner(_with_axes(_surface("polygrid2d", c), x.ndim), x)
    return _horner(_with_axes(along_x, y.ndim), y)


@function(
    np.vander,
    samples=[
        normal(3),
        call(normal(3), 4),
        call(points(0.0, 2.0, -1.0), 4, increasing=True),
        call(integers(-3, 3, 3), 3),
        call(normal(3), 1),
        call(normal(3), 0),
        call(normal(0), 2),
    ],
    rejects=[
        reject(ShapeError, "vander: expected an array with one axis, got shape (2, 2)", normal(2, 2)),
        reject(ArgumentError, "vander: expected N of at least 0, got -1", normal(2), -1),
    ],
)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Array:  # NumPy's name
    """The matrix of powers of x, N of each (as many as x has elements, by default), falling or ``increasing``.

    >>> vander([2.0, 3.0], 3)
    array([[4., 2., 1.],
           [9., 3., 1.]])
    """
    x = as_array("vander", x)
    if x.ndim != 1:
        raise ShapeError(f"vander: expected an array with one axis, got shape {x.shape}")
    count = x.size if N is None else as_index("vander", "N", N)
    if count < 0:
        raise ArgumentError(f"vander: expected N of at least 0, got {count}")
    x = astype(x, np.promote_types(x.dtype, int))
    ones = Array(scalar_node(1, (x.size, min(count, 1)), x.dtype))
    if count < 2:
        return ones
    powers = concatenate([ones, cumprod(broadcast_to(expand_dims(x, 1), (x.size, count - 1)), axis=1)], axis=1)
    return powers if increasing else flip(powers, 1)


# Arithmetic -----------------------------------------------------------------------------------------------------------

_PAIRS = [call(normal(3), normal(3)), call(normal(2), normal(4)), call(normal(4), 2.0), call(integers(1, 5, 3), [1, 2])]


def _aligned(operation: str, a1: Any, a2: Any) -> tuple[Array, Array]:
    """Both with as many coefficients, zeros in front."""
    one, other = _coefficients(operation, a1), _coefficients(operation, a2)
    length = max(one.size, other.size)
    longer = [concatenate([_zeros(length - x.size, x), x]) if x.size < length else x for x in (one, other)]
    return longer[0], longer[1]


@function(
    np.polyadd,
    samples=_PAIRS,
    rejects=[
        reject(DTypeError, "polyadd: expected an array of coefficients, got poly1d", _POLY1D, [1.0]),
        reject(ShapeError, "polyadd: expected coefficients with one axis", normal(2, 2), [1.0]),
    ],
)
def polyadd(a1: Any, a2: Any) -> Array:
    """The coefficients of the sum of two polynomials.

    >>> polyadd([1.0, 2.0], [3.0, 4.0, 5.0])
    array([3., 5., 7.])
    """
    total: Array = operations.add(*_aligned("polyadd", a1, a2))
    return total


@function(
    np.polysub,
    samples=_PAIRS,
    rejects=[reject(DTypeError, "polysub: expected an array of coefficients, got poly1d", [1.0], _POLY1D)],
)
def polysub(a1: Any, a2: Any) -> Array:
    """The coefficients of the difference of two polynomials.

    >>> polysub([1.0, 2.0], [3.0, 4.0, 5.0])
    array([-3., -3., -3.])
    """
    difference: Array = operations.subtract(*_aligned("polysub", a1, a2))
    return difference


def _trimmed(operation: str, p: Array) -> Array:
    """Coefficients without zeros in front; which there are must be known. The last stays, and there is one."""
    if not p.size:
        return _zeros(1, p)
    known = p._concrete(f"{operation}, which drops zeros in front,")
    places = np.flatnonzero(known)
    return p[int(places[0]) if places.size else max(p.size - 1, 0) :]


@function(
    np.polymul,
    samples=[*_PAIRS, call(values(0.0, 0.0, 2.0), values(0.0, 1.0)), call(values(0.0, 0.0), values(1.0, 2.0))],
    rejects=[
        reject(DTypeError, "polymul: expected an array of coefficients, got poly1d", [1.0], _POLY1D),
        reject(ShapeError, "polymul: expected coefficients with one axis", [[1.0]], [1.0]),
    ],
)
def polymul(a1: Any, a2: Any) -> Array:
    """The coefficients of the product of two polynomials, whose leading zeros are dropped and so must be known.

    ``convolve`` is the same without that.

    >>> polymul([1.0, 1.0], [1.0, -1.0])
    array([ 1.,  0., -1.])
    """
    both = [_coefficients("polymul", one) for one in (a1, a2)]
    return convolve(*[_trimmed("polymul", one) for one in both])


@function(
    np.polydiv,
    samples=[
        call(normal(4), positive(2)),
        call(normal(2), normal(4)),
        call(normal(3), 2.0),
        call(values(1.0, 3.0, 2.0), values(1.0, 1.0)),
        call(integers(1, 9, 3), [2, 1]),
    ],
    rejects=[
        reject(DTypeError, "polydiv: expected an array of coefficients, got poly1d", _POLY1D, [1.0]),
        reject(ShapeError, "polydiv: expected at least one coefficient, got none", normal(2), []),
    ],
)
def polydiv(u: Any, v: Any) -> tuple[Array, Array]:
    """Return the quotient and the remainder of two polynomials; zeros in front of the remainder are dropped.

    Which these are must be known.

    >>> polydiv([3.0, 5.0, 2.0], [2.0, 1.0])
    (array([1.5 , 1.75]), array([0.25]))
    """
    u, v = promoted("polydiv", _coefficients("polydiv", u), _coefficients("polydiv", v))
    for one in (u, v):
        if not one.size:
            raise ShapeError("polydiv: expected at least one coefficient, got none")
    if not is_differentiable(u.dtype):
        u, v = astype(u, float), astype(v, float)
    steps = max(u.size - v.size + 1, 0)
    rest, quotient = u, []
    for k in range(steps):
        factor = rest[k] * (1.0 / v[0])
        quotient.append(expand_dims(factor, 0))
        rest = rest.at[k : k + v.size].subtract(factor * v)
    known = rest._concrete("polydiv, whose remainder has as many coefficients as are not zero,")
    start = 0
    while start < rest.size - 1 and np.allclose(known[start], 0, rtol=1e-14):
        start += 1
    return concatenate(quotient) if quotient else _zeros(1, u), rest[start:]


@function(
    np.polyder,
    samples=[normal(4), call(normal(4), 2), call(normal(3), 0), call(normal(2), 3), integers(1, 9, 4)],
    rejects=[
        reject(ArgumentError, "polyder: expected an order of at least 0, got -1", normal(3), -1),
        reject(DTypeError, "polyder: expected an array of coefficients, got poly1d", _POLY1D),
    ],
)
def polyder(p: Any, m: Any = 1) -> Array:
    """The coefficients of the m-th derivative of a polynomial.

    >>> polyder([1.0, 2.0, 3.0])
    array([2., 2.])
    """
    p = _coefficients("polyder", p)
    for _ in range(min(_order("polyder", m), p.size)):
        p = p[:-1] * np.arange(max(p.size - 1, 0), 0, -1)
    return p


@function(
    np.polyint,
    samples=[
        normal(3),
        call(normal(3), 2, normal(2)),
        call(normal(3), 2, 1.5),
        call(normal(3), 0),
        integers(1, 9, 3),
    ],
    rejects=[
        reject(ArgumentError, "polyint: expected an order of at least 0, got -1", normal(3), -1),
        reject(ShapeError, "polyint: expected 1 or at least 3 constants, got 2", normal(3), 3, [1.0, 2.0]),
        reject(DTypeError, "polyint: expected an array of coefficients, got poly1d", _POLY1D),
    ],
)
def polyint(p: Any, m: Any = 1, k: Any = None) -> Array:
    """The coefficients of the m-th antiderivative of a polynomial, with constants k of integration, 0 by default.

    >>> polyint([2.0, 2.0], k=3.0)
    array([1., 2., 3.])
    """
    p = _coefficients("polyint", p)
    order = _order("polyint", m)
    constants = as_array("polyint", np.zeros(order)) if k is None else atleast_1d(as_array("polyint", k))
    if constants.size == 1 and order > 1:
        constants = broadcast_to(constants, (order,))
    if constants.size < order:
        raise ShapeError(f"polyint: expected 1 or at least {order} constants, got {constants.size}")
    for i in range(order):
        p = concatenate([p / np.arange(p.size, 0, -1), constants[i : i + 1]])
    return p


def _order(operation: str, m: Any) -> int:
    order = as_index(operation, "m", m)
    if order < 0:
        raise ArgumentError(f"{operation}: expected an order of at least 0, got {order}")
    return order


# Roots and fits -------------------------------------------------------------------------------------------------------


@function(
    np.poly,
    samples=[distinct(3), normal(1), values(), values(1.0 + 2j, 1.0 - 2j), values(1.0 + 2j, 1.0), integers(0, 5, 3)],
    rejects=[reject(ShapeError, "poly: expected roots with one axis, or a square matrix", normal(2, 3))],
)
def poly(seq_of_zeros: Any) -> Array:
    """The coefficients of the polynomial with these roots, or the characteristic polynomial of a square matrix.

    Of complex roots that come in conjugate pairs, as their values must show, the coefficients are real.

    >>> poly([1.0, 2.0])
    array([ 1., -3.,  2.])
    """
    zeros = atleast_1d(as_array("poly", seq_of_zeros))
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] and zeros.size:
        zeros = operations.eigvals(zeros)
    elif zeros.ndim == 1:
        zeros = astype(zeros, np.dtype(np.mintypecode(zeros.dtype.char)))
    else:
        raise ShapeError(f"poly: expected roots with one axis, or a square matrix, got shape {zeros.shape}")
    one = as_array("poly", np.ones(1, zeros.dtype))
    result = one
    for zero in zeros:
        result = convolve_whole(result, concatenate([one, expand_dims(-zero, 0)]))
    if not zeros.size:
        return as_array("poly", 1.0)
    if zeros.dtype.kind == "c":
        known = zeros._concrete("poly of complex roots, whose coefficients may be real,")
        if np.all(np.sort(known) == np.sort(known.conj())):
            result = operations.real(result)
    return result


@function(
    np.roots,
    samples=[
        points(1.0, -3.5, 2.5),
        points(2.0, 1.0, 3.0, 1.5),
        values(0.0, 1.0, -1.0, 0.0),
        values(0.0, 0.0),
        values(2.0),
        values(1, 0, -4),
    ],
    rejects=[
        reject(ShapeError, "roots: expected coefficients with one axis", [[1.0, 2.0]]),
        reject(DTypeError, "roots: expected an array of coefficients, got poly1d", _POLY1D),
    ],
)
def roots(p: Any) -> Array:
    """The roots of the polynomial with coefficients p, as eigenvalues of its companion matrix.

    Which coefficients are zero at either end must be known. The derivative is that of simple roots.

    >>> roots([1.0, -3.0, 2.0])
    array([2., 1.])
    """
    p = _coefficients("roots", p)
    places = np.flatnonzero(p._concrete("roots, which drops zeros at the ends,"))
    if not places.size:
        return as_array("roots", np.zeros(0))
    at_zero = p.size - 1 - int(places[-1])
    p = p[int(places[0]) : int(places[-1]) + 1]
    if not is_differentiable(p.dtype):
        p = astype(p, float)
    if p.size > 1:
        companion = as_array("roots", np.eye(p.size - 1, k=-1, dtype=p.dtype))
        found = operations.eigvals(companion.at[0].set(-p[1:] / p[0]))
    else:
        found = as_array("roots", np.zeros(0))
    return concatenate([found, _zeros(at_zero, found)])


@function(
    np.polyfit,
    samples=[
        call(distinct(6), normal(6), 2),
        call(distinct(5), normal(5, 2), 1, w=positive(5)),
        call(distinct(6), normal(6), 1, cov=True),
        call(distinct(6), normal(6, 2), 1, w=positive(6), cov="unscaled"),
        call(distinct(6), normal(6), 2, full=True),
        call(integers(0, 9, 5), integers(0, 9, 5), 0),
    ],
    rejects=[
        reject(ArgumentError, "polyfit: expected a degree of at least 0, got -1", normal(3), normal(3), -1),
        reject(ShapeError, "polyfit: expected x with one axis and elements, got shape (0,)", normal(0), normal(0), 1),
        reject(ShapeError, "polyfit: expected y of shape (3,) or (3, k), got (2,)", normal(3), normal(2), 1),
        reject(ShapeError, "polyfit: expected weights of shape (3,), got (2,)", normal(3), normal(3), 1, w=[1.0, 2.0]),
        reject(ArgumentError, "polyfit: expected more points than coefficients", normal(2), normal(2), 1, cov=True),
    ],
)
def polyfit(x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False) -> Any:
    """The coefficients of the polynomial of this degree that fits the points (x, y) best, by least squares.

    Args:
        x: coordinates.
        y: values there, one set or, in columns, several.
        deg: the degree.
        rcond: singular values below so many times the largest count as zero.
        full: return also the residuals, the rank, the singular values and rcond.
        w: weights, which multiply the distances (not their squares).
        cov: return also the covariance matrix of the coefficients, scaled by the residuals unless "unscaled".

    >>> polyfit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], 1).round(6)
    array([2., 1.])
    """
    x, y = (one + 0.0 for one in as_arrays("polyfit", x, y))
    order = as_index("polyfit", "deg", deg) + 1
    if order < 1:
        raise ArgumentError(f"polyfit: expected a degree of at least 0, got {order - 1}")
    if x.ndim != 1 or not x.size:
        raise ShapeError(f"polyfit: expected x with one axis and elements, got shape {x.shape}")
    if y.ndim not in (1, 2) or len(y) != x.size:
        raise ShapeError(f"polyfit: expected y of shape ({x.size},) or ({x.size}, k), got {y.shape}")
    if rcond is None:
        rcond = x.size * np.finfo(x.dtype).eps
    matrix, target = vander(x, order), y
    if w is not None:
        weights = as_array("polyfit", w) + 0.0
        if weights.shape != x.shape:
            raise ShapeError(f"polyfit: expected weights of shape {x.shape}, got {weights.shape}")
        matrix = matrix * expand_dims(weights, 1)
        target = target * (expand_dims(weights, 1) if y.ndim == 2 else weights)
    scale = operations.sqrt(operations.sum(matrix * matrix, axis=0))
    matrix = matrix / scale
    found, residuals, rank, singular = operations.lstsq(matrix, target, rcond)
    fitted = found / (expand_dims(scale, 1) if y.ndim == 2 else scale)
    known = rank._node.value if isinstance(rank, Array) else rank
    if known is not None and known != order and not full:
        message = "polyfit: the points do not determine all coefficients well"
        warnings.warn(message, np.exceptions.RankWarning, stacklevel=2)
    if full:
        return fitted, residuals, rank, singular, rcond
    if not cov:
        return fitted
    spread = operations.inv(operations.matmul(matrix.T, matrix)) / operations.outer(scale, scale)
    if not (isinstance(cov, str) and cov == "unscaled"):
        if x.size <= order:
            raise ArgumentError(f"polyfit: expected more points than coefficients, {order}, got {x.size}")
        spread = (expand_dims(spread, 2) if y.ndim == 2 else spread) * (residuals / (x.size - order))
    elif y.ndim == 2:
        spread = expand_dims(spread, 2)
    return fitted, spread
