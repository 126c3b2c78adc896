"""Pictures into files."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any

from pullback.core.graph import Graph
from pullback.errors import ArgumentError
from pullback.files import PathLike, path_name, write_whole
from pullback.transforms.evaluation import Evaluation
from pullback.view.export import dumped, picture_data
from pullback.view.summary import Summarizer

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

DATA_FORMATS: dict[str, str] = {".html": "page:page_of", ".json": "export:unchanged"}
"""The same for a picture that is JSON text already."""


def save(what: Graph | Evaluation, path: PathLike, contents: bool = False, timed: bool = False) -> None:
    """Draw a graph or an evaluation into a file; the ending of its name says how.

    The file is written whole or not at all: one that is there stays as it was if anything goes wrong. With ``contents``
    or ``timed`` it is data: the elements of arrays, or how long each operation takes, have no place in a drawing.

    Raises:
        ArgumentError: an ending that is not known, or one whose package is not installed.
        FileError: the file cannot be written.
    """
    if contents or timed:
        save_data(picture_data(Summarizer(what, contents=contents, timed=timed).picture()), path)
    else:
        _write(what, path, FORMATS)


def save_data(data: dict[str, Any], path: PathLike) -> None:
    """Write the data of a picture, see ``view.export.read_picture``, into a file; errors as for ``save``."""
    _write(dumped(data), path, DATA_FORMATS)


def _write(what: Any, path: PathLike, formats: Mapping[str, str]) -> None:
    name = path_name(path)
    place = formats.get(os.path.splitext(name)[1].lower())
    if place is None:
        *first, last = formats
        why = "" if formats is FORMATS else ". Drawings hold neither times, nor all elements, nor what training did"
        raise ArgumentError(f"expected the name of a file that ends in {', '.join(first)} or {last}, got {name!r}{why}")
    module, _, function = place.partition(":")
    drawn = getattr(importlib.import_module(f"pullback.view.{module}"), function)(what)
    write_whole(name, drawn if isinstance(drawn, bytes) else drawn.encode())
