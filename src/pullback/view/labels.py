"""The words on a drawing: what stands on each shape and line, before anything has a place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from pullback.view.folding import folded
from pullback.view.groups import Group
from pullback.view.model import Item, Link, Picture
from pullback.view.notation import number, shortened
from pullback.view.summary import typeset

DETAILED = 12
"""Up to so many lines, each label names its partial; with more it is the number only."""

LONGEST_FORMULA = 16
"""A formula of more characters does not stand on a line; it is in what shows when one points at it."""

MOST_LISTED = 5

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Shape:
    """A node, or a group of nodes, as it is drawn.

    Attributes:
        kind: ``input``, ``parameter``, ``constant``, ``operation``, ``output`` or ``group``.
        name: in bold.
        rest: behind the name.
        value: below it, empty where there is none.
        gradient: below the shape, empty where there is none.
        tip: all of it in full.
        copies: how many it stands for.
        mark: ``first`` where numbers stop being finite, ``strange`` where they are not finite.
    """

    kind: str
    name: str
    rest: str = ""
    value: str = ""
    gradient: str = ""
    tip: str = ""
    copies: int = 1
    mark: str = ""


@dataclass(frozen=True)
class Line:
    """A line from one shape to another, by their positions; an empty label is none."""

    source: int
    target: int
    label: str = ""
    tip: str = ""


@dataclass(frozen=True)
class Frame:
    """What is around the shapes of an unfolded group: its name in bold, and what stands behind that.

    ``parent`` is the position of the frame that it is in.
    """

    parent: int | None
    name: str
    rest: str = ""
    tip: str = ""


@dataclass
class Drawing:
    """What is drawn, and the words on it.

    Attributes:
        title: one line for the whole, empty where none is short enough.
        description: for who cannot see it.
        shapes: in topological order.
        lines: between them.
        frames: each after the one that it is in.
        homes: for each shape the position of the frame that it is in, None outside of all.
        backward: whether gradients are shown.
    """

    title: str = ""
    description: str = ""
    shapes: list[Shape] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    homes: list[int | None] = field(default_factory=list)
    backward: bool = False


def draw(picture: Picture) -> Drawing:
    """Say what the drawing of a picture shows; a large one is folded.

    Raises:
        ArgumentError: more than a thousand shapes would be left.
    """
    return _Labels(picture).drawing()


class _Labels:
    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.output = picture.items[picture.output].name if picture.output is not None else None

    def drawing(self) -> Drawing:
        picture = self.picture
        found = folded(picture)
        inside = self._inside()
        shapes = [
            self._item(position, picture.items[position]) if kind == "item" else self._group(position, inside[position])
            for kind, position in found.shapes
        ]
        detailed = len(found.lines) <= DETAILED
        lines = []
        for (source, target), positions in found.lines.items():
            links = [picture.links[position] for position in positions]
            between_items = "group" not in (found.shapes[source][0], found.shapes[target][0])
            label, tip = self._partial(links[0], detailed) if between_items else self._passed(links)
            lines.append(Line(source, target, label, tip))
        frames, homes = self._frames(found.homes, inside)
        return Drawing(picture.title, picture.description, shapes, lines, frames, homes, self.output is not None)

    # Shapes ---------------------------------------------------------------------------------------------------------

    def _item(self, position: int, item: Item) -> Shape:
        written = typeset(item.written)
        head = f"{item.name} = {written}" if written else f"{item.name}: {item.kind}"
        tip = [head]
        if item.value is not None:
            tip.append(f"value {item.value.full}")
        if item.gradient is not None:
            tip.append(f"∂{self.output}/∂{item.name} = {item.gradient.full}")
        if item.source is not None:
            tip.append(f"{item.source.file}:{item.source.line}")
        rest = f" = {shortened(written, 32)}" if written else ""
        value = item.value.text if item.value is not None else self._kind_of_value(item)
        return Shape(
            item.kind,
            shortened(item.name, 24),
            rest,
            value,
            self._gradient(item),
            "\n".join(tip),
            mark=self._mark(position),
        )

    def _kind_of_value(self, item: Item) -> str:
        return "" if item.aval is None or item.aval.shape == () else str(item.aval)

    def _mark(self, position: int) -> str:
        if position in (self.picture.strange_value, self.picture.strange_gradient):
            return "first"
        item = self.picture.items[position]
        values = (item.value, item.gradient)
        return "strange" if any(value is not None and not value.is_finite for value in values) else ""

    def _gradient(self, item: Item) -> str:
        if item.gradient is None or self.output is None or item.gradient.is_several:
            return ""
        symbol = f"∂{shortened(self.output, 12)}/∂{shortened(item.name, 16)}"
        if item.gradient.statistics is None or item.gradient.text.startswith("["):
            return f"{symbol} = {item.gradient.text}"
        return f"‖{symbol}‖ = {typeset(number(item.gradient.norm, 4))}"

    def _inside(self) -> list[list[int]]:
        """The items in each group, and in what is inside it."""
        found: list[list[int]] = [[] for _ in self.picture.groups]
        for position, item in enumerate(self.picture.items):
            group = item.group
            while group is not None:
                found[group].append(position)
                group = self.picture.groups[group].parent
        return found

    def _group(self, position: int, inside: Sequence[int]) -> Shape:
        group = self.picture.groups[position]
        items = [self.picture.items[one] for one in inside]
        name, rest, tip = self._heading(group, len(items))
        parameters = [item for item in items if item.kind == "parameter"]
        counted = sum(item.aval.size for item in parameters if item.aval is not None)
        value = f"{counted:,} parameters" if counted else f"{len(items):,} node{'s' * (len(items) != 1)}"
        gradients = [item.gradient.norm for item in parameters if item.gradient is not None]
        gradient = ""
        if gradients and self.output is not None:
            total = math.hypot(*gradients)
            gradient = f"‖∂{shortened(self.output, 12)}/∂{shortened(group.label, 16)}‖ = {typeset(number(total, 4))}"
        strange = {self._mark(one) for one in inside}
        mark = "first" if "first" in strange else "strange" if "strange" in strange else ""
        tip = "\n".join(part for part in (tip, value if counted else "", gradient) if part)
        return Shape("group", name, rest, value, gradient, tip, group.copies, mark)

    def _frames(
        self, homes: Sequence[int | None], inside: Sequence[Sequence[int]]
    ) -> tuple[list[Frame], list[int | None]]:
        """The groups around shapes as frames, and the frame of each shape."""
        groups = self.picture.groups
        opened: set[int] = set()
        for group in homes:
            while group is not None and group not in opened:
                opened.add(group)
                group = groups[group].parent
        place: dict[int | None, int | None] = {None: None}
        frames: list[Frame] = []
        for position in sorted(opened):
            place[position] = len(frames)
            name, rest, tip = self._heading(groups[position], len(inside[position]))
            frames.append(Frame(place[groups[position].parent], name, rest, tip))
        return frames, [place[group] for group in homes]

    def _heading(self, group: Group, count: int) -> tuple[str, str, str]:
        """The name of a group, what stands behind it, and what it is in full."""
        label = group.name()
        rest = f": {shortened(group.more, 32)}" if group.more else ""
        return shortened(label, 24), rest, f"{group.path or label}{rest}\n{count:,} node{'s' * (count != 1)}"

    # Lines ----------------------------------------------------------------------------------------------------------

    def _partial(self, link: Link, detailed: bool) -> tuple[str, str]:
        """The label of a line between two nodes, and what it says in full."""
        source, target = self.picture.items[link.source], self.picture.items[link.target]
        if not link.differentiable or source.aval is None or target.aval is None or self.picture.run is None:
            return "", ""
        symbol = f"∂{target.name}/∂{source.name}"
        formula = typeset(link.formula) if link.formula is not None else None
        if source.aval.size * target.aval.size <= 4 and link.partial is not None:
            value = link.partial.text
            if value.startswith("("):
                return "", f"{symbol}: {value}"
            short = f"∂{shortened(target.name, 12)}/∂{shortened(source.name, 12)} = {value}"
            tip = f"{symbol} = {value}" if formula in (None, value) else f"{symbol} = {formula} = {value}"
            return (short if detailed else value), tip
        arrives = self._arriving(link)
        if formula is not None:
            return (formula if len(formula) <= LONGEST_FORMULA else ""), f"{symbol} = {formula}, elementwise{arrives}"
        shape = (*target.aval.shape, *source.aval.shape)
        pulled = typeset(link.pulled_formula) if link.pulled_formula is not None else ""
        label = pulled if len(pulled) <= LONGEST_FORMULA and pulled != "ct" else ""
        return label, f"{symbol}: a Jacobian of shape {shape}{arrives}"

    def _arriving(self, link: Link) -> str:
        if link.pulled is None:
            return ""
        formula = typeset(link.pulled_formula) if link.pulled_formula is not None else ""
        named = f"{formula}, " if formula else ""
        return f"\nback along it: {named}norm {typeset(number(link.pulled.norm, 4))}"

    def _passed(self, links: Sequence[Link]) -> tuple[str, str]:
        """The label of a line from or to a group: the shape of what goes along it."""
        sources = list(dict.fromkeys(link.source for link in links))
        items = [self.picture.items[source] for source in sources]
        shapes = {item.aval.shape for item in items if item.aval is not None}
        label = TIMES.join(map(str, shapes.pop())) if len(shapes) == 1 else ""
        more = [f"and {len(items) - MOST_LISTED} more"] if len(items) > MOST_LISTED else []
        tip = [f"{item.name}: {item.aval}" if item.aval is not None else item.name for item in items[:MOST_LISTED]]
        return label, "\n".join([*tip, *more])
