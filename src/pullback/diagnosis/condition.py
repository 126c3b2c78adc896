"""How many digits a computation keeps: relative condition numbers, from the local partials."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import Pointwise
from pullback.core.node import Node
from pullback.core.state import no_grad
from pullback.diagnosis.recording import record_call
from pullback.errors import ShapeError
from pullback.transforms.backward import pull_back, seed
from pullback.transforms.evaluation import carries_derivative
from pullback.view.formula import in_variables
from pullback.view.notation import number, source


@dataclass(frozen=True)
class Step:
    """One operation of a computation.

    Attributes:
        name: of the node.
        expression: the operation on the names of its operands.
        where: ``file:line`` of the user's code.
        condition: by how much a relative error of this value is amplified in the result, sum(|ct * value|) / |result|.
        lost: how many decimal digits the operation itself loses of those its operands have (for elementwise
            operations; 0 for others): the logarithm of sum(|partial * operand|) / |value|, where it is greatest.
    """

    name: str
    expression: str
    where: str
    condition: float
    lost: float

    @property
    def place(self) -> str:
        """Where it is, as it stands before what is said of it."""
        return f"{self.where}: " if self.where else ""


@dataclass(frozen=True)
class Condition:
    """What ``condition`` found.

    Attributes:
        value: the result.
        steps: the inputs and operations, in the order of the forward pass.
        error: an estimate of the relative error of the result by rounding, as if no errors cancelled.
        digits: how many decimal digits of the result that leaves.
    """

    value: float
    steps: tuple[Step, ...]
    error: float
    digits: float

    def __str__(self) -> str:
        worst = sorted(self.steps, key=lambda one: -one.lost)[:_SHOWN]
        if not math.isfinite(self.value):
            return f"result {number(self.value)}: no digits. pullback.diagnose says where that begins"
        right = "all digits" if math.isinf(self.digits) else f"about {self.digits:.1f} digits"
        lines = [f"result {number(self.value)}, {right} of it are right"]
        lines += [f"  {one.place}{one.expression} loses {one.lost:.1f} digits" for one in worst if one.lost >= 1]
        sensitive = sorted(self.steps, key=lambda one: -one.condition)[:_SHOWN]
        lines += [
            f"  {one.place}{one.expression} has the condition number {number(one.condition, 3)}"
            for one in sensitive
            if one.condition > 10
        ]
        return "\n".join(lines)


_SHOWN = 5


def condition(function: Callable[..., Any], /, *args: Any, **keywords: Any) -> Condition:
    """Say how sensitive a result is to relative errors of each intermediate value, and where digits are lost.

    Args:
        function: gives one number; it is called once.
        args: its arguments.
        keywords: the same, by name.

    Raises:
        DTypeError: it is no function, or does not return an array.
        ShapeError: the result has more than one element.

    >>> found = condition(lambda x: (1 + x) - 1, 1e-10)
    >>> round(found.steps[-1].lost)
    10
    >>> condition(lambda x: 2 * x, 1e-10).digits > 15
    True
    """
    graph = record_call("condition", function, args, keywords)
    output = graph.outputs[0]
    if len(graph.outputs) != 1:
        raise ShapeError(f"condition: expected a function with one number as its result, got {len(graph.outputs)}")
    if output.value.size != 1:
        raise ShapeError(f"condition: expected a function with one number as its result, got {output.aval}")
    arrived: dict[Node, Any] = {output: seed(Array(output), None, "condition")}
    inputs = [node for node in graph.inputs if carries_derivative(node)]
    with np.errstate(all="ignore"):
        pull_back([output], [arrived[output]], inputs, lambda node, ct: arrived.update({node: ct}))
        size = abs(float(np.asarray(output.value).real.ravel()[0]))
        nodes = [node for node in graph.nodes if isinstance(arrived.get(node), Array) and carries_derivative(node)]
        steps = [_step(node, arrived[node], size, graph.names) for node in nodes]
    rounded = [one.condition for one, node in zip(steps, nodes, strict=True) if node.inputs]
    amplified = any(one.condition for one in steps)
    error = float(np.finfo(output.value.dtype).eps / 2 * sum(rounded)) if size or not amplified else math.inf
    digits = max(-math.log10(error), 0.0) if 0 < error < math.inf else 0.0 if error else math.inf
    return Condition(float(np.asarray(output.value).real.ravel()[0]), tuple(steps), error, digits)


def _step(node: Node, ct: Array, size: float, names: Any) -> Step:
    value = np.asarray(node.value)
    influence = float(np.sum(np.abs(np.asarray(ct.detach()) * value)))
    amplified = influence / size if size else (math.inf if influence else 0.0)
    return Step(names[node], in_variables(node, names), source(node), amplified, _lost(node))


def _lost(node: Node) -> float:
    """The decimal digits that an elementwise operation loses where it loses most."""
    if not isinstance(node.primitive, Pointwise) or not node.inputs:
        return 0.0
    with no_grad():
        inputs = [Array(one) for one in node.inputs]
        thunks = node.primitive.local_partials(Array(node), inputs, node.params)
        total: Any = 0.0
        for thunk, one in zip(thunks, node.inputs, strict=True):
            if thunk is not None and carries_derivative(one):
                partial = thunk()
                partial = np.asarray(partial.detach()) if isinstance(partial, Array) else partial
                total = total + np.abs(partial * np.asarray(one.value))
    ratio = total / np.abs(np.asarray(node.value))
    ratio = np.where(np.isnan(ratio), 1.0, ratio)
    worst = float(np.max(ratio, initial=1.0))
    return math.log10(worst) if worst < math.inf else math.inf
