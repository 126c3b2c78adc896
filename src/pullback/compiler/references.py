"""What a function refers to besides its arguments: variables around it, global names, attributes of objects.

All of these may be something else at the next call. They are found by looking where the function's code looks: its
closure, the global names in it, the attributes in it of objects that it reaches, and so on through what it calls.
"""

from __future__ import annotations

import ctypes
import dis
import functools
import gc
import random
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, NamedTuple

import numpy as np

from pullback.compiler.binding import slot_offset
from pullback.compiler.entry import MISS
from pullback.core.array import Array
from pullback.core.parameter import Parameter
from pullback.core.settings import Configured, same
from pullback.dtypes import is_number
from pullback.errors import ArgumentError

_MOST = 2000
"""How many references are followed."""
_NAMED = (FunctionType, BuiltinFunctionType, type, np.ufunc)
_BELOW = frozenset({"numpy", "scipy", "optree", "llvmlite", "pullback"})
_LIBRARIES = frozenset(sys.stdlib_module_names) - {"__main__"} | _BELOW
_INSTALLED = frozenset({"site-packages", "dist-packages"})
"""Folders that packages are installed into."""


class Reference(NamedTuple):
    """One place that was read, with what was there.

    Attributes:
        holder: a cell, a dictionary (of global names or attributes too), another container, the handle of an array, or
            an object with slots.
        key: in a dictionary, or the name of a slot; None for all of what is read as a container.
        content: what was there.
    """

    holder: Any
    key: Any
    content: Any

    def holds(self) -> bool:
        """Whether it is there still, or something that cannot be told from it."""
        return same(self.content, _read(self.holder, self.key))

    def renewed(self) -> Reference:
        """The same with what is there now, which cannot be told from what was there."""
        return self._replace(content=_read(self.holder, self.key))

    def is_guarded(self) -> bool:
        """Whether words of memory, or a name that is looked up in a dictionary, say that it is there still."""
        if self.key is None:
            return isinstance(self.holder, (CellType, Array, list, dict))
        return type(self.key) is str and isinstance(self.holder, dict)

    def words(self) -> list[tuple[int, int]]:
        """Words of memory that hold these values as long as the very same is there; none for keys of dictionaries."""
        holder, where = self.holder, id(self.holder)
        if isinstance(holder, CellType):
            return [(where + 16, 0 if self.content is MISS else id(self.content))]  # PyCellObject.ob_ref
        if isinstance(holder, Array):
            return [(where + slot_offset(Array, "_node"), id(self.content))]
        if isinstance(holder, list):  # PyVarObject.ob_size, PyListObject.ob_item
            items = ctypes.c_int64.from_address(where + 24).value
            found = [(items + 8 * i, id(item)) for i, item in enumerate(self.content)]
            return [(where + 16, len(self.content)), (where + 24, items), *found]
        return [(where + 16, len(self.content))] if self.key is None else []  # PyDictObject.ma_used


def _read(holder: Any, key: Any) -> Any:
    if isinstance(holder, CellType):
        try:
            return holder.cell_contents
        except ValueError:  # empty
            return MISS
    if isinstance(holder, Array):
        return holder._node
    if key is None:
        return tuple(list.__iter__(holder) if isinstance(holder, list) else holder)
    return dict.get(holder, key, MISS) if isinstance(holder, dict) else getattr(holder, key, MISS)


class Reads(NamedTuple):
    """What a piece of code, with the functions that are defined in it, reads.

    Attributes:
        names: global names.
        chains: a root ("global", "cell" or "first", the first argument), its name, and attributes of it and of these.
        loose: attributes of what is not known before the code runs, each with whether it is called.
    """

    names: frozenset[str]
    chains: frozenset[tuple[str, str, tuple[str, ...]]]
    loose: frozenset[tuple[str, bool]]


_ROOTS = {"LOAD_GLOBAL": "global", "LOAD_NAME": "global", "LOAD_DEREF": "cell"}


@functools.lru_cache(1024)
def _reads(code: CodeType) -> Reads:
    first = code.co_varnames[0] if code.co_argcount else ""
    names, chains, loose = set(), set(), set()
    chain: tuple[str, str, tuple[str, ...]] | None = None
    for one in dis.get_instructions(code):
        if one.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            if chain is None:
                loose.add((one.argval, _is_method(one)))
            else:
                chain = (*chain[:2], (*chain[2], one.argval))
                chains.add(chain)
            continue
        root = _ROOTS.get(one.opname)
        if root == "global":
            names.add(one.argval)
        if one.argval == first and first and (root == "cell" or one.opname.startswith("LOAD_FAST")):
            root = "first"
        chain = None if root is None else (root, one.argval, ())
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            more = _reads(inner)
            names |= more.names
            loose |= more.loose
            for root, name, attributes in more.chains:
                if root == "global" or name in code.co_freevars:
                    chains.add((root, name, attributes))
                elif root == "cell" and name == first:
                    chains.add(("first", name, attributes))
                else:
                    loose |= {(one, False) for one in attributes}
    return Reads(frozenset(names), frozenset(chains), frozenset(loose))


def _is_method(load: dis.Instruction) -> bool:
    return load.opname == "LOAD_METHOD" or (sys.version_info >= (3, 12) and bool((load.arg or 0) & 1))


class References:
    """The references of a function and of the objects among its arguments, as they are now.

    What libraries refer to is not looked at: nobody replaces that.

    Attributes:
        found: the references.
        arrays: NumPy arrays that were reached, each with a checksum.
    """

    def __init__(self, roots: Sequence[Any]) -> None:
        self._own = {_package(getattr(root, "__module__", None)) for root in roots}
        self._loose: set[tuple[str, bool]] = set()
        self.found: dict[tuple[int, Any], Reference] = {}
        self._random: dict[int, tuple[Callable[[], Any], Any]] = {}
        count = -1
        while count != len(self._loose):  # attributes of objects that were seen before the code that names them
            count = len(self._loose)
            self._seen: dict[Any, Any] = {}
            waiting = list(roots)
            while waiting and len(self._seen) < _MOST:
                value = waiting.pop()
                key = (id(value.__func__), id(value.__self__)) if isinstance(value, MethodType) else id(value)
                if key not in self._seen:
                    self._seen[key] = value
                    waiting += self._inside(value)
        self.arrays = [(one, checksum(one)) for one in self._seen.values() if type(one) is np.ndarray]

    def unchanged(self, now: References) -> list[Reference]:
        """Those that are ``now`` as they were: not what the function itself has set.

        Raises:
            ArgumentError: random numbers were drawn meanwhile that would be the same at every call.
        """
        for read, before in self._random.values():
            if _frozen(read()) != before:
                raise ArgumentError(
                    "compile: expected random numbers from pullback.random, got others: they would be the same at "
                    "every call. Draw them from pullback.random.default_rng(seed), or give them as an argument"
                )
        found = []
        for key, one in now.found.items():
            before_it = self.found.get(key)
            if before_it is not None and same(before_it.content, one.content):
                found.append(one)
        return found

    def _is_of_library(self, module: Any) -> bool:
        """Whether a module, by its name, is Python's, below us, or installed and not where the function is from."""
        package = _package(module)
        return package in _LIBRARIES or (package not in self._own and _is_installed(package))

    def _refer(self, holder: Any, key: Any) -> Any:
        content = _read(holder, key)
        self.found[id(holder), key] = Reference(holder, key, content)
        return content

    def _inside(self, value: Any) -> Iterator[Any]:
        """What is reached from a value."""
        if isinstance(value, FunctionType):
            yield from self._inside_function(value, MISS)
        elif isinstance(value, MethodType):
            yield value.__self__
            if isinstance(value.__func__, FunctionType):
                yield from self._inside_function(value.__func__, value.__self__)
            else:
                yield value.__func__
        elif isinstance(value, functools.partial):
            yield from (value.func, *value.args, *value.keywords.values())
        elif isinstance(value, (tuple, frozenset)):
            yield from value
        elif isinstance(value, (list, set, deque, bytearray)):
            yield from self._refer(value, None)
        elif isinstance(value, dict):
            for key in self._refer(value, None):
                yield self._refer(value, key)
        elif isinstance(value, Array):
            if not isinstance(value, Parameter):
                self._refer(value, None)
        elif isinstance(value, _generators()):
            self._watch(value, lambda: value.bit_generator.state)
        elif not isinstance(value, (type, ModuleType)):
            yield from self._inside_object(value)

    def _inside_function(self, function: FunctionType, first: Any) -> Iterator[Any]:
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        for cell in cells.values():
            yield self._refer(cell, None)
        yield from function.__defaults__ or ()
        yield from (function.__kwdefaults__ or {}).values()
        if self._is_of_library(function.__module__):
            return
        reads = _reads(function.__code__)
        for name in reads.names & function.__globals__.keys():
            yield self._noted(function.__globals__, name)
        self._loose |= reads.loose
        for root, name, attributes in reads.chains:
            value = first
            if root == "global":
                value = function.__globals__.get(name, MISS)
            elif name in cells:
                value = _read(cells[name], None)
            if value is MISS:
                self._loose |= {(one, False) for one in attributes}
                continue
            for attribute in attributes:
                value = self._attribute(value, attribute)
                yield value

    def _attribute(self, value: Any, name: str) -> Any:
        """The attribute of a value, noted; MISS where nothing is known of it."""
        if isinstance(value, ModuleType):
            if value is random:
                self._watch(value, random.getstate)
            elif value.__name__ == "numpy.random":
                self._watch(value, lambda: np.random.get_state(legacy=False))  # noqa: NPY002  # whether it was used
            if self._is_of_library(value.__name__):
                found = vars(value).get(name, MISS)
                return found if isinstance(found, ModuleType) else MISS
            return self._noted(vars(value), name)
        if value is MISS:
            return MISS
        is_class = isinstance(value, type)
        of_class = next(
            (vars(one)[name] for one in (value if is_class else type(value)).__mro__ if name in vars(one)), MISS
        )
        if isinstance(of_class, staticmethod):
            return of_class.__func__
        if isinstance(of_class, classmethod):
            return MethodType(of_class.__func__, value if is_class else type(value))
        if is_class:
            return of_class if isinstance(of_class, FunctionType) else self._of_class(value, name, of_class)
        if isinstance(of_class, property):
            of_class = of_class.fget
        if isinstance(of_class, FunctionType):
            return MethodType(of_class, value)
        if isinstance(of_class, MemberDescriptorType) and not self._is_of_library(type(value).__module__):
            return self._refer(value, name)
        attributes = getattr(value, "__dict__", None)
        if type(attributes) is not dict:
            return MISS
        if isinstance(value, Configured) or type(value).__module__.partition(".")[0] in _BELOW:
            found = attributes.get(name, MISS)  # known by a token, or of no account
        else:
            found = self._noted(attributes, name)
        return self._of_class(type(value), name, of_class) if found is MISS else found

    def _of_class(self, owner: type, name: str, content: Any) -> Any:
        """An attribute of a class, noted where it is, and where another one would come before it."""
        if content is MISS or hasattr(type(content), "__get__"):
            return MISS
        for one in owner.__mro__:
            if not self._is_of_library(one.__module__):
                self._refer(gc.get_referents(vars(one))[0], name)  # the dictionary that vars only shows
            if name in vars(one):
                break
        return content

    def _inside_object(self, value: Any) -> Iterator[Any]:
        """Attributes that some code names that may mean this object, and what it does when it is called."""
        attributes = getattr(value, "__dict__", None)
        if type(attributes) is not dict:
            if self._is_of_library(type(value).__module__):
                return
            attributes = {}
        if isinstance(value, Configured):
            yield from (one for name, one in attributes.items() if not (name[0] == "_" and type(one) is dict))
        elif type(value).__module__.partition(".")[0] in _BELOW:
            yield from (attributes[name] for name in ("_function", "__wrapped__") if name in attributes)
            return
        for name, called in self._loose | {("forward", True), ("__call__", True)}:
            known = name in attributes or any(name in vars(one) for one in type(value).__mro__)
            if known and (not called or callable(attributes.get(name, callable))):
                yield self._attribute(value, name)

    def _noted(self, holder: dict[str, Any], name: str) -> Any:
        """What has this name; noted unless it is a module or a class of a library, which nobody replaces."""
        content = holder.get(name, MISS)
        if isinstance(content, ModuleType):
            return content
        if isinstance(content, _NAMED) and self._is_of_library(getattr(content, "__module__", None)):
            return content
        return self._refer(holder, name)

    def _watch(self, source: Any, read: Callable[[], Any]) -> None:
        self._random[id(source)] = read, _frozen(read())


def checksum(array: np.ndarray[Any, Any]) -> int:
    """A number that is another one when an array holds other numbers, but by a rare accident."""
    return zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data) if is_number(array.dtype) else 0


def _package(module: Any) -> str:
    return module.partition(".")[0] if isinstance(module, str) else ""


def _generators() -> tuple[type[np.random.Generator], ...]:
    """NumPy's class of generators of random numbers, if it is loaded: loading it takes longer than all else here."""
    return (np.random.Generator,) if "numpy.random" in sys.modules else ()


def _is_installed(package: str) -> bool:
    spec = getattr(sys.modules.get(package), "__spec__", None)
    places = [getattr(spec, "origin", None), *(getattr(spec, "submodule_search_locations", None) or ())]
    return any(isinstance(one, str) and _is_among_installed(one) for one in places)


@functools.lru_cache(1024)
def _is_among_installed(place: str) -> bool:
    return not _INSTALLED.isdisjoint(PurePath(place).parts)


def _frozen(state: Any) -> Any:
    """A state of a random generator so that it can be compared."""
    if isinstance(state, dict):
        return {name: _frozen(one) for name, one in state.items()}
    return state.tobytes() if isinstance(state, np.ndarray) else state
