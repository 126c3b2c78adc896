"""How healthy a network is: dead and saturated units, gradients that vanish or explode with depth, what is unused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.node import Node
from pullback.core.parameter import Parameter
from pullback.errors import DTypeError, GraphError
from pullback.transforms.evaluation import Evaluation, carries_derivative
from pullback.view.groups import fold
from pullback.view.notation import number

_FLAT = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "softmax": (0.0, 1.0)}
"""Between which numbers activations lie that have no slope left at the ends."""

_END = 0.01
"""How near to an end, as a share of the range, a unit counts as saturated."""

_VANISHING, _EXPLODING = 1e-3, 1e3
"""From which ratio of the first layer's gradient to the last's on it is said to vanish, or to explode."""


@dataclass(frozen=True)
class Activation:
    """What came out of an activation function.

    Attributes:
        name: of the node.
        layer: the module that it is in, empty outside of any.
        operation: the function.
        mean: of all elements.
        std: of all elements.
        dead: the share of units that are 0 for every row, of a ``relu``.
        saturated: the share of elements at an end of the range, of a ``sigmoid`` or ``tanh``.
        gradient: root mean square of the derivative by it.
    """

    name: str
    layer: str
    operation: str
    mean: float
    std: float
    dead: float | None
    saturated: float | None
    gradient: float


@dataclass(frozen=True)
class Weight:
    """A parameter.

    Attributes:
        name: of the parameter.
        size: how many numbers it holds.
        norm: root mean square of them.
        gradient: root mean square of the derivative by it; None where nothing connects it with the result.
    """

    name: str
    size: int
    norm: float
    gradient: float | None


@dataclass(frozen=True)
class Health:
    """What ``health`` found; printed, a table and what is wrong.

    Attributes:
        activations: in the order of the forward pass.
        weights: in the order of the graph's inputs.
        warnings: what is wrong, one sentence each.
    """

    activations: tuple[Activation, ...]
    weights: tuple[Weight, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        rows = [["parameter", "size", "rms", "rms of gradient"]]
        for weight in self.weights:
            gradient = "not connected" if weight.gradient is None else number(weight.gradient, 3)
            rows.append([weight.name, f"{weight.size:,}", number(weight.norm, 3), gradient])
        lines = _table(rows)
        if self.activations:
            rows = [["activation", "mean", "std", "dead", "saturated", "rms of gradient"]]
            rows += [
                [f"{one.operation} {one.layer or one.name}", number(one.mean, 3), number(one.std, 3),
                 _share(one.dead), _share(one.saturated), number(one.gradient, 3)]
                for one in self.activations
            ]  # fmt: skip
            lines += ["", *_table(rows)]
        return "\n".join([*lines, "", *(self.warnings or ("nothing is wrong",))])


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if not i else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def health(run: Evaluation, parameters: Iterable[Parameter] = ()) -> Health:
    """Look at values and gradients of a network, layer by layer.

    Args:
        run: of a graph whose output is the loss, after ``backward``.
        parameters: all that ought to be trained (``model.parameters()``): what the graph does not have of them is
            reported as not connected.

    Raises:
        DTypeError: it is no Evaluation.
        GraphError: there was no backward pass.

    >>> import numpy as np
    >>> import pullback as pb
    >>> model = pb.nn.Sequential(pb.nn.Linear(3, 4, rng=1), pb.nn.ReLU(), pb.nn.Linear(4, 1, rng=1))
    >>> x = np.ones((5, 3), np.float32)
    >>> graph = pb.trace(lambda x: pb.nn.mse(model(x), np.zeros((5, 1), np.float32)), x)
    >>> found = health(graph.forward(x).backward())
    >>> [weight.name for weight in found.weights], found.activations[0].dead
    (['0.weight', '0.bias', '2.weight', '2.bias'], 0.75)
    """
    if not isinstance(run, Evaluation):
        raise DTypeError(f"health: expected an Evaluation (graph.forward(...).backward()), got {type(run).__name__}")
    if run.output is None:
        raise GraphError("health: expected an Evaluation with gradients. Call backward() first")
    folding = fold(run.graph.nodes)
    activations = []
    for node in run.graph.nodes:
        if (node.primitive.name == "relu" or node.primitive.name in _FLAT) and carries_derivative(node):
            group = folding.of.get(node)
            activations.append(_activation(run, node, folding.groups[group].path if group is not None else ""))
    # Inputs that have a value of their own are Parameters that the function read.
    nodes = [node for node in run.graph.inputs if node.value is not None and carries_derivative(node)]
    weights = [_weight(run, node) for node in nodes]
    weights += [_absent(one) for one in parameters if one.trainable and one.node not in run.graph.inputs]
    return Health(tuple(activations), tuple(weights), tuple(_warnings(activations, weights)))


def _activation(run: Evaluation, node: Node, layer: str) -> Activation:
    value = np.asarray(run.value(node), np.float64)
    dead = saturated = None
    if node.primitive.name == "relu":
        units = value.reshape(-1, value.shape[-1]) if value.ndim else value.reshape(1, 1)
        dead = float((units == 0).all(axis=0).mean()) if units.size else 0.0
    else:
        low, high = _FLAT[node.primitive.name]
        margin = _END * (high - low)
        if node.primitive.name != "softmax":
            saturated = float(((value < low + margin) | (value > high - margin)).mean()) if value.size else 0.0
    return Activation(
        run.graph.names[node], layer, node.primitive.name, _mean(value), float(value.std()) if value.size else 0.0,
        dead, saturated, _rms(run.gradient(node)),
    )  # fmt: skip


def _weight(run: Evaluation, node: Node) -> Weight:
    value = run.value(node)
    gradient = _rms(run.gradient(node)) if run.is_reached(node) else None
    return Weight(run.graph.names[node], int(np.size(value)), _rms(value), gradient)


def _absent(parameter: Parameter) -> Weight:
    return Weight(parameter.name or "a parameter", parameter.size, _rms(parameter.node.value), None)


def _mean(value: Any) -> float:
    return float(value.mean()) if value.size else 0.0


def _rms(value: Any) -> float:
    """Root mean square, without overflow."""
    value = np.abs(np.asarray(value, np.complex128 if np.iscomplexobj(value) else np.float64))
    peak = float(value.max(initial=0.0))
    if not np.isfinite(peak) or peak == 0:
        return peak
    return peak * float(np.sqrt(np.mean((value / peak) ** 2)))


def _warnings(activations: list[Activation], weights: list[Weight]) -> list[str]:
    found = []
    for weight in weights:
        if weight.gradient is None:
            found.append(f"{weight.name}: not connected with the loss, it is never trained")
        elif weight.gradient == 0:
            found.append(f"{weight.name}: connected, but its gradient is exactly zero: look for dead units behind it")
        elif not np.isfinite(weight.gradient):
            found.append(f"{weight.name}: its gradient is not finite. pullback.diagnose says where that begins")
    for one in activations:
        place = one.layer or one.name
        if one.dead is not None and one.dead > 0.5:
            found.append(f"{place}: {one.dead:.0%} of the units are 0 for every row: smaller steps, or leaky_relu")
        if one.saturated is not None and one.saturated > 0.5:
            found.append(f"{place}: {one.saturated:.0%} of the elements are saturated: smaller weights or inputs")
    matrices = [one for one in weights if one.gradient and np.isfinite(one.gradient) and one.size > 1]
    if len(matrices) > 1:
        first, last = matrices[0], matrices[-1]
        ratio = first.gradient / last.gradient  # type: ignore[operator]  # neither is None here
        if ratio < _VANISHING:
            found.append(f"gradients vanish with depth: {first.name} gets {ratio:.1e} of what {last.name} gets")
        if ratio > _EXPLODING:
            found.append(f"gradients explode with depth: {first.name} gets {ratio:.1e} times what {last.name} gets")
    return found
