"""LLVM: from text to machine code for this processor, and into memory. The one file that knows llvmlite."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import llvmlite.binding as llvm

from pullback.compiler import cache, mathematics
from pullback.errors import GraphError

OPTIMIZATION = 1
"""Of code generation. The text is already in vectors; more would take three times as long and gain a tenth."""

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
