"""Floor 5: NumPy's names over Array, so that NumPy code runs unchanged on ``import pullback.numpy as np``.

>>> import pullback as pb
>>> import pullback.numpy as np
>>> def f(a):
...     x = np.zeros(3)
...     x[1] = a
...     return np.sum(np.exp(x))
>>> pb.grad(f)(0.0)
1.0

It is the main namespace of the Array API standard, version 2024.12, as well. Functions whose derivative pullback does
not know are NumPy's own: they take arrays that are not watched and refuse others by name. Names that stand for
something else than an array of numbers (``matrix``, ``ma``, ...) raise UnsupportedError, which says what to use.
"""

from __future__ import annotations

from typing import Any

from pullback.core.creation import array, asarray
from pullback.numpy import names as _names


def __getattr__(name: str) -> Any:
    found = _names.find(name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return _names.listed()


def namespace(api_version: str | None) -> Any:
    """What ``Array.__array_namespace__`` returns: this module."""
    return _names.namespace(api_version)
