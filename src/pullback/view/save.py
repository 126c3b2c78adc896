"""Pictures into files."""

from __future__ import annotations

import os
from collections.abc import Callable

from pullback.core.graph import Graph
from pullback.errors import ArgumentError
from pullback.files import PathLike, path_name, write_whole
from pullback.transforms.evaluation import Evaluation
from pullback.view.export import picture_json
from pullback.view.svg import svg

FORMATS: dict[str, Callable[[Graph | Evaluation], str]] = {".svg": svg, ".json": picture_json}
"""What draws into a file, by the ending of its name."""


def save(what: Graph | Evaluation, path: PathLike) -> None:
    """Draw a graph or an evaluation into a file; the ending of its name says how.

    The file is written whole or not at all: one that is there stays as it was if anything goes wrong.

    Raises:
        ArgumentError: an ending that is not known.
        FileError: the file cannot be written.
    """
    name = path_name(path)
    draw = FORMATS.get(os.path.splitext(name)[1].lower())
    if draw is None:
        raise ArgumentError(f"expected the name of a file that ends in {' or '.join(FORMATS)}, got {name!r}")
    write_whole(name, draw(what).encode())
