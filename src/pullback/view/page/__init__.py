"""The page to step through: one HTML file that needs nothing else. It is built from ``web/`` into ``page.html``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pullback.core.graph import Graph
from pullback.transforms.evaluation import Evaluation
from pullback.view.export import picture_json

_DATA = '<script type="application/json" id="picture">{}</script>'


def page(what: Graph | Evaluation) -> str:
    """The page that shows a graph or an evaluation, and steps through it, as the text of an HTML file."""
    return page_of(picture_json(what))


def page_of(picture: str) -> str:
    """The page that shows a picture, given as JSON text."""
    # Inside a script element "<" could begin its end, or a comment; in JSON it stands in strings only.
    data = picture.replace("<", "\\u003c")
    before, after = _template()
    return f"{before}{_DATA.replace('{}', data)}{after}"


@cache
def _template() -> tuple[str, str]:
    text = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    before, after = text.split(_DATA)
    return before, after
