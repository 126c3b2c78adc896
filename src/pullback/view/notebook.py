"""What a notebook shows."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.graph import Graph
from pullback.errors import ArgumentError
from pullback.transforms.evaluation import Evaluation
from pullback.view.notation import clean, number
from pullback.view.svg import svg

MOST = 10
"""How many rows and columns of an array are shown."""


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


def array_bundle(array: Array) -> dict[str, str]:
    """An array in the forms that notebooks know: as a table, and as text."""
    return {"text/html": array_html(array), "text/plain": repr(array)}


def picture_bundle(what: Graph | Evaluation) -> dict[str, str]:
    """A graph or an evaluation in the forms that notebooks know: as a picture, inside HTML too, and as text.

    Inside HTML it is as large as it is drawn, and tells more where one points at it; what is too large to be drawn is
    text only.
    """
    bundle = {"text/plain": str(what)}
    try:
        picture = svg(what)
    except ArgumentError:
        return bundle
    return bundle | {"text/html": f'<div style="overflow-x:auto">{picture}</div>', "image/svg+xml": picture}
