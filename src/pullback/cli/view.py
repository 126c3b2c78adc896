"""``pullback view``: look at an expression, a saved picture, or saved weights."""

from __future__ import annotations

import os
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from pullback.cli.assignments import assignments
from pullback.core.graph import Graph
from pullback.errors import ArgumentError, FileError, FormatError
from pullback.files import read_whole
from pullback.io.weights import load_weights
from pullback.transforms.evaluation import Evaluation
from pullback.view.export import read_picture
from pullback.view.expression import expression
from pullback.view.folding import MOST_UNFOLDED
from pullback.view.save import save, save_data
from pullback.view.text import data_listing, tree
from pullback.view.weights import weights


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("file", metavar="FILE")
@click.argument("values", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--out", metavar="FILE", help="Draw into this file: .html, .svg, .png, .tex, .dot, .json or .txt.")
@click.option("--open", "opened", is_flag=True, help="Open the page in a browser.")
@click.option("--timed", is_flag=True, help="Measure how long each operation takes; for .html and .json.")
def view(file: str, values: tuple[str, ...], out: str | None, opened: bool, timed: bool) -> None:
    """Look at FILE: an expression as text, a graph saved as .json, or weights saved as .safetensors.

    An expression is evaluated, forward and backward, if it is given values.

    \b
    pullback view lecture.txt a=3 b=1 c=-2 --open
    pullback view digits.safetensors
    """  # noqa: D301  # click wants the character itself, which keeps the line as it is
    what = _read(file, assignments(values, "view"))
    if out is not None:
        _write(what, out, timed)
    if opened:
        _open(what, out, timed)
    elif out is None:
        Console(highlight=False, soft_wrap=True).print(_text(what), markup=False)


_Picture = dict[str, Any]

_DRAWN = "what is drawn already, which other programs show. Save the graph as .json to look at it here"
_UNREAD = {
    ".onnx": "ONNX, which is not read. Save its weights as .safetensors, or write the network with pullback.nn",
    **dict.fromkeys((".html", ".svg", ".png", ".tex", ".dot"), _DRAWN),
}
"""The endings of files that are refused by name, and what is said of them."""


def _read(file: str, values: dict[str, Any]) -> Graph | Evaluation | _Picture:
    ending = os.path.splitext(file)[1].lower()
    if ending in _UNREAD:
        raise FormatError(f"{os.path.basename(file)}: expected text, .json or .safetensors, got {_UNREAD[ending]}")
    if ending == ".safetensors":
        _no_values(values, "weights")
        return weights(load_weights(file))
    try:
        text = read_whole(file).decode()
    except UnicodeDecodeError:
        raise FormatError(
            f"{os.path.basename(file)}: expected text, .json or .safetensors, got something else"
        ) from None
    if text.lstrip().startswith("{"):
        _no_values(values, "a saved graph")
        return read_picture(text)
    graph = expression(text)
    return graph.forward(**values).backward() if values else graph


def _no_values(values: dict[str, Any], what: str) -> None:
    if values:
        raise ArgumentError(f"expected no values for {what}: values are given to an expression")


def _write(what: Graph | Evaluation | _Picture, out: str, timed: bool) -> None:
    if isinstance(what, dict):
        save_data(what, out)
    else:
        save(what, out, timed=timed)


def _open(what: Graph | Evaluation | _Picture, out: str | None, timed: bool) -> None:
    if out is None or os.path.splitext(out)[1].lower() != ".html":
        out = os.path.join(tempfile.mkdtemp(prefix="pullback-"), "picture.html")
        _write(what, out, timed)
    if not webbrowser.open(Path(out).absolute().as_uri()):
        raise FileError(f"there is no browser to open the page with. It is in {out}")
    click.echo(out)


def _text(what: Graph | Evaluation | _Picture) -> Any:
    if isinstance(what, dict):
        return data_listing(what)
    graph = what.graph if isinstance(what, Evaluation) else what
    return tree(what) if len(graph.nodes) > MOST_UNFOLDED or not graph.outputs else what
