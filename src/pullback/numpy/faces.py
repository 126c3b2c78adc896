"""What stands under NumPy's names: its functions, called on anything, giving Arrays."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import operations, override
from pullback.core.protocols import array_function
from pullback.core.ufuncs import array_ufunc
from pullback.errors import ArgumentError


class Ufunc:
    """A ufunc of NumPy that gives Arrays: what it does on an Array, whatever it is called on.

    The attributes are NumPy's ufunc's: ``nin``, ``nout``, ``identity``, ``types``, ...

    >>> import pullback.numpy as pnp
    >>> pnp.add([1.0], [2.0])
    array([3.])
    >>> pnp.add.reduce([1.0, 2.0]), pnp.add.nin
    (array(3.), 2)
    """

    def __init__(self, ufunc: np.ufunc) -> None:
        self._ufunc = ufunc
        self._ours = override(ufunc)
        functools.update_wrapper(self, self._ours or ufunc, updated=())
        self.__name__ = ufunc.__name__

    def __call__(self, *inputs: Any, **keywords: Any) -> Any:
        """Apply elementwise; ``out=``, ``dtype=`` and ``where=`` as on an Array."""
        if keywords or self._ours is None or len(inputs) > self._ufunc.nin:
            if len(inputs) > self._ufunc.nargs:
                raise ArgumentError(
                    f"{self.__name__}: expected at most {self._ufunc.nargs} positional arguments, got {len(inputs)}"
                )
            out = inputs[self._ufunc.nin :]
            if out:
                keywords["out"] = out
            elif keywords.get("out") is not None and not isinstance(keywords["out"], tuple):
                keywords["out"] = (keywords["out"],)
            return array_ufunc(self._ufunc, "__call__", inputs[: self._ufunc.nin], keywords)
        return self._ours(*inputs)

    def reduce(self, array: Any, axis: Any = 0, **keywords: Any) -> Any:
        """Combine the elements along ``axis``."""
        return array_ufunc(self._ufunc, "reduce", (operations.asarray(array),), {"axis": axis, **keywords})

    def accumulate(self, array: Any, axis: Any = 0, **keywords: Any) -> Any:
        """Combine the elements along ``axis`` up to each."""
        return array_ufunc(self._ufunc, "accumulate", (operations.asarray(array),), {"axis": axis, **keywords})

    def reduceat(self, array: Any, indices: Any, axis: Any = 0, **keywords: Any) -> Any:
        """Combine the elements of slices that begin at ``indices``."""
        inputs = (operations.asarray(array), indices)
        return array_ufunc(self._ufunc, "reduceat", inputs, {"axis": axis, **keywords})

    def outer(self, left: Any, right: Any, **keywords: Any) -> Any:
        """Apply to every pair of an element of ``left`` and one of ``right``."""
        return array_ufunc(self._ufunc, "outer", (operations.asarray(left), operations.asarray(right)), keywords)

    def at(self, array: Any, indices: Any, *values: Any) -> None:
        """Apply in place at ``indices``: the handle points at the updated array."""
        if isinstance(array, np.ndarray) and not any(isinstance(one, Array) for one in (indices, *values)):
            self._ufunc.at(array, indices, *values)
        else:
            array_ufunc(self._ufunc, "at", (array, indices, *values), {})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ufunc, name)

    def __repr__(self) -> str:
        return f"<ufunc {self.__name__!r} of pullback.numpy>"


@functools.cache
def face(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what stands under the name of a function of NumPy.

    It is our function of the same meaning where there is one; its keywords that ours lacks are refused by name. Others
    are computed by NumPy, give Arrays, and refuse what is watched unless no derivative is lost.
    """
    if isinstance(original, np.ufunc):
        return Ufunc(original)
    ours = override(original)
    if ours is not None and _takes_all(ours, original):
        return ours

    @functools.wraps(ours or original)
    def call(*args: Any, **keywords: Any) -> Any:
        return array_function(original, args, keywords)

    call.__name__ = original.__name__
    return call


def _takes_all(ours: Callable[..., Any], original: Callable[..., Any]) -> bool:
    """Whether our function has the parameters of NumPy's, those by position at the same ones."""
    try:
        theirs = inspect.signature(original).parameters
    except ValueError:  # written in C, without a signature
        return ours in (operations.asarray, operations.zeros)
    mine = inspect.signature(ours).parameters
    positional = [name for name, one in theirs.items() if one.kind is not one.KEYWORD_ONLY]
    return list(mine)[: len(positional)] == positional and set(theirs) <= set(mine)
