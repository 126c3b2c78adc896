"""Floor 5: the pictures. ``run.save`` and ``graph.save`` draw into files; here is what shows in other places."""

from pullback.view.frame import widget
from pullback.view.model import Picture
from pullback.view.summary import summarize
from pullback.view.text import tree

__all__ = ["Picture", "summarize", "tree", "widget"]
