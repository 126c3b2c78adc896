"""Look for NaN and infinities in what compiled functions give, and explain them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

from pullback.core.graph import Graph
from pullback.core.origin import is_internal
from pullback.core.state import debugging
from pullback.diagnosis.diagnose import examine
from pullback.diagnosis.inside import with_values
from pullback.errors import ArgumentError, NonFiniteError


class NonFiniteWarning(RuntimeWarning):
    """A compiled function gave a NaN or an infinity; the text says where it began."""


def set_debug(*, nan: str | None = None) -> None:
    """Say what compiled functions do when a result of theirs is NaN or infinite.

    Args:
        nan: ``"explain"``: run the step again with NumPy, find the operation that made it of finite numbers, and warn
            with line, expression, operands and what would avoid it (a ``NonFiniteWarning``). ``"raise"``: raise that
            as a ``NonFiniteError``, before any Parameter is changed. None, the default: nothing.

    Raises:
        ArgumentError: something else.

    >>> set_debug(nan="explain")
    >>> set_debug()
    """
    if nan not in (None, "explain", "raise"):
        raise ArgumentError(f"set_debug: expected nan to be 'explain', 'raise' or None, got {nan!r}")
    debugging.nan = nan


def explain_nonfinite(graph: Graph, values: Sequence[Any]) -> None:
    """Run a graph with these values of its inputs, and warn or raise with what ``examine`` finds."""
    given = dict(zip((node for node in graph.inputs if node.value is None), values, strict=True))
    text = str(examine(with_values(graph, given)))
    if debugging.nan == "raise":
        raise NonFiniteError(text)
    warnings.warn(text, NonFiniteWarning, stacklevel=_levels_to_the_user())


def _levels_to_the_user() -> int:
    """How many callers up from the one that asks the first is that is not code of pullback."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and is_internal(frame.f_code):
        level, frame = level + 1, frame.f_back
    return level
