"""SciPy's special functions, loaded when the first of them is used: loading takes longer than the rest of pullback."""

from __future__ import annotations

import importlib
from typing import Any


class LazyModule:
    """A module that is imported when an attribute of it is first asked for.

    >>> LazyModule("math").sqrt(4.0)
    2.0
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        # Reached once for each name: what was found becomes an attribute.
        if name.startswith("__"):
            raise AttributeError(name)  # what inspection asks of any object must not load the module
        found = getattr(importlib.import_module(self._module), name)
        setattr(self, name, found)
        return found


special: Any = LazyModule("scipy.special")
"""``scipy.special``: what the bodies of primitives call."""
