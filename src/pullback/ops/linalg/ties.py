"""Repeated eigenvalues and singular values: where factors are arbitrary, and functions of them need not be.

Where values repeat, or a singular value is 0, the vectors that belong to them are any orthonormal basis of a space. A
function of the factors is a function of the matrix only if it does not depend on that choice. (The phases of complex
vectors are settled, see ``phases``.) A rule divides by the difference of the values (the *gap*) what the cotangent says
about turning one vector into the other (the skew part of ``V^H ct_V``), which is 0/0 for such a function. What is done:

- **Not for every choice.** If the skew part is not zero within a group of equal values, or does not stay so when the
  vectors are turned, the function depends on the choice and has no derivative: NotDifferentiableError, which names the
  values.
- **The values alone** are used: their cotangents are shared equally within a group. For a symmetric function (a sum, a
  trace) nothing changes; of others (the largest of two equal ones) it is a sub-gradient. A singular value that is 0 has
  sub-gradient 0, as ``abs``.
- **The vectors alone** are used (a projection on a space of them): the quotient is 0.
- **Both** are used (``V f(w) V^H``): the quotient is the derivative of the skew part as the values part from each
  other, by l'Hôpital's rule. It depends on what is computed from them, not on the cotangent alone: the backward pass
  differentiates the cotangent in that direction (``General.define_directions``). This is exact, for one derivative; a
  further one through it is refused.

Forward mode does not see what becomes of the results: the tangents are right for functions that are symmetric in equal
values and do not depend on the choice of vectors. Where values *and* vectors are used and the direction makes equal
values part, the rule refuses, and ``jvp`` takes the rows that reverse mode finds. A graph that was traced learns of
equal values when it runs, and raises then if both are used.

What is computed from one matrix by two calls with the same options (``eigvalsh(a)`` beside ``eigh(a)``) counts as one:
they share a node. What is not seen to be one matrix (``eigvalsh(a + b)`` beside ``eigh(a + b)``) has nodes of its own,
neither of which sees that values and vectors are both used: that is refused where equal values stand in both. Values
are taken as equal if their distance is within the error that LAPACK makes.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import general, linear
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.primitive import Thunk, refused
from pullback.core.record import apply
from pullback.core.sample import by_value, call, normal, points, positive, reject, values
from pullback.core.several import has_several, results
from pullback.core.state import recording
from pullback.errors import NotDifferentiableError, ShapeError
from pullback.ops.contraction import adjoint


def closeness(x: Any) -> Any:
    """How far values (along the last axis) that are equal in exact arithmetic may be apart."""
    largest = np.abs(x).max(-1, keepdims=True, initial=0)
    return 8 * max(x.shape[-1], 1) * np.finfo(x.dtype).eps * largest


@general(
    samples=[points(1.0, 1.0, 2.0), points([1.0, 2.0, 2.0], [0.0, 0.0, 0.0]), normal(0), values(np.nan, 1.0)],
    rejects=[reject(ShapeError, "equal_pairs: expected at least one axis, got a number", normal())],
    differentiable=False,
    stacks=True,
)
def equal_pairs(x: Any) -> Any:
    """Which pairs of the values along the last axis are equal, to the accuracy of LAPACK: boolean matrices."""
    _check_vector(x)
    return np.abs(x[..., :, None] - x[..., None, :]) <= closeness(x)[..., None]


@equal_pairs.infer
def _(x: Aval) -> Aval:
    _check_vector(x)
    return Aval((*x.shape, x.shape[-1]), np.dtype(bool))


def _check_vector(x: Any) -> None:
    if not x.ndim:
        raise ShapeError("equal_pairs: expected at least one axis, got a number")


@general(
    samples=[points(1.0, 0.0, 2.0), points([1.0, 2.0, 1e-30], [0.0, 0.0, 0.0]), normal(0)],
    differentiable=False,
    stacks=True,
)
def near_zero(x: Any) -> Any:
    """Which of the values along the last axis are 0, to the accuracy of LAPACK."""
    return np.abs(x) <= closeness(x)


@near_zero.infer
def _(x: Aval) -> Aval:
    return Aval(x.shape, np.dtype(bool))


def gaps(x: Array) -> Array:
    """``x[j] - x[i]`` at (i, j)."""
    difference: Array = x[..., None, :] - x[..., :, None]
    return difference


def sums(x: Array) -> Array:
    """``x[i] + x[j]`` at (i, j)."""
    total: Array = x[..., None, :] + x[..., :, None]
    return total


def reciprocal(x: Array, skipped: Array) -> Array:
    """``1 / x``, and 0 where ``skipped``, whatever x is there."""
    found: Array = operations.where(skipped, 0, 1 / operations.where(skipped, 1, x))
    return found


def mean_of_equal(x: Array, equal: Array) -> Array:
    """The mean of x over each group of equal values."""
    total = operations.where(equal, x[..., None, :], 0).sum(-1)
    mean: Array = total / operations.astype(equal.sum(-1), total.dtype)
    return mean


def negligible(ct: Array) -> Array:
    """What is rounding beside the largest of the cotangents of values."""
    size: Array = operations.stop_gradient(abs(ct)).max(-1, keepdims=True, initial=0)
    return size * np.sqrt(np.finfo(ct.dtype).eps)


def shared(ct: Array, equal: Array) -> Array:
    """Cotangents of values, shared equally in each group of equal ones, and left as they are where they agree."""
    mean = mean_of_equal(ct, equal)
    agree = abs(ct - mean) <= negligible(ct)
    found: Array = operations.where(agree, ct, mean)
    return found


# Checks, as nodes: they are made when there are values ----------------------------------------------------------------

_REASONS = {
    "choice": "expected a function that does not depend on which vectors (or phases of a vector) are chosen for {} {}",
    "parts": "expected a direction in which equal values do not part, or a function of the values alone or the vectors "
    "alone, in forward mode, at {} {}",
    "both": "expected distinct values where a function of the values and the vectors is traced, batched or "
    "differentiated forward, got {} {}",
    "beside": "expected distinct values where svd(full_matrices=True) stands beside another decomposition of the same "
    "matrix, got {} {}. Take the values and vectors from one call",
    "apart": "expected distinct values where those of one decomposition are used beside another's vectors, got {} {}",
    "vectors": "expected distinct values where a function of the vectors is differentiated, got {} {}",
}


@linear(
    samples=[
        call(normal(3, 3), normal(3), np.zeros((3, 3), bool), positive(), operation="eigh", reason="choice"),
        call(normal(2, 3, 2), normal(2, 2), np.zeros((2, 3, 2), bool), positive(2), operation="svd", reason="parts"),
    ],
    rejects=[
        reject(NotDifferentiableError, "eigh: expected a function that does not depend on which vectors",
               np.ones((2, 2)), np.ones(2), np.ones((2, 2), bool), np.array(1.0), operation="eigh", reason="choice"),
    ],
    arguments=(0,),
    stacks=True,
)  # fmt: skip
def vanishing(k: Any, x: Any, places: Any, scale: Any, *, operation: str, reason: str) -> Any:
    """The matrices k with zeros at ``places``, checked to be 0 there already, beside numbers of size ``scale``.

    The columns (and the rows, of a square k) belong to the values x, which the error names.
    """
    wrong = places & ~(np.abs(k) <= np.sqrt(np.finfo(k.dtype).eps) * scale[..., None, None])
    if wrong.any():
        raise NotDifferentiableError(f"{operation}: {_REASONS[reason].format(*_named(wrong, x))}")
    return np.where(places, np.zeros((), k.dtype), k)


def _named(wrong: Any, x: Any) -> tuple[str, str]:
    """The values that the first wrong place is about, and what they are."""
    *stack, i, j = (int(axis[0]) for axis in np.nonzero(wrong))
    row = x[tuple(stack)]
    if i == j or wrong.shape[-1] != wrong.shape[-2]:
        return "the value", f"{row[j]:.6g} (at {j})"
    return "the equal values", f"{row[i]:.6g} and {row[j]:.6g} (at {i} and {j})"


@vanishing.infer
def _(k: Aval, x: Aval, places: Aval, scale: Aval, *, operation: str, reason: str) -> Aval:
    if k.shape != places.shape:
        raise ShapeError(f"{operation}: expected places of shape {k.shape}, got {places.shape}")
    return k


@vanishing.transpose
def _(ct: Array, k: Array, x: Array, places: Array, scale: Array, *, operation: str, reason: str) -> Iterator[Thunk]:
    yield lambda: operations.where(places, 0, ct)
    yield from (None, None, None)


def refuse_equal(operation: str, x: Array, places: Array, dtype: np.dtype[Any], reason: str = "both") -> Array:
    """Zeros; when there are values, an error if there is one of ``places``."""
    marked = operations.astype(places, dtype)
    found: Array = vanishing(marked, x, places, largest(marked), operation=operation, reason=reason)
    return found


def largest(*matrices: Array | None) -> Array:
    """The largest absolute value in each of a stack, as a constant; 0 in nothing."""
    found = [
        operations.max(abs(operations.stop_gradient(x)), axis=(-1, -2), initial=0) for x in matrices if x is not None
    ]
    total = found[0]
    for one in found[1:]:
        total = operations.maximum(total, one)
    return total


@linear(samples=[by_value(normal(3, 3))], stacks=True)
def first_order_only(x: Any) -> Any:
    """Return x itself, a limit of which further derivatives are not known."""
    return x


@first_order_only.infer
def _(x: Aval) -> Aval:
    return x


@first_order_only.transpose
def _(ct: Array, x: Array) -> Iterator[Thunk]:
    yield refused("eigh, svd", "the matrix once more", "repeated values whose vectors are used as well have one only")


def refuse_apart(node: Node, used: set[int], other: Node, other_used: set[int]) -> None:
    """Raise if equal values are used of one decomposition and the vectors of another that has them too."""
    if node.value is None or other.value is None:
        return
    places = [min(range(len(one.value)), key=lambda i: one.value[i].ndim) for one in (node, other)]  # of the values
    x, y = (np.sort(np.abs(one.value[place])) for one, place in zip((node, other), places, strict=True))
    alone = [{place} == results for place, results in zip(places, (used, other_used), strict=True)]
    if alone[0] == alone[1] or x.shape != y.shape or x.dtype != y.dtype:
        return
    repeated = equal_pairs.evaluate(x) & ~np.eye(x.shape[-1], dtype=bool)
    wrong = repeated & np.all(np.abs(x - y) <= closeness(x), axis=-1)[..., None, None]
    if wrong.any():
        raise NotDifferentiableError(
            f"{node.primitive.name}: {_REASONS['apart'].format(*_named(wrong, x))}. Take the values and vectors from "
            "one call"
        )


def turning(n: int, places: Any, dtype: np.dtype[Any], seed: int = 0) -> Any:
    """A skew matrix at ``places``: how vectors turn into each other to see whether that changes anything."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(0.5, 1.5, size=(n, n))
    skew = x - x.T if dtype.kind != "c" else x - x.T + 1j * (x + x.T)
    return np.where(places, skew, 0).astype(dtype)


def skew_change(turned: Array, vectors: Array, ct: Array, slope: Array | None) -> Array:
    """How ``vectors^H ct`` changes as the vectors move by ``turned`` and the cotangent by ``slope``."""
    moved: Array = adjoint(turned) @ ct
    return moved if slope is None else moved + adjoint(vectors) @ slope


# One decomposition for all that ask -----------------------------------------------------------------------------------

_made: weakref.WeakKeyDictionary[Node, dict[Any, weakref.ref[Node]]] = weakref.WeakKeyDictionary()


def once(primitive: Any, x: Array, **params: Any) -> Any:
    """Apply a decomposition to x; of a watched x, return the results of the node that was made before, if it lives.

    So that eigenvalues and eigenvectors that were asked for in two calls come from one node: what both are used for is
    seen there.
    """
    node = x._node
    if not (node.watched and recording.enabled):
        return primitive(x, **params)
    found = made_before(primitive, x, **params)
    if found is None:
        found = apply(primitive, (node,), params)._node
        _made.setdefault(node, {})[_key(primitive, params)] = weakref.ref(found)
    out = Array(found)
    return results(out) if has_several(out) else out


def made_before(primitive: Any, x: Array, **params: Any) -> Node | None:
    """The node of a decomposition that ``once`` made of x, if it lives."""
    reference = _made.get(x._node, {}).get(_key(primitive, params))
    return None if reference is None else reference()


def _key(primitive: Any, params: dict[str, Any]) -> tuple[Any, ...]:
    return (primitive.name, *sorted(params.items()))
