"""Losses: how far predictions are from targets. The prediction comes first, the target second."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import normalize_axis
from pullback.core.operations import function, operations
from pullback.core.sample import booleans, call, integers, normal, points, reject, uniform, values
from pullback.dtypes import is_differentiable
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.activations import as_floating
from pullback.ops.pointwise.comparison import as_real
from pullback.ops.pointwise.special.entropy import xlog1py, xlogy
from pullback.ops.pointwise.special.logistic import logistic_loss
from pullback.ops.softmax import log_softmax
from pullback.ops.structural import as_arrays, astype

_COLUMN = reject(ShapeError, "they would broadcast to (3, 3)", normal(3), normal(3, 1))
_UNKNOWN = reject(
    ArgumentError, "expected reduction 'mean', 'sum' or 'none', got 'avg'", normal(3), normal(3), reduction="avg"
)
_WORDS = reject(DTypeError, "expected an array or a number, got str", normal(3), "a")
_COMPLEX = reject(DTypeError, "expected a real dtype, got complex128", normal(1), np.array([1j]))


def _check_reduction(operation: str, reduction: Any) -> None:
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(f"{operation}: expected reduction 'mean', 'sum' or 'none', got {reduction!r}")


def _reduce(losses: Array, reduction: str) -> Array:
    if reduction == "none":
        return losses
    result: Array = operations.mean(losses) if reduction == "mean" else operations.sum(losses)
    return result


def _operands(operation: str, prediction: Any, target: Any) -> tuple[Array, Array]:
    """Return both as real Arrays, the prediction floating; integers and booleans as targets take its dtype."""
    prediction, target = as_arrays(operation, prediction, target)
    return as_floating(operation, prediction), as_real(operation, target)


def _alike(operation: str, prediction: Any, target: Any) -> tuple[Array, Array]:
    """Return both as floating Arrays of one shape: a target that only broadcasts is most often a mistake."""
    prediction, target = _operands(operation, prediction, target)
    if prediction.shape != target.shape:
        raise ShapeError(
            f"{operation}: expected a target of the prediction's shape {prediction.shape}, "
            f"got {target.shape}{_broadcast_hint(prediction.shape, target.shape)}"
        )
    return prediction, target if is_differentiable(target.dtype) else astype(target, prediction.dtype)


def _broadcast_hint(prediction: tuple[int, ...], target: tuple[int, ...]) -> str:
    try:
        shape = np.broadcast_shapes(prediction, target)
    except ValueError:
        return ""
    return f": they would broadcast to {shape}. Reshape one of them, or broadcast_to it if that is meant"


@function(
    samples=[
        call(normal(3, 4), normal(3, 4)),
        call(normal(3), normal(3), reduction="sum"),
        call(normal(3), normal(3), reduction="none"),
        call(normal(), normal()),
        call(normal(3), integers(0, 5, 3)),
    ],
    rejects=[_COLUMN, _UNKNOWN, _WORDS, _COMPLEX],
)
def mse(prediction: Any, target: Any, reduction: str = "mean") -> Array:
    """Mean squared error: ``mean((prediction - target)**2)``.

    Args:
        prediction: real numbers of any shape.
        target: of the same shape; another is refused, also where it would broadcast.
        reduction: ``"mean"`` or ``"sum"`` over all elements, or ``"none"`` for the loss of each.

    >>> mse([1.0, 2.0], [1.0, 4.0])
    array(2.)
    """
    _check_reduction("mse", reduction)
    prediction, target = _alike("mse", prediction, target)
    return _reduce(operations.square(prediction - target), reduction)


@function(
    samples=[call(normal(3, 4), normal(3, 4)), call(normal(3), normal(3), reduction="sum")],
    rejects=[_COLUMN, _UNKNOWN, _WORDS, _COMPLEX],
)
def mae(prediction: Any, target: Any, reduction: str = "mean") -> Array:
    """Mean absolute error: ``mean(abs(prediction - target))``; derivative 0 where they are equal.

    Arguments and errors as for ``mse``.

    >>> mae([1.0, 2.0], [1.0, 4.0])
    array(1.)
    """
    _check_reduction("mae", reduction)
    prediction, target = _alike("mae", prediction, target)
    return _reduce(operations.absolute(prediction - target), reduction)


@function(
    samples=[
        call(normal(3, 4), normal(3, 4)),
        call(normal(3), normal(3), delta=0.3, reduction="sum"),
        call(values(0.0, 1.0, 1e200, np.inf), values(0.0, 0.0, -1e200, 0.0), reduction="none"),
    ],
    rejects=[
        _COLUMN, _UNKNOWN, _WORDS, _COMPLEX,
        reject(ArgumentError, "huber: expected a positive number as delta, got -1", normal(3), normal(3), -1),
        reject(ArgumentError, "huber: expected a positive number as delta, got 'a'", normal(3), normal(3), "a"),
    ],
)  # fmt: skip
def huber(prediction: Any, target: Any, delta: float = 1.0, reduction: str = "mean") -> Array:
    """Huber's loss: d²/2 where the difference d is at most ``delta``, and ``delta * (abs(d) - delta/2)`` beyond.

    Arguments and errors as for ``mse``; ArgumentError unless ``delta`` is a positive number.

    >>> huber([0.5, 3.0], [0.0, 0.0], reduction="none")
    array([0.125, 2.5  ])
    """
    _check_reduction("huber", reduction)
    if not isinstance(delta, (int, float)) or not 0 < delta < math.inf:
        raise ArgumentError(f"huber: expected a positive number as delta, got {delta!r}")
    prediction, target = _alike("huber", prediction, target)
    difference = prediction - target
    near = operations.clip(difference, -delta, delta)
    return _reduce(near * (difference - 0.5 * near), reduction)  # no square of what is far away: it might overflow


@function(
    samples=[
        call(uniform(0.05, 0.95, 3, 4), uniform(0.0, 1.0, 3, 4)),
        call(uniform(0.05, 0.95, 3), booleans(3), reduction="sum"),
        call(values(0.0, 0.0, 1.0, 1.0, 1.5), values(0.0, 1.0, 0.0, 1.0, 1.0), reduction="none"),
    ],
    rejects=[_COLUMN, _UNKNOWN, _WORDS, _COMPLEX],
)
def binary_cross_entropy(prediction: Any, target: Any, reduction: str = "mean") -> Array:
    """Binary cross-entropy ``-(y log p + (1 - y) log(1 - p))`` of a probability p and a label y.

    A sure and right answer costs 0 and has a finite derivative (0 log 0 is 0), a sure and wrong one costs inf. What
    is no probability gives NaN. From the logit, ``binary_cross_entropy_with_logits`` is exact where p rounds to 0 or 1.

    Args:
        prediction: probabilities, of any shape.
        target: labels 0 and 1, booleans, or probabilities; of the same shape.
        reduction: ``"mean"`` or ``"sum"`` over all elements, or ``"none"`` for the loss of each.

    >>> binary_cross_entropy([0.9, 0.0], [1, 0], reduction="none")
    array([ 0.10536052, -0.        ])
    """
    _check_reduction("binary_cross_entropy", reduction)
    p, y = _alike("binary_cross_entropy", prediction, target)
    return _reduce(-(xlogy(y, p) + xlog1py(1 - y, -p)), reduction)


@function(
    samples=[
        call(normal(3, 4), uniform(0.0, 1.0, 3, 4)),
        call(normal(3), integers(0, 2, 3), reduction="sum"),
        call(points(-50.0, 50.0), booleans(2), reduction="none"),
        call(values(np.inf, -np.inf, 800.0), values(1.0, 0.0, 0.0), reduction="none"),
    ],
    rejects=[_COLUMN, _UNKNOWN, _WORDS, _COMPLEX],
)
def binary_cross_entropy_with_logits(prediction: Any, target: Any, reduction: str = "mean") -> Array:
    """Binary cross-entropy of ``sigmoid(prediction)``, exact however large the logits; derivative ``sigmoid(z) - y``.

    Args:
        prediction: logits z, of any shape.
        target: labels y: 0 and 1, booleans, or probabilities; of the same shape.
        reduction: ``"mean"`` or ``"sum"`` over all elements, or ``"none"`` for the loss of each.

    >>> binary_cross_entropy_with_logits([1000.0, -1000.0], [1, 1], reduction="none")
    array([   0., 1000.])
    """
    _check_reduction("binary_cross_entropy_with_logits", reduction)
    prediction, target = _alike("binary_cross_entropy_with_logits", prediction, target)
    return _reduce(logistic_loss(prediction, target), reduction)


def _classes(operation: str, prediction: Any, target: Any, axis: Any) -> tuple[Array, Array, int, bool]:
    """Return prediction, target, class axis, and whether the targets are labels; refuse what fits neither form."""
    prediction, target = _operands(operation, prediction, target)
    axis = normalize_axis(operation, axis, prediction.ndim)
    if target.shape == prediction.shape:
        target = target if is_differentiable(target.dtype) else astype(target, prediction.dtype)
        return prediction, target, axis, False
    rows = prediction.shape[:axis] + prediction.shape[axis + 1 :]
    if target.shape != rows:
        raise ShapeError(
            f"{operation}: expected class labels of shape {rows} or probabilities of shape {prediction.shape}, "
            f"got a target of shape {target.shape}"
        )
    if target.dtype.kind not in "iu":
        raise DTypeError(
            f"{operation}: expected integer class labels (or probabilities of shape {prediction.shape}), "
            f"got {target.dtype}. Convert labels with astype(int)"
        )
    _check_labels(operation, target._node.value, prediction.shape[axis])
    return prediction, target, axis, True


def _check_labels(operation: str, labels: Any, classes: int) -> None:
    if labels is None or not labels.size:  # None: being traced
        return
    if labels.min() < 0 or labels.max() >= classes:
        wrong = (labels < 0) | (labels >= classes)
        place = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), labels.shape))
        where = f" at {place}" if place else ""
        raise ArgumentError(f"{operation}: expected labels from 0 to {classes - 1}, got {labels[place]}{where}")


def _at_labels(x: Array, labels: Array, axis: int) -> Array:
    picked: Array = operations.take_along_axis(x, operations.expand_dims(labels, axis), axis=axis)
    return picked.reshape(labels.shape)


_CLASS_REJECTS = [
    reject(ShapeError, "labels of shape (3,) or probabilities of shape (3, 4)", normal(3, 4), normal(3, 1)),
    reject(DTypeError, "expected integer class labels", normal(3, 4), normal(3)),
    reject(DTypeError, "expected integer class labels", normal(3, 4), booleans(3)),
    reject(ArgumentError, "expected labels from 0 to 3, got 4 at (1,)", normal(3, 4), [0, 4, 1]),
    reject(ArgumentError, "expected labels from 0 to 3, got -1 at (2,)", normal(3, 4), [0, 3, -1]),
    reject(ShapeError, "axis 2 is out of range", normal(3, 4), [0, 1, 2], 2),
    reject(ShapeError, "axis -1 is out of range", 1.0, 1),
    reject(ArgumentError, "expected reduction 'mean', 'sum' or 'none'", normal(3, 4), [0, 1, 2], reduction=None),
    reject(DTypeError, "expected a real dtype", np.array([1j]), 0),
]  # fmt: skip


@function(
    samples=[
        call(uniform(0.05, 0.95, 3, 4), integers(0, 4, 3)),
        call(uniform(0.05, 0.95, 3, 4), uniform(0.0, 1.0, 3, 4), reduction="sum"),
        call(uniform(0.05, 0.95, 2, 3, 4), integers(0, 3, 2, 4), axis=1, reduction="none"),
        call(values([0.0, 1.0], [1.0, 0.0]), [1, 1], reduction="none"),
        call(values([0.0, 1.0], [1.0, 0.0]), [[0, 1], [0, 1]], reduction="none"),
    ],
    rejects=_CLASS_REJECTS,
)
def cross_entropy(prediction: Any, target: Any, axis: int = -1, reduction: str = "mean") -> Array:
    """Cross-entropy ``-log p[label]`` of probabilities p of classes, or ``-sum(y log p)`` for probabilities y.

    Args:
        prediction: probabilities, the classes along ``axis``. They are not normalised.
        target: integer labels of the prediction's shape without ``axis``; or probabilities (or zeros and a one) of
            its whole shape, in which 0 log 0 is 0.
        axis: the axis of the classes.
        reduction: ``"mean"`` or ``"sum"`` over the rows, or ``"none"`` for the loss of each.

    Raises:
        ShapeError: the target has neither form.
        DTypeError: labels that are not integers.
        ArgumentError: a label that is no class (unknown while a function is being traced).

    >>> cross_entropy([[0.5, 0.5], [0.1, 0.9]], [0, 1], reduction="none")
    array([0.69314718, 0.10536052])
    """
    _check_reduction("cross_entropy", reduction)
    p, target, axis, labels = _classes("cross_entropy", prediction, target, axis)
    if labels:
        return _reduce(-operations.log(_at_labels(p, target, axis)), reduction)
    return _reduce(-operations.sum(xlogy(target, p), axis=axis), reduction)


@function(
    samples=[
        call(normal(3, 4), integers(0, 4, 3)),
        call(normal(3, 4), uniform(0.0, 1.0, 3, 4), reduction="sum"),
        call(normal(2, 3, 4), integers(0, 3, 2, 4), axis=1, reduction="none"),
        call(normal(4), 2),
        call(values([1000.0, 0.0], [-np.inf, 0.0]), [1, 1], reduction="none"),
        call(values([1000.0, 0.0], [-np.inf, 0.0]), [[0, 1], [0, 1]], reduction="none"),
    ],
    rejects=_CLASS_REJECTS,
)
def cross_entropy_with_logits(prediction: Any, target: Any, axis: int = -1, reduction: str = "mean") -> Array:
    """Cross-entropy of ``softmax(prediction)``, exact however large the logits; derivative ``softmax(z) - y``.

    Arguments and errors as for ``cross_entropy``, with logits in place of probabilities. A logit of -inf is a class
    that cannot be: inf as the label, nothing elsewhere.

    >>> cross_entropy_with_logits([[0.0, 1000.0], [0.0, 1000.0]], [0, 1], reduction="none")
    array([1000.,    0.])
    """
    _check_reduction("cross_entropy_with_logits", reduction)
    z, target, axis, labels = _classes("cross_entropy_with_logits", prediction, target, axis)
    logarithms = log_softmax(z, axis=axis)
    if labels:
        return _reduce(0 - _at_labels(logarithms, target, axis), reduction)  # no loss is -0
    terms = operations.strong_product(target, logarithms)  # 0 times -inf is 0
    return _reduce(-operations.sum(terms, axis=axis), reduction)
