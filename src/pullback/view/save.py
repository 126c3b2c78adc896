"""Pictures into files."""

from __future__ import annotations

import importlib
import os

from pullback.core.graph import Graph
from pullback.errors import ArgumentError
from pullback.files import PathLike, path_name, write_whole
from pullback.transforms.evaluation import Evaluation

FORMATS: dict[str, str] = {
    ".svg": "svg:svg",
    ".png": "png:png",
    ".html": "page:page",
    ".tex": "tikz:tikz",
    ".dot": "dot:dot",
    ".json": "export:picture_json",
    ".txt": "text:plain",
}
"""What draws into a file, by the ending of its name: the module and the function. Each is loaded when it is used."""


def save(what: Graph | Evaluation, path: PathLike) -> None:
    """Draw a graph or an evaluation into a file; the ending of its name says how.

    The file is written whole or not at all: one that is there stays as it was if anything goes wrong.

    Raises:
        ArgumentError: an ending that is not known, or one whose package is not installed.
        FileError: the file cannot be written.
    """
    name = path_name(path)
    place = FORMATS.get(os.path.splitext(name)[1].lower())
    if place is None:
        *first, last = FORMATS
        raise ArgumentError(f"expected the name of a file that ends in {', '.join(first)} or {last}, got {name!r}")
    module, _, function = place.partition(":")
    drawn = getattr(importlib.import_module(f"pullback.view.{module}"), function)(what)
    write_whole(name, drawn if isinstance(drawn, bytes) else drawn.encode())
