"""What a function reads and writes besides its arguments: Parameters, their gradients, and settings.

While a function is traced to be compiled, the Parameters that it touches have no values: each stands for an input of
the graph when it is first read, and for a result when it has been assigned. Nothing outside sees any of it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pullback.errors import ArgumentError

if TYPE_CHECKING:
    from pullback.core.array import Array
    from pullback.core.node import Node
    from pullback.core.parameter import Parameter
    from pullback.core.settings import Configured


class _Capturing(threading.local):
    current: Capture | None = None


capturing = _Capturing()


class Cell:
    """A Parameter that was touched: what it held before, and what it holds now.

    Attributes:
        given: the input that stands for its value before the call; None as long as that was not read.
        node: what it holds now.
        given_grad: the input that stands for its gradient before the call, if that was read and there was one.
        grad: its gradient now.
        grad_touched: whether its gradient was read or written.
    """

    def __init__(self, parameter: Parameter) -> None:
        self.reference = weakref.ref(parameter)
        self.before = parameter._held
        self.given: Node | None = None
        self.node: Node | None = None
        self.grad_before = parameter._held_grad
        self.given_grad: Node | None = None
        self.grad: Array | None = None
        self.grad_touched = False


class Capture:
    """The state that a function touches while it runs inside ``with capture:``.

    Attributes:
        cells: the Parameters, in the order in which they were first touched.
        slots: attributes of Parameters that were read besides, each with the very object that it held.
        settings: what else was read, as functions that read it again, each with what it gave.
        configured: objects whose settings were read, by their ids.
        met: NumPy arrays that became operands, by their ids, each with the values that stand for it.
    """

    def __init__(self, make_input: Callable[[Parameter], Node], make_grad: Callable[[Parameter, Array], Array]) -> None:
        self.cells: list[Cell] = []
        self._latest: dict[int, Cell] = {}
        self.slots: list[tuple[Parameter, str, Any]] = []
        self.settings: list[tuple[Callable[[], Any], Any]] = []
        self.configured: dict[int, Configured] = {}
        self.met: dict[int, tuple[Any, list[Any]]] = {}
        self._make_input = make_input
        self._make_grad = make_grad
        self._outer: Capture | None = None

    def __enter__(self) -> Capture:
        self._outer = capturing.current
        capturing.current = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        capturing.current = self._outer

    def _cell(self, parameter: Parameter) -> Cell:
        cell = self._latest.get(id(parameter))
        if cell is None or cell.reference() is not parameter:  # one that lives no more may have had this id
            cell = self._latest[id(parameter)] = Cell(parameter)
            self.cells.append(cell)
        return cell

    def read(self, parameter: Parameter) -> Node:
        """The node that the parameter holds now."""
        cell = self._cell(parameter)
        if cell.node is None:
            cell.node = cell.given = self._make_input(parameter)
        return cell.node

    def write(self, parameter: Parameter, node: Node) -> None:
        """Let the parameter hold another node."""
        self._cell(parameter).node = node

    def meet(self, array: Any, value: Any) -> None:
        """Take note of a NumPy array that is an operand, and of the value that the operation uses in its place."""
        self.met.setdefault(id(array), (array, []))[1].append(value)

    def read_grad(self, parameter: Parameter) -> Array | None:
        """The gradient that the parameter has now."""
        cell = self._cell(parameter)
        if not cell.grad_touched:
            cell.grad_touched = True
            before = cell.grad_before
            if before is None:
                self.slots.append((parameter, "_held_grad", None))
            else:
                self.settings.append((lambda: parameter._held_grad is not None, True))
                cell.grad = self._make_grad(parameter, before)
                cell.given_grad = cell.grad._node
        return cell.grad

    def write_grad(self, parameter: Parameter, grad: Array | None) -> None:
        """Let the parameter have another gradient."""
        cell = self._cell(parameter)
        cell.grad_touched = True
        cell.grad = grad


class Sealed(Capture):
    """State that may be read and not written: while the body of a loop or branch is traced, which runs later.

    Attributes:
        operation: what errors name.
    """

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self._outer: Capture | None = None

    def __enter__(self) -> Sealed:
        super().__enter__()
        self.configured = self._outer.configured if self._outer is not None else {}
        self.met = self._outer.met if self._outer is not None else {}
        return self

    def read(self, parameter: Parameter) -> Node:
        """The node that the parameter holds now."""
        return parameter._held if self._outer is None else self._outer.read(parameter)

    def read_grad(self, parameter: Parameter) -> Array | None:
        """The gradient that the parameter has now."""
        return parameter._held_grad if self._outer is None else self._outer.read_grad(parameter)

    def write(self, parameter: Parameter, node: Node) -> None:
        """Refuse."""
        raise ArgumentError(
            f"{self.operation}: expected a function that assigns no Parameter, got one that assigns "
            f"{parameter.name or 'one'}: it is traced once. Carry the value through the loop, or return it, and assign "
            "it afterwards"
        )

    def write_grad(self, parameter: Parameter, grad: Array | None) -> None:
        """Refuse."""
        raise ArgumentError(
            f"{self.operation}: expected a function that sets no gradient, got one that calls backward() or sets .grad "
            "of a Parameter: it is traced once. Use grad or vjp inside it"
        )
