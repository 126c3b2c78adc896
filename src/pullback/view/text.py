"""Graphs and evaluations as text: a listing, one line for each node in columns; a tree of what they fold into."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullback.core.graph import Graph, listed
from pullback.core.node import Node
from pullback.core.terminals import CONSTANT
from pullback.transforms.evaluation import Evaluation
from pullback.view.bodies import held
from pullback.view.groups import Group
from pullback.view.model import Item, Link, Picture
from pullback.view.notation import call, clean, described, is_shown, number, shortened, source
from pullback.view.summary import Summarizer, summarize

HEAD, TAIL = 40, 20
"""How many lines a listing shows of the beginning and the end of a graph that has more than both."""

MOST_LINES = 400
"""A tree has no more lines than these."""

MOST_BODIES = 20
"""So many bodies of loops and branches are listed."""

_WIDEST = 60

_STYLES = {"input": "blue", "parameter": "dark_orange", "constant": "dim", "output": "green", "operation": ""}


@dataclass(frozen=True)
class Cell:
    """A text in a column, and the colours of a terminal for it, as rich names them."""

    text: str
    style: str = ""


Row = list[Cell]


@dataclass(frozen=True)
class Table:
    """A listing before it is written: the first line, the rows, and the line between those that are left out."""

    header: str
    rows: list[Row]
    headed: bool
    gap: int
    between: str


def plain(what: Graph | Evaluation) -> str:
    """The listing as text, below it those of the bodies that nodes hold."""
    return "\n".join(line for table in _tables(what) for line in _plain_lines(table))


def _plain_lines(table: Table) -> list[str]:
    lines = [f"  {''.join(cell.text for cell in row)}".rstrip() for row in _aligned(table.rows, table.headed)]
    if table.between:
        lines.insert(table.gap, table.between)
    return [table.header, *lines]


def coloured(what: Graph | Evaluation) -> Any:
    """The listing for ``rich``, which gives it colours on a terminal: inputs, parameters, outputs, what is not finite.

    >>> import pullback as pb
    >>> coloured(pb.expression("L = 2*b").forward(b=3).backward()).plain.splitlines()[-1]
    '  L     2*b            6         1  dL/db = 2'
    """
    from rich.text import Text

    lines = [line for table in _tables(what) for line in _coloured_lines(table)]
    return Text("\n", no_wrap=True).join(lines)


def _coloured_lines(table: Table) -> list[Any]:
    from rich.text import Text

    rows = _aligned(table.rows, table.headed)
    lines = [Text(table.header, style="bold")]
    for position, row in enumerate(rows):
        if table.between and position == table.gap:
            lines.append(Text(table.between, style="dim"))
        heading = table.headed and position == 0
        parts = ((cell.text, "dim" if heading else cell.style) for cell in row)
        lines.append(Text.assemble("  ", *parts))
    for line in lines:
        line.rstrip()
    return lines


# Listings -------------------------------------------------------------------------------------------------------------


def _tables(what: Graph | Evaluation) -> list[Table]:
    """The listing of the graph, and of the first bodies that its nodes hold, and those of theirs; each once."""
    graph = what.graph if isinstance(what, Evaluation) else what
    tables = [_run_table(what) if isinstance(what, Evaluation) else _graph_table(graph)]
    waiting: list[tuple[Graph, str]] = [(graph, "")]
    known: set[Graph] = set()
    for outer, inside in waiting:
        for node in outer.nodes:
            for one in held(node) if node.params else ():
                if one.body not in known and len(known) < MOST_BODIES:
                    known.add(one.body)
                    place = f"{one.detail.format(outer.names[node])}{inside}"
                    tables.append(_graph_table(one.body, f"{one.label}, {place}: "))
                    waiting.append((one.body, f" in {one.label}"))
    return tables


def _graph_table(graph: Graph, before: str = "") -> Table:
    """Name, operation, shape and dtype, and the line of the user's code.

    Constants that are one number stand where they are used. Of a large graph, the first and the last lines.
    """
    parts = Summarizer(graph, detailed=False)

    def row(node: Node) -> Row:
        item = parts.item(node)
        if node.inputs:
            operation = call(node, [parts.names[one] for one in node.inputs])
        elif node.primitive is CONSTANT:
            operation = f"constant {described(node.value, 3)}"
        else:
            operation = item.operation
        return [_name(item), Cell(operation), Cell(_aval(node), "cyan"), Cell(source(node), "dim")]

    return _table(graph, [], row, before)


def _run_table(run: Evaluation) -> Table:
    """Name, operation, value, and after a backward pass gradient and local partials."""
    parts = Summarizer(run, detailed=False)
    headings = ["node", "operation", "value"]
    if run.output is not None:
        headings += ["gradient", "local partials"]

    def row(node: Node) -> Row:
        item = parts.item(node)
        columns = [_name(item), Cell(item.written or item.operation), _value(item, "bold")]
        if run.output is not None:
            columns.append(_gradient(item))
            columns.append(Cell(", ".join(_partials(node, parts)), "dim"))
        return columns

    return _table(run.graph, headings, row)


def _name(item: Item) -> Cell:
    return Cell(item.name, f"bold {_STYLES[item.kind]}".strip())


def _value(item: Item, style: str) -> Cell:
    value = item.value
    return Cell(value.full, style if value.is_finite else "bold red reverse") if value is not None else Cell("")


def _gradient(item: Item) -> Cell:
    gradient = item.gradient
    return (
        Cell(gradient.full, "red" if gradient.is_finite else "bold red reverse") if gradient is not None else Cell("")
    )


def _partials(target: Node, parts: Summarizer) -> list[str]:
    """``dL/de = -2`` for each edge into the node, between numbers."""

    def is_number(node: Node) -> bool:
        return node.array_aval.shape == ()

    def text(link: Link) -> str:
        value = link.partial
        assert value is not None
        assert value.number is not None
        operand = target.inputs[link.positions[0]]
        return f"d{parts.names[target]}/d{parts.names[operand]} = {number(value.number)}"

    return [
        text(link)
        for link in parts.links(target)
        if link.differentiable
        and link.partial is not None
        and link.partial.number is not None
        and is_number(target)
        and is_number(target.inputs[link.positions[0]])
    ]


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
        outputs.append(shortened(title if title == name else f"{title} = {name}", _WIDEST))
    inputs = listed((shortened(graph.names[node], _WIDEST) for node in graph.inputs), 20) if graph.inputs else ""
    return clean(f"graph({inputs}) -> {listed(outputs, 20)}")


def _table(graph: Graph, headings: Sequence[str], row: Callable[[Node], Row], before: str = "") -> Table:
    nodes = [node for node in graph.nodes if is_shown(node)]
    skipped = nodes[HEAD:-TAIL] if len(nodes) > HEAD + TAIL else []
    shown = [*nodes[:HEAD], *nodes[-TAIL:]] if skipped else nodes
    rows = [[Cell(shortened(clean(cell.text), _WIDEST), cell.style) for cell in row(node)] for node in shown]
    between = ""
    if skipped:
        counts = Counter(node.primitive.name for node in skipped).most_common(6)
        kinds = listed((f"{count:,} {name}" for name, count in counts), 6)
        between = f"  ... {len(skipped):,} more nodes, among them {kinds}"
    headed = bool(headings)
    rows = [[Cell(text) for text in headings], *rows] if headed else rows
    return Table(f"{before}{_header(graph)}", rows, headed, HEAD + headed, between)


def _aligned(rows: Sequence[Row], headed: bool) -> list[Row]:
    """Pad the cells so that columns line up; columns of numbers to the right. Columns that are empty are left out."""
    if not rows:
        return []
    columns: list[Row] = []
    for cells in zip(*rows, strict=True):
        body = [cell.text for cell in (cells[1:] if headed else cells)]
        if not any(body):
            continue
        width = max(display_width(cell.text) for cell in cells)
        right = all(_looks_numeric(text) for text in body)
        between = "  " if columns else ""
        columns.append([Cell(between + _pad(cell.text, width, right), cell.style) for cell in cells])
    return [list(cells) for cells in zip(*columns, strict=True)]


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
    return sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def data_listing(data: Mapping[str, Any]) -> str:
    """The listing of a picture that was read from a file, see ``view.export.read_picture``."""

    def row(node: Mapping[str, Any]) -> Row:
        shown = [node.get("value", {}), node.get("gradient", {})]
        values = [str(one.get("full", one.get("text", ""))) for one in shown]
        cells = [str(node["name"]), str(node.get("written", node.get("kind", ""))), *values]
        return [Cell(shortened(clean(cell), _WIDEST)) for cell in cells]

    nodes = data["nodes"]
    shown = [*nodes[:HEAD], *nodes[-TAIL:]] if len(nodes) > HEAD + TAIL else nodes
    headings = [Cell(text) for text in ("node", "operation", "value", "gradient")]
    lines = [f"  {''.join(cell.text for cell in row)}".rstrip() for row in _aligned([headings, *map(row, shown)], True)]
    if len(nodes) > len(shown):
        lines.insert(HEAD + 1, f"  ... {len(nodes) - len(shown):,} more nodes")
    title = clean(str(data.get("title") or ""))
    return "\n".join([*([title] if title else []), *lines])


# Trees ----------------------------------------------------------------------------------------------------------------


def tree(what: Graph | Evaluation) -> str:
    """What the graph folds into, modules inside modules, as a tree; of what is repeated, the first.

    >>> import numpy as np
    >>> import pullback as pb
    >>> net = pb.nn.Sequential(pb.nn.Linear(2, 3, rng=0), pb.nn.Tanh())
    >>> print(tree(pb.trace(lambda x: net(x), np.ones((4, 2), np.float32))))
    graph(x, 0.weight, 0.bias) -> out
    ├── x  input  float32[4, 2]
    └── Sequential
        ├── 0: Linear(2, 3)
        │   ├── 0.weight  parameter             float32[3, 2]
        │   ├── 0.bias    parameter             float32[3]
        │   ├── t1        0.weight.T            float32[2, 3]
        │   ├── t2        x @ t1                float32[4, 3]
        │   ├── t3        broadcast_to(0.bias)  float32[4, 3]
        │   └── t4        t2 + t3               float32[4, 3]
        └── 1: Tanh
            └── out  tanh(t4)  float32[4, 3]
    """
    picture = summarize(what)
    children = _contents(picture)
    lines = [_header(picture.graph) if picture.graph.outputs else f"{len(picture.items):,} arrays"]
    waiting = _branches(picture, children.get(None, []), "")
    while waiting and len(lines) < MOST_LINES:
        line, group, margin = waiting.pop()
        lines.append(line)
        if group is not None:
            inside = children[group]
            first = inside[:1] if picture.groups[group].kind == "repeat" else inside
            waiting += _branches(picture, first, margin)
    return "\n".join([*lines, *(["..."] if waiting else [])])


_Entry = tuple[bool, int]
"""What stands in a group: (True, position of a group) or (False, position of an item)."""


def _contents(picture: Picture) -> dict[int | None, list[_Entry]]:
    """What stands in each group: the inputs first, then by the order of the first nodes."""
    children: dict[int | None, list[_Entry]] = {}
    seen: set[int] = set()
    for position, item in sorted(enumerate(picture.items), key=lambda pair: pair[1].kind != "input"):
        group = item.group
        entry: _Entry = (False, position)
        while True:
            children.setdefault(group, []).append(entry)
            if group is None or group in seen:
                break
            seen.add(group)
            entry, group = (True, group), picture.groups[group].parent
    return children


def _branches(picture: Picture, entries: Sequence[_Entry], margin: str) -> list[tuple[str, int | None, str]]:
    """The lines of what stands in a group, the last first: text, group, and the margin of what is inside."""
    rows = _aligned([_leaf(picture.items[position]) for is_group, position in entries if not is_group], False)
    leaves = iter("".join(cell.text for cell in row).rstrip() for row in rows)
    branches: list[tuple[str, int | None, str]] = []
    for place, (is_group, position) in enumerate(entries):
        last = place == len(entries) - 1
        text = _folded(picture.groups[position]) if is_group else next(leaves)
        inner = margin + ("    " if last else "│   ")
        branches.append((f"{margin}{'└── ' if last else '├── '}{text}", position if is_group else None, inner))
    return branches[::-1]


def _folded(group: Group) -> str:
    detail = f": {group.more}" if group.more else ""
    return clean(shortened(group.name("x"), _WIDEST) + shortened(detail, _WIDEST))


def _leaf(item: Item) -> Row:
    value = item.value.full if item.value is not None else "" if item.aval is None else str(item.aval)
    gradient = "" if item.gradient is None else item.gradient.full
    cells = [item.name, item.written or item.kind, value, gradient]
    return [Cell(shortened(clean(cell), _WIDEST)) for cell in cells]
