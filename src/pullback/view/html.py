"""What a notebook shows."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.graph import Graph
from pullback.transforms.evaluation import Evaluation
from pullback.view.notation import clean, number
from pullback.view.svg import svg

MOST = 10
"""How many rows and columns of an array are shown."""

_PICTURED = 60  # nodes; more are easier to read as text


def array_html(array: Array) -> str:
    """An array as a table, of a large one the first rows and columns; as text if it has more than two axes."""
    node = array.node
    value = node.value
    caption = (
        f"{array.aval}{', watched' if node.watched else ''}" if not isinstance(value, tuple) else "several results"
    )
    if value is None or isinstance(value, tuple) or value.ndim > 2 or not value.size:
        return f"<div>{_caption(caption)}<pre>{_text(repr(array))}</pre></div>"
    rows = np.atleast_2d(value)
    cells = [[_cell(one) for one in row[:MOST]] + ["<td>…</td>"] * (rows.shape[1] > MOST) for row in rows[:MOST]]
    if rows.shape[0] > MOST:
        cells.append(["<td>…</td>"] * len(cells[0]))
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return f"<div>{_caption(caption)}<table>{body}</table></div>"


def _caption(text: str) -> str:
    return f"<div><small>{_text(text)}</small></div>"


def _cell(value: Any) -> str:
    return f'<td style="text-align:right">{_text(number(value.item()))}</td>'


def _text(text: str) -> str:
    return escape("\n".join(clean(line) for line in text.splitlines()))


def graph_html(graph: Graph) -> str:
    """A graph as a picture; as text if it is large."""
    if len(graph.nodes) <= _PICTURED:
        return _scrolling(svg(graph))
    return f"<pre>{_text(str(graph))}</pre>"


def evaluation_html(run: Evaluation) -> str:
    """An evaluation as a picture; as text if it is large."""
    if len(run.graph.nodes) <= _PICTURED:
        return _scrolling(svg(run))
    return f"<pre>{_text(str(run))}</pre>"


def _scrolling(svg: str) -> str:
    return f'<div style="overflow-x:auto">{svg}</div>'
