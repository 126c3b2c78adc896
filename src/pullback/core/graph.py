"""A graph: inputs, nodes in topological order, outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np

from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.origin import Origin, assigned_name, is_call
from pullback.core.terminals import CONSTANT, INPUT
from pullback.errors import GraphError


class Graph:
    """A computation graph: inputs, nodes in topological order, outputs. Immutable, verified when it is made.

    ``rewrites`` are those that ``simplify`` applied on the way to this graph, if it made it.

    Every walk takes a graph: ``forward`` gives the values, ``backward`` the graph of the gradients.

    >>> import pullback as pb
    >>> print(pb.trace(lambda a, b: a * (a + b), 3.0, 1.0))
    graph(a, b) -> out
      a    input           float64[]
      b    input           float64[]
      t1   add(a, b)       float64[]
      out  multiply(a, t1) float64[]
    """

    def __init__(
        self,
        inputs: Sequence[Node],
        nodes: Sequence[Node],
        outputs: Sequence[Node],
        output_names: Sequence[str] | None = None,
    ) -> None:
        self.inputs = tuple(inputs)
        self.nodes = tuple(nodes)
        self.outputs = tuple(outputs)
        self.output_names = tuple(output_names) if output_names is not None else None
        self.rewrites: tuple[Any, ...] = ()
        operations.verify(self)

    @classmethod
    def of(
        cls, outputs: Sequence[Node], inputs: Sequence[Node] = (), output_names: Sequence[str] | None = None
    ) -> Graph:
        """Return the graph of everything that ``outputs`` depend on.

        Args:
            outputs: nodes, or the nodes of eager arrays.
            inputs: what comes first in ``Graph.inputs``; other leaves that the outputs depend on follow.
            output_names: names for the outputs that go before those of their nodes.
        """
        reached = ancestors([*outputs, *inputs])
        given = set(inputs)
        others = [node for node in reached if node.primitive is INPUT and node not in given]
        return cls([*inputs, *others], reached, outputs, output_names)

    @cached_property
    def names(self) -> dict[Node, str]:
        """A unique name for every node; constants that are one number are named by it."""
        return _names(self)

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        found = {name: node for node, name in self.names.items() if node.primitive is not CONSTANT or node.name}
        if self.output_names is not None:
            found.update(zip(self.output_names, self.outputs, strict=True))
        return found

    def __getitem__(self, name: str) -> Node:
        """Return the node of this name; raise GraphError, with the names there are, if there is none."""
        node = self._by_name.get(name)
        if node is None:
            raise GraphError(f"the graph has no node named {name!r}. Its names are {listed(self._by_name)}")
        return node

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def output_name(self, position: int = 0) -> str:
        """The name of the output at ``position``."""
        return self.output_names[position] if self.output_names else self.names[self.outputs[position]]

    # The walks: each is defined on a floor above.

    def forward(self, /, *values: Any, **named: Any) -> Any:
        """Walk left to right: return the Evaluation that holds the value of every node.

        Inputs are given by position or by name; an input that has a value of its own (a Parameter) may be left out.

        Raises:
            GraphError: an input is missing, given twice, or unknown.
            ShapeError, DTypeError: a value does not fit its input.
        """
        return operations.graph_forward(self, values, named)

    def backward(self, wrt: Any = None) -> Graph:
        """Walk right to left: return the graph whose outputs are the gradients of the output by each named input.

        Args:
            wrt: a name, a sequence of names, or None for all inputs that carry derivatives.
        """
        graph: Graph = operations.graph_backward(self, wrt)
        return graph

    def compile(self) -> Callable[..., Any]:
        """Return a compiled function of the inputs, by position or name, that gives the outputs: a tuple of several.

        >>> import pullback as pb
        >>> pb.trace(lambda a, b: a * (a + b), 3.0, 1.0).compile()(3.0, 1.0)
        12.0
        """
        function: Callable[..., Any] = operations.graph_compile(self)
        return function

    def simplify(self, log: bool = False) -> Graph:
        """Return a graph that computes the same with fewer operations, as one would write it by hand, and stably.

        Of inputs nothing is known but shape and dtype: the derivative of a cross-entropy by the logits is
        ``softmax(z) - onehot`` where the labels are constants, and ``softmax(z)*sum(onehot) - onehot`` where they are
        an input, which might not add up to 1.

        Args:
            log: whether to print every rewrite: before, after, and where in the user's code. The graph that is
                returned keeps them as ``rewrites``.

        >>> import pullback as pb
        >>> print(pb.expression("y = 1 - sigmoid(x); z = y*x + x*2*y").simplify().formula())
        3*x*sigmoid(-x)
        """
        graph: Graph = operations.graph_simplify(self, log)
        return graph

    def formula(self, name: str | None = None, form: str = "text") -> str:
        r"""The node of this name (by default the output) written out as an expression in the inputs' names.

        Args:
            name: of the node.
            form: ``"text"`` as in Python, or ``"latex"`` for TeX's mathematics (with amsmath), without dollar signs.

        Raises:
            ArgumentError: another form.
            GraphError: there is no such node.

        >>> import pullback as pb
        >>> graph = pb.expression("a = sigmoid(z); L = -(y*log(a) + (1 - y)*log(1 - a))").backward("z").simplify()
        >>> print(graph.formula("dL/dz"))
        sigmoid(z) - y
        >>> print(graph.formula("dL/dz", form="latex"))
        \sigma\left(z\right) - y
        """
        text: str = operations.graph_formula(self, name, form)
        return text

    def save(self, path: Any) -> None:
        """Draw the graph into the file ``path``, in the format that the ending of its name says.

        A picture as .svg, .png (the extra ``png``) or .tex (TikZ, for slides), a page to explore as .html, text as
        .txt, and for other programs .json and .dot.

        Raises:
            ArgumentError: another ending, or one whose package is not installed.
            FileError: the file cannot be written.
        """
        operations.picture_save(self, path)

    def __str__(self) -> str:
        text: str = operations.graph_listing(self)
        return text

    def __repr__(self) -> str:
        return f"<Graph: {len(self.inputs)} inputs, {len(self.nodes)} nodes, {len(self.outputs)} outputs>"

    def __rich__(self) -> Any:
        return operations.rich_listing(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle: dict[str, str] = operations.picture_bundle(self)
        return bundle


def ancestors(outputs: Iterable[Node], stop: Callable[[Node], bool] | None = None) -> list[Node]:
    """Return ``outputs`` and what they depend on, in topological order; not beyond nodes where ``stop`` is true."""
    found: set[Node] = set()
    waiting = list(outputs)
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found.add(node)
        if stop is None or not stop(node):
            waiting.extend(node.inputs)
    return sorted(found, key=attrgetter("index"))


def as_scalar(node: Node) -> Any:
    """Return the number that a constant node holds all over, or None if it is no such constant."""
    if node.primitive is not CONSTANT or isinstance(node.value, tuple):
        return None
    value = np.asarray(node.value)
    if value.size == 1:
        return value.item()
    return value[(0,) * value.ndim].item() if value.size and not any(value.strides) else None


def source_names(nodes: Sequence[Node]) -> dict[Node, str]:
    """Return the variable that each node was assigned to in the user's code, for those that were.

    One position may have made several nodes: ``d = softmax(x)`` names only the last that the call made; ``d = 2 * b``
    in a loop names each.
    """
    names: dict[Node, str] = {}
    steps = [node for node in nodes if node.inputs]
    for node, after in zip(steps, [*steps[1:], None], strict=False):  # a function may return its input: no steps
        origin = node.origin
        if not isinstance(origin, Origin):
            continue
        inner = after is not None and after.origin == origin
        if inner and (is_call(origin) or (after is not None and after.primitive is not node.primitive)):
            continue
        if (name := assigned_name(origin)) is not None:
            names[node] = name
    return names


def name_as_assigned(graph: Graph) -> None:
    """Name nodes as the variables that they were assigned to, if nobody else has them: those that have no value."""
    for node, name in source_names(graph.nodes).items():
        if node.name is None and node.value is None:
            node.name = name


def _names(graph: Graph) -> dict[Node, str]:
    names: dict[Node, str] = {}
    taken: set[str] = set()
    numbered: dict[str, int] = {}  # the last number given to a name; a loop may use one name 100,000 times

    def take(node: Node, wanted: str) -> None:
        name = wanted
        while name in taken:
            numbered[wanted] = numbered.get(wanted, 1) + 1
            name = f"{wanted}_{numbered[wanted]}"
        taken.add(name)
        names[node] = name

    for node in graph.nodes:
        if node.name is not None:
            take(node, node.name)
    for position, node in enumerate(graph.outputs):
        if node not in names and node.inputs:
            take(node, "out" if len(graph.outputs) == 1 else f"out{position + 1}")
    counts = {"t": 0, "k": 0, "x": 0}
    for node in graph.nodes:
        if node in names:
            continue
        scalar = as_scalar(node)
        if scalar is not None:
            names[node] = format_number(scalar)
            continue
        if node.primitive is CONSTANT and _is_onehot(node.value):
            take(node, "onehot")
            continue
        letter = "k" if node.primitive is CONSTANT else "x" if node.primitive is INPUT else "t"
        while True:
            counts[letter] += 1
            name = f"{letter}{counts[letter]}"
            if name not in taken:
                break
        take(node, name)
    return names


_LABELS = 1 << 12
"""The largest constant, in elements, that is looked at for labels."""


def _is_onehot(value: Any) -> bool:
    """Whether a constant says with a 1 among zeros, in each of its rows, which one is meant."""
    if isinstance(value, tuple) or value.ndim == 0 or value.shape[-1] < 2 or not 0 < value.size <= _LABELS:
        return False
    ones = value == 1
    return bool((ones | (value == 0)).all() and (ones.sum(axis=-1) == 1).all()) and value.dtype.kind == "f"


def format_number(number: Any, digits: int = 6) -> str:
    """Write a number as a person would: 2 for 2.0, few digits.

    >>> format_number(2.0), format_number(-0.1234567891), format_number(True), format_number(1 + 2j)
    ('2', '-0.123457', 'True', '1+2j')
    """
    if isinstance(number, (bool, np.bool_)):
        return str(bool(number))
    return f"{number:.{digits}g}"


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Join names for a message, at most ``limit`` of them.

    >>> listed(["a", "b"])
    'a, b'
    """
    everything = list(names)
    text = ", ".join(everything[:limit])
    return text + (f", ... ({len(everything)} in all)" if len(everything) > limit else "") if everything else "none"
