"""Which groups of a picture are drawn as one shape, so that a large graph can be seen as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from pullback.errors import ArgumentError
from pullback.view.model import Picture
from pullback.view.ordering import topological

MOST_UNFOLDED = 60
"""A graph of up to so many nodes is drawn node by node."""

MOST_WITH_MODULES = 24
"""The same where nodes belong to modules, which are what one thinks in."""

MOST_FOLDED = 40
"""Of a larger one, groups are unfolded from the outside as long as there are no more shapes than these."""

MOST_SHAPES = 1000
"""With more shapes than these no one could read a picture."""


@dataclass
class Folded:
    """What is drawn.

    Attributes:
        shapes: in topological order: ``("item", position)`` or ``("group", position)``.
        lines: pairs of positions in ``shapes``, each with the links that it stands for.
        homes: for each shape the innermost group that it is in, which is unfolded; None outside of any.
    """

    shapes: list[tuple[str, int]] = field(default_factory=list)
    lines: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    homes: list[int | None] = field(default_factory=list)


def folded(picture: Picture) -> Folded:
    """Fold the groups of a picture that has too many nodes to be seen at once.

    Raises:
        ArgumentError: more than a thousand shapes would be left.
    """
    modules = any(group.kind == "module" for group in picture.groups)
    small = len(picture.items) <= (MOST_WITH_MODULES if modules else MOST_UNFOLDED)
    opened = set(range(len(picture.groups))) if small else _opened(picture)
    while True:
        found = _shapes(picture, opened)
        if len(found.shapes) > MOST_SHAPES:
            raise ArgumentError(
                f"picture: expected a graph of at most {MOST_SHAPES:,} nodes, got {len(found.shapes):,} when "
                "it is folded. Draw a part of it, print it, or save it as .html"
            )
        order = topological(len(found.shapes), found.lines)
        if len(order) == len(found.shapes):
            return _reordered(found, order)
        # A group whose nodes do not stand together would be before and after another one: it is not one shape.
        rest = set(range(len(found.shapes))).difference(order)
        opened |= {found.shapes[place][1] for place in rest if found.shapes[place][0] == "group"}


def _opened(picture: Picture) -> set[int]:
    """The groups that are unfolded: level by level, while there is room.

    What holds nodes only says less than its name, and what is repeated is seen once.
    """
    inside: list[int] = [0] * len(picture.groups)  # how many shapes each would be if it were opened
    children: dict[int | None, list[int]] = {}
    for place, group in enumerate(picture.groups):
        children.setdefault(group.parent, []).append(place)
        if group.parent is not None:
            inside[group.parent] += 1
    loose = 0
    for item in picture.items:
        if item.group is None:
            loose += 1
        else:
            inside[item.group] += 1
    count = loose + len(children.get(None, []))
    opened: set[int] = set()
    level = list(children.get(None, []))
    while level:
        inner: list[int] = []
        for place in sorted(level, key=inside.__getitem__):
            opens = place in children and picture.groups[place].kind != "repeat"
            if opens and count + inside[place] - 1 <= MOST_FOLDED:
                count += inside[place] - 1
                opened.add(place)
                inner += children.get(place, [])
        level = inner
    return opened


def _shapes(picture: Picture, opened: set[int]) -> Folded:
    outermost: list[int | None] = []  # for each group the outermost closed one that it is in, itself perhaps
    for place, group in enumerate(picture.groups):
        above = outermost[group.parent] if group.parent is not None else None
        outermost.append(above if above is not None else place if place not in opened else None)
    found = Folded()
    numbers: dict[tuple[str, int], int] = {}
    of: list[int] = []
    for position, item in enumerate(picture.items):
        closed = outermost[item.group] if item.group is not None else None
        shape = ("item", position) if closed is None else ("group", closed)
        if shape not in numbers:
            numbers[shape] = len(found.shapes)
            found.shapes.append(shape)
            found.homes.append(item.group if closed is None else picture.groups[closed].parent)
        of.append(numbers[shape])
    for position, link in enumerate(picture.links):
        pair = of[link.source], of[link.target]
        if pair[0] != pair[1]:
            found.lines.setdefault(pair, []).append(position)
    return found


def _reordered(found: Folded, order: list[int]) -> Folded:
    new = {old: place for place, old in enumerate(order)}
    lines = {(new[source], new[target]): links for (source, target), links in found.lines.items()}
    return Folded([found.shapes[old] for old in order], lines, [found.homes[old] for old in order])
