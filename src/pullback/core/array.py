"""The handle that users hold: it points at a node, and may be rebound to another."""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Iterator
from typing import Any, SupportsIndex

import numpy as np

from pullback.core.aval import Aval
from pullback.core.methods import Methods
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.operators import Operators
from pullback.core.protocols import array_function, calling_function
from pullback.core.state import recording, updating
from pullback.core.temporary import ONLY, is_statement
from pullback.core.terminals import constant_node, leaf_node
from pullback.core.ufuncs import array_ufunc
from pullback.dtypes import is_differentiable
from pullback.errors import (
    ArgumentError,
    ConcretizationError,
    DTypeError,
    GraphError,
    IndexingError,
    NotDifferentiableError,
    ShapeError,
)


class Array(Methods, Operators):
    """An n-dimensional array of numbers that can be watched for derivatives. Made by ``array`` and ``asarray``.

    It behaves as a NumPy array, with one difference: indexing and reshaping give new values, never views.
    ``x[i] = v`` and ``x += v`` make the handle point at the updated value; nothing else changes with it. What NumPy
    returns as a number stays one: ``x += v`` is another handle then.

    >>> import pullback as pb
    >>> a = pb.array(3.0, requires_grad=True)
    >>> (a * a).backward()
    >>> a.grad
    array(6.)
    """

    __slots__ = ("__weakref__", "_grad", "_is_place", "_node")
    __array_priority__ = 1000

    def __init__(self, node: Node) -> None:
        if node.__class__ is not Node:
            raise DTypeError(f"Array: expected to be made by pullback.array(...), got {type(node).__name__}")
        self._node = node
        self._grad: Array | None = None

    # What it is ---------------------------------------------------------------------------------------------------

    @property
    def node(self) -> Node:
        """The node of the graph that this handle points at."""
        return self._node

    @property
    def aval(self) -> Aval:
        """Shape and dtype."""
        return self._node.array_aval

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        value = self._node.value
        shape: tuple[int, ...] = value.shape if value is not None else self._node.array_aval.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        value = self._node.value
        dtype: np.dtype[Any] = value.dtype if value is not None else self._node.array_aval.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.aval.size

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.itemsize

    @property
    def device(self) -> str:
        """Where the array lives: always ``"cpu"`` (Array API)."""
        return "cpu"

    def to_device(self, device: str, /, *, stream: Any = None) -> Array:
        """Return the array itself; the only device is ``"cpu"`` (Array API)."""
        if device != "cpu":
            raise ArgumentError(f"to_device: expected 'cpu', got {device!r}")
        return self

    # Watching -----------------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether a derivative can be asked through this array. Setting it makes the array a leaf of its own."""
        return self._node.watched

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        value = self._concrete("setting requires_grad")
        if not isinstance(flag, (bool, np.bool_)):
            raise DTypeError(f"requires_grad: expected True or False, got {flag!r}")
        if not flag:
            self._node = constant_node(value)
        elif not self._node.watched:
            self._make_leaf(value)

    def _make_leaf(self, value: Any, name: str | None = None) -> None:
        self._check_differentiable(value.dtype)
        self._node = leaf_node(value, owner=weakref.ref(self), name=name)

    @staticmethod
    def _check_differentiable(dtype: np.dtype[Any]) -> None:
        if not is_differentiable(dtype):
            raise NotDifferentiableError(
                f"requires_grad: expected a floating or complex array, got {dtype}: "
                "integers and booleans have no derivative. Give dtype=float"
            )

    @property
    def grad(self) -> Array | None:
        """What ``backward`` has accumulated for this leaf: an Array of its shape and dtype, or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Array | None) -> None:
        if value is not None:
            value = operations.copy(value)
            if value.shape != self.shape:
                raise ShapeError(f"grad: expected shape {self.shape}, got {value.shape}")
            if not np.can_cast(value.dtype, self.dtype, "same_kind"):
                raise DTypeError(f"grad: expected {self.dtype}, got {value.dtype}")
            value = operations.astype(value, self.dtype)
        self._grad = value

    def backward(self, cotangent: Any = None) -> None:
        """Walk the graph from this array to the leaves and add the derivative by each to its ``grad``.

        Args:
            cotangent: what arrives from the right, of this array's shape; 1 for an array with one element.

        Raises:
            NotDifferentiableError: the array depends on nothing that is watched.
            ShapeError: no cotangent was given and the array has more than one element, or its shape differs.
        """
        operations.accumulate_gradients(self, cotangent)

    def detach(self) -> Array:
        """Return the same value, not watched.

        The value of an array that is being traced is not known: its gradient is stopped instead.
        """
        if self._node.value is None:
            stopped: Array = operations.stop_gradient(self)
            return stopped
        return Array(constant_node(self._node.value))

    # Values -------------------------------------------------------------------------------------------------------

    def _concrete(self, what: str) -> Any:
        value = self._node.value
        if value is None:
            raise ConcretizationError(
                f"{what} needs a value, but this array ({self.aval}) is being traced and has none. "
                "Use np.where in place of if, NumPy's functions in place of "
                "math's, or compute the number outside the traced function"
            )
        return value

    def _constant(self, what: str, instead: str) -> Any:
        value = self._concrete(what)
        if self._node.watched and is_differentiable(value.dtype):
            raise NotDifferentiableError(
                f"{what} would lose the gradient: this array ({self.aval}) is watched. {instead}"
            )
        return value

    def _read(self, what: str) -> Any:
        """The value, to be read as a constant: not where that is a part of what a transform differentiates."""
        if recording.differentiating and recording.enabled:
            return self._constant(
                what, f"Use the array itself, or .detach().{what} to read the value as a constant to the derivative"
            )
        return self._concrete(what)

    def numpy(self) -> np.ndarray[Any, Any]:
        """Return the value as a NumPy array of its own (a copy). Raises NotDifferentiableError if watched."""
        return np.array(self._constant("numpy()", "Use .detach().numpy() to read the value as a constant"))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        value = np.asarray(
            self._constant(
                calling_function() or "np.asarray(x)",
                "Use pullback.asarray(x) to keep it, np.stack([...]) to join arrays, "
                "or .detach() to read the value as a constant",
            )
        )
        if copy is False and dtype is not None and value.dtype != np.dtype(dtype):
            raise DTypeError(f"np.asarray: cannot turn {value.dtype} into {np.dtype(dtype)} without a copy")
        result = value.astype(dtype, copy=bool(copy)) if dtype is not None else value.copy() if copy else value.view()
        if not copy and np.may_share_memory(result, value):
            result.flags.writeable = False  # the node's value must not change
        return result

    def item(self, *index: SupportsIndex) -> Any:
        """Return one element (the only one, if no index is given) as a Python number, a constant to the gradient.

        Raises NotDifferentiableError in a function that a transform differentiates, if the array is watched.
        """
        value = self._read("item()")
        if not index and value.size != 1:
            raise ShapeError(f"item(): expected an array with one element, got shape {value.shape}")
        try:
            return np.asarray(value).item(*index)
        except (IndexError, ValueError, TypeError) as error:
            raise IndexingError(f"item(): {error}") from None

    def tolist(self) -> Any:
        """Return the value as nested Python lists, constants to the gradient.

        Raises NotDifferentiableError in a function that a transform differentiates, if the array is watched.
        """
        return self._read("tolist()").tolist()

    def __float__(self) -> float:
        return float(
            self._scalar(
                "float(x)", "Use x.detach().item() to read the value as a constant, numpy's functions for math's"
            )
        )

    def __complex__(self) -> complex:
        return complex(self._scalar("complex(x)", "Use x.detach().item() to read the value as a constant"))

    def _scalar(self, what: str, instead: str) -> Any:
        value = self._constant(what, instead)
        if value.size != 1:
            raise ShapeError(f"{what}: expected an array with one element, got shape {value.shape}")
        return value.item()

    def __int__(self) -> int:
        return int(self._piecewise("int(x)"))

    __trunc__ = __int__

    def __floor__(self) -> int:
        return math.floor(self._piecewise("math.floor(x)"))

    def __ceil__(self) -> int:
        return math.ceil(self._piecewise("math.ceil(x)"))

    def __round__(self, ndigits: int | None = None) -> Any:
        return round(self._piecewise("round(x)")) if ndigits is None else operations.round(self, ndigits)

    def __bool__(self) -> bool:
        return bool(self._piecewise("bool(x), as in 'if x:',"))

    def _piecewise(self, what: str) -> Any:
        # Piecewise constant functions of the value: their derivative is zero, nothing is lost.
        value = self._concrete(what)
        if value.size != 1:
            raise ShapeError(
                f"{what} expected an array with one element, got shape {value.shape}. Use .any() or .all()"
            )
        return value.item()

    def __index__(self) -> int:
        value = self._concrete("using the array as an index")
        if value.dtype.kind not in "iu" or value.ndim != 0:
            raise DTypeError(f"an index is expected to be an integer array without axes, got {self.aval}")
        return int(value)

    def __len__(self) -> int:
        if not self.shape:
            raise DTypeError("len(x): expected an array with at least one axis, got a 0-d array")
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        if not self.shape:
            raise DTypeError("iteration: expected an array with at least one axis, got a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, item: Any) -> bool:
        return bool(operations.any(operations.equal(self, item)))

    __hash__ = None  # type: ignore[assignment]  # as NumPy's: == compares element by element

    def __copy__(self) -> Array:
        return Array(self._node)

    def __deepcopy__(self, memo: dict[int, Any]) -> Array:
        return self._duplicate()

    def _duplicate(self) -> Array:
        """A handle of its own; a leaf gives a new leaf with the same value."""
        copy = Array(self._node)
        if self._node.owner is not None:
            copy._make_leaf(self._concrete("copying"), self._node.name)
        return copy

    def copy(self) -> Array:
        """Return a handle of its own on the same value; the gradient flows through."""
        return Array(self._node)

    def __reduce__(self) -> Any:
        value = np.asarray(self._concrete("pickling"))
        leaf = self._node.owner is not None
        if self._node.watched and not leaf:
            raise NotDifferentiableError(
                f"pickling would lose the gradient: this array ({self.aval}) was computed from a watched one. "
                "Pickle x.detach(), or the leaves that it was computed from"
            )
        return (_unpickle, (value, leaf))

    # Protocols ----------------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        return array_ufunc(ufunc, method, inputs, keywords)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return array_function(func, args, kwargs)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return operations.array_namespace(api_version)

    def __dlpack__(self, **keywords: Any) -> Any:
        value = self._constant("__dlpack__()", "Use .detach() to export the value as a constant")
        if keywords.get("copy") is False:
            raise BufferError("pullback arrays are immutable: they are exported as a copy only")
        keywords.pop("copy", None)
        return np.array(value).__dlpack__(**keywords)

    def __dlpack_device__(self) -> tuple[Any, int]:
        return np.empty(0).__dlpack_device__()

    def __repr__(self) -> str:
        value = self._node.value
        if value is None:
            return f"<traced {self._node.aval}>"
        if isinstance(value, tuple):
            return f"<{self._node.primitive.name}: {len(value)} results>"
        text = repr(np.asarray(value))
        return f"{text[:-1]}, requires_grad=True)" if self._node.watched else text

    def __str__(self) -> str:
        value = self._node.value
        return repr(self) if value is None else str(value)

    def __format__(self, spec: str) -> str:
        if self._node.value is None or not spec:
            return str(self)
        if self.size != 1:
            raise ShapeError(f"format {spec!r}: expected an array with one element, got shape {self.shape}")
        return format(self._concrete("format").item(), spec)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle: dict[str, str] = operations.array_bundle(self)
        return bundle

    # Updates ------------------------------------------------------------------------------------------------------

    def _rebind(self, what: str, result: Array) -> Array:
        """Point this handle at ``result``, which must have its shape and a dtype that casts to its own."""
        if updating.forbidden:
            raise GraphError(f"{what}: arrays cannot be updated here")
        if result.shape != self.shape:
            raise ShapeError(f"{what}: expected a result of shape {self.shape}, got {result.shape}")
        if result.dtype != self.dtype:
            if not np.can_cast(result.dtype, self.dtype, "same_kind"):
                raise DTypeError(f"{what}: cannot put {result.dtype} into an array of {self.dtype}. Use astype first")
            result = operations.astype(result, self.dtype)
        owner = self._node.owner
        if owner is not None and owner() is self and not result._node.watched:
            self._make_leaf(result._node.value, self._node.name)  # an update under no_grad leaves a leaf a leaf
        else:
            self._node = result._node
        self._is_place = True
        return self

    def _is_number(self) -> bool:
        """Whether NumPy has a number here, which does not change: ``x += v`` means ``x = x + v`` for it.

        It has an array without axes only where somebody made one, and where that was updated.
        """
        node = self._node
        if self.shape or getattr(self, "_is_place", False) or node.owner is not None:
            return False
        return node.value is None or node.weak or bool(node.inputs) or isinstance(node.value, np.generic)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._rebind("x[i] = v", operations.setitem(self, index, value))
        if sys.getrefcount(self) == ONLY and is_statement():
            raise ArgumentError(
                "x[i] = v: the update would be lost: it is of a new value, to which nothing refers. Indexing and "
                "reshaping give no views: write x[i, j] = v for x[i][j] = v"
            )

    def __getitem__(self, index: Any) -> Array:
        result: Array = operations.getitem(self, index)
        return result


def _unpickle(value: Any, leaf: bool) -> Array:
    array = Array(constant_node(value))
    array.requires_grad = leaf
    return array
