"""Expressions: a graph from text. The text is parsed, never evaluated as Python."""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from pullback.compiler.compile import compile
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import Pointwise
from pullback.core.graph import Graph, ancestors, as_scalar, listed
from pullback.core.node import NO_PARAMS, Node
from pullback.core.operations import operations, overrides, primitives, scipy_overrides
from pullback.core.operators import SYMBOLS
from pullback.core.primitive import Primitive
from pullback.core.state import record
from pullback.core.terminals import CONSTANT, INPUT, input_node
from pullback.errors import DTypeError, GraphError, PullbackError
from pullback.transforms.evaluation import Evaluation, as_value, graph_forward, match_inputs
from pullback.view.notation import INFIX, clean, shortened, written

_COMPOSED = {
    1: "sum prod mean max min var std logsumexp softmax log_softmax transpose "
    "relu leaky_relu elu selu gelu silu softplus log_sigmoid",
    2: "dot outer matmul",
}
"""What may be called besides the elementwise functions of NumPy and SciPy, by the number of arguments."""


def _functions() -> dict[tuple[str, int], str]:
    operations.load_all()
    taken = {*map(id, overrides.values()), *(id(getattr(operations, name)) for name in scipy_overrides.values())}
    found = {
        (name, one.arity): name
        for name, one in primitives.items()
        if isinstance(one, Pointwise) and one.differentiable and one.arity <= 2 and id(one) in taken
        if _takes_reals(one)
    }
    found |= {(f"a{name[3:]}", count): name for name, count in found if name.startswith("arc")}
    found |= {(name, count): name for count, names in _COMPOSED.items() for name in names.split()}
    return found | {("abs", 1): "absolute", ("ln", 1): "log", ("max", 2): "maximum", ("min", 2): "minimum"}


def _takes_reals(operation: Pointwise) -> bool:
    """Whether none of its operands must be whole numbers: in an expression all numbers are real."""
    try:
        operation.infer_aval([Aval((), np.dtype(np.float64))] * operation.arity, {})
    except DTypeError:
        return False
    return True


FUNCTIONS = _functions()
"""The functions that an expression may call, by name and number of arguments, and the operation that each is: those
that stand for a differentiable ufunc, and a few more."""

_OPERATORS: dict[type[ast.AST], str] = {
    ast.USub: "negative",
    ast.UAdd: "identity",
    **{
        type(ast.parse(f"a {symbol} b", mode="eval").body.op): name  # type: ignore[attr-defined]  # it is a BinOp
        for name, symbol in SYMBOLS.items()
        if name in INFIX
    },
}

_REAL = Aval((), np.dtype(np.float64))


class Call(Primitive):
    """Stands in an expression for a function that becomes primitives once the shapes are known, such as ``sum``."""

    family = "call"

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        # Not a declared primitive: it belongs to this expression, no registry knows it.
        self.name = name
        self.function = function
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any, **params: Any) -> Array:
        """Apply the function."""
        result: Array = self.function(*args)
        return result


class Expression(Graph):
    """The graph of a text. Its nodes have no shapes until ``forward`` gives values; then a graph with shapes is made.

    Made by ``expression``.
    """

    def forward(self, /, *values: Any, **named: Any) -> Evaluation:
        """Walk left to right with numbers or arrays of any shapes that fit; whole numbers count as real ones.

        Inputs are given by name, or by position in the order in which the text first names them.

        Raises:
            GraphError: an input is missing, given twice, or unknown.
            ShapeError: the shapes do not fit an operation.
            DTypeError: a value is not made of numbers.

        >>> expression("L = c*(a + 2*b)").forward(a=3, b=1, c=-2).values["L"]
        -10.0
        """
        given = {node: _real(node.name or "", value) for node, value in match_inputs(self, values, named).items()}
        graph = self.with_shapes({node: Aval(value.shape, value.dtype) for node, value in given.items()})
        return graph_forward(graph, [given[node] for node in self.inputs], {})

    def compile(self) -> Callable[..., Any]:
        """Return a compiled function of the inputs, given as for ``forward``, for every set of shapes anew.

        >>> expression("L = c*(a + 2*b)").compile()(a=3, b=1, c=-2)
        -10.0
        """

        def run(*values: Any, **named: Any) -> Any:
            given = match_inputs(self, values, named, "compiled expression")
            arrays = {node: operations.asarray(value) for node, value in given.items()}
            real = {
                node: array.astype(np.float64) if array.dtype.kind in "biu" else array for node, array in arrays.items()
            }
            graph = self.with_shapes({node: array.aval for node, array in real.items()})
            return graph.compile()(*[real[node] for node in self.inputs])

        run.__name__ = "expression"
        return compile(run)

    def backward(self, wrt: str | Sequence[str] | None = None) -> Graph:
        """Return the graph of the gradients by the named inputs, for inputs that are real numbers.

        For arrays use ``with_shapes(...).backward()``.
        """
        return self.with_shapes(dict.fromkeys(self.inputs, _REAL)).backward(wrt)

    def simplify(self, log: bool = False) -> Graph:
        """Return the simplified graph for inputs that are real numbers, see ``Graph.simplify``."""
        return self.with_shapes(dict.fromkeys(self.inputs, _REAL)).simplify(log)

    def with_shapes(self, avals: Mapping[Node, Aval]) -> Graph:
        """Return the graph for inputs of these shapes and dtypes: with broadcasts, and calls made primitives."""
        made: dict[Node, Any] = {node: Array(input_node(avals[node], node.name)) for node in self.inputs}
        known = {one._node for one in made.values()}
        known.update(node for node in self.nodes if node.primitive is CONSTANT and node.name is not None)
        double = all(aval.dtype.char in "dD" for aval in avals.values())
        with record(), np.errstate(all="ignore"):
            for node in self.nodes:
                if node in made:
                    continue
                made[node] = _constant(node, double) if not node.inputs else self._replay(node, made, known)
                if isinstance(made[node], Array):
                    known.add(made[node]._node)
        output = operations.asarray(made[self.outputs[0]])._node
        nodes = ancestors([*known, output])
        for node in nodes:
            node._origin = None  # the text made them, not the line that gave the values
        return Graph([made[node]._node for node in self.inputs], nodes, [output])

    def _replay(self, node: Node, made: Mapping[Node, Any], known: Collection[Node]) -> Array:
        try:
            result: Array = node.primitive(*[made[source] for source in node.inputs])
        except PullbackError as error:
            raise type(error)(f"in {self.names[node]} = {written(node, self.names)}: {error.reason}") from None
        if node.name is not None:
            if result._node in known or result._node.name is not None:
                result = operations.identity(result)
            result._node.name = node.name
        return result


def _real(name: str, value: Any) -> np.ndarray[Any, Any]:
    array = as_value(name, value)
    return array.astype(np.float64) if array.dtype.kind in "biu" else np.array(array)


def _constant(node: Node, double: bool) -> Any:
    """A number, which takes the dtype of what it meets; with its name where no dtype could change by that."""
    return Array(node) if node.name is not None and double else as_scalar(node)


def expression(text: str) -> Expression:
    """Return the graph of an expression such as ``"L = c*(a + 2*b)"``.

    The text may hold numbers, names, brackets, ``+ - * / ** @`` and calls of common functions (``sin``, ``exp``,
    ``log``, ``sqrt``, ``tanh``, ``sigmoid``, ``relu``, ``max``, ``sum``, ``mean``, ...). Statements are separated by
    semicolons or new lines; the last one is the output. A name that no statement assigns is an input. Each name is
    assigned once, before it is used; what has no name is called t1, t2, ... in the order of evaluation. Arithmetic
    between numbers is done at once.

    Raises:
        GraphError: the text is no such expression; the message says where.
        DTypeError: it is not a string.

    >>> print(expression("d = 2*b; e = a + d; L = c*e"))
    graph(b, a, c) -> L
      b  input
      a  input
      c  input
      d  multiply(2, b)
      e  add(a, d)
      L  multiply(c, e)
    """
    if not isinstance(text, str):
        raise DTypeError(f"expression: expected a text such as 'c*(a + 2*b)', got {type(text).__name__}")
    return _Reader(text).read()


class _Reader:
    """Turns statements into nodes, one after the other."""

    def __init__(self, text: str) -> None:
        # The lines of an indented block are statements too.
        self.text = "\n".join(line.strip() for line in text.splitlines())
        self.nodes: dict[str, Node] = {}  # by name
        self.inputs: list[Node] = []
        self.order: list[Node] = []
        self.assigned: set[str] = set()
        self.taken: set[str] = set()
        self.count = 0

    def read(self) -> Expression:
        statements = self._parse()
        if not statements:
            raise GraphError("expression: the text is empty. Write something like 'L = c*(a + 2*b)'")
        self.taken = {part.id for one in statements for part in ast.walk(one) if isinstance(part, ast.Name)}
        for position, statement in enumerate(statements):
            final = position == len(statements) - 1
            output = self._statement(statement, final)
        # What was computed at once left numbers behind that nothing uses.
        kept = ancestors([*(node for node in self.order if node.inputs or node.name), output])
        given = set(self.inputs)
        return Expression(self.inputs, [*self.inputs, *(node for node in kept if node not in given)], [output])

    def _parse(self) -> list[ast.stmt]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about Python code that this is not
                return ast.parse(self.text).body
        except SyntaxError as error:
            line = self.text.splitlines()[(error.lineno or 1) - 1 : error.lineno]
            where = f" in {shortened(clean(line[0]), 60)!r}" if line else ""
            column = f" at column {error.offset}" if error.offset and line else ""
            raise GraphError(f"expression: {clean(error.msg)}{where}{column}") from None
        except (RecursionError, MemoryError):
            raise GraphError(
                "expression: nested too deeply, or too many terms in one statement. Split it into statements"
            ) from None
        except ValueError as error:  # a null byte, a lone surrogate
            raise GraphError(f"expression: {clean(str(error))}") from None

    def _statement(self, statement: ast.stmt, final: bool) -> Node:
        if isinstance(statement, ast.Expr):
            if not final:
                raise self._error(statement, "the value of {} is not used: give it a name, as in 't = ...'")
            return self._value(statement.value, None, final)
        if not isinstance(statement, ast.Assign):
            raise self._error(statement, "expected an expression or an assignment 'name = ...', got {}")
        if len(statement.targets) != 1 or not isinstance(statement.targets[0], ast.Name):
            raise self._error(statement, "expected one name to the left of '=' in {}")
        name = statement.targets[0].id
        if name in self.assigned:
            raise self._error(statement, f"{name!r} is assigned twice, in {{}}. Each name stands for one node")
        node = self._value(statement.value, name, final)
        # After its value, so that x = x + 1 is seen to use x.
        if name in self.nodes:
            raise self._error(
                statement, f"{name!r} is used before it is assigned, in {{}}. Give one of them another name"
            )
        self.nodes[name] = node
        self.assigned.add(name)
        return node

    def _value(self, root: ast.expr, name: str | None, final: bool) -> Node:
        """The node of an expression tree, walked without recursion."""
        waiting: list[tuple[ast.expr, bool]] = [(root, False)]
        done: list[Node] = []
        while waiting:
            item, ready = waiting.pop()
            operation, operands = self._operation(item)
            if operands and not ready:
                waiting.append((item, True))
                waiting.extend((one, False) for one in reversed(operands))
                continue
            arguments = done[len(done) - len(operands) :]
            del done[len(done) - len(operands) :]
            own = name if item is root else None
            done.append(self._node(operation, arguments, own, final and item is root) if operands else self._leaf(item))
        (node,) = done
        if name is None and final and node.primitive is CONSTANT:
            name = "out"
        if name is not None and node.name != name:
            node = self._named(node, name)
        return node

    def _operation(self, item: ast.expr) -> tuple[str, list[ast.expr]]:
        if isinstance(item, ast.BinOp) and type(item.op) in _OPERATORS:
            return _OPERATORS[type(item.op)], [item.left, item.right]
        if isinstance(item, ast.UnaryOp) and type(item.op) in _OPERATORS:
            return _OPERATORS[type(item.op)], [item.operand]
        if isinstance(item, ast.Call):
            return self._function(item), item.args
        if isinstance(item, (ast.Name, ast.Constant)):
            return "", []
        hint = ". Powers are written **" if isinstance(item, ast.BinOp) and isinstance(item.op, ast.BitXor) else ""
        raise self._error(item, f"{{}} is not supported: expected numbers, names, + - * / ** @ and calls{hint}")

    def _function(self, item: ast.Call) -> str:
        if not isinstance(item.func, ast.Name):
            raise self._error(item, "expected the name of a function in {}")
        name = item.func.id
        if item.keywords:
            raise self._error(item, f"{name} takes no keywords in an expression, got {{}}")
        if not any(isinstance(one, ast.Starred) for one in item.args) and (name, len(item.args)) in FUNCTIONS:
            return FUNCTIONS[name, len(item.args)]
        counts = [str(count) for known, count in FUNCTIONS if known == name]
        if counts:
            plural = "argument" if counts == ["1"] else "arguments"
            raise self._error(item, f"{name} takes {' or '.join(counts)} {plural}, got {{}}")
        near = difflib.get_close_matches(name, sorted({known for known, _ in FUNCTIONS}), 3)
        hint = f"Did you mean {listed(near)}?" if near else "Functions have NumPy's names, such as exp, arctan2 and sum"
        raise self._error(item, f"there is no function {clean(name)!r}, in {{}}; a product is written with *. {hint}")

    def _leaf(self, item: ast.expr) -> Node:
        if isinstance(item, ast.Name):
            name = item.id
            if name not in self.nodes:
                self.nodes[name] = Node(INPUT, (), NO_PARAMS, None, True, name=name)
                self.inputs.append(self.nodes[name])
            return self.nodes[name]
        assert isinstance(item, ast.Constant)
        if isinstance(item.value, bool) or not isinstance(item.value, (int, float)):
            raise self._error(item, "expected a real number, got {}")
        try:
            return self._keep(Node(CONSTANT, (), NO_PARAMS, np.float64(item.value), False))
        except OverflowError:
            raise self._error(item, "the number {} is too large for double precision") from None

    def _node(self, operation: str, arguments: list[Node], name: str | None, final: bool) -> Node:
        if operation == "identity" and name is None:
            return arguments[0]
        target = getattr(operations, operation)
        if all(one.primitive is CONSTANT for one in arguments):
            with np.errstate(all="ignore"):
                value = np.float64(target(*[one.value for one in arguments])._node.value)
            return self._keep(Node(CONSTANT, (), NO_PARAMS, value, False, name=name))
        primitive = target if isinstance(target, Primitive) else Call(operation, target)
        if name is None and not final:
            name = self._next_name()
        return self._keep(Node(primitive, tuple(arguments), NO_PARAMS, None, True, name=name))

    def _named(self, node: Node, name: str) -> Node:
        """A node of its own for a name that is given to an input, to another name, or to a number."""
        if node.primitive is CONSTANT:
            return self._keep(Node(CONSTANT, (), NO_PARAMS, node.value, False, name=name))
        return self._keep(Node(operations.identity, (node,), NO_PARAMS, None, True, name=name))

    def _next_name(self) -> str:
        while True:
            self.count += 1
            if f"t{self.count}" not in self.taken:
                return f"t{self.count}"

    def _keep(self, node: Node) -> Node:
        self.order.append(node)
        return node

    def _error(self, item: ast.AST, message: str) -> GraphError:
        segment = ast.get_source_segment(self.text, item) or "this"
        return GraphError(f"expression: {message.format(repr(shortened(clean(segment), 60)))}")
