"""A node written out as an expression in the names of the inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pullback.core.aval import Aval
from pullback.core.graph import Graph, ancestors, as_scalar, format_number
from pullback.core.node import Node
from pullback.errors import ArgumentError
from pullback.transforms.evaluation import the_output
from pullback.view.notation import ATOM, INFIX, as_ratio, infix, operand, written
from pullback.view.tex import tex_name
from pullback.view.tex_operations import tex_leaf, tex_operation, tex_outer

LIMIT = 1000
"""How long a formula may grow before shared and long parts are written once, as statements of their own."""

_UNSEEN = frozenset({"broadcast_to", "identity"})  # writing them says nothing
_UNSEEN_IN_RULES = _UNSEEN | {"reshape"}  # as in books, where shapes that fit need no word


Written = tuple[str, int]
"""A formula, and how strongly its outermost operation binds."""


@dataclass(frozen=True)
class Form:
    """A way to write formulas.

    Attributes:
        leaf: writes an input or a constant, given the names of all.
        operation: writes one use of an operation on written operands.
        outer: writes the outer product of two vectors.
        name: writes a name.
        statements: puts pairs of name and formula together, the last one without a name.
    """

    leaf: Callable[[Node, Mapping[Node, str]], Written]
    operation: Callable[[Node, list[Written], bool], Written]
    outer: Callable[[Written, Written], Written]
    name: Callable[[str], str]
    statements: Callable[[list[tuple[str, str]]], str]


def _text_leaf(node: Node, names: Mapping[Node, str]) -> Written:
    number = as_scalar(node)
    if number is None or node.name is not None:
        return operand(names[node])
    ratio = as_ratio(number)
    if ratio is None:
        return operand(names[node] if node in names else format_number(number))
    return f"{ratio[0]}/{ratio[1]}", INFIX["divide"][1]


def _text_statements(lines: list[tuple[str, str]]) -> str:
    return "; ".join(f"{name} = {text}" if name else text for name, text in lines)


def _tex_statements(lines: list[tuple[str, str]]) -> str:
    rows = " \\\\\n  ".join(f"{name} &= {text}" if name else f"&{text}" for name, text in lines)
    return f"\\begin{{aligned}}\n  {rows}\n\\end{{aligned}}"


def _text_outer(left: Written, right: Written) -> Written:
    return f"outer({left[0]}, {right[0]})", ATOM


TEXT = Form(_text_leaf, infix, _text_outer, str, _text_statements)
LATEX = Form(tex_leaf, tex_operation, tex_outer, tex_name, _tex_statements)
FORMS = {"text": TEXT, "latex": LATEX}


def graph_formula(graph: Graph, name: str | None = None, form: str = "text") -> str:
    r"""Write the node of this name, by default the output, in terms of the inputs: ``Graph.formula``.

    A formula that would be longer than a thousand characters is written as several statements, the node itself last.

    Raises:
        ArgumentError: the form is neither ``"text"`` nor ``"latex"``.
        GraphError: there is no such node.

    >>> import pullback as pb
    >>> graph = pb.expression("d = 2*b; e = a + d; L = c*e")
    >>> print(graph_formula(graph), graph_formula(graph, form="latex"), sep=", ")
    c*(a + 2*b), c \cdot \left(a + 2\,b\right)
    """
    if form not in FORMS:
        raise ArgumentError(f"formula: expected form to be 'text' or 'latex', got {form!r}")
    final = the_output(graph, name, "formula")
    nodes = ancestors([final])
    if _full_length(nodes, graph)[final] <= LIMIT:
        return written_out(final, graph.names, form=FORMS[form])
    return _statements(final, nodes, graph, FORMS[form])


def written_out(
    final: Node,
    names: Mapping[Node, str],
    tidy: bool = False,
    form: Form = TEXT,
    known: Callable[[Node], bool] = lambda node: False,
) -> str:
    """Write a node in terms of the leaves that it depends on, which have these names; numbers need none.

    With ``tidy``, products are written as one would by hand. Nodes that are ``known`` are written by their names, too.
    """
    texts: dict[Node, Written] = {}
    for node in ancestors([final], stop=lambda node: node is not final and known(node)):
        if node is not final and node.inputs and known(node):
            texts[node] = operand(names[node])
        else:
            texts[node] = _written(node, texts, names, tidy, form)
    return texts[final][0]


def in_variables(node: Node, names: Mapping[Node, str], longest: int = 60) -> str:
    """Write a node in the names of variables and inputs; where that gets long, in those of its operands."""
    text = written_out(node, names, known=lambda one: one.name is not None) if node.inputs else names[node]
    return text if len(text) <= longest else written(node, names)


def _written(node: Node, texts: Mapping[Node, Written], names: Mapping[Node, str], tidy: bool, form: Form) -> Written:
    if not node.inputs:
        return form.leaf(node, names)
    if node.primitive.name in (_UNSEEN_IN_RULES if tidy else _UNSEEN) or _only_adds_axes(node):
        return texts[node.inputs[0]]
    vectors = outer_factors(node)
    if vectors is not None and all(one in texts for one in vectors):
        return form.outer(*(texts[one] for one in vectors))
    return form.operation(node, [texts[source] for source in node.inputs], tidy)


def outer_factors(node: Node) -> tuple[Node, Node] | None:
    """The vectors whose outer product a node is, though it is made with axes of length 1; None if of none."""
    if node.primitive.name not in ("multiply", "strong_product", "matmul"):
        return None
    if node.primitive.name == "matmul" and _shape(node.inputs[0])[1:] != (1,):
        return None
    sides = (_spread(one) for one in node.inputs)
    vectors = {axis: vector for vector, axis in (side for side in sides if side is not None)}
    if len(vectors) < 2 or _shape(node) != (*_shape(vectors[0]), *_shape(vectors[1])):
        return None
    return vectors[0], vectors[1]


def _spread(node: Node) -> tuple[Node, int] | None:
    """The vector that a matrix holds along one of its axes, and which that is; None if none, or of one element."""
    axis = 1
    while node.inputs and len(_shape(node)) == 2:
        source = node.inputs[0]
        if node.primitive.name == "permute":
            axis = 1 - axis
        elif node.primitive.name == "reshape" and len(_shape(source)) == 1:
            axis = axis if _shape(node)[0] == 1 else 1 - axis
        elif node.primitive.name not in _UNSEEN:
            return None
        node = source
    return (node, axis) if len(_shape(node)) == 1 and _shape(node)[0] > 1 else None


def _shape(node: Node) -> tuple[int, ...]:
    aval = getattr(node, "aval", None)  # expressions have no shapes yet
    return aval.shape if isinstance(aval, Aval) else ()


def _only_adds_axes(node: Node) -> bool:
    """Whether a node is another one with other axes of length 1."""
    if node.primitive.name != "reshape":
        return False
    before, after = (getattr(one, "aval", None) for one in (node.inputs[0], node))  # expressions have no shapes yet
    if not isinstance(before, Aval) or not isinstance(after, Aval):
        return False
    return [n for n in before.shape if n != 1] == [n for n in after.shape if n != 1]


def _full_length(nodes: list[Node], graph: Graph) -> dict[Node, int]:
    """About how many characters each node takes when everything is written out; no more than a bound."""
    lengths: dict[Node, int] = {}
    for node in nodes:
        own = len(node.primitive.name) + 2 if node.inputs else len(graph.names[node])
        lengths[node] = min(own + sum(lengths[source] for source in node.inputs), 2 * LIMIT)
    return lengths


def _statements(final: Node, nodes: list[Node], graph: Graph, form: Form) -> str:
    uses: dict[Node, int] = {}
    for node in nodes:
        for source in node.inputs:
            uses[source] = uses.get(source, 0) + 1
    texts: dict[Node, Written] = {}
    lines = []
    for node in nodes:
        text = _written(node, texts, graph.names, False, form)
        if node is final:
            lines.append(("", text[0]))
        elif node.inputs and node.primitive.name not in _UNSEEN and (uses[node] > 1 or len(text[0]) > LIMIT // 10):
            name = form.name(graph.names[node])
            lines.append((name, text[0]))
            text = (name, ATOM)
        texts[node] = text
    return form.statements(lines)
