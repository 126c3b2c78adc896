"""The picture as SVG: made here from end to end, no other program is needed to draw it."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape
from zlib import crc32

from pullback.core.graph import Graph
from pullback.transforms.evaluation import Evaluation
from pullback.view.labels import Drawing, Frame, Line, Shape, draw
from pullback.view.layout import Layout, Point
from pullback.view.measure import text_width
from pullback.view.model import Picture
from pullback.view.placing import GRADIENT, LABEL, NAME, PADDING, PILE, body_width, half_height, place
from pullback.view.style import CSS
from pullback.view.summary import summarize

TITLE, KEY = 17.0, 11.5
"""Sizes of letters."""

MARGIN = 24.0

_LEFTWARD = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]+")
HEAD = 7.0  # the length of an arrow's head


def svg(what: Graph | Evaluation) -> str:
    """The picture: values on nodes, local partials on edges, gradients under the nodes; a large graph is folded."""
    return picture_svg(summarize(what))


def picture_svg(picture: Picture) -> str:
    """The same of a picture that has been summarized."""
    return render(draw(picture))


def render(picture: Drawing) -> str:
    """Place what the drawing says, and write it as an SVG document that needs nothing from outside."""
    layout = place(picture)
    top = MARGIN + (TITLE + 22.0 if picture.title else 0.0)
    kinds = {shape.kind for shape in picture.shapes}
    keys = _keys(picture, kinds)
    width = max(layout.width, text_width(picture.title, TITLE, bold=True), keys[1]) + 2 * MARGIN
    height = top + layout.height + 30.0 + KEY + MARGIN
    shift = (width - layout.width) / 2
    parts = [_frame(frame, *at) for frame, at in zip(picture.frames, layout.frames, strict=True) if at is not None]
    parts += [_path(layout, i, line) for i, line in enumerate(picture.lines)]
    parts += [_label(layout, i, line, layout.framed[line.target]) for i, line in enumerate(picture.lines) if line.label]
    parts += [_node(shape, *layout.centres[i]) for i, shape in enumerate(picture.shapes)]
    title = f'<text class="pb-title" x="{_n(MARGIN)}" y="{_n(MARGIN + TITLE * 0.8)}">{_text(picture.title)}</text>'
    body = "\n".join(parts)
    mark = f"{crc32(body.encode()):08x}"  # ids must differ between pictures on one page
    return f"""<svg xmlns="http://www.w3.org/2000/svg" class="pb" width="{_n(width)}" height="{_n(height)}" \
viewBox="0 0 {_n(width)} {_n(height)}" role="img" aria-labelledby="pb-{mark}-t pb-{mark}-d">
<title id="pb-{mark}-t">{_text(picture.title or "Computation graph")}</title>
<desc id="pb-{mark}-d">{_text(picture.description)}</desc>
<style>{CSS}</style>
<rect class="pb-paper" width="{_n(width)}" height="{_n(height)}" rx="10"/>
{title if picture.title else ""}
<g transform="translate({_n(shift)} {_n(top)})">
{body}
</g>
<g transform="translate({_n(MARGIN)} {_n(height - MARGIN)})">
{keys[0]}
</g>
</svg>
"""


def _text(text: str) -> str:
    # The mark behind letters that run to the left keeps the numbers behind them where they are written.
    return escape(_LEFTWARD.sub("\\g<0>\N{LEFT-TO-RIGHT MARK}", text), {'"': "&quot;"})


def _n(number: float) -> str:
    """A coordinate, with no more digits than can be seen."""
    return f"{number:.1f}".removesuffix(".0")


def _node(shape: Shape, x: float, y: float) -> str:
    width, half = body_width(shape), half_height(shape)
    radius = half if shape.kind in ("input", "parameter", "constant") else 8.0
    mark = f" pb-{shape.mark}" if shape.mark else ""
    parts = [f'<g class="pb-{shape.kind}{mark}"><title>{_text(shape.tip)}</title>']
    for behind in reversed(range(min(shape.copies, 3))):  # what stands for several looks like a pile
        corner = x - width / 2 + behind * PILE, y - half - behind * PILE
        parts.append(
            f'<rect class="pb-node" x="{_n(corner[0])}" y="{_n(corner[1])}" width="{_n(width)}" '
            f'height="{_n(2 * half)}" rx="{_n(min(radius, 18.0))}"/>'
        )
    # The space stands before the tspan: some programs drop one at its beginning.
    space = " " * shape.rest.startswith(" ")
    rest = f'{space}<tspan class="pb-op">{_text(shape.rest.lstrip())}</tspan>' if shape.rest else ""
    name_y = y - 5.0 if shape.value else y + NAME * 0.35
    parts.append(f'<text class="pb-name" x="{_n(x)}" y="{_n(name_y)}">{_text(shape.name)}{rest}</text>')
    if shape.value:
        parts.append(f'<text class="pb-value" x="{_n(x)}" y="{_n(y + 15.0)}">{_text(shape.value)}</text>')
    if shape.gradient:
        base = y + half + 17.0
        span = text_width(shape.gradient, GRADIENT)
        parts.append(f'<text class="pb-gradient" x="{_n(x - 8.0)}" y="{_n(base)}">{_text(shape.gradient)}</text>')
        tail, tip = x + span / 2 + 11.0, x + span / 2 - 3.0
        level = base - 4.0
        parts.append(f'<path class="pb-back" d="M{_n(tail)} {_n(level)}H{_n(tip)}m4 -3.5l-4 3.5l4 3.5"/>')
    parts.append("</g>")
    return "".join(parts)


def _frame(frame: Frame, x: float, y: float, width: float, height: float) -> str:
    rest = f"<tspan>{_text(frame.rest)}</tspan>" if frame.rest else ""
    return (
        f'<g><title>{_text(frame.tip)}</title><rect class="pb-frame" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" '
        f'height="{_n(height)}" rx="10"/><text class="pb-within" x="{_n(x + PADDING)}" y="{_n(y + 17.0)}">'
        f"<tspan>{_text(frame.name)}</tspan>{rest}</text></g>"
    )


def _path(layout: Layout, index: int, line: Line) -> str:
    points = layout.paths[index]
    (x, y), end = points[0], points[-1]
    steps = [f"M{_n(x)} {_n(y)}"]
    for point in points[1:]:
        steps.append(_step((x, y), point))
        x, y = point
    steps[-1] = _step(points[-2], (end[0] - HEAD * 0.7, end[1]))
    head = f"M{_n(end[0])} {_n(end[1])}l{_n(-HEAD)} -3.6v7.2z"
    tip = f"<title>{_text(line.tip)}</title>" if line.tip else ""
    return f'<g class="pb-edge">{tip}<path class="pb-line" d="{"".join(steps)}"/><path class="pb-head" d="{head}"/></g>'


def _step(start: Point, end: Point) -> str:
    (x0, y0), (x1, y1) = start, end
    if abs(y1 - y0) < 0.05:
        return f"H{_n(x1)}"
    middle = (x0 + x1) / 2
    return f"C{_n(middle)} {_n(y0)} {_n(middle)} {_n(y1)} {_n(x1)} {_n(y1)}"


def _label(layout: Layout, index: int, line: Line, framed: bool) -> str:
    spot = layout.labels[index]
    assert spot is not None
    x, y = spot
    width = text_width(line.label, LABEL) + 8.0
    ground = "pb-framed" if framed else "pb-gap"
    return (
        f'<g class="pb-partial"><title>{_text(line.tip)}</title>'
        f'<rect class="{ground}" x="{_n(x - width / 2)}" y="{_n(y - 9)}" width="{_n(width)}" height="18" rx="5"/>'
        f'<text class="pb-label" x="{_n(x)}" y="{_n(y + LABEL * 0.35)}">{_text(line.label)}</text></g>'
    )


_KEYS = {"input": "input", "parameter": "parameter", "constant": "constant", "output": "output", "group": "folded"}


def _keys(picture: Drawing, kinds: set[str]) -> tuple[str, float]:
    """What the colours mean, in one line; and its width."""
    parts = []
    x = 0.0

    def key(drawn: str, width: float, text: str) -> None:
        nonlocal x
        parts.append(drawn + f'<text class="pb-key" x="{_n(x + width)}" y="0">{text}</text>')
        x += width + text_width(text, KEY) + 18

    def box(kind: str) -> str:
        return f'<g class="pb-{kind}"><rect class="pb-node" x="{_n(x)}" y="-9" width="16" height="11" rx="4"/></g>'

    for kind, text in _KEYS.items():
        if kind in kinds:
            key(box(kind), 22, text)
    marks = {shape.mark for shape in picture.shapes}
    if "first" in marks:
        key(box("operation pb-first"), 22, "the first that is not finite")
    if "strange" in marks:
        key(box("operation pb-strange"), 22, "not finite")
    if any(line.label for line in picture.lines):
        key("", 0, "on an edge: the local partial" + (", or the shape" if "group" in kinds else ""))
    if picture.backward:
        key(f'<path class="pb-back" d="M{_n(x + 14)} -4H{_n(x)}m4 -3.5l-4 3.5l4 3.5"/>', 20, "gradient, from the right")
    return "\n".join(parts), x - 18
