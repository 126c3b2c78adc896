"""The picture as PNG, drawn from the SVG by resvg: the extra ``png``."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pullback.core.graph import Graph
from pullback.errors import ArgumentError
from pullback.transforms.evaluation import Evaluation
from pullback.view.svg import svg

ZOOM = 2
"""So many dots stand for one unit of the picture, so that it is sharp on today's screens."""


def png(what: Graph | Evaluation) -> bytes:
    """The picture, in its light colours, as a PNG file.

    Raises:
        ArgumentError: the package resvg-py is not installed, or there are no fonts to write with.
    """
    picture = svg(what)
    try:
        import resvg_py
    except ImportError:
        raise ArgumentError(
            "png: expected the package resvg-py, which is not installed. "
            "Install it with pip install 'pullback[png]', or save the picture as .svg"
        ) from None
    if not _has_fonts(resvg_py):
        raise ArgumentError("png: there are no fonts to write with. Install one (DejaVu, say), or save as .svg")
    # A text with a sign that its font lacks is drawn as a whole in one that has it, which is seldom like the first.
    return bytes(resvg_py.svg_to_bytes(svg_string=picture.replace("\N{DOUBLE VERTICAL LINE}", "||"), zoom=ZOOM))


@lru_cache(maxsize=1)
def _has_fonts(resvg: Any) -> bool:
    """Whether a letter leaves a trace."""
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">'
    letter = f'{head}<text y="16" font-family="Arial,sans-serif">M</text></svg>'
    return bool(resvg.svg_to_bytes(svg_string=letter) != resvg.svg_to_bytes(svg_string=f"{head}</svg>"))
