"""Which of NumPy's names stand for what in ``pullback.numpy``."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import operations
from pullback.errors import ArgumentError, UnsupportedError
from pullback.numpy import standard, tricks
from pullback.numpy.faces import face

_AS_THEY_ARE = (
    "base_repr", "binary_repr", "broadcast_shapes", "datetime_data", "format_float_positional",
    "format_float_scientific", "get_include", "get_printoptions", "getbufsize", "geterr", "geterrcall", "info",
    "isdtype", "isscalar", "issubdtype", "iterable", "mintypecode", "promote_types", "set_printoptions", "setbufsize",
    "seterr", "seterrcall", "show_config", "show_runtime", "test", "typename",
)  # fmt: skip
"""Functions that make no arrays: words about dtypes, switches, text."""

_REFUSED = {
    "asmatrix": "Use asarray: x @ y is the product of matrices",
    "bmat": "Use block",
    "broadcast": "Use broadcast_arrays or broadcast_shapes",
    "core": "It is NumPy's private part",
    "flatiter": "Use x.ravel(), or x.flat",
    "frompyfunc": "Use vectorize, or pullback.vmap",
    "ma": "Use where= of the reductions, or where(mask, x, y)",
    "matrix": "Use array: x @ y is the product of matrices",
    "nditer": "Loop over x.ravel(), or use pullback.vmap",
    "nested_iters": "Loop over the axes, or use pullback.vmap",
    "poly1d": "Use polyval, polyadd, polymul, ... on the coefficients",
}
"""Names that are refused, each with what to use in its place."""

_MODULES = ("fft", "linalg", "random")
"""Modules of NumPy that have a face of their own beside this one, where it is built."""

_SINCE_2_0 = ("cumulative_prod", "cumulative_sum", "matvec", "unstack", "vecmat")
"""Functions that NumPy has got since its version 2.0; here they are with every version."""

_OWN: dict[str, Any] = {
    "__array_api_version__": "2024.12",
    "c_": tricks.c_,
    "argsort": standard.argsort,
    "finfo": standard.finfo,
    "from_dlpack": standard.from_dlpack,
    "iinfo": standard.iinfo,
    "mgrid": tricks.mgrid,
    "ndarray": Array,
    "ndenumerate": tricks.ndenumerate,
    "ogrid": tricks.ogrid,
    "r_": tricks.r_,
    "sort": standard.sort,
}


def find(name: str) -> Any:
    """Return what stands under a name of NumPy's; raise UnsupportedError, an AttributeError, if nothing does."""
    if name in _OWN:
        return _OWN[name]
    if name in _MODULES and importlib.util.find_spec(f"pullback.numpy.{name}"):
        return importlib.import_module(f"pullback.numpy.{name}")
    if name == "__all__":
        return listed()
    if name in _SINCE_2_0:
        return face(getattr(np, name)) if name in np.__all__ else getattr(operations, name)
    if name not in np.__all__:
        raise UnsupportedError(f"pullback.numpy has no {name!r}")
    original: Any = getattr(np, name)
    if name in _REFUSED:
        raise UnsupportedError(f"pullback.numpy has no {name!r}. {_REFUSED[name]}")
    is_class = isinstance(original, type) and original is not np.vectorize  # that class does what a function does
    if name in _AS_THEY_ARE or is_class or not callable(original):
        return original
    return face(original)


def listed() -> list[str]:
    """Return the names that there are, sorted."""
    return sorted({*_OWN, *_SINCE_2_0, "array", "asarray", *(name for name in np.__all__ if name not in _REFUSED)})


def namespace(api_version: str | None) -> Any:
    """Return ``pullback.numpy`` for a version of the Array API standard that it follows."""
    if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
        raise ArgumentError(f"__array_namespace__: expected api_version '2024.12' or older, got {api_version!r}")
    return importlib.import_module("pullback.numpy")
