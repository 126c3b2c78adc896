"""The entry: a Python function in machine code that checks a call and runs a program, in a fraction of a microsecond.

It looks at the arguments as the interpreter holds them. What is not exactly as expected (another type, dtype, shape or
layout; a Parameter that was assigned, or whose value somebody else holds) is not its business: it returns MISS, nothing
has happened, and the call goes the long way round. One entry serves every program, from a table of what to expect.
"""

from __future__ import annotations

import ctypes
import functools
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.compiler import allocation, entering, leaving
from pullback.compiler.machine import lasting
from pullback.core.aval import Aval

MISS = object()
"""What the entry returns for a call that it does not take."""

_WORDS = 13
"""Words of the description of one argument or result; the last nine are lengths of axes, and bytes."""
_MOST_AXES = 8

_ARRAY, _SCALAR, _SAME = 1, 2, 3
"""Kinds of arguments: an array, a number, and the very object that was given before. Results: the first two."""


@dataclass(frozen=True)
class Given:
    """What is expected of one argument: an array, a number, or else an object itself.

    Attributes:
        aval: of an array.
        scalar: of a number its type: Python's float, or one of NumPy's.
        same: the object that is to be given.
        slot: the number of its slot, where it is traced.
    """

    aval: Aval | None = None
    scalar: type | None = None
    same: Any = None
    slot: int = 0


@dataclass(frozen=True)
class Result:
    """One array that is made for a result, or a Python float (``aval`` None)."""

    aval: Aval | None
    slot: int


def available() -> bool:
    """Whether objects of this interpreter and of this NumPy lie as the entry expects: checked on real ones.

    They lie otherwise where CPython was built to run without its lock, or to trace references.
    """
    return sys.implementation.name == "cpython" and _layout_is_known()


@functools.cache
def _layout_is_known() -> bool:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    words = (ctypes.c_int64 * 9).from_address(id(x))
    dims = (ctypes.c_int64 * 2).from_address(words[4])
    numbers = (1234.5, np.float32(1234.5), np.int64(1234))
    kinds: tuple[Any, ...] = (ctypes.c_double, ctypes.c_float, ctypes.c_int64)
    return (
        words[1] == id(np.ndarray)
        and words[2] == x.__array_interface__["data"][0]
        and words[3] & 0xFFFFFFFF == 2
        and tuple(dims) == x.shape
        and words[7] == id(np.dtype(np.float32))
        and words[8] & 0x101 == 0x101
        and not (ctypes.c_int64 * 9).from_address(id(x.T))[8] & 1
        and all(ctypes.c_int64.from_address(id(one) + 8).value == id(type(one)) for one in numbers)
        and all(kind.from_address(id(one) + 16).value == one for one, kind in zip(numbers, kinds, strict=True))
    )


_TABLE = {
    "function": "ptr", "slots.count": "i64", "template": "ptr", "given.count": "i64", "given": "ptr",
    "guards.count": "i64", "guards": "ptr", "made.count": "i64", "made": "ptr",
    "arena.slot": "i64", "arena.word": "ptr", "release.word": "i64", "miss.object": "ptr", "mode": "i64",
    "checks.count": "i64", "checks": "ptr",
    "array.type": "ptr", "new.array": "ptr", "return.array": "ptr", "new.float": "ptr",
    "new.tuple": "ptr", "save": "ptr", "restore": "ptr", "forget": "ptr", "none": "ptr", "remember": "ptr",
    "set.item": "ptr", "large.bytes": "i64", "new.large": "ptr", "blocks": "ptr",
    "lookups.count": "i64", "lookups": "ptr", "look.up": "ptr", "state.count": "i64", "state": "ptr",
}  # fmt: skip
"""What stands in the table of an entry, in this order: names, and the types as which machine code reads them."""


def build(
    function: int,
    template: Any,
    arguments: Sequence[Given],
    guards: Sequence[tuple[int, int]],
    lookups: Sequence[tuple[Any, str, Any]],
    results: Sequence[Result],
    single: bool,
    arena: tuple[int, int],
    checks: tuple[int, int],
    release: bool,
    state: Sequence[int],
) -> Callable[..., Any] | None:
    """Return the entry to a program as a Python function of positional arguments, or None where there can be none.

    Args:
        function: the address of the native function.
        template: the slots, as a ctypes array, with everything filled in that does not change.
        arguments: what is expected of each.
        guards: addresses of words, each with what must be there.
        lookups: dictionaries, each with a key and the object that must be there; MISS stands for none.
        results: what is made, in order.
        single: whether the one result is returned as it is, not in a tuple. Without results None is returned.
        arena: its slot, and the address of the word that holds its address.
        checks: how many bytes, and from which address on, must not be zero after the run.
        release: whether other threads of Python may run meanwhile.
        state: the addresses of objects that these must not free meanwhile; guards say that they are there.
    """
    avals = [aval for aval in (*[one.aval for one in arguments], *[one.aval for one in results]) if aval is not None]
    if any(aval.ndim > _MOST_AXES for aval in avals):
        return None
    held: list[Any] = [template, arguments, lookups]
    given = [_argument(one) for one in arguments]
    made = [_result(one) for one in results]
    words = {
        "function": function,
        "slots.count": len(template),
        "template": ctypes.addressof(template),
        "given.count": len(given),
        "given": _memory(given, held),
        "guards.count": len(guards),
        "guards": _memory([list(pair) for pair in guards], held),
        "lookups.count": len(lookups),
        "lookups": _memory([[id(one), id(key), 0 if of is MISS else id(of)] for one, key, of in lookups], held),
        "made.count": len(made),
        "made": _memory(made, held),
        "arena.slot": arena[0],
        "arena.word": arena[1],
        "release.word": int(release),
        "miss.object": id(MISS),
        "mode": 0 if not results else 1 if single else 2,
        "checks.count": checks[0],
        "checks": checks[1],
        "state.count": len(state),
        "state": _memory([list(state)], held),
        **_symbols(),
    }
    table = np.array([words[name] for name in _TABLE], np.int64)
    held.append(table)
    return _Function(table, held).callable


class _Method(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_METHOD = _Method(b"entry", None, 0x80, None)  # METH_FASTCALL


class _Function:
    """A Python function that runs the entry with a table; what the table points at lives as long as it."""

    def __init__(self, table: np.ndarray[Any, Any], held: list[Any]) -> None:
        _METHOD.function = lasting("entry", ["entry"], _text)["entry"]
        new = ctypes.pythonapi.PyCFunction_NewEx
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.py_object]
        owner = table.view(_Table)
        owner.held = held
        self.callable: Callable[..., Any] = new(ctypes.addressof(_METHOD), owner, None)


class _Table(np.ndarray[Any, Any]):
    """An array that keeps what it points at alive."""

    held: list[Any]


def _memory(rows: Sequence[Sequence[int]], held: list[Any]) -> int:
    flat = np.array([word for row in rows for word in row] or [0], np.int64)
    held.append(flat)
    address: int = flat.ctypes.data
    return address


def _words(kind: int, which: int, slot: int, aval: Aval | None = None) -> list[int]:
    shape = () if aval is None else aval.shape
    nbytes = 0 if aval is None else aval.size * aval.dtype.itemsize
    return [kind, which, len(shape), slot, *shape, *[0] * (_MOST_AXES - len(shape)), nbytes]


def _argument(one: Given) -> list[int]:
    if one.aval is not None:
        return _words(_ARRAY, id(one.aval.dtype), one.slot, one.aval)
    return _words(_SAME, id(one.same), 0) if one.scalar is None else _words(_SCALAR, id(one.scalar), one.slot)


def _result(one: Result) -> list[int]:
    return _words(_SCALAR, 0, one.slot) if one.aval is None else _words(_ARRAY, one.aval.dtype.num, one.slot, one.aval)


@functools.cache
def _symbols() -> dict[str, int]:
    """The addresses of objects and functions that the entry uses."""
    api = ctypes.pythonapi
    pointer = api.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    capsule = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]  # NumPy's C API, as extensions get it
    functions = (ctypes.c_void_p * 100).from_address(pointer(capsule, None))
    of_python = {
        "new.float": "PyFloat_FromDouble",
        "new.tuple": "PyTuple_New",
        "save": "PyEval_SaveThread",
        "restore": "PyEval_RestoreThread",
        "forget": "Py_DecRef",
        "remember": "Py_IncRef",
        "set.item": "PyTuple_SetItem",
        "look.up": "PyDict_GetItem",
    }
    large = (
        (allocation.LARGE, allocation.new_address(), allocation.state())
        if allocation.available()
        else (sys.maxsize, 0, 0)
    )
    return {
        "array.type": id(np.ndarray),
        "none": id(None),
        **dict(zip(("large.bytes", "new.large", "blocks"), large, strict=True)),
        "new.array": functions[93] or 0,  # PyArray_New
        "return.array": functions[76] or 0,  # PyArray_Return
        **{name: ctypes.cast(getattr(api, one), ctypes.c_void_p).value or 0 for name, one in of_python.items()},
    }


def _text() -> str:
    places = {name: i for i, name in enumerate(_TABLE)}

    def load(found: re.Match[str]) -> str:
        value, name = found.groups()
        at = f"  %{value}.at = getelementptr i64, ptr %table, i64 {places[name]}"
        return f"{at}\n  %{value} = load {_TABLE[name]}, ptr %{value}.at"

    return re.sub(r"^  %(\S+) = TABLE (\S+)$", load, f"{entering.TEXT}\n{leaving.TEXT}", flags=re.MULTILINE)
