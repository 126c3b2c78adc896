"""The picture in the language of Graphviz, for who draws with it: every node, the groups as clusters."""

from __future__ import annotations

from pullback.core.graph import Graph
from pullback.transforms.evaluation import Evaluation
from pullback.view.model import Item, Link, Picture
from pullback.view.notation import shortened
from pullback.view.style import LIGHT
from pullback.view.summary import summarize, typeset

_LONGEST = 60


def dot(what: Graph | Evaluation) -> str:
    """The picture as DOT text."""
    return picture_dot(summarize(what))


def picture_dot(picture: Picture) -> str:
    """The same of a picture that has been summarized."""
    inside: dict[int | None, list[int]] = {}
    for position, item in enumerate(picture.items):
        inside.setdefault(item.group, []).append(position)
    children: dict[int | None, list[int]] = {}
    for position, group in enumerate(picture.groups):
        children.setdefault(group.parent, []).append(position)
    lines = [
        "digraph {",
        "  rankdir=LR",
        '  node [shape=box style="rounded,filled" fontname="Helvetica"]',
        '  edge [fontname="Helvetica" fontsize=10]',
        *([f"  label={_quoted(picture.title)}"] if picture.title else []),
    ]
    waiting: list[tuple[int | None, str]] = [(None, "open")]
    while waiting:
        place, step = waiting.pop()
        if step == "close":
            lines.append("  }")
            continue
        if place is not None:
            group = picture.groups[place]
            label = ": ".join(part for part in (group.name(), group.more) if part)
            lines.append(f"  subgraph cluster_{place} {{ label={_quoted(label)}")
            waiting.append((place, "close"))
        lines += [_node(position, picture.items[position], picture) for position in inside.get(place, [])]
        waiting += [(child, "open") for child in reversed(children.get(place, []))]
    lines += [_edge(link) for link in picture.links]
    return "\n".join([*lines, "}", ""])


def _node(position: int, item: Item, picture: Picture) -> str:
    rows = [f"{item.name} = {typeset(item.written)}" if item.written else item.name]
    if item.value is not None:
        rows.append(item.value.text)
    elif item.aval is not None and item.aval.shape:
        rows.append(str(item.aval))
    if item.gradient is not None and picture.output is not None:
        rows.append(f"∂{picture.items[picture.output].name}/∂{item.name} = {item.gradient.text}")
    fill, line = LIGHT[item.kind].split()
    return f'  n{position} [label={_quoted(*rows)} fillcolor="{fill}" color="{line}"]'


def _edge(link: Link) -> str:
    text = link.partial.text if link.partial is not None and link.partial.number is not None else ""
    if not text and link.differentiable:
        text = typeset(link.formula or link.pulled_formula or "")
    return f"  n{link.source} -> n{link.target}" + (f" [label={_quoted(text)}]" if text else "")


def _quoted(*rows: str) -> str:
    """A string as DOT takes it; the rows one below the other."""
    escaped = [shortened(row, _LONGEST).replace("\\", "\\\\").replace('"', '\\"') for row in rows]
    return '"' + "\\n".join(escaped) + '"'
