"""The page inside a notebook, as a widget: the extra ``jupyter``."""

from __future__ import annotations

from functools import cache
from typing import Any

from pullback.core.graph import Graph
from pullback.errors import ArgumentError
from pullback.transforms.evaluation import Evaluation
from pullback.view.page import page

# The page is a document of its own, with its own policy; in a frame it can reach nothing of the notebook.
_SCRIPT = """
function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.title = "Computation graph";
  frame.sandbox = "allow-scripts";
  frame.style.cssText = "display:block;width:100%;border:0";
  frame.style.height = `${model.get("height")}px`;
  frame.srcdoc = model.get("page");
  el.append(frame);
}
export default { render };
"""


def widget(what: Graph | Evaluation, height: int = 600) -> Any:
    """Return a graph or an evaluation as a widget, to be shown in a notebook: the page to step through.

    Args:
        what: the graph or the evaluation.
        height: in pixels.

    Raises:
        ArgumentError: the package anywidget is not installed.

    >>> import pullback as pb
    >>> pb.view.widget(pb.expression("L = a*b").forward(a=1, b=2).backward(), height=400).height
    400
    """
    return _widget_class()(page=page(what), height=height)


@cache
def _widget_class() -> Any:
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise ArgumentError(
            "widget: expected the package anywidget, which is not installed. "
            "Install it with pip install 'pullback[jupyter]', or save the graph as .html"
        ) from None

    class Page(anywidget.AnyWidget):
        """The page in a frame."""

        _esm = _SCRIPT
        page = traitlets.Unicode().tag(sync=True)
        height = traitlets.Int().tag(sync=True)

    return Page
