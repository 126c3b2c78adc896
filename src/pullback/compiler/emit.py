"""LLVM: from text to machine code. The one file of the compiler that knows llvmlite."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from pullback.compiler import cache, mathematics
from pullback.compiler.words import SUFFIXES, vector
from pullback.errors import GraphError

OPTIMIZATION = 1
"""Of code generation. The text is already in vectors; more would take three times as long and gain a tenth."""

_ELEMENTS = {
    np.dtype(np.float32): ("float", "float"),
    np.dtype(np.float64): ("double", "double"),
    np.dtype(np.int32): ("i32", "i32"),
    np.dtype(np.int64): ("i64", "i64"),
    np.dtype(np.bool_): ("i8", "i1"),
}
"""The dtypes that native code computes in, each with how it lies in memory and as what it is computed with."""

compiling = threading.RLock()
"""Held by the one thread that compiles: code in memory is shared by all programs."""
_calling: Any = getattr(llvm.ffi.lib, "_lock", None) or contextlib.nullcontext()
"""What llvmlite holds during a call, also one that lets go of code that nobody uses any more."""


def _wait() -> None:
    """Before a fork: a child has no other threads that would let go of the locks that they hold."""
    compiling.acquire()
    _calling.__enter__()


def _go_on() -> None:
    _calling.__exit__(None, None, None)
    compiling.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait, after_in_parent=_go_on, after_in_child=_go_on)


def is_native(dtype: np.dtype[Any]) -> bool:
    """Whether native code computes in this dtype."""
    return dtype in _ELEMENTS and dtype.isnative


def element(dtype: np.dtype[Any]) -> str:
    """The LLVM type of a value of this dtype."""
    return _ELEMENTS[dtype][1]


def stored(dtype: np.dtype[Any]) -> str:
    """The LLVM type of an element of this dtype in memory."""
    return _ELEMENTS[dtype][0]


def number(kind: str, value: Any) -> str:
    """A number as LLVM writes it."""
    if kind in SUFFIXES:
        rounded = float(np.float32(value)) if kind == "float" else float(value)
        return f"0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"
    if kind == "i1":
        return "true" if value else "false"
    return str(int(value))


def constant(kind: str, lanes: int, value: Any) -> str:
    """A number in every lane."""
    text = number(kind, value)
    return text if lanes == 1 else f"splat ({kind} {text})"


@functools.cache
def vector_bytes() -> int:
    """The width of the processor's vectors."""
    features = _features()
    return 64 if features.get("avx512f") and features.get("avx512dq") and features.get("avx512bw") else 32


@functools.cache
def _features() -> Any:
    return llvm.get_host_cpu_features()


@functools.cache
def waiting_hint() -> tuple[str, str]:
    """How code says that it only looks at memory until that changes: declaration and call."""
    family = llvm.get_default_triple().partition("-")[0]
    if family in ("x86_64", "amd64"):
        return "declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"
    if family in ("aarch64", "arm64"):
        return "declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"
    return "", 'fence syncscope("singlethread") seq_cst'


@functools.cache
def _processor() -> tuple[str, str]:
    """The processor that code is generated for: name and features."""
    return llvm.get_host_cpu_name(), f"{_features().flatten()},-prefer-256-bit"


@functools.cache
def _target() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


def _target_machine(optimization: int = OPTIMIZATION) -> Any:
    cpu, features = _processor()
    return _target().create_target_machine(cpu=cpu, features=features, opt=optimization, jit=True)


@functools.cache
def _generator(optimization: int) -> Any:
    """The target machine that generates code. An engine takes the one that it is given for itself."""
    return _target_machine(optimization)


def entry_name(*parts: bytes) -> str:
    """The name in the cache of code for this processor, which need not run on another, made from these parts."""
    made_for = (OPTIMIZATION, llvm.get_default_triple(), *_processor())
    return cache.digest(repr(made_for).encode(), *parts)


def assemble(text: str, optimization: int = OPTIMIZATION) -> bytes:
    """Return the object code of a module given as text."""
    with compiling:  # LLVM's contexts are not to be used from two threads at once
        try:
            object_code: bytes = _generator(optimization).emit_object(llvm.parse_assembly(text))
        except RuntimeError as error:
            raise GraphError(f"compile: LLVM does not take its input. {error}") from error
    return object_code


class Module:
    """The text of a module in the making: functions, and declarations of what they call, each once.

    Attributes:
        functions: the mathematical functions that are called: symbol, name, kind and lanes.
    """

    def __init__(self) -> None:
        self.functions: list[tuple[str, str, str, int]] = []
        self._declared: dict[str, str] = {}
        self._functions: list[str] = []
        self._shared: dict[str, str] = {}

    def intrinsic(self, name: str, result: str, arguments: Sequence[str]) -> str:
        """Declare an intrinsic and return its name as it is called."""
        self._declared[name] = f"declare {result} @{name}({', '.join(arguments)})"
        return f"@{name}"

    def mathematical(self, name: str, kind: str, lanes: int, arity: int) -> str:
        """Declare a function of the mathematics package, and return its name as it is called."""
        symbol = mathematics.symbol(name, kind, lanes)
        if symbol not in self._declared:
            self.functions.append((symbol, name, kind, lanes))
        type = vector(kind, lanes)
        self._declared[symbol] = f'declare {type} @"{symbol}"({", ".join([type] * arity)}) nounwind memory(none)'
        return f'@"{symbol}"'

    def once(self) -> str:
        """What says of a store that nobody reads soon what it writes."""
        self._declared["once"] = "!0 = !{i32 1}"
        return "!0"

    def add(self, text: str) -> None:
        """Add the text of a function."""
        self._functions.append(text)

    def table(self, numbers: Sequence[int]) -> str:
        """Add a table of integers, unless it is there: return what it is called."""
        text = ", ".join(f"i64 {one}" for one in numbers)
        known = self._shared.get(text)
        if known is None:
            known = self._shared[text] = f"table{len(self._shared)}"
            self.add(f"@{known} = private constant [{len(numbers)} x i64] [{text}], align 16")
        return f"@{known}"

    def share(self, text: str) -> dict[str, str]:
        """Add functions and tables, unless the same are there under other names: return what each of them is called.

        The layers of a network run the same code on other arrays. What names others has to stand after them.
        """
        names: dict[str, str] = {}
        for one in re.split(r"\n(?=define |@)", text):
            one = re.sub(r"@([\w.]+)", lambda found: f"@{names.get(found[1], found[1])}", one)
            head, name, rest = re.split(r"@([\w.]+)", one, maxsplit=1)
            known = self._shared.get(rest)
            if known is None:
                known = self._shared[rest] = f"f{len(self._shared)}"
                self.add(f"{head}@{known}{rest}")
            names[name] = known
        return names

    def __str__(self) -> str:
        return "\n".join([*self._declared.values(), *self._functions])


# Code in memory -------------------------------------------------------------------------------------------------------


class Code:
    """Machine code in memory. The addresses of its functions are good as long as this object lives."""

    def __init__(self, object_code: bytes, names: Sequence[str]) -> None:
        with compiling:
            self._engine = _engine()
            self.addresses = _added(self._engine, object_code, names)


def _engine() -> Any:
    """What holds object code. The empty module that it is made with is taken out again: it would be compiled."""
    module = llvm.parse_assembly("")
    engine = llvm.create_mcjit_compiler(module, _target_machine())
    engine.remove_module(module)
    return engine


def _added(engine: Any, object_code: bytes, names: Sequence[str]) -> dict[str, int]:
    engine.add_object_file(llvm.ObjectFileRef.from_data(object_code))
    engine.finalize_object()
    return {name: engine.get_function_address(name) for name in names}


@functools.cache
def lasting_engine() -> Any:
    """What holds the code that every program may use."""
    return _engine()


_lasting: dict[str, dict[str, int]] = {}


def lasting(
    key: str, names: Sequence[str], text: Callable[[], str], optimization: int = OPTIMIZATION
) -> dict[str, int]:
    """The addresses of functions that every program may use, generated once for the life of the process.

    Args:
        key: what the object code is called in the cache.
        names: of the functions, which no other such code has.
        text: what writes the module, asked only where the cache does not have it.
        optimization: of code generation. Without any it takes a quarter of the time: for what runs seldom.
    """
    with compiling:
        if key not in _lasting:
            name = entry_name(b"lasting", key.encode())
            object_code = cache.load(name)
            if object_code is None:
                object_code = assemble(text(), optimization)
                cache.store(name, object_code)
            _lasting[key] = _added(lasting_engine(), object_code, names)
        return _lasting[key]


_provided: set[str] = set()


def provide(functions: Iterable[tuple[str, str, str, int]]) -> None:
    """Make mathematical functions known to LLVM: symbol, name, kind and lanes of each."""
    with compiling:
        missing = {symbol: (name, kind, lanes) for symbol, name, kind, lanes in functions if symbol not in _provided}
        if missing:
            symbols = sorted(missing)
            found = lasting(" ".join(symbols), symbols, lambda: mathematics.definitions(missing.values()))
            for symbol in symbols:
                llvm.add_symbol(symbol, found[symbol])
            _provided.update(symbols)
