"""Floor 5: NumPy's names over Array, so far those of the operations that exist.

>>> import pullback.numpy as pnp
>>> pnp.sin([0.0])
array([0.])
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy  # noqa: ICN001  # np would be a public name of this module

from pullback.core.creation import array, asarray
from pullback.core.operations import operations as _operations
from pullback.core.operations import override as _override
from pullback.core.operations import overrides as _overrides
from pullback.errors import ArgumentError as _ArgumentError

_CONSTANTS = ("e", "euler_gamma", "inf", "nan", "newaxis", "pi")
_DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    original = getattr(_numpy, name, None)
    if name in _CONSTANTS or name in _DTYPES:
        return original
    found = _override(original) if callable(original) else None
    if found is None:
        raise AttributeError(f"pullback.numpy has no {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    _operations.load_all()
    functions = [name for name in vars(_numpy) if callable(vars(_numpy)[name]) and vars(_numpy)[name] in _overrides]
    return sorted({"array", "asarray", *_CONSTANTS, *_DTYPES, *functions})


def namespace(api_version: str | None) -> Any:
    """What ``Array.__array_namespace__`` returns: this module."""
    if api_version not in (None, "2023.12", "2024.12"):
        raise _ArgumentError(f"__array_namespace__: expected api_version '2024.12', got {api_version!r}")
    import pullback.numpy

    return pullback.numpy
