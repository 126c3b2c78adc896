"""Graphs and evaluations as text: one line for each node, in columns."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from pullback.core.graph import Graph, listed
from pullback.core.node import Node
from pullback.core.terminals import CONSTANT
from pullback.transforms.evaluation import Evaluation, carries_derivative
from pullback.view.derivation import is_real_number
from pullback.view.notation import call, clean, described, is_shown, number, shortened, source, written

HEAD, TAIL = 40, 20
"""How many lines a listing shows of the beginning and the end of a graph that has more than both."""

_WIDEST = 60


def listing(graph: Graph) -> str:
    """The graph in columns: name, operation, shape and dtype, and the line of the user's code.

    Constants that are one number stand where they are used. Of a large graph, the first and the last lines.
    """
    names = graph.names

    def row(node: Node) -> list[str]:
        if node.inputs:
            operation = call(node, [names[one] for one in node.inputs])
        elif node.primitive is CONSTANT:
            operation = f"constant {described(node.value, 3)}"
        else:
            operation = node.primitive.name
        return [names[node], operation, _aval(node), source(node)]

    return _table(_header(graph), [], graph, row)


def run_listing(run: Evaluation) -> str:
    """The evaluation in columns: name, operation, value, and after a backward pass gradient and local partials."""
    graph, names = run.graph, run.graph.names
    headings = ["node", "operation", "value"]
    if run.output is not None:
        headings += ["gradient", "local partials"]

    def row(node: Node) -> list[str]:
        columns = [names[node], written(node, names), described(run.value(node))]
        if run.output is not None:
            columns.append(_gradient(run, node))
            columns.append(", ".join(scalar_partials(run, node)))
        return columns

    return _table(_header(graph), headings, graph, row)


def scalar_partials(run: Evaluation, target: Node) -> list[str]:
    """``dL/de = -2`` for each edge into the node, between numbers."""
    if not is_real_number(target):
        return []
    names = run.graph.names
    return [
        f"d{names[target]}/d{names[node]} = {number(run.partial(node, target))}"
        for node in dict.fromkeys(target.inputs)
        if carries_derivative(node) and is_real_number(node)
    ]


def _gradient(run: Evaluation, node: Node) -> str:
    gradient = run.gradient(node)
    return "" if gradient is None else described(gradient)


def _aval(node: Node) -> str:
    try:
        aval = node.aval
    except AttributeError:
        return ""  # an expression without values
    return f"({', '.join(map(str, aval))})" if type(aval) is tuple else str(aval)


def _header(graph: Graph) -> str:
    outputs = []
    for position, node in enumerate(graph.outputs):
        title, name = graph.output_name(position), graph.names[node]
        outputs.append(title if title == name else f"{title} = {name}")
    inputs = listed((graph.names[node] for node in graph.inputs), 20) if graph.inputs else ""
    return clean(f"graph({inputs}) -> {listed(outputs, 20)}")


def _table(header: str, headings: Sequence[str], graph: Graph, row: Callable[[Node], list[str]]) -> str:
    nodes = [node for node in graph.nodes if is_shown(node)]
    skipped = nodes[HEAD:-TAIL] if len(nodes) > HEAD + TAIL else []
    shown = [*nodes[:HEAD], *nodes[-TAIL:]] if skipped else nodes
    rows = [[shortened(clean(cell), _WIDEST) for cell in row(node)] for node in shown]
    lines = [f"  {line}".rstrip() for line in aligned([*([list(headings)] if headings else []), *rows], bool(headings))]
    if skipped:
        counts = Counter(node.primitive.name for node in skipped).most_common(6)
        kinds = listed((f"{count:,} {name}" for name, count in counts), 6)
        between = f"  ... {len(skipped):,} more nodes, among them {kinds}"
        lines.insert(HEAD + bool(headings), between)
    return "\n".join([header, *lines])


def aligned(rows: Sequence[Sequence[str]], headed: bool) -> list[str]:
    """Pad the cells so that columns line up; columns of numbers to the right. Columns that are empty are left out."""
    if not rows:
        return []
    columns = []
    for cells in zip(*rows, strict=True):
        body = cells[1:] if headed else cells
        if not any(body):
            continue
        width = max(map(display_width, cells))
        right = all(_looks_numeric(cell) for cell in body)
        columns.append([_pad(cell, width, right) for cell in cells])
    return ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]


def _looks_numeric(cell: str) -> bool:
    try:
        complex(cell or "0")
    except ValueError:
        return False
    return True


def _pad(cell: str, width: int, right: bool) -> str:
    space = " " * (width - display_width(cell))
    return space + cell if right else cell + space


def display_width(text: str) -> int:
    """The number of columns of a terminal that the text takes.

    >>> display_width("ab"), display_width("漢")
    (2, 2)
    """
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
