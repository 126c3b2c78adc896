"""What is measured of a network besides its loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.errors import DTypeError, NonFiniteError, ShapeError


def predicted_classes(outputs: Any) -> np.ndarray[Any, Any]:
    """Return the number of the class that each row of a network's outputs stands for.

    Args:
        outputs: logits: (rows, classes), of which the largest decides, or (rows,) or (rows, 1), where a positive one
            stands for class 1 and any other for class 0.

    >>> predicted_classes(np.array([[0.1, 2.0], [3.0, -1.0]])), predicted_classes(np.array([[0.5], [-0.5]]))
    (array([1, 0]), array([1, 0]))
    """
    values = np.asarray(outputs.detach() if isinstance(outputs, Array) else outputs)
    if values.dtype.kind not in "fiu":
        raise DTypeError(f"predicted_classes: expected real numbers, got {values.dtype}")
    if np.isnan(values).any():
        raise NonFiniteError("predicted_classes: expected logits, got NaN, which stands for no class")
    if values.ndim == 2 and values.shape[1] > 1:
        return values.argmax(1)
    if values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1):
        return (values.reshape(-1) > 0).astype(np.int64)
    raise ShapeError(f"predicted_classes: expected logits of shape (rows, classes) or (rows,), got {values.shape}")


def accuracy(outputs: Any, targets: Any) -> float:
    """Return the share of rows, from 0 to 1, for which the network's outputs stand for the right class.

    Args:
        outputs: logits, see ``predicted_classes``.
        targets: the number of the right class of each row, or (rows, classes) probabilities, the largest of which is
            the right one.

    >>> accuracy(np.array([[0.1, 2.0], [3.0, -1.0]]), np.array([1, 1]))
    0.5
    """
    found = predicted_classes(outputs)
    targets = np.asarray(targets)
    if targets.ndim == 2 and targets.shape[1] > 1:
        targets = targets.argmax(1)
    if not found.size:
        raise ShapeError("accuracy: expected at least one row, got none")
    if targets.size != found.size:
        raise ShapeError(f"accuracy: expected a class for each of {found.size} rows, got shape {targets.shape}")
    return float(np.mean(found == targets.reshape(-1)))
