"""Pictures into files."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from pullback.core.graph import Graph
from pullback.errors import ArgumentError
from pullback.transforms.evaluation import Evaluation
from pullback.view.svg import evaluation_svg, graph_svg


def _svg(what: Graph | Evaluation) -> str:
    return evaluation_svg(what) if isinstance(what, Evaluation) else graph_svg(what)


FORMATS: dict[str, Callable[[Graph | Evaluation], str]] = {".svg": _svg}
"""What draws into a file, by the ending of its name."""


def save(what: Graph | Evaluation, path: str | os.PathLike[str]) -> None:
    """Draw a graph or an evaluation into a file; the ending of its name says how.

    The file is written whole or not at all: one that is there stays as it was if anything goes wrong.

    Raises:
        ArgumentError: an ending that is not known, or a place that cannot be written.
    """
    try:
        target = Path(path)
    except TypeError:
        raise ArgumentError(f"save: expected a path, got {type(path).__name__}") from None
    draw = FORMATS.get(target.suffix.lower())
    if draw is None:
        raise ArgumentError(f"save: expected a file name that ends in {' or '.join(FORMATS)}, got {str(path)!r}")
    write_whole(target, draw(what))


def write_whole(target: Path, text: str) -> None:
    """Write a text file whole or not at all; raise ArgumentError if it cannot be written."""
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o666 & ~_umask())  # what a file that is simply opened would get
        os.replace(temporary, target)
    except (OSError, ValueError) as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ArgumentError(f"save: cannot write {str(target)!r}: {reason}") from None
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
