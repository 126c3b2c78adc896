"""Recording: apply a primitive to nodes, and keep the result as a node where one of them is watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.capture import capturing
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.origin import user_position
from pullback.core.state import record, recording
from pullback.core.terminals import constant_node
from pullback.dtypes import is_number, means_otherwise, native
from pullback.errors import DTypeError, PullbackError, ShapeError

if TYPE_CHECKING:
    from pullback.core.primitive import Primitive


def as_node(operation: str, x: Any, keep: bool) -> Node:
    """Return the node of an Array, or a constant for NumPy arrays, numbers and nested lists of numbers.

    Args:
        operation: what the error names.
        x: the operand.
        keep: whether a node will hold on to the value. A caller may write into an array of their own later, which
            must not change what was recorded, so such a value is copied.
    """
    if isinstance(x, Array):
        return x._node
    return constant_node(as_constant(operation, x, keep))


def as_constant(operation: str, x: Any, keep: bool) -> Any:
    """Return an operand that is not an Array as a NumPy value, see ``as_node``."""
    if isinstance(x, np.ndarray) and means_otherwise(x):
        raise DTypeError(
            f"{operation}: expected a plain array, got a {type(x).__name__}. "
            "Give x.filled(...) for a masked array, np.asarray(x) for a matrix"
        )
    if isinstance(x, np.ndarray):
        value: Any = x
        if not x.dtype.isnative:
            value = x.astype(native(x.dtype))
        elif keep and x.flags.writeable:
            value = x.copy()
        if capturing.current is not None:
            capturing.current.meet(x, value)
    elif isinstance(x, np.generic):
        value = x
    elif isinstance(x, (bool, int, float, complex)):
        value = np.asarray(x)
    elif isinstance(x, (list, tuple)):
        value = _from_sequence(operation, x)
    elif hasattr(x, "__array__"):
        value = np.array(x)
        value = value.astype(native(value.dtype), copy=False)
    else:
        raise DTypeError(f"{operation}: expected an array or a number, got {type(x).__name__}")
    if not is_number(value.dtype):
        raise DTypeError(f"{operation}: expected numbers, got an array of dtype {value.dtype}")
    return value


def _from_sequence(operation: str, x: Any) -> np.ndarray[Any, Any]:
    try:
        value = np.array(x)
        return value.astype(native(value.dtype), copy=False)
    except PullbackError:
        raise
    except (ValueError, TypeError):
        raise ShapeError(f"{operation}: expected a list of numbers with rows of equal length") from None


def apply(
    primitive: Primitive,
    nodes: tuple[Node, ...],
    params: Mapping[str, Any],
    known: tuple[tuple[int, ...], np.dtype[Any]] | None = None,
) -> Array:
    """Apply ``primitive`` to the values of ``nodes``; make a node that remembers them if one of them is watched.

    Args:
        primitive: the operation.
        nodes: its operands.
        params: its static keywords.
        known: shape and dtype of the result, where whoever calls knows them; else the primitive is asked.
    """
    watched = abstract = False
    for node in nodes:
        if node.value is None:
            abstract = True
        elif node.watched:
            watched = True
    if abstract:
        aval = primitive.infer_aval([node.aval for node in nodes], params) if known is None else Aval(*known)
        if not recording.enabled:
            with record():
                nodes = tuple(operations.stop_gradient(Array(n))._node if n.watched else n for n in nodes)
        return Array(Node(primitive, nodes, params, None, True, user_position(3), aval))
    try:
        value = primitive.evaluate(*[node.value for node in nodes], **params)
    except PullbackError:
        raise
    except (ValueError, TypeError, IndexError) as error:
        # The rule for shapes and dtypes says it in our words; NumPy's are the fallback.
        primitive.infer_aval([node.aval for node in nodes], params)
        raise ShapeError(f"{primitive.name}: {error}") from error
    if isinstance(value, tuple):
        kept = watched and recording.enabled
    else:
        if not isinstance(value, (np.ndarray, np.generic)):
            value = np.asarray(value)
        # Integers and booleans carry no derivative: nothing is lost by not remembering where they came from.
        kept = watched and recording.enabled and value.dtype.kind in "fc"
    if not kept:
        return Array(constant_node(value))
    return Array(Node(primitive, nodes, params, value, True, user_position(3)))


def python_type(operand: Any) -> type | None:
    """Return int, float or complex for an Array that stands for a Python number, None for any other operand."""
    if isinstance(operand, Array) and operand._node.weak:
        return {"c": complex, "i": int}.get(operand.dtype.kind, float)
    return None
