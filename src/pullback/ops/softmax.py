"""Softmax and its logarithm, one primitive each: a row is read once, and pictures show what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, normalize_axes
from pullback.core.families import General, general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, reject, values
from pullback.errors import DTypeError, ShapeError
from pullback.ops.activations import as_floating
from pullback.ops.logsumexp import reduce_logsumexp
from pullback.ops.reduction import Axes, reduce_sum, reduced, spread

_ROWS = values([-np.inf, -np.inf], [np.inf, 0.0], [-np.inf, 0.0], [1000.0, -1000.0], [np.nan, 0.0])
_SAMPLES = [call(normal(3, 4), axes=(1,)), call(normal(2, 3, 4), axes=(0, 2)), call(_ROWS, axes=(1,))]
_REJECTS = [reject(DTypeError, "expected a real floating dtype, got int64", np.arange(3), axes=(0,))]


def _check(operation: str, x: Any) -> None:
    if x.dtype.kind != "f":
        raise DTypeError(f"{operation}: expected a real floating dtype, got {x.dtype}")


def _less_peak(x: Any, axes: Axes) -> Any:
    """X less its largest element over ``axes``: no exponential overflows."""
    return x - np.max(x, axis=axes, keepdims=True) if x.size else x


@general(name="softmax", samples=_SAMPLES, rejects=_REJECTS, axis_params=("axes",))
def exp_share(x: Any, *, axes: Axes) -> Any:
    """``exp(x) / sum(exp(x))`` over ``axes``, without overflow."""
    _check("softmax", x)
    with np.errstate(all="ignore"):
        terms = np.exp(_less_peak(x, axes))
        return terms / np.add.reduce(terms, axis=axes, keepdims=True)


@exp_share.define_vjp
def _(ct: Array, out: Array, x: Array, *, axes: Axes) -> Iterator[Thunk]:
    yield lambda: _centred(ct, out, axes)


@exp_share.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, *, axes: Axes) -> Array:
    return _centred(tangents[0], out, axes)


def _centred(t: Array, out: Array, axes: Axes) -> Array:
    """The Jacobian diag(s) - s s^T of a softmax s, which is symmetric, times t."""
    product = t * out
    centred: Array = product - out * spread(reduce_sum(product, axes=axes), out.shape, axes)
    return centred


@general(name="log_softmax", samples=_SAMPLES, rejects=_REJECTS, axis_params=("axes",))
def log_exp_share(x: Any, *, axes: Axes) -> Any:
    """``x - log(sum(exp(x)))`` over ``axes``, without overflow."""
    _check("log_softmax", x)
    with np.errstate(all="ignore"):
        rest = _less_peak(x, axes)
        return rest - reduce_logsumexp.evaluate(rest, axes=axes).reshape(reduced(x.shape, axes, keepdims=True))


@log_exp_share.define_vjp
def _(ct: Array, out: Array, x: Array, *, axes: Axes) -> Iterator[Thunk]:
    yield lambda: ct - operations.exp(out) * spread(reduce_sum(ct, axes=axes), x.shape, axes)


@log_exp_share.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, *, axes: Axes) -> Array:
    (t,) = tangents
    mean = reduce_sum(operations.strong_product(t, operations.exp(out)), axes=axes)
    pushed: Array = t - spread(mean, x.shape, axes)
    return pushed


def _declare_shape(primitive: General) -> None:
    @primitive.infer
    def _(x: Aval, *, axes: Axes) -> Aval:
        _check(primitive.name, x)
        return x


_declare_shape(exp_share)
_declare_shape(log_exp_share)


# The public functions -------------------------------------------------------------------------------------------------


def _over_axis(primitive: General, x: Any, axis: Any) -> Array:
    x = as_floating(primitive.name, x)
    return primitive(x, axes=normalize_axes(primitive.name, axis, x.ndim))


_PUBLIC_SAMPLES = [normal(3, 4), call(normal(2, 3, 4), axis=1), call(normal(2, 3), axis=(0, 1)), normal(0, 3), _ROWS]


@function(
    samples=_PUBLIC_SAMPLES,
    rejects=[
        reject(ShapeError, "softmax: axis 2 is out of range", normal(3, 4), 2),
        reject(ShapeError, "softmax: axis -1 is out of range", 1.0),
        reject(DTypeError, "softmax: expected a real dtype, got complex128", np.array([1j])),
    ],
)
def softmax(x: Any, axis: Any = -1) -> Array:
    """Return ``exp(x) / sum(exp(x))`` along ``axis`` (one, a tuple, or None for all), without overflow.

    An element of -inf gets 0 and takes part in nothing. Where a whole row is -inf (all of it masked) or an element is
    inf, the result is 0/0 and the row is NaN: replace such rows with ``where`` before, not after.

    >>> softmax([0.0, 0.0, 1000.0])
    array([0., 0., 1.])
    """
    return _over_axis(exp_share, x, axis)


@function(
    samples=_PUBLIC_SAMPLES,
    rejects=[
        reject(ShapeError, "log_softmax: axis 2 is out of range", normal(3, 4), 2),
        reject(DTypeError, "log_softmax: expected a real dtype, got complex128", np.array([1j])),
    ],
)
def log_softmax(x: Any, axis: Any = -1) -> Array:
    """Return the logarithm of ``softmax``, exact also where that underflows or rounds to 1.

    The same rows are NaN; an element of -inf gives -inf.

    >>> log_softmax([0.0, 50.0])
    array([-5.00000000e+01, -1.92874985e-22])
    """
    return _over_axis(log_exp_share, x, axis)
