"""NumPy's methods and attributes of arrays: a table of which operation each calls, and which are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.operations import operations
from pullback.core.protocols import array_function, call_override
from pullback.errors import UnsupportedError

Method = Callable[..., Any]


def _method(name: str) -> Method:
    """A method that is the operation of this name with the array as first argument."""

    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        call = getattr(operations, name)
        return call_override(call, (self, *args), keywords) if keywords else call(self, *args)

    method.__doc__ = f"``pullback.numpy.{name}`` of this array; the same arguments as NumPy's method."
    return method


def _numpys(function: Callable[..., Any]) -> Method:
    """A method that is a function of NumPy's with the array as first argument."""

    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        return array_function(function, (self, *args), keywords)

    method.__doc__ = f"``pullback.numpy.{function.__name__}`` of this array; the same arguments as NumPy's method."
    return method


def _in_place(function: Callable[..., Any]) -> Method:
    """A method after which the handle points at what a function of NumPy's gives for the array."""

    def method(self: Any, *args: Any, **keywords: Any) -> None:
        name = function.__name__
        self._rebind(name, array_function(function, (self, *args), keywords))

    method.__doc__ = f"Make the handle point at ``pullback.numpy.{function.__name__}`` of the array."
    return method


def _bytes(name: str) -> Method:
    """A method that writes the value out: a constant to the gradient, as ``tolist``."""

    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        return getattr(np.asarray(self._read(f"{name}()")), name)(*args, **keywords)

    method.__doc__ = f"NumPy's ``{name}`` of the value, a constant to the gradient."
    return method


def _refused(name: str, instead: str) -> property:
    """An attribute of NumPy's arrays that is refused by name."""

    def refuse(self: Any) -> Any:
        raise UnsupportedError(f"pullback arrays have no {name!r}. {instead}")

    return property(refuse, doc=f"Refused by name. {instead}.")


_COPY = "x.detach().numpy() is a NumPy array of its own"


class Methods:
    """NumPy's methods and attributes of ``Array``."""

    __slots__ = ()

    T = property(_method("transpose"), doc="The array with its axes reversed.")
    mT = property(_method("matrix_transpose"), doc="The array with its last two axes swapped.")  # noqa: N815  # NumPy's name
    real = property(_method("real"), doc="The real part.")
    imag = property(_method("imag"), doc="The imaginary part; zeros for a real array.")
    at = property(_method("at"), doc="Functional updates: ``x.at[i].set(v)``, ``x.at[i].add(v)`` give a new array.")
    base = property(lambda self: None, doc="None: no array is a view of another.")

    @property
    def flat(self) -> Any:
        """The elements in a row, to be read, updated and walked over: ``x.flat[i] = v`` updates x."""
        return operations.flat(self)

    @flat.setter
    def flat(self, values: Any) -> None:
        operations.flat(self)[:] = values

    all = _method("all")
    any = _method("any")
    argmax = _method("argmax")
    argmin = _method("argmin")
    argpartition = _numpys(np.argpartition)
    argsort = _numpys(np.argsort)
    astype = _method("astype")
    choose = _numpys(np.choose)
    clip = _method("clip")
    conj = _method("conjugate")
    conjugate = _method("conjugate")
    cumprod = _method("cumprod")
    cumsum = _method("cumsum")
    diagonal = _method("diagonal")
    dot = _method("dot")
    flatten = _method("ravel")
    max = _method("max")
    mean = _method("mean")
    min = _method("min")
    nonzero = _numpys(np.nonzero)
    prod = _method("prod")
    put = _numpys(np.put)
    ravel = _method("ravel")
    repeat = _method("repeat")
    reshape = _method("reshape_method")
    round = _method("round")
    searchsorted = _numpys(np.searchsorted)
    squeeze = _method("squeeze")
    std = _method("std")
    sum = _method("sum")
    swapaxes = _method("swapaxes")
    take = _method("take")
    trace = _method("trace")
    transpose = _method("transpose_method")
    var = _method("var")

    partition = _in_place(np.partition)
    sort = _in_place(np.sort)

    def compress(self, condition: Any, axis: Any = None) -> Any:
        """``pullback.numpy.compress(condition, x, axis)``."""
        return operations.compress(condition, self, axis)

    def fill(self, value: Any) -> None:
        """Make the handle point at an array that repeats ``value``, which may be watched."""
        operations.copyto(self, value, casting="unsafe")

    dump = _bytes("dump")
    dumps = _bytes("dumps")
    tobytes = _bytes("tobytes")
    tofile = _bytes("tofile")

    byteswap = _refused("byteswap", _COPY)
    ctypes = _refused("ctypes", _COPY)
    data = _refused("data", _COPY)
    flags = _refused("flags", "Arrays own their memory, and have no order in it that shows")
    getfield = _refused("getfield", _COPY)
    resize = _refused("resize", "Use np.resize(x, shape), which gives a new array")
    setfield = _refused("setfield", _COPY)
    setflags = _refused("setflags", "Arrays are never written to: x[i] = v makes the handle point at a new value")
    strides = _refused("strides", "Arrays have no order in memory that shows")
    view = _refused("view", "Use astype to convert, x.real and x.imag for the parts; bits are seen in a NumPy array")
