"""Values for names, as they are written on the command line: ``a=3``, ``x=[1,2,3]``."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Sequence
from typing import Any

from pullback.errors import ArgumentError, GraphError
from pullback.view.notation import clean, shortened


def assignments(texts: Sequence[str], command: str) -> dict[str, Any]:
    """Return the value of each name; raise ArgumentError for what is no assignment, GraphError for a name given twice.

    >>> assignments(["a=3", "x=[1,2]"], "explain")
    {'a': 3.0, 'x': [1, 2]}
    """
    pairs = [_assignment(text, command) for text in texts]
    if len(dict(pairs)) < len(pairs):
        raise GraphError("a value is given twice for one name")
    return dict(pairs)


def normal(name: str) -> str:
    """The form in which Python's parser keeps names, so that two spellings of one name are one."""
    return unicodedata.normalize("NFKC", name)


def _assignment(text: str, command: str) -> tuple[str, Any]:
    if text.startswith("--"):
        raise ArgumentError(f"there is no option {text.partition('=')[0]!r}. Try 'pullback {command} --help'")
    name, sign, value = text.partition("=")
    if not sign or not name.strip().isidentifier():
        raise ArgumentError(f"expected name=value, got {shortened(clean(text), 60)!r}")
    return normal(name.strip()), _value(name.strip(), value.strip())


def _value(name: str, text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, (list, tuple, int, float, complex)):
        raise ArgumentError(
            f"expected a number or a list of numbers for {clean(name)}, got {shortened(clean(text), 60)!r}"
        )
    return value
