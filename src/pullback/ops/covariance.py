"""Covariances and correlations of variables."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.creation import as_dtype
from pullback.core.operations import function, operations
from pullback.core.sample import call, integers, normal, positive, reject, values
from pullback.dtypes import FLOAT64
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.joining import concatenate
from pullback.ops.pointwise.complex import complex_of
from pullback.ops.reduction import conjugated
from pullback.ops.structural import as_array, expand_dims, reshape, squeeze


def _variables(operation: str, x: Any, rowvar: bool, dtype: Any) -> Array:
    """One variable in each row."""
    x = as_array(operation, x)
    if x.ndim > 2:
        raise ShapeError(f"{operation}: expected at most 2 axes, got shape {x.shape}")
    rows = reshape(x, (1,) * (2 - x.ndim) + x.shape)
    rows = operations.transpose(rows) if not rowvar and rows.shape[0] != 1 else rows
    result: Array = operations.astype(rows, dtype)
    return result


def _weights(name: str, given: Any, count: int) -> Array:
    weights: Array = operations.astype(as_array("cov", given), FLOAT64)
    if weights.shape != (count,):
        raise ShapeError(f"cov: expected {name} of shape ({count},), one for each observation, got {weights.shape}")
    known = weights._node.value
    if known is not None:
        if np.any(known < 0):
            raise ArgumentError(f"cov: expected {name} of at least 0, got {known.min()}")
        if name == "fweights" and np.any(known != np.round(known)):
            raise DTypeError("cov: expected integers as fweights, which say how often an observation is repeated")
    return weights


def _covariance(
    operation: str, m: Any, y: Any, rowvar: bool, bias: bool, ddof: Any, fweights: Any, aweights: Any, dtype: Any
) -> Array:
    m = as_array(operation, m)
    others = [] if y is None else [as_array(operation, y)]
    if dtype is None:
        dtype = np.result_type(m.dtype, *[one.dtype for one in others], FLOAT64)
    dtype = as_dtype(operation, dtype)
    if ddof is None:
        ddof = 0 if bias else 1
    elif type(ddof) not in (int, float) or ddof != int(ddof):
        raise ArgumentError(f"{operation}: expected an integer as ddof, got {ddof!r}")
    x = _variables(operation, m, rowvar, dtype)
    if not x.shape[0]:
        return as_array(operation, np.zeros((0, 0)))
    if others:
        other = _variables(operation, others[0], rowvar, dtype)
        if other.shape[1] != x.shape[1]:
            raise ShapeError(f"{operation}: expected as many observations of y, {x.shape[1]}, got {other.shape[1]}")
        x = concatenate([x, other])
    count = x.shape[1]
    w = None if fweights is None else _weights("fweights", fweights, count)
    if aweights is not None:
        a = _weights("aweights", aweights, count)
        w = a if w is None else w * a
    if w is None:
        freedom: Any = count - ddof
        centred = x - operations.mean(x, axis=1, keepdims=True)
        weighted = centred
    else:
        total = operations.sum(w)
        freedom = total - ddof * (operations.sum(w * a) / total if aweights is not None else 1)
        centred = x - expand_dims(operations.matmul(x, w) / total, 1)
        weighted = centred * w
    known = freedom if isinstance(freedom, (int, float)) else freedom._node.value
    if known is not None and known <= 0:
        warnings.warn(f"{operation}: expected more observations than degrees of freedom", RuntimeWarning, stacklevel=3)
        freedom = 0.0
    product = operations.matmul(centred, operations.transpose(conjugated(weighted)))
    if isinstance(freedom, (int, float)):
        product = product * (1 / freedom if freedom else math.inf)
    else:
        product = product * (1 / freedom)
    return squeeze(product)


@function(
    np.cov,
    samples=[
        normal(3, 5),
        normal(5),
        call(normal(5), normal(5)),
        call(normal(3, 5), normal(2, 5), bias=True),
        call(normal(5, 3), rowvar=False, ddof=2),
        call(normal(2, 4), fweights=integers(1, 4, 4)),
        call(normal(2, 4), aweights=positive(4), ddof=0),
        call(normal(2, 4), fweights=[1, 2, 3, 1], aweights=positive(4)),
        call(values([1.0, 2.0, 3.0], [2.0, 4.0, 9.0]), dtype=np.float32),
    ],
    rejects=[
        reject(ShapeError, "cov: expected at most 2 axes", normal(2, 3, 4)),
        reject(ShapeError, "cov: expected aweights of shape (4,)", normal(2, 4), aweights=[1.0, 2.0]),
        reject(ArgumentError, "cov: expected aweights of at least 0", normal(2, 2), aweights=[1.0, -2.0]),
        reject(DTypeError, "cov: expected integers as fweights", normal(2, 2), fweights=[1.5, 1.0]),
        reject(ArgumentError, "cov: expected an integer as ddof", normal(2, 4), ddof=0.5),
        reject(ShapeError, "cov: expected as many observations of y", normal(4), normal(3)),
    ],
)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Array:
    """The covariance matrix of variables in the rows of m and y (in columns, with ``rowvar=False``).

    Args:
        m: variables and their observations; one axis for one variable.
        y: more variables, with as many observations.
        rowvar: whether a variable is a row.
        bias: divide by the number of observations N in place of N - 1.
        ddof: divide by N - ddof.
        fweights: how often each observation is repeated, integers.
        aweights: how much each observation counts.
        dtype: of the result, at least float64 by default.

    >>> cov([[0.0, 2.0], [3.0, 1.0]])
    array([[ 2., -2.],
           [-2.,  2.]])
    """
    return _covariance("cov", m, y, rowvar, bias, ddof, fweights, aweights, dtype)


@function(
    np.corrcoef,
    samples=[
        normal(3, 5),
        normal(5),
        call(normal(5), normal(5)),
        call(normal(5, 3), rowvar=False),
        call(values([1.0, 2.0, 3.0], [2.0, 4.0, 9.0]), dtype=np.float32),
    ],
    rejects=[reject(ShapeError, "corrcoef: expected at most 2 axes", normal(2, 3, 4))],
)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Array:
    """The correlation matrix of variables in the rows of x and y (in columns, with ``rowvar=False``).

    >>> corrcoef([0.0, 1.0, 2.0], [1.0, 3.0, 4.0])[0, 1] > 0.9
    array(True)
    """
    c = _covariance("corrcoef", x, y, rowvar, False, None, None, None, dtype)
    if not c.ndim:
        return c / c
    deviation = operations.sqrt(operations.real(operations.diagonal(c)))
    c = c / expand_dims(deviation, 1) / deviation
    # Rounding may have left the interval; at its ends the correlation is extreme, and its derivative zero.
    if c.dtype.kind == "c":
        return complex_of(*(operations.clip(part, -1, 1) for part in (operations.real(c), operations.imag(c))))
    result: Array = operations.clip(c, -1, 1)
    return result
