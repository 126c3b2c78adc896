"""Memory of large results. What an array gives back when it dies the next one of its size takes.

The system gives new memory page by page, each filled with zeros at first use: for an array beyond the caches that costs
more than to compute it. So a few blocks are kept. The arrays own their memory as any other does; they know whom to give
it back to by NumPy's own means, a handler of data memory.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any

import numpy as np

from pullback.compiler.machine import lasting, lasting_engine
from pullback.core.aval import Aval

LARGE = 1 << 20
"""Bytes from which on an array gets such memory."""
ALIGNMENT = 64
"""Of such memory, in bytes."""
_KEPT = 256 << 20
"""Bytes that are kept at most, while no array has them."""
_BLOCKS = 8
_DOMAIN = 389047
"""NumPy's domain of what tracemalloc traces."""
_WORDS = ("kept", "next", "most", "handler", "type", "new", "track")
_NAME = b"mem_handler"


def available() -> bool:
    """Whether arrays of this NumPy lie as is expected: checked on a real one."""
    return sys.implementation.name == "cpython" and _handler_is_known()


@functools.cache
def _handler_is_known() -> bool:
    one = np.zeros(3)
    handler = (ctypes.c_int64 * 12).from_address(id(one))[11]
    return bool(handler) and type(ctypes.cast(handler, ctypes.py_object).value).__name__ == "PyCapsule"


def empty(aval: Aval) -> np.ndarray[Any, Any]:
    """An array that is not filled yet."""
    if aval.size * aval.dtype.itemsize < LARGE or not available():
        return np.empty(aval.shape, aval.dtype)
    lengths = (ctypes.c_int64 * max(aval.ndim, 1))(*aval.shape)
    found: np.ndarray[Any, Any] = _new()(state(), aval.ndim, lengths, aval.dtype.num, aval.size * aval.dtype.itemsize)
    return found


def kept() -> int:
    """Bytes that are kept for arrays to come."""
    return int(_state()[_BLOCKS + _WORDS.index("kept")])


def state() -> int:
    """The address that ``new_address`` wants."""
    address: int = _state().ctypes.data
    return address


def new_address() -> int:
    """The address of a function ``(state, axes, lengths, number of the dtype, bytes)`` that returns an array."""
    return _code()["new"]


@functools.cache
def _new() -> Any:
    kinds = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64]
    return ctypes.PYFUNCTYPE(ctypes.py_object, *kinds)(new_address())


class _Handler(ctypes.Structure):
    """PyDataMem_Handler of NumPy."""

    _fields_ = (
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("state", ctypes.c_void_p),
        ("malloc", ctypes.c_void_p),
        ("calloc", ctypes.c_void_p),
        ("realloc", ctypes.c_void_p),
        ("free", ctypes.c_void_p),
    )


@functools.cache
def _state() -> np.ndarray[Any, Any]:
    """The blocks that are kept, and the words after them."""
    api = ctypes.pythonapi
    pointer = api.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    functions = (ctypes.c_void_p * 100).from_address(pointer(np._core._multiarray_umath._ARRAY_API, None))  # type: ignore[attr-defined]  # NumPy's C API, as extensions get it
    memory = np.zeros(_BLOCKS + len(_WORDS), np.int64)
    code = _code()
    functions_of = {name: code[f"data.{name}"] for name in ("malloc", "calloc", "realloc", "free")}
    handler = _Handler(b"pullback", 1, memory.ctypes.data, **functions_of)
    make = api.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    capsule = make(ctypes.addressof(handler), _NAME, None)
    for one in (memory, lasting_engine(), handler, capsule, _NAME):  # arrays may outlive all else of the interpreter
        api.Py_IncRef(ctypes.py_object(one))
    track = ctypes.cast(api.PyTraceMalloc_Track, ctypes.c_void_p).value or 0
    words = [0, 0, _KEPT, id(capsule), id(np.ndarray), functions[93] or 0, track]
    memory[_BLOCKS:] = words
    return memory


def _code() -> dict[str, int]:
    return lasting("allocation", ["new", "data.malloc", "data.calloc", "data.realloc", "data.free"], _text, 0)


def _text() -> str:
    text = _TEXT
    for place, name in enumerate(_WORDS, _BLOCKS):
        text = text.replace(f"%{name}.at = WORD", f"%{name}.at = getelementptr i64, ptr %state, i64 {place}")
    for word, value in {"BLOCKS": _BLOCKS, "DOMAIN": _DOMAIN, "HEAD": ALIGNMENT, "PAGE": 4096}.items():
        text = text.replace(word, str(value))
    advised = _ADVISED if sys.platform == "linux" else _NOT_ADVISED
    return text + advised


# A block begins with its size; what an array sees comes after the HEAD. A slot is emptied before its block is looked
# at, so that a block is never seen by two threads.
_TEXT = """
define private ptr @take(ptr %state, i64 %size) {
begin:
  %kept.at = WORD
  %quarter = lshr i64 %size, 2
  %most = add i64 %size, %quarter
  br label %loop
loop:
  %i = phi i64 [0, %begin], [%next, %following]
  %more = icmp slt i64 %i, BLOCKS
  br i1 %more, label %look, label %fresh
look:
  %slot = getelementptr ptr, ptr %state, i64 %i
  %found = atomicrmw xchg ptr %slot, ptr null seq_cst
  %none = icmp eq ptr %found, null
  br i1 %none, label %following, label %compare
compare:
  %has = load i64, ptr %found
  %enough = icmp uge i64 %has, %size
  %not.too.much = icmp ule i64 %has, %most
  %fits = and i1 %enough, %not.too.much
  %gone = atomicrmw sub ptr %kept.at, i64 %has seq_cst
  br i1 %fits, label %taken, label %back
taken:
  ret ptr %found
back:
  call void @keep(ptr %state, ptr %found, i64 %i)
  br label %following
following:
  %next = add i64 %i, 1
  br label %loop
fresh:
  %with.head = add i64 %size, HEAD
  %place = alloca ptr
  %failed = call i32 @posix_memalign(ptr %place, i64 PAGE, i64 %with.head)
  %good = icmp eq i32 %failed, 0
  br i1 %good, label %made, label %out
made:
  %block = load ptr, ptr %place
  call void @advise(ptr %block, i64 %with.head)
  store i64 %size, ptr %block
  ret ptr %block
out:
  ret ptr null
}

define private void @keep(ptr %state, ptr %block, i64 %i) {
begin:
  %kept.at = WORD
  %most.at = WORD
  %has = load i64, ptr %block
  %most = load i64, ptr %most.at
  %before = atomicrmw add ptr %kept.at, i64 %has seq_cst
  %together = add i64 %before, %has
  %fits = icmp ule i64 %together, %most
  br i1 %fits, label %put, label %drop
put:
  %slot = getelementptr ptr, ptr %state, i64 %i
  %old = atomicrmw xchg ptr %slot, ptr %block seq_cst
  %none = icmp eq ptr %old, null
  br i1 %none, label %out, label %drop
drop:
  %dropped = phi ptr [%block, %begin], [%old, %put]
  %size = load i64, ptr %dropped
  %gone = atomicrmw sub ptr %kept.at, i64 %size seq_cst
  call void @free(ptr %dropped)
  br label %out
out:
  ret void
}

define private void @give(ptr %state, ptr %block) {
begin:
  %kept.at = WORD
  %most.at = WORD
  %next.at = WORD
  %most = load i64, ptr %most.at
  %has = load i64, ptr %block
  br label %loop
loop:
  %turn = phi i64 [0, %begin], [%turn.next, %following]
  %kept = load atomic i64, ptr %kept.at seq_cst, align 8
  %together = add i64 %kept, %has
  %fits = icmp ule i64 %together, %most
  %tried = icmp sge i64 %turn, BLOCKS
  %enough = or i1 %fits, %tried
  br i1 %enough, label %done, label %evict
evict:
  %oldest = atomicrmw add ptr %next.at, i64 1 seq_cst
  %i = urem i64 %oldest, BLOCKS
  %slot = getelementptr ptr, ptr %state, i64 %i
  %old = atomicrmw xchg ptr %slot, ptr null seq_cst
  %none = icmp eq ptr %old, null
  br i1 %none, label %following, label %drop
drop:
  %size = load i64, ptr %old
  %gone = atomicrmw sub ptr %kept.at, i64 %size seq_cst
  call void @free(ptr %old)
  br label %following
following:
  %turn.next = add i64 %turn, 1
  br label %loop
done:
  br i1 %fits, label %search, label %replace
search:
  %j = phi i64 [0, %done], [%j.next, %taken]
  %candidate = getelementptr ptr, ptr %state, i64 %j
  %counted = atomicrmw add ptr %kept.at, i64 %has seq_cst
  %exchanged = cmpxchg ptr %candidate, ptr null, ptr %block seq_cst seq_cst
  %free = extractvalue {ptr, i1} %exchanged, 1
  br i1 %free, label %out, label %taken
taken:
  %discounted = atomicrmw sub ptr %kept.at, i64 %has seq_cst
  %j.next = add i64 %j, 1
  %more = icmp slt i64 %j.next, BLOCKS
  br i1 %more, label %search, label %replace
out:
  ret void
replace:
  %last = atomicrmw add ptr %next.at, i64 1 seq_cst
  %place = urem i64 %last, BLOCKS
  call void @keep(ptr %state, ptr %block, i64 %place)
  ret void
}

define ptr @data.malloc(ptr %state, i64 %size) {
  %block = call ptr @take(ptr %state, i64 %size)
  %none = icmp eq ptr %block, null
  %inside = getelementptr i8, ptr %block, i64 HEAD
  %data = select i1 %none, ptr null, ptr %inside
  ret ptr %data
}

define ptr @data.calloc(ptr %state, i64 %count, i64 %each) {
begin:
  %size = mul i64 %count, %each
  %data = call ptr @data.malloc(ptr %state, i64 %size)
  %none = icmp eq ptr %data, null
  br i1 %none, label %out, label %fill
fill:
  call void @llvm.memset.p0.i64(ptr %data, i8 0, i64 %size, i1 false)
  br label %out
out:
  ret ptr %data
}

define void @data.free(ptr %state, ptr %data, i64 %size) {
begin:
  %none = icmp eq ptr %data, null
  br i1 %none, label %out, label %back
back:
  %block = getelementptr i8, ptr %data, i64 -HEAD
  call void @give(ptr %state, ptr %block)
  br label %out
out:
  ret void
}

define ptr @data.realloc(ptr %state, ptr %data, i64 %size) {
begin:
  %new = call ptr @data.malloc(ptr %state, i64 %size)
  %none = icmp eq ptr %new, null
  %nothing = icmp eq ptr %data, null
  %either = or i1 %none, %nothing
  br i1 %either, label %out, label %copy
copy:
  %block = getelementptr i8, ptr %data, i64 -HEAD
  %has = load i64, ptr %block
  %less = icmp ult i64 %has, %size
  %length = select i1 %less, i64 %has, i64 %size
  call void @llvm.memcpy.p0.p0.i64(ptr %new, ptr %data, i64 %length, i1 false)
  call void @give(ptr %state, ptr %block)
  br label %out
out:
  ret ptr %new
}

define ptr @new(ptr %state, i32 %axes, ptr %lengths, i32 %number, i64 %size) {
begin:
  %handler.at = WORD
  %type.at = WORD
  %new.at = WORD
  %track.at = WORD
  %handler = load ptr, ptr %handler.at
  %type = load ptr, ptr %type.at
  %new = load ptr, ptr %new.at
  %track = load ptr, ptr %track.at
  %data = call ptr @data.malloc(ptr %state, i64 %size)
  %array = call ptr %new(ptr %type, i32 %axes, ptr %lengths, i32 %number, ptr null, ptr %data, i32 0,
                         i32 1281, ptr null)
  %no.memory = icmp eq ptr %data, null
  br i1 %no.memory, label %out, label %made
made:
  %none = icmp eq ptr %array, null
  br i1 %none, label %back, label %own
back:
  call void @data.free(ptr %state, ptr %data, i64 %size)
  br label %out
own:
  %flags.at = getelementptr i64, ptr %array, i64 8
  %flags = load i32, ptr %flags.at
  %owning = or i32 %flags, 4
  store i32 %owning, ptr %flags.at
  %held.at = getelementptr i64, ptr %array, i64 11
  call void @Py_IncRef(ptr %handler)
  store ptr %handler, ptr %held.at
  %address = ptrtoint ptr %data to i64
  %traced = call i32 %track(i32 DOMAIN, i64 %address, i64 %size)
  br label %out
out:
  ret ptr %array
}

declare void @Py_IncRef(ptr)
declare i32 @posix_memalign(ptr, i64, i64)
declare void @free(ptr)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""

_ADVISED = """
define private void @advise(ptr %block, i64 %size) {
begin:
  %huge = icmp uge i64 %size, 4194304
  br i1 %huge, label %ask, label %out
ask:
  %ignored = call i32 @madvise(ptr %block, i64 %size, i32 14)
  br label %out
out:
  ret void
}

declare i32 @madvise(ptr, i64, i32)
"""
"""Asks for huge pages, as NumPy does."""

_NOT_ADVISED = """
define private void @advise(ptr %block, i64 %size) {
  ret void
}
"""
