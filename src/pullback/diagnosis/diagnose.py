"""Where a NaN or an infinity begins: the first operation that made one of finite numbers, in the value or backwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.control.held import Holding
from pullback.core.array import Array
from pullback.core.graph import Graph, ancestors, as_scalar
from pullback.core.node import Node, is_finite
from pullback.core.terminals import CONSTANT, INPUT
from pullback.diagnosis.advice import advice
from pullback.diagnosis.inside import faulty_run
from pullback.diagnosis.recording import record_call
from pullback.transforms.backward import pull_back, seed
from pullback.transforms.evaluation import carries_derivative
from pullback.view.formula import in_variables
from pullback.view.notation import described, source

_STEPS = 8
"""How many steps of the way to the result are named."""


@dataclass(frozen=True)
class Fault:
    """An operation at which finite numbers gave NaN or an infinity.

    Attributes:
        stage: ``"value"``, or ``"gradient"`` where the derivative is not finite while the value is.
        operation: of the node.
        expression: the operation on the names of its operands.
        where: ``file:line`` of the user's code, empty where it is not known.
        what: how many elements are NaN and infinite.
        operands: the name of each operand and what range it has.
        path: the operations from there to the result.
        advice: what would avoid it.
        inside: in which run of which function it is, where a loop or a branch runs it.
    """

    stage: str
    operation: str
    expression: str
    where: str
    what: str
    operands: tuple[tuple[str, str], ...]
    path: tuple[str, ...]
    advice: str
    inside: str = ""

    def __str__(self) -> str:
        subject = self.expression
        if self.stage == "gradient":
            subject = f"backwards, {subject}" if self.inside else f"the derivative of {subject}"
        lines = [f"{self.where and self.where + ': '}{subject} is {self.what}{self.inside and ', ' + self.inside}"]
        lines += [f"  {name} is {text}" for name, text in self.operands]
        if len(self.path) > 1:
            lines.append(f"  the way to the result: {' -> '.join(self.path)}")
        lines.append(f"  {self.advice}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Diagnosis:
    """What ``diagnose`` found. True if there is a fault.

    Attributes:
        faults: where finite numbers gave NaN or an infinity that reached the result, the first one first.
        inputs: the names of inputs that are not finite themselves.
        constants: the same of constants that reach the result, which nothing watched was made of.
    """

    faults: tuple[Fault, ...]
    inputs: tuple[str, ...]
    constants: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.faults or self.inputs or self.constants)

    def __str__(self) -> str:
        lines = [f"the input {name} holds NaN or an infinity" for name in self.inputs]
        lines += [f"{name} holds NaN or an infinity, and depends on no floating argument" for name in self.constants]
        return "\n".join([*lines, *map(str, self.faults)]) or "all numbers are finite, and all gradients"


def diagnose(function: Callable[..., Any], /, *args: Any, **keywords: Any) -> Diagnosis:
    """Run ``function`` and say where a NaN or an infinity in its result, or in its gradient, begins.

    Args:
        function: what is examined, such as a loss; it is called once. What it reads besides its arguments, such as
            Parameters, is examined too.
        args: its arguments; the gradient by all of floating dtype is examined.
        keywords: the same, by name.

    Raises:
        DTypeError: it is no function, or does not return arrays.

    >>> import numpy as np
    >>> def loss(x, y):
    ...     p = np.exp(x) / np.sum(np.exp(x))
    ...     return -np.sum(y * np.log(p))
    >>> print(diagnose(loss, np.array([800.0, 0.0]), np.array([1.0, 0.0])))  # doctest: +ELLIPSIS
    exp(x) is 1 inf of 2 elements
      x is [800, 0]
      the way to the result: exp -> divide (p) -> log -> multiply -> sum -> negative
      write it stably: exp(x) / sum(exp(x)) = softmax(x)
    """
    graph = record_call("diagnose", function, args, keywords)
    return examine(graph)


def examine(graph: Graph) -> Diagnosis:
    """Say where what is not finite in a graph with values begins, in the values or, if these are finite, backwards."""
    inputs = [node for node in graph.nodes if not node.inputs and node.watched and not is_finite(node.value)]
    names = tuple(graph.names[node] for node in inputs)
    outputs = [node for node in graph.outputs if not is_finite(node.value)]
    if outputs:
        faults = [_value_fault(graph, node, path) for node, path in _origins(graph, outputs)]
        constants = _strange_constants(graph, outputs)
        once = {(one.where, one.expression): one for one in reversed(faults)}  # of one line run often, the first time
        return Diagnosis(tuple(reversed(once.values())), names, constants)
    with np.errstate(all="ignore"):
        fault = None if inputs else _gradient_fault(graph)
    return Diagnosis(() if fault is None else (fault,), names)


# Values ---------------------------------------------------------------------------------------------------------------


def _origins(graph: Graph, outputs: list[Node]) -> Iterator[tuple[Node, list[Node]]]:
    """Yield the nodes that are not finite although what they are made of is, from which this reaches an output.

    An infinity that was written, such as that of a mask, is no fault as long as no NaN comes of it.
    """
    meant = _meant(graph)
    after: dict[Node, Node | None] = dict.fromkeys(node for node in outputs if node not in meant)
    waiting = list(after)
    found = []
    while waiting:
        node = waiting.pop()
        before = [one for one in dict.fromkeys(node.inputs) if one not in meant and not is_finite(one.value)]
        if not before and node.inputs:
            found.append(node)
        for one in before:
            if one not in after:
                after[one] = node
                waiting.append(one)
    for node in sorted(found, key=lambda one: one.index):
        path: list[Node] = []
        step: Node | None = node
        while step is not None:
            path.append(step)
            step = after[step]
        yield node, path


def _meant(graph: Graph) -> set[Node]:
    """The nodes that hold infinities of constants, and no NaN."""
    meant: set[Node] = set()
    for node in graph.nodes:
        if is_finite(node.value) or isinstance(node.value, tuple) or np.isnan(node.value).any():
            continue
        strange = [one for one in node.inputs if not is_finite(one.value)]
        if node.primitive is CONSTANT or (strange and meant.issuperset(strange)):
            meant.add(node)
    return meant


def _strange_constants(graph: Graph, outputs: list[Node]) -> tuple[str, ...]:
    """The constants with NaN from which that reaches an output, and outputs that are constants."""
    found = []
    for node in ancestors(outputs, stop=lambda node: is_finite(node.value)):
        if node.primitive is CONSTANT and not isinstance(node.value, tuple) and not is_finite(node.value):
            if node in outputs:
                found.append("the result")
            elif np.isnan(node.value).any():
                found.append(f"the constant {graph.names[node]}")
    return tuple(dict.fromkeys(found))


def _value_fault(graph: Graph, node: Node, path: list[Node], stage: str = "value") -> Fault:
    inside = ""
    while (run := faulty_run(node)) is not None:  # a loop in a loop
        strange = [one for one in run.graph.outputs if not is_finite(one.value)]
        origin = next(_origins(run.graph, strange), None)
        if origin is None:
            break
        inside = f"in run {run.number} of {run.name}"
        graph, node, path = run.graph, origin[0], [*origin[1], *path]
    return Fault(
        stage, node.primitive.name, in_variables(node, graph.names), source(node), _counted(node.value),
        _operands(graph, node), _steps(graph, path), advice(node, graph, gradient=False), inside,
    )  # fmt: skip


def _counted(value: Any) -> str:
    if isinstance(value, tuple):
        return next(_counted(one) for one in value if not is_finite(one))
    value = np.asarray(value)
    nan, infinite = int(np.isnan(value).sum()), int(np.isinf(value).sum())
    if value.size == 1:
        return "NaN" if nan else "-inf" if value.real.ravel()[0] == -np.inf else "inf"
    words = [f"{count} {word}" for count, word in ((nan, "NaN"), (infinite, "inf")) if count]
    return f"{' and '.join(words)} of {value.size} elements"


def _operands(graph: Graph, node: Node) -> tuple[tuple[str, str], ...]:
    found = {}
    for one in node.inputs:
        while one.primitive.name == "broadcast_to" and one.name is None:
            one = one.inputs[0]
        if one.value is not None and as_scalar(one) is None:
            label = graph.names[one] if one.name is not None else in_variables(one, graph.names)
            found[label] = described(one.value)
    return tuple(found.items())


def _steps(graph: Graph, path: list[Node]) -> tuple[str, ...]:
    steps = [f"{node.primitive.name} ({node.name})" if node.name else node.primitive.name for node in path]
    return tuple(steps if len(steps) <= _STEPS else [*steps[: _STEPS - 2], "...", steps[-1]])


# Gradients ------------------------------------------------------------------------------------------------------------


def _gradient_fault(graph: Graph) -> Fault | None:
    """The first edge, from the result backwards, along which a finite cotangent becomes one that is not finite."""
    output = graph.outputs[0]
    if len(graph.outputs) != 1 or output.value.size != 1 or not carries_derivative(output):
        return None
    wanted = [node for node in graph.nodes if node.primitive is INPUT and carries_derivative(node)]
    one = seed(Array(output), None, "diagnose")
    if all(ct is None or is_finite(ct._node.value) for ct in pull_back([output], [one], wanted)):
        return None  # as it is walked, through stable forms, nothing is wrong
    arrived: dict[Node, Any] = {}
    pull_back([output], [one], wanted, lambda node, ct: arrived.update({node: ct}))
    for node in sorted(arrived, key=lambda one: -one.index):
        ct = arrived[node]
        arriving = [one for one in ct if one is not None] if isinstance(ct, list) else [ct]
        if not node.inputs or not all(is_finite(one._node.value) for one in arriving):
            continue
        carried = [carries_derivative(one) for one in node.inputs]
        inputs = [Array(one) for one in node.inputs]
        for contribution in node.primitive.vjp(ct, Array(node), inputs, carried, node.params):
            if isinstance(contribution, Array) and not is_finite(contribution._node.value):
                return _edge_fault(graph, node, contribution)
    return None


def _edge_fault(graph: Graph, node: Node, contribution: Array) -> Fault:
    path = _to_output(graph, node)
    if isinstance(node.primitive, Holding):
        walked = Graph.of([contribution._node])
        for origin, after in _origins(walked, [contribution._node]):
            inner = _value_fault(walked, origin, [*after, *path])
            if inner.inside:
                return replace(inner, stage="gradient")
    return Fault(
        "gradient", node.primitive.name, in_variables(node, graph.names), source(node),
        _counted(contribution._node.value), _operands(graph, node), _steps(graph, path),
        advice(node, graph, gradient=True),
    )  # fmt: skip


def _to_output(graph: Graph, node: Node) -> list[Node]:
    """One way from a node to the output."""
    reached = {node}
    after: dict[Node, Node] = {}
    for one in graph.nodes:
        if one.index > node.index and one not in reached:
            previous = next((two for two in one.inputs if two in reached), None)
            if previous is not None:
                reached.add(one)
                after[one] = previous
    path = [graph.outputs[0]]
    while path[-1] is not node and path[-1] in after:
        path.append(after[path[-1]])
    return path[::-1]
