"""The entry: a Python function in machine code that checks a call and runs a program, in a fraction of a microsecond.

It looks at the arguments as the interpreter holds them. What is not exactly as expected (another type, dtype, shape or
layout; a Parameter that was assigned, or whose value somebody else holds) is not its business: it returns MISS, nothing
has happened, and the call goes the long way round. One entry serves every program, from a table of what to expect.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.compiler import allocation
from pullback.compiler.emit import lasting
from pullback.core.aval import Aval

MISS = object()
"""What the entry returns for a call that it does not take."""

_WORDS = 13
"""Words of the description of one argument or result; the last nine are lengths of axes, and bytes."""
_MOST_AXES = 8

_ARRAY, _FLOAT, _SAME = 1, 2, 3
"""Kinds of arguments: an array, a Python float, and the very object that was given before. Results: the first two."""


@dataclass(frozen=True)
class Given:
    """What is expected of one argument: an aval for what is traced, else the object itself.

    Attributes:
        aval: of an array; None for a Python float or what is static.
        same: the object that is to be given; None for what is traced.
        slot: the number of its slot.
    """

    aval: Aval | None
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
    number = 1234.5
    return (
        words[1] == id(np.ndarray)
        and words[2] == x.__array_interface__["data"][0]
        and words[3] & 0xFFFFFFFF == 2
        and tuple(dims) == x.shape
        and words[7] == id(np.dtype(np.float32))
        and words[8] & 0x101 == 0x101
        and not (ctypes.c_int64 * 9).from_address(id(x.T))[8] & 1
        and ctypes.c_int64.from_address(id(number) + 8).value == id(float)
        and ctypes.c_double.from_address(id(number) + 16).value == number
    )


_TABLE = {
    "function": "ptr", "slots.count": "i64", "template": "ptr", "given.count": "i64", "given": "ptr",
    "guards.count": "i64", "guards": "ptr", "made.count": "i64", "made": "ptr", "arena.slot": "i64", "arena": "ptr",
    "release.word": "i64", "miss.object": "ptr", "mode": "i64", "checks.count": "i64", "checks": "ptr",
    "array.type": "ptr", "float.type": "ptr", "new.array": "ptr", "return.array": "ptr", "new.float": "ptr",
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
        arena: its slot and address.
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
        "arena": arena[1],
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
    return _words(_FLOAT, 0, one.slot) if one.same is None else _words(_SAME, id(one.same), 0)


def _result(one: Result) -> list[int]:
    return _words(_FLOAT, 0, one.slot) if one.aval is None else _words(_ARRAY, one.aval.dtype.num, one.slot, one.aval)


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
        "float.type": id(float),
        "none": id(None),
        **dict(zip(("large.bytes", "new.large", "blocks"), large, strict=True)),
        "new.array": functions[93] or 0,  # PyArray_New
        "return.array": functions[76] or 0,  # PyArray_Return
        **{name: ctypes.cast(getattr(api, one), ctypes.c_void_p).value or 0 for name, one in of_python.items()},
    }


def _text() -> str:
    loads = [
        f"%{name}.at = getelementptr i64, ptr %table, i64 {place}\n  %{name} = load {kind}, ptr %{name}.at"
        for place, (name, kind) in enumerate(_TABLE.items())
    ]
    return _TEXT.replace("LOADS", "\n  ".join(loads))


_TEXT = """
define ptr @entry(ptr %self, ptr %args, i64 %count) {
begin:
  %table.at = getelementptr i64, ptr %self, i64 2
  %table = load ptr, ptr %table.at
  LOADS
  %release = icmp ne i64 %release.word, 0
  %as.many = icmp eq i64 %count, %given.count
  %busy = icmp eq ptr %arena, null
  %not.busy = xor i1 %busy, true
  %fits = and i1 %as.many, %not.busy
  br i1 %fits, label %copy, label %miss

copy:
  %slots = alloca ptr, i64 %slots.count
  %objects.count = add i64 %made.count, 1
  %objects = alloca ptr, i64 %objects.count
  %numbers = alloca double, i64 %objects.count
  %slots.bytes = mul i64 %slots.count, 8
  call void @llvm.memcpy.p0.p0.i64(ptr %slots, ptr %template, i64 %slots.bytes, i1 false)
  %arena.place = getelementptr ptr, ptr %slots, i64 %arena.slot
  store ptr %arena, ptr %arena.place
  br label %guard.loop

guard.loop:
  %g = phi i64 [0, %copy], [%g.next, %guard.passed]
  %g.more = icmp slt i64 %g, %guards.count
  br i1 %g.more, label %guard, label %look.loop
guard:
  %g.word = shl i64 %g, 1
  %g.at = getelementptr i64, ptr %guards, i64 %g.word
  %g.address = load ptr, ptr %g.at
  %g.wanted.at = getelementptr i64, ptr %g.at, i64 1
  %g.wanted = load i64, ptr %g.wanted.at
  %g.found = load i64, ptr %g.address
  %g.same = icmp eq i64 %g.found, %g.wanted
  br i1 %g.same, label %guard.passed, label %miss
guard.passed:
  %g.next = add i64 %g, 1
  br label %guard.loop

look.loop:
  %l = phi i64 [0, %guard.loop], [%l.next, %look.passed]
  %l.more = icmp slt i64 %l, %lookups.count
  br i1 %l.more, label %look, label %given.loop
look:
  %l.word = mul i64 %l, 3
  %l.at = getelementptr ptr, ptr %lookups, i64 %l.word
  %l.holder = load ptr, ptr %l.at
  %l.key.at = getelementptr ptr, ptr %l.at, i64 1
  %l.key = load ptr, ptr %l.key.at
  %l.wanted.at = getelementptr ptr, ptr %l.at, i64 2
  %l.wanted = load ptr, ptr %l.wanted.at
  %l.found = call ptr %look.up(ptr %l.holder, ptr %l.key)
  %l.same = icmp eq ptr %l.found, %l.wanted
  br i1 %l.same, label %look.passed, label %miss
look.passed:
  %l.next = add i64 %l, 1
  br label %look.loop

given.loop:
  %i = phi i64 [0, %look.loop], [%i.next, %given.passed]
  %i.more = icmp slt i64 %i, %given.count
  br i1 %i.more, label %given.one, label %made.loop
given.one:
  %i.word = mul i64 %i, 13
  %i.at = getelementptr i64, ptr %given, i64 %i.word
  %i.kind = load i64, ptr %i.at
  %i.same.at = getelementptr i64, ptr %i.at, i64 1
  %i.same = load ptr, ptr %i.same.at
  %i.axes.at = getelementptr i64, ptr %i.at, i64 2
  %i.axes = load i64, ptr %i.axes.at
  %i.slot.at = getelementptr i64, ptr %i.at, i64 3
  %i.slot = load i64, ptr %i.slot.at
  %i.place = getelementptr ptr, ptr %slots, i64 %i.slot
  %object.at = getelementptr ptr, ptr %args, i64 %i
  %object = load ptr, ptr %object.at
  %type.at = getelementptr i64, ptr %object, i64 1
  %type = load ptr, ptr %type.at
  switch i64 %i.kind, label %given.same [i64 1, label %given.array
                                         i64 2, label %given.float]
given.same:
  %is.same = icmp eq ptr %object, %i.same
  br i1 %is.same, label %given.passed, label %miss
given.float:
  %is.float = icmp eq ptr %type, %float.type
  %float.at = getelementptr i64, ptr %object, i64 2
  store ptr %float.at, ptr %i.place
  br i1 %is.float, label %given.passed, label %miss
given.array:
  %is.array = icmp eq ptr %type, %array.type
  br i1 %is.array, label %given.layout, label %miss
given.layout:
  %axes.at = getelementptr i64, ptr %object, i64 3
  %axes.short = load i32, ptr %axes.at
  %axes = sext i32 %axes.short to i64
  %axes.same = icmp eq i64 %axes, %i.axes
  %dtype.at = getelementptr i64, ptr %object, i64 7
  %dtype = load ptr, ptr %dtype.at
  %dtype.same = icmp eq ptr %dtype, %i.same
  %flags.at = getelementptr i64, ptr %object, i64 8
  %flags = load i32, ptr %flags.at
  %flags.kept = and i32 %flags, 257
  %flags.good = icmp eq i32 %flags.kept, 257
  %good.1 = and i1 %axes.same, %dtype.same
  %good.2 = and i1 %good.1, %flags.good
  br i1 %good.2, label %axis.begin, label %miss
axis.begin:
  %lengths.at = getelementptr i64, ptr %object, i64 4
  %lengths = load ptr, ptr %lengths.at
  br label %axis.loop
axis.loop:
  %a = phi i64 [0, %axis.begin], [%a.next, %axis.passed]
  %a.more = icmp slt i64 %a, %i.axes
  br i1 %a.more, label %axis, label %given.data
axis:
  %a.word = add i64 %a, 4
  %a.wanted.at = getelementptr i64, ptr %i.at, i64 %a.word
  %a.wanted = load i64, ptr %a.wanted.at
  %a.found.at = getelementptr i64, ptr %lengths, i64 %a
  %a.found = load i64, ptr %a.found.at
  %a.same = icmp eq i64 %a.found, %a.wanted
  br i1 %a.same, label %axis.passed, label %miss
axis.passed:
  %a.next = add i64 %a, 1
  br label %axis.loop
given.data:
  %data.at = getelementptr i64, ptr %object, i64 2
  %data = load ptr, ptr %data.at
  store ptr %data, ptr %i.place
  br label %given.passed
given.passed:
  %i.next = add i64 %i, 1
  br label %given.loop

made.loop:
  %m = phi i64 [0, %given.loop], [%m.next, %made.passed]
  %m.more = icmp slt i64 %m, %made.count
  br i1 %m.more, label %made.one, label %run
made.one:
  %m.word = mul i64 %m, 13
  %m.at = getelementptr i64, ptr %made, i64 %m.word
  %m.kind = load i64, ptr %m.at
  %m.number.at = getelementptr i64, ptr %m.at, i64 1
  %m.number.word = load i64, ptr %m.number.at
  %m.number = trunc i64 %m.number.word to i32
  %m.axes.at = getelementptr i64, ptr %m.at, i64 2
  %m.axes.word = load i64, ptr %m.axes.at
  %m.axes = trunc i64 %m.axes.word to i32
  %m.slot.at = getelementptr i64, ptr %m.at, i64 3
  %m.slot = load i64, ptr %m.slot.at
  %m.lengths = getelementptr i64, ptr %m.at, i64 4
  %m.place = getelementptr ptr, ptr %slots, i64 %m.slot
  %m.object.at = getelementptr ptr, ptr %objects, i64 %m
  %m.is.array = icmp eq i64 %m.kind, 1
  br i1 %m.is.array, label %made.array, label %made.float
made.float:
  %m.double = getelementptr double, ptr %numbers, i64 %m
  store ptr null, ptr %m.object.at
  store ptr %m.double, ptr %m.place
  br label %made.passed
made.array:
  %m.bytes.at = getelementptr i64, ptr %m.at, i64 12
  %m.bytes = load i64, ptr %m.bytes.at
  %m.is.large = icmp uge i64 %m.bytes, %large.bytes
  br i1 %m.is.large, label %made.large, label %made.small
made.large:
  %m.with.blocks = call ptr %new.large(ptr %blocks, i32 %m.axes, ptr %m.lengths, i32 %m.number, i64 %m.bytes)
  br label %made.new
made.small:
  %m.of.numpy = call ptr %new.array(ptr %array.type, i32 %m.axes, ptr %m.lengths, i32 %m.number, ptr null, ptr null,
                                    i32 0, i32 0, ptr null)
  br label %made.new
made.new:
  %m.object = phi ptr [%m.with.blocks, %made.large], [%m.of.numpy, %made.small]
  store ptr %m.object, ptr %m.object.at
  %m.none = icmp eq ptr %m.object, null
  br i1 %m.none, label %drop.begin, label %made.data
made.data:
  %m.data.at = getelementptr i64, ptr %m.object, i64 2
  %m.data = load ptr, ptr %m.data.at
  store ptr %m.data, ptr %m.place
  br label %made.passed
made.passed:
  %m.next = add i64 %m, 1
  br label %made.loop

run:
  store ptr null, ptr %arena.at
  br i1 %release, label %run.free, label %run.held
run.held:
  call void %function(ptr %slots)
  br label %ran
run.free:
  %k = phi i64 [0, %run], [%k.next, %keep]
  %k.more = icmp slt i64 %k, %state.count
  br i1 %k.more, label %keep, label %run.freely
keep:
  %k.at = getelementptr ptr, ptr %state, i64 %k
  %k.object = load ptr, ptr %k.at
  call void %remember(ptr %k.object)
  %k.next = add i64 %k, 1
  br label %run.free
run.freely:
  %thread = call ptr %save()
  call void %function(ptr %slots)
  call void %restore(ptr %thread)
  br label %let.go.loop
let.go.loop:
  %e = phi i64 [0, %run.freely], [%e.next, %let.go]
  %e.more = icmp slt i64 %e, %state.count
  br i1 %e.more, label %let.go, label %ran
let.go:
  %e.at = getelementptr ptr, ptr %state, i64 %e
  %e.object = load ptr, ptr %e.at
  call void %forget(ptr %e.object)
  %e.next = add i64 %e, 1
  br label %let.go.loop
ran:
  store ptr %arena, ptr %arena.at
  br label %check.loop
check.loop:
  %c = phi i64 [0, %ran], [%c.next, %check.passed]
  %c.more = icmp slt i64 %c, %checks.count
  br i1 %c.more, label %check, label %results
check:
  %c.at = getelementptr i8, ptr %checks, i64 %c
  %c.found = load i8, ptr %c.at
  %c.good = icmp ne i8 %c.found, 0
  br i1 %c.good, label %check.passed, label %drop.begin
check.passed:
  %c.next = add i64 %c, 1
  br label %check.loop

results:
  switch i64 %mode, label %results.several [i64 0, label %results.none
                                            i64 1, label %results.single]
results.none:
  call void %remember(ptr %none)
  ret ptr %none
results.single:
  br label %finish
results.several:
  %tuple = call ptr %new.tuple(i64 %made.count)
  %tuple.failed = icmp eq ptr %tuple, null
  br i1 %tuple.failed, label %drop.begin, label %finish
finish:
  %into = phi ptr [null, %results.single], [%tuple, %results.several]
  br label %finish.loop
finish.loop:
  %f = phi i64 [0, %finish], [%f.next, %finish.stored]
  %f.more = icmp slt i64 %f, %made.count
  br i1 %f.more, label %finish.one, label %finish.done
finish.one:
  %f.object.at = getelementptr ptr, ptr %objects, i64 %f
  %f.object = load ptr, ptr %f.object.at
  %f.is.float = icmp eq ptr %f.object, null
  br i1 %f.is.float, label %finish.float, label %finish.array
finish.float:
  %f.double.at = getelementptr double, ptr %numbers, i64 %f
  %f.double = load double, ptr %f.double.at
  %f.number = call ptr %new.float(double %f.double)
  br label %finish.converted
finish.array:
  %f.returned = call ptr %return.array(ptr %f.object)
  br label %finish.converted
finish.converted:
  %f.result = phi ptr [%f.number, %finish.float], [%f.returned, %finish.array]
  %f.alone = icmp eq ptr %into, null
  br i1 %f.alone, label %finish.alone, label %finish.tuple
finish.alone:
  ret ptr %f.result
finish.tuple:
  %f.failed = icmp eq ptr %f.result, null
  br i1 %f.failed, label %finish.failed, label %finish.item
finish.failed:
  call void %forget(ptr %into)
  ret ptr null
finish.item:
  %f.set = call i32 %set.item(ptr %into, i64 %f, ptr %f.result)
  br label %finish.stored
finish.stored:
  %f.next = add i64 %f, 1
  br label %finish.loop
finish.done:
  ret ptr %into

drop.begin:
  %stop = phi i64 [%m, %made.new], [%made.count, %check], [%made.count, %results.several]
  %failed = phi i1 [true, %made.new], [false, %check], [true, %results.several]
  br label %drop.loop
drop.loop:
  %d = phi i64 [0, %drop.begin], [%d.next, %drop.next]
  %d.more = icmp slt i64 %d, %stop
  br i1 %d.more, label %drop.one, label %drop.done
drop.one:
  %d.at = getelementptr ptr, ptr %objects, i64 %d
  %d.object = load ptr, ptr %d.at
  %d.none = icmp eq ptr %d.object, null
  br i1 %d.none, label %drop.next, label %drop.object
drop.object:
  call void %forget(ptr %d.object)
  br label %drop.next
drop.next:
  %d.next = add i64 %d, 1
  br label %drop.loop
drop.done:
  br i1 %failed, label %error, label %miss
error:
  ret ptr null

miss:
  call void %remember(ptr %miss.object)
  ret ptr %miss.object
}

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""
