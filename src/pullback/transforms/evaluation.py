"""The walks over a graph with numbers: left to right for the values, right to left for the gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.evaluate import evaluate
from pullback.core.graph import Graph, listed
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.record import as_constant
from pullback.core.terminals import CONSTANT, INPUT
from pullback.dtypes import is_differentiable
from pullback.errors import DTypeError, GraphError, ShapeError
from pullback.transforms.backward import pull_back, seed
from pullback.transforms.partials import local_partial, pulled


class Evaluation:
    """A graph with the value of every node, and, after ``backward``, the gradient of one output by every node.

    Immutable: ``backward`` returns another. Values and gradients are NumPy arrays (read-only) and plain numbers.

    >>> import pullback as pb
    >>> run = pb.trace(lambda a, b: a * (a + b), 3.0, 1.0).forward(3.0, 1.0).backward()
    >>> run.values["out"], run.gradients["a"], run.gradients["b"]
    (12.0, 7.0, 3.0)
    """

    def __init__(
        self,
        graph: Graph,
        values: Mapping[Node, Any],
        output: Node | None = None,
        gradients: Mapping[Node, Any] | None = None,
    ) -> None:
        self._graph = graph
        self._values = dict(values)
        self._output = output
        self._gradients = dict(gradients) if gradients is not None else None

    @property
    def graph(self) -> Graph:
        """The graph that was walked."""
        return self._graph

    @property
    def output(self) -> Node | None:
        """The node whose gradients these are; None before ``backward``."""
        return self._output

    @cached_property
    def values(self) -> Named:
        """The value of each node by its name."""
        return Named(self._graph, self.value)

    @cached_property
    def gradients(self) -> Named:
        """The gradient of the output by each node, by name, of the node's shape and dtype; zeros if not connected.

        Raises:
            GraphError: ``backward`` has not been called, there is no such node, or it carries no derivative.
        """
        return Named(self._graph, self._gradient_or_raise, carries_derivative)

    @cached_property
    def partials(self) -> Partials:
        """The local partial along each edge, by the pair of names: ``run.partials["e", "L"]`` is dL/de at ``L = c*e``.

        A number between numbers; elementwise, of the target's shape, for elementwise operations; otherwise the
        Jacobian, of shape ``target.shape + source.shape``. Several edges between two nodes count as one; nodes with
        several results have no single partial.
        """
        return Partials(self)

    def value(self, node: Node) -> Any:
        """The value of a node of the graph."""
        return shown(self._values[node])

    def raw(self, node: Node) -> Any:
        """The value of a node of the graph as NumPy has it, a number too."""
        return self._values[node]

    def gradient(self, node: Node) -> Any:
        """The gradient by a node of the graph; None if it carries no derivative or there was no backward pass."""
        if self._gradients is None or not carries_derivative(node):
            return None
        found = self._gradients.get(node)
        return shown(found if found is not None else _zeros(node.aval))

    def is_reached(self, node: Node) -> bool:
        """Whether the backward pass came to a node; otherwise its gradient is zero because nothing connects it."""
        return self._gradients is not None and node in self._gradients

    def partial(self, source: Node, target: Node) -> Any:
        """The local partial along the edges from ``source`` to ``target``, see ``partials``."""
        return shown(local_partial(self._bound[target], self._bound[source]))

    def contributions(self, target: Node) -> dict[Node, Any]:
        """What arrives at each operand of ``target`` from there: the terms that the gradient by it is the sum of.

        Of operands that carry a derivative; empty where no gradient arrives at ``target``.
        """
        arrived = self._gradients.get(target) if self._gradients is not None else None
        if arrived is None or not target.inputs:
            return {}
        bound = self._bound[target]
        wanted = [carries_derivative(source) for source in target.inputs]
        found = pulled(bound, arrived, wanted)
        return {
            source: shown(one)
            for source, one in zip(dict.fromkeys(target.inputs), found, strict=True)
            if one is not None
        }

    def _gradient_or_raise(self, node: Node) -> Any:
        if self._gradients is None:
            raise GraphError("there are no gradients before the backward pass. Call backward() first")
        if not carries_derivative(node):
            kind = "is a constant" if not node.watched else f"is {node.aval}"
            raise GraphError(f"{self._graph.names[node]!r} {kind}: it has no derivative")
        return self.gradient(node)

    @cached_property
    def _bound(self) -> dict[Node, Node]:
        """The graph's nodes with their values."""
        bound: dict[Node, Node] = {}
        for node in self._graph.nodes:
            inputs = tuple(bound[source] for source in node.inputs)
            watched = carries_derivative(node) if node.primitive is INPUT else node.watched
            bound[node] = Node(node.primitive, inputs, node.params, self._values[node], watched)
        return bound

    def backward(self, output: str | None = None) -> Evaluation:
        """Walk right to left from an output (or any node) with one element; return the Evaluation with its gradients.

        Args:
            output: a name; may be left out for a graph with one output.

        Raises:
            GraphError: no node has this name, or none was named and the graph has several outputs.
            ShapeError: the output has more than one element.
            NotDifferentiableError: the output is of integers or booleans.
        """
        final = the_output(self._graph, output, "backward")
        gradients: dict[Node, Any] = {}
        original = {bound: node for node, bound in self._bound.items()}

        def visit(bound: Node, ct: Any) -> None:
            gradients[original[bound]] = _plain(ct, bound.aval)

        one = seed(Array(self._bound[final]), None, "backward")
        inputs = [self._bound[node] for node in self._graph.inputs if carries_derivative(node)]
        pull_back([self._bound[final]], [one], inputs, visit)
        return Evaluation(self._graph, self._values, final, gradients)

    def explain(self, name: str) -> str:
        """The chain rule for the gradient by the node of this name, with names and numbers.

        >>> import pullback as pb
        >>> run = pb.expression("d = 2*b; e = a + d; L = c*e").forward(a=3, b=1, c=-2).backward()
        >>> print(run.explain("b"))
        dL/db = dL/de * de/dd * dd/db = -2 * 1 * 2 = -4
        """
        text: str = operations.evaluation_explain(self, name)
        return text

    def latex(self, name: str) -> str:
        r"""The chain rule for the gradient by the node of this name, as a LaTeX formula.

        >>> import pullback as pb
        >>> run = pb.expression("L = 2*b").forward(b=1).backward()
        >>> print(run.latex("b"))
        \frac{\partial L}{\partial b} = 2
        """
        text: str = operations.evaluation_latex(self, name)
        return text

    def svg(self) -> str:
        """The picture: values on nodes, local partials on edges, gradients under the nodes."""
        text: str = operations.evaluation_svg(self)
        return text

    def save(self, path: Any, *, contents: bool = False, timed: bool = False) -> None:
        """Draw the picture into the file ``path``; the ending of its name says how, see ``Graph.save``.

        Args:
            path: the file.
            contents: whether .html and .json are to hold the elements of all arrays, not only what is known of them.
            timed: whether each operation is evaluated once more, so that .html and .json say how long it takes.
        """
        operations.picture_save(self, path, contents, timed)

    def __str__(self) -> str:
        text: str = operations.evaluation_listing(self)
        return text

    def __repr__(self) -> str:
        state = "" if self._output is None else f", gradients of {self._graph.names[self._output]}"
        return f"<Evaluation: {len(self._values)} values{state}>"

    def __rich__(self) -> Any:
        return operations.rich_listing(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle: dict[str, str] = operations.picture_bundle(self)
        return bundle


class Named(Mapping[str, Any]):
    """What belongs to the nodes of a graph, by name."""

    def __init__(
        self, graph: Graph, of: Callable[[Node], Any], keep: Callable[[Node], bool] = lambda node: True
    ) -> None:
        self._graph = graph
        self._of = of
        self._keep = keep

    def __getitem__(self, name: str) -> Any:
        return self._of(self._graph[name])

    def __contains__(self, name: object) -> bool:
        return name in self._graph and self._keep(self._graph[str(name)])

    def get(self, name: str, default: Any = None) -> Any:
        """What belongs to the node of this name, or ``default``."""
        return self[name] if name in self else default  # noqa: SIM401  # this is what get does

    def _kept(self) -> list[str]:
        names = self._graph.names
        nodes = (node for node in self._graph.nodes if node.primitive is not CONSTANT or node.name)
        return [names[node] for node in nodes if self._keep(node)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept())

    def __len__(self) -> int:
        return len(self._kept())

    def __repr__(self) -> str:
        kept = self._kept()
        items = ", ".join(f"{name!r}: {self[name]!r}" for name in kept[:_SHOWN])
        return f"{{{items}{f', ... ({len(kept)} in all)' if len(kept) > _SHOWN else ''}}}"


_SHOWN = 20


class Partials(Mapping[tuple[str, str], Any]):
    """The local partials of an evaluation, by the names of source and target; each is computed when it is asked for."""

    def __init__(self, run: Evaluation) -> None:
        self._run = run
        self._graph = run.graph

    @cached_property
    def _edges(self) -> dict[tuple[str, str], tuple[Node, Node]]:
        names = self._graph.names
        return {
            (names[source], names[target]): (source, target)
            for source, target in edges(self._graph)
            if isinstance(source.aval, Aval) and isinstance(target.aval, Aval)
        }

    def __getitem__(self, edge: tuple[str, str]) -> Any:
        try:
            source, target = edge
        except (TypeError, ValueError):
            raise GraphError(f"partials: expected a pair of names (source, target), got {edge!r}") from None
        found = self._edges.get((source, target))
        if found is None:
            into = [f"{first} -> {second}" for first, second in self._edges if second == target]
            known = into or [f"{first} -> {second}" for first, second in self._edges]
            raise GraphError(f"partials: there is no edge {source} -> {target}. The edges are {listed(known)}")
        return self._run.partial(*found)

    def __contains__(self, edge: object) -> bool:
        return edge in self._edges

    def get(self, edge: tuple[str, str], default: Any = None) -> Any:
        """The local partial along the edge, or ``default`` if there is no such edge."""
        return self[edge] if edge in self._edges else default

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._edges)

    def __len__(self) -> int:
        return len(self._edges)

    def __repr__(self) -> str:
        pairs = list(self._edges)
        return f"<partials of {len(pairs)} edges: {listed(f'{source} -> {target}' for source, target in pairs)}>"


def edges(graph: Graph) -> Iterator[tuple[Node, Node]]:
    """Each pair of nodes (source, target) between which a derivative can flow, once, in the order of the targets."""
    for target in graph.nodes:
        if carries_derivative(target):
            for source in dict.fromkeys(target.inputs):
                if carries_derivative(source):
                    yield source, target


def carries_derivative(node: Node) -> bool:
    """Whether a derivative by this node can be asked: it depends on an input and is floating or complex."""
    aval = node.aval
    kinds = (aval,) if isinstance(aval, Aval) else aval
    return node.watched and any(is_differentiable(kind.dtype) for kind in kinds)


def the_output(graph: Graph, name: str | None, operation: str) -> Node:
    """The node of this name, by default the only output."""
    if name is not None:
        return graph[name]
    if len(graph.outputs) != 1:
        known = listed(graph.output_name(i) for i in range(len(graph.outputs)))
        raise GraphError(f"{operation}: expected the name of one of the {len(graph.outputs)} outputs: {known}")
    return graph.outputs[0]


def shown(value: Any) -> Any:
    """A value as users see it: a Python number for one double-precision number, otherwise NumPy's, read-only."""
    if isinstance(value, tuple):
        return tuple(shown(one) for one in value)
    if value.ndim == 0:
        return value.item() if value.dtype.char in "dD?l" else value[()]
    view = value.view()
    view.flags.writeable = False
    return view


def _zeros(aval: Any) -> Any:
    return np.zeros(aval.shape, aval.dtype) if isinstance(aval, Aval) else tuple(_zeros(one) for one in aval)


def _plain(ct: Any, aval: Any) -> Any:
    """A cotangent as NumPy values; of a node with several results, a tuple."""
    if isinstance(ct, Array):
        return np.asarray(ct.detach()._node.value)
    if ct is None:
        return _zeros(aval)
    return tuple(_plain(one, part) for one, part in zip(ct, aval, strict=True))


def graph_forward(graph: Graph, values: Sequence[Any], named: Mapping[str, Any]) -> Evaluation:
    """Evaluate every node from values for the inputs: what ``Graph.forward`` does."""
    given = match_inputs(graph, values, named)
    fitted = {node: _fitted(graph.names[node], value, node.array_aval) for node, value in given.items()}
    return Evaluation(graph, evaluate(graph, fitted))


def match_inputs(
    graph: Graph, values: Sequence[Any], named: Mapping[str, Any], what: str = "forward"
) -> dict[Node, Any]:
    """Return what is given for each input, by position or by name.

    Raises:
        GraphError: what is given does not match, or misses an input that has no value of its own.
    """
    names = {graph.names[node]: node for node in graph.inputs}
    if len(values) > len(graph.inputs):
        raise GraphError(f"{what}: expected at most {len(graph.inputs)} values ({listed(names)}), got {len(values)}")
    given = dict(zip(graph.inputs, values, strict=False))
    for name, value in named.items():
        if name not in names:
            raise GraphError(f"{what}: there is no input {name!r}. The inputs are {listed(names)}")
        if names[name] in given:
            raise GraphError(f"{what}: the input {name!r} is given twice, by position and by name")
        given[names[name]] = value
    missing = [name for name, node in names.items() if node not in given and node.value is None]
    if missing:
        raise GraphError(f"{what}: no value for {listed(missing)}. The inputs are {listed(names)}, in this order")
    return given


def check_input(name: str, found: Aval, expected: Aval, what: str = "forward") -> None:
    """Raise ShapeError or DTypeError unless an array can be given for an input."""
    if found.shape != expected.shape:
        raise ShapeError(f"{what}: expected {name} to be of shape {expected.shape}, got {found.shape}")
    if not np.can_cast(found.dtype, expected.dtype, "same_kind"):
        raise DTypeError(f"{what}: expected {name} to be {expected.dtype}, got {found.dtype}")


def _fitted(name: str, value: Any, aval: Aval) -> Any:
    """``value`` as a NumPy value of this shape and dtype."""
    array = as_value(name, value)
    check_input(name, Aval(array.shape, array.dtype), aval)
    return array.astype(aval.dtype)


def as_value(name: str, value: Any) -> np.ndarray[Any, Any]:
    """Return what a user gives for an input as a NumPy array; raise DTypeError if it is not made of numbers."""
    if isinstance(value, Array):
        value = value._constant(f"forward({name}=x)", "Use x.detach() to give its value")
    return np.asarray(as_constant(f"forward, {name}", value, keep=False))
