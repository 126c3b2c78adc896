"""The logarithm of a sum of exponentials, stable and right at infinities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, broadcast_shapes, normalize_axes
from pullback.core.families import general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, positive, reject, values
from pullback.dtypes import FLOAT64, is_differentiable
from pullback.errors import DTypeError, ShapeError
from pullback.ops.promotion import promoted
from pullback.ops.reduction import Axes, conjugated, finish, reduce_sum, reduced, spread
from pullback.ops.structural import as_array


def _check_floating(operation: str, x: Any) -> None:
    if not is_differentiable(x.dtype):
        raise DTypeError(f"{operation}: expected a floating or complex dtype, got {x.dtype}")


def _peak(x: Any, axes: Axes) -> Any:
    """The largest real part over ``axes``, 0 where that is not finite."""
    peak = np.max(x.real, axis=axes, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(peak), peak, np.zeros((), peak.dtype))


@general(
    name="logsumexp",
    samples=[
        call(normal(3, 4), axes=(1,)),
        call(normal(2, 3, 4), axes=(0, 2)),
        call(normal(), axes=()),
        call(values(), axes=(0,)),
        call(values([1000.0, 1000.0], [-np.inf, -np.inf], [np.inf, 0.0], [np.nan, np.inf]), axes=(1,)),
    ],
    rejects=[reject(DTypeError, "logsumexp: expected a floating", np.arange(3), axes=(0,))],
    axis_params=("axes",),
)
def reduce_logsumexp(x: Any, *, axes: Axes) -> Any:
    """``log(sum(exp(x)))`` over ``axes``, without overflow; -inf of nothing."""
    _check_floating("logsumexp", x)
    peak = _peak(x, axes)
    with np.errstate(all="ignore"):
        terms = np.exp(x - peak)
        if x.dtype.kind == "c":
            return np.log(np.add.reduce(terms, axis=axes)) + peak.reshape(reduced(x.shape, axes))
        # The terms that are 1 are counted and the others added up by themselves: log1p keeps what is far below 1.
        largest = terms == 1
        number = np.add.reduce(largest, axis=axes, dtype=x.dtype)
        rest = np.add.reduce(np.where(largest, np.zeros((), x.dtype), terms), axis=axes)
        none = number == 0  # where the peak was not finite
        number = number + none
        return np.log1p((rest - none) / number) + (np.log(number) + peak.reshape(number.shape))


@reduce_logsumexp.infer
def _(x: Aval, *, axes: Axes) -> Aval:
    _check_floating("logsumexp", x)
    return Aval(reduced(x.shape, axes), x.dtype)


@reduce_logsumexp.define_vjp
def _(ct: Array, out: Array, x: Array, *, axes: Axes) -> Iterator[Thunk]:
    yield lambda: operations.strong_product(spread(ct, x.shape, axes), conjugated(exp_normalized(x, out, axes=axes)))


@reduce_logsumexp.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, *, axes: Axes) -> Array:
    return reduce_sum(operations.strong_product(tangents[0], exp_normalized(x, out, axes=axes)), axes=axes)


@general(
    samples=[
        call(normal(3, 4), normal(3), axes=(1,)),
        call(normal(2, 3, 4), normal(3), axes=(0, 2)),
        call(normal(), normal(), axes=()),
        call(values([-np.inf, -np.inf], [np.inf, 0.0], [np.inf, np.inf]), values(-np.inf, np.inf, np.inf), axes=(1,)),
    ],
    rejects=[reject(ShapeError, "exp_normalized: expected a total of shape (3,)", normal(3, 4), normal(4), axes=(1,))],
    axis_params=("axes",),
)
def exp_normalized(x: Any, total: Any, *, axes: Axes) -> Any:
    """``exp(x - total)`` with the logsumexp of x over ``axes`` as total, made to add up to 1: the softmax.

    Where the total is inf the infinite elements share equally; where it is -inf all are zero.
    """
    row = total.reshape(reduced(x.shape, axes, keepdims=True))
    with np.errstate(all="ignore"):
        shares = np.exp(x - row)
        shares /= np.add.reduce(shares, axis=axes, keepdims=True)  # a large total has been rounded
        if not np.isfinite(row).all():
            infinite = x.real == np.inf
            equal = infinite / np.maximum(np.add.reduce(infinite, axis=axes, keepdims=True), 1)
            shares = np.where(row.real == np.inf, equal, np.where(row.real == -np.inf, 0, shares)).astype(x.dtype)
    return shares


@exp_normalized.composed
def _(x: Array, total: Array, *, axes: Axes) -> Array:
    row = spread(total, x.shape, axes)
    infinite = operations.astype(x == np.inf, x.dtype)
    number = operations.maximum(reduce_sum(infinite, axes=axes), 1)
    equal = infinite / spread(number, x.shape, axes)
    shares = operations.exp(x - row)
    shares = shares / spread(reduce_sum(shares, axes=axes), x.shape, axes)
    shares = operations.where(row == -np.inf, 0, shares)
    result: Array = operations.where(row == np.inf, equal, shares)
    return result


@exp_normalized.infer
def _(x: Aval, total: Aval, *, axes: Axes) -> Aval:
    _check_floating("exp_normalized", x)
    if total != Aval(reduced(x.shape, axes), x.dtype):
        raise ShapeError(f"exp_normalized: expected a total of shape {reduced(x.shape, axes)}, got {total}")
    return x


@exp_normalized.define_vjp
def _(ct: Array, out: Array, x: Array, total: Array, *, axes: Axes) -> Iterator[Thunk]:
    yield lambda: _centred(ct, conjugated(out), axes)
    yield None  # it only shifts what is divided by its own sum


@exp_normalized.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, total: Array, *, axes: Axes) -> Array:
    by_x = tangents[0]
    return operations.zeros_like(x) if by_x is None else _centred(by_x, out, axes)


def _centred(t: Array, shares: Array, axes: Axes) -> Array:
    """The Jacobian diag(s) - s s^T of shares s, which is symmetric, times t."""
    product = operations.strong_product(t, shares)
    centred: Array = product - operations.strong_product(
        spread(reduce_sum(product, axes=axes), shares.shape, axes), shares
    )
    return centred


@function(
    scipy="logsumexp",
    samples=[
        normal(3, 4),
        normal(),
        call(normal(3, 4), axis=-1, keepdims=True),
        call(normal(2, 3, 4), axis=(0, -1)),
        call(normal(3, 4), axis=0, b=positive(3, 4)),
        call(normal(3, 4), axis=1, b=positive(3, 1)),
        call(normal(3, 4), axis=1, b=normal(3, 4), return_sign=True),
        call(normal(3, 4), return_sign=True),
    ],
    rejects=[
        reject(ShapeError, "logsumexp: axis 2 is out of range", normal(3, 4), axis=2),
        reject(ShapeError, "logsumexp: expected shapes that broadcast together", normal(3), None, [1.0, 2.0]),
    ],
)
def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """Logarithm of the sum of exponentials along ``axis`` (None: all), each times ``b``; never overflows.

    The derivative is the softmax. Rows of -inf give -inf and a derivative of zero; rows with inf give inf, and their
    infinite elements share the derivative. Weights b may be zero, and negative; where the sum is negative the result
    is NaN, unless ``return_sign`` asks for two results: the logarithm of its absolute value, and its sign (of a
    complex sum: the number of size 1 in its direction).

    >>> logsumexp([1000.0, 1000.0])
    array(1000.69314718)
    >>> logsumexp([1000.0, 1000.0], b=[1.0, -3.0], return_sign=True)
    (array(1000.69314718), array(-1.))
    """
    a = as_array("logsumexp", a)
    if not is_differentiable(a.dtype):
        a = operations.astype(a, FLOAT64)
    if b is not None or return_sign:
        return _weighted(a, axis, operations.ones_like(a) if b is None else b, keepdims, return_sign)
    axes = normalize_axes("logsumexp", axis, a.ndim)
    return finish(reduce_logsumexp(a, axes=axes), a.shape, axes, keepdims)


def _weighted(a: Array, axis: Any, b: Any, keepdims: bool, return_sign: bool) -> Any:
    a, b = promoted("logsumexp", a, b)
    shape = broadcast_shapes("logsumexp", a.shape, b.shape)
    a, b = operations.broadcast_to(a, shape), operations.broadcast_to(b, shape)
    axes = normalize_axes("logsumexp", axis, a.ndim)
    # What has no weight does not count for the peak, which is a constant to the derivative: the result does not
    # depend on it.
    counted = operations.where(operations.equal(b, 0), -np.inf, operations.real(operations.stop_gradient(a)))
    peak = operations.max(counted, axis=axes, keepdims=True, initial=-np.inf)
    peak = operations.where(operations.isfinite(peak), peak, 0)
    terms = operations.strong_product(b, operations.exp(a - peak))
    total, shift = reduce_sum(terms, axes=axes), peak.reshape(reduced(shape, axes))
    with np.errstate(divide="ignore", invalid="ignore"):  # the logarithm of 0 is -inf, that of a negative sum NaN
        size = operations.log(operations.absolute(total) if return_sign else total) + shift
    found = finish(size, shape, axes, keepdims)
    return (found, finish(operations.sign(total), shape, axes, keepdims)) if return_sign else found
