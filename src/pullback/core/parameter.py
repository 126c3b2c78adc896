"""Parameters: handles that hold state."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.capture import capturing
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.record import as_constant
from pullback.core.state import recording
from pullback.core.terminals import constant_node, leaf_node
from pullback.dtypes import is_differentiable
from pullback.errors import DTypeError, NotDifferentiableError, ShapeError


class Parameter(Array):
    """An array that holds state: a weight, a running mean, the state of a random generator. ``assign`` rebinds it.

    >>> w = Parameter([1.0, 2.0])
    >>> w.assign([3.0, 4.0])
    >>> w
    Parameter([3., 4.])
    """

    __slots__ = ("_held", "_held_grad", "trainable")
    _held: Node
    _held_grad: Array | None

    # While a function is captured to be compiled, it meets what the parameter stands for there; see capture.py.

    @property
    def _node(self) -> Node:
        current = capturing.current
        return self._held if current is None else current.read(self)

    @_node.setter
    def _node(self, node: Node) -> None:
        current = capturing.current
        if current is None:
            self._held = node
        else:
            current.write(self, node)

    @property
    def _grad(self) -> Array | None:
        current = capturing.current
        return self._held_grad if current is None else current.read_grad(self)

    @_grad.setter
    def _grad(self, grad: Array | None) -> None:
        current = capturing.current
        if current is None:
            self._held_grad = grad
        else:
            current.write_grad(self, grad)

    def __init__(self, value: Any, *, trainable: bool | None = None, name: str | None = None) -> None:
        """Make a parameter with a copy of ``value``.

        Args:
            value: numbers, a NumPy array or an Array.
            trainable: whether derivatives are asked by it; by default, whether its dtype is floating or complex.
            name: what pictures call it.
        """
        if name is not None and not isinstance(name, str):
            raise DTypeError(f"Parameter: expected a name that is a string, got {type(name).__name__}")
        source = value._concrete("Parameter") if isinstance(value, Array) else as_constant("Parameter", value, False)
        own = np.array(source)
        self.trainable = is_differentiable(own.dtype) if trainable is None else trainable
        self._held = self._holding(own, name)  # to be made is no assignment: a capture begins with this value
        self._held_grad = None

    def assign(self, value: Any) -> None:
        """Give the parameter a new value of the same shape, cast to its dtype; its ``grad`` stays.

        Raises:
            ShapeError: another shape.
            DTypeError: a dtype that does not cast to the parameter's (complex to real, float to integer).
        """
        new = value if isinstance(value, Array) else Array(constant_node(as_constant("assign", value, False)))
        if new.shape != self.shape:
            raise ShapeError(f"assign: expected shape {self.shape}, got {new.shape}")
        if not np.can_cast(new.dtype, self.dtype, "same_kind"):
            raise DTypeError(f"assign: cannot put {new.dtype} into a parameter of {self.dtype}. Use astype first")
        if new._node.value is None and capturing.current is not None:
            self._hold_traced(operations.astype(new, self.dtype), self._node.name)
        else:
            self._hold(np.array(new._concrete("assign"), dtype=self.dtype), self._node.name)

    def _hold(self, own: np.ndarray[Any, Any], name: str | None) -> None:
        """Take ``own``, of the right shape and dtype, which nothing else may write to, as the value."""
        node = self._holding(own, name)
        node.weak = self._held.weak
        self._node = node

    def _holding(self, own: np.ndarray[Any, Any], name: str | None) -> Node:
        """A node for a value of the parameter: one that derivatives are asked by, if it is trainable."""
        if self.trainable:
            self._check_differentiable(own.dtype)
            return leaf_node(own, owner=weakref.ref(self), name=name)
        node = constant_node(own)
        node.name = name
        return node

    def _hold_traced(self, new: Array, name: str | None) -> None:
        """Take an array without a value as the value, while the assignment is captured."""
        node = operations.stop_gradient(new)._node
        if self.trainable:
            node.owner = weakref.ref(self)
        node.name = name
        self._node = node

    @property
    def name(self) -> str | None:
        """What pictures call it. A Module names its parameters by their paths, ``layers.0.weight``."""
        return self._node.name

    @name.setter
    def name(self, name: str | None) -> None:
        self._node.name = name

    def _is_number(self) -> bool:
        return False

    def _rebind(self, what: str, result: Array) -> Array:
        if recording.enabled and result._node.watched:
            raise NotDifferentiableError(
                f"{what}: a parameter cannot be updated in place while operations are recorded. "
                "Use parameter.assign(...), or update it inside 'with pullback.no_grad():'"
            )
        self.assign(result)
        return self

    def _duplicate(self) -> Parameter:
        return Parameter(self.detach(), trainable=self.trainable, name=self.name)

    def __reduce__(self) -> Any:
        return (_unpickle, (np.asarray(self._concrete("pickling")), self.trainable, self.name))

    def __repr__(self) -> str:
        text = repr(np.asarray(self._node.value))
        return f"Parameter({text[len('array(') :]}" if self._node.value is not None else super().__repr__()


def _unpickle(value: Any, trainable: bool, name: str | None) -> Parameter:
    return Parameter(value, trainable=trainable, name=name)
