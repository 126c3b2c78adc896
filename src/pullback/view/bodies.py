"""Bodies in a picture: the graphs that loops, branches and checkpoints hold, each as a group before its node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pullback.control.bodies import Body
from pullback.core.node import Node
from pullback.view.groups import Group, chain
from pullback.view.model import Item, Link, Operand, Picture
from pullback.view.notation import shortened

MOST_HELD = 500
"""So many nodes of bodies are shown in a picture; bodies that would make it more stay inside their node."""

LONGEST_LABEL = 40
"""How many characters of a function's name stand before the names of its nodes."""


@dataclass(frozen=True)
class Held:
    """A graph that a node holds.

    Attributes:
        body: the graph.
        label: the name of the function, or a word where that is none.
        detail: what it is to the node, with ``{}`` for the name of the node.
    """

    body: Body
    label: str
    detail: str


def held(node: Node) -> list[Held]:
    """The graphs that a node holds, in the order of its keywords."""
    return [
        Held(one.extends or one, _label(one, word), detail)  # as the user wrote it
        for key, value in node.params.items()
        for place, one in enumerate(value if isinstance(value, tuple) else (value,))
        if isinstance(one, Body)
        for word, detail in [_role(node, key, place)]
    ]


def _label(body: Body, word: str) -> str:
    return shortened(body.name, LONGEST_LABEL) if body.name.isidentifier() else word


def _role(node: Node, key: str, place: int) -> tuple[str, str]:
    """A word for a graph, and what it is to the node that holds it."""
    if key == "branches":
        if node.inputs[0].array_aval.dtype.kind == "b":
            word = ("false", "true")[place]
            return word, f"branch of {{}} if {word}"
        return f"case{place}", f"case {place} of {{}}"
    if key == "cond":
        return key, "condition of {}"
    times = node.params.get("length")
    return key, f"{key} of {{}}" + (f", {times:,} times" if isinstance(times, int) else "")


def with_bodies(picture: Picture, summarized: Callable[[Body, str, Node], Picture]) -> Picture:
    """Put the bodies that the nodes of a picture hold into it, and what those hold, as long as there is room.

    Args:
        picture: of a graph, without them.
        summarized: gives the picture of a body, with what its names begin with, and the node that holds it.
    """
    room = MOST_HELD
    taken = {item.name for item in picture.items}
    fresh: Iterable[int] = range(len(picture.items))
    while True:
        found: dict[int, list[tuple[Group, Picture]]] = {}
        for position in fresh:
            item = picture.items[position]
            for one in held(item.node) if item.node.params else ():
                if len(one.body.nodes) <= room:
                    room -= len(one.body.nodes)
                    prefix = _prefix(one.label, taken)
                    group = Group("body", prefix, "", one.detail.format(item.name), item.group)
                    found.setdefault(position, []).append((group, summarized(one.body, f"{prefix}.", item.node)))
        if not found:
            return picture
        picture, fresh = _inserted(picture, found)


def _prefix(label: str, taken: set[str]) -> str:
    """The label, with a number where it would not be the only one."""
    prefix, count = label, 1
    while prefix in taken:
        count += 1
        prefix = f"{label}_{count}"
    taken.add(prefix)
    return prefix


def _inserted(picture: Picture, found: dict[int, list[tuple[Group, Picture]]]) -> tuple[Picture, list[int]]:
    """The picture with bodies before the nodes that hold them, and the positions of what is new."""
    arriving: list[list[Link]] = [[] for _ in picture.items]
    for link in picture.links:
        arriving[link.target].append(link)
    items: list[Item] = []
    links: list[Link] = []
    groups = list(picture.groups)
    fresh: list[int] = []
    new: list[int] = []
    for position, item in enumerate(picture.items):
        results: list[int] = []
        for group, body in found.get(position, ()):
            first, inside = len(items), len(groups)
            places = range(first, first + len(body.items))
            groups.append(group)
            groups += [_inner(one, inside) for one in body.groups]
            items += [_item(one, places, inside if one.group is None else inside + 1 + one.group) for one in body.items]
            links += [_link(one, places) for one in body.links]
            outputs = frozenset(body.graph.outputs)
            results += [place for place, one in zip(places, body.items, strict=True) if one.node in outputs]
            fresh += places
        new.append(len(items))
        links += [Link(result, len(items), [], differentiable=False) for result in results]
        links += [_link(one, new) for one in arriving[position]]
        items.append(_item(item, new, item.group))
    order = _in_order(items, groups)
    number = {old: place for place, old in enumerate(order)}
    whole = replace(
        picture,
        items=[one if one.group is None else replace(one, group=number[one.group]) for one in items],
        links=links,
        groups=[
            replace(groups[old], parent=None if (parent := groups[old].parent) is None else number[parent])
            for old in order
        ],
        output=_moved(picture.output, new),
        strange_value=_moved(picture.strange_value, new),
        strange_gradient=_moved(picture.strange_gradient, new),
    )
    return whole, fresh


def _moved(position: int | None, new: Sequence[int]) -> int | None:
    return None if position is None else new[position]


def _inner(group: Group, outer: int) -> Group:
    return replace(group, parent=outer if group.parent is None else outer + 1 + group.parent)


def _item(item: Item, new: Sequence[int], group: int | None) -> Item:
    operands: list[Operand] = [(kind, new[one] if kind == "node" else one) for kind, one in item.operands]
    return replace(item, operands=operands, group=group)


def _link(link: Link, new: Sequence[int]) -> Link:
    return replace(link, source=new[link.source], target=new[link.target])


def _in_order(items: Sequence[Item], groups: Sequence[Group]) -> list[int]:
    """The groups, each after its parent, in the order of their first nodes."""
    order: dict[int, None] = {}
    for item in items:
        for group in chain(groups, item.group):
            order.setdefault(group)
    return list(order)
