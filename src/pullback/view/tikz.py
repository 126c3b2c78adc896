r"""The picture for slides and papers in LaTeX: a ``tikzpicture``, to be read with ``\input``."""

from __future__ import annotations

from itertools import pairwise

from pullback.core.graph import Graph
from pullback.transforms.evaluation import Evaluation
from pullback.view.labels import Drawing, Frame, Shape, draw
from pullback.view.layout import Layout, Point
from pullback.view.placing import PADDING, PILE, body_width, half_height, place
from pullback.view.style import LIGHT
from pullback.view.summary import summarize
from pullback.view.tex import tex_formula, tex_text

HEAD = 9.0

_HEAD = r"""% \usepackage{tikz}, then \input{this file}. \colorlet{pbpaper}{...} before it for paper that is not white.
\providecolor{pbpaper}{HTML}{FFFFFF}
"""

_STYLES = r"""\begin{tikzpicture}[x=0.75pt, y=-0.75pt, line width=0.8pt, font=\normalsize,
  every node/.style={inner sep=0pt, outer sep=0pt},
  pbshape/.style={draw, rounded corners=4pt, align=center},
  pbleaf/.style={rounded corners=9pt},
  pbgradient/.style={text=pbback, font=\small},
  pbframe/.style={draw=pbframeedge, fill=pbframe, rounded corners=6pt},
  pbheading/.style={anchor=base west, text=pbsoft, font=\small},
  pblabel/.style={inner sep=1.5pt, text=pbsoft, font=\footnotesize},
  pbline/.style={draw=pbline, -latex}]
"""


def tikz(what: Graph | Evaluation) -> str:
    """The picture as a ``tikzpicture``, in the colours of the light one; a large graph is folded."""
    return render(draw(summarize(what)))


def render(drawing: Drawing) -> str:
    """Place what the drawing says, and write it as LaTeX."""
    layout = place(drawing)
    lines = [_HEAD + _colours() + _STYLES.rstrip("\n")]
    for frame, at in zip(drawing.frames, layout.frames, strict=True):
        lines += _frame(frame, *at) if at is not None else []
    lines += [rf"  \path[pbline] {_way(path)};" for path in layout.paths]
    grounds = ["fill=pbframe" if framed else "fill=pbpaper" for framed in layout.framed]
    lines += [
        rf"  \node[pblabel, {grounds[line.target]}] at {_point(spot)} {{${tex_formula(line.label)}$}};"
        for line, spot in zip(drawing.lines, layout.labels, strict=True)
        if spot is not None
    ]
    for position, shape in enumerate(drawing.shapes):
        lines += _shape(shape, layout, position)
    if drawing.title:
        lines.append(rf"  \node[anchor=south west, font=\large] at (0,-16) {{${tex_formula(drawing.title)}$}};")
    return "\n".join([*lines, r"\end{tikzpicture}", ""])


def _colours() -> str:
    rows = []
    for name, colours in LIGHT.items():
        for suffix, colour in zip(("", "edge"), colours.split(), strict=False):
            if name != "paper":
                rows.append(rf"\definecolor{{pb{name}{suffix}}}{{HTML}}{{{colour[1:].upper()}}}")
    return "\n".join(rows) + "\n"


def _frame(frame: Frame, x: float, y: float, width: float, height: float) -> list[str]:
    heading = rf"\textbf{{{tex_text(frame.name)}}}{tex_text(frame.rest)}"
    return [
        rf"  \path[pbframe] {_point((x, y))} rectangle {_point((x + width, y + height))};",
        rf"  \node[pbheading] at {_point((x + PADDING, y + 17.0))} {{{heading}}};",
    ]


def _shape(shape: Shape, layout: Layout, position: int) -> list[str]:
    x, y = layout.centres[position]
    width, height = 0.75 * body_width(shape), 1.5 * half_height(shape)
    style = f"pbshape, fill=pb{shape.kind}, draw=pb{'back' if shape.mark else f'{shape.kind}edge'}"
    if shape.kind in ("input", "parameter", "constant"):
        style += ", pbleaf"
    if shape.kind == "constant":
        style += ", densely dashed"
    if shape.mark == "first":
        style += ", line width=2pt"
    style += f", minimum width={width:.1f}pt, minimum height={height:.1f}pt"
    lines = [
        rf"  \node[{style}] at {_point((x + behind * PILE, y - behind * PILE))} {{}};"
        for behind in reversed(range(1, min(shape.copies, 3)))
    ]
    rows = [_heading(shape)]
    if shape.value:
        is_number = not any(sign in shape.value for sign in "([, ")
        rows.append(rf"$\mathbf{{{tex_formula(shape.value)}}}$" if is_number else tex_text(shape.value))
    text = r" \\{}".join(rows)  # {}: what follows may begin with a bracket
    lines.append(rf"  \node[{style}] at {_point((x, y))} {{{text}}};")
    if shape.gradient:
        below = _point((x, y + half_height(shape) + 13.0))
        lines.append(rf"  \node[pbgradient] at {below} {{${tex_formula(shape.gradient)}\ \leftarrow$}};")
    return lines


def _heading(shape: Shape) -> str:
    if shape.kind == "group":
        return rf"\textbf{{{tex_text(shape.name)}}}{tex_text(shape.rest)}"
    return f"${tex_formula(shape.name + shape.rest)}$"


def _way(points: list[Point]) -> str:
    parts = [_point(points[0])]
    if len(points) > 2 and points[-1][0] - points[-2][0] < HEAD:
        points = [*points[:-2], points[-1]]  # the head of the arrow is longer: it takes the direction of what is before
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        straight = abs(y1 - y0) < 0.05
        parts.append("--" if straight else f".. controls {_point((middle, y0))} and {_point((middle, y1))} ..")
        parts.append(_point((x1, y1)))
    return " ".join(parts)


def _point(point: Point) -> str:
    return f"({point[0]:.1f},{point[1]:.1f})"
