"""The arena of a program: memory that one run at a time has, whether Python begins it or machine code.

A word holds its address, or zero while a run has it. Whoever wants it exchanges the word for zero.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pullback.compiler.machine import lasting
from pullback.compiler.memory import ALIGNMENT

Array = np.ndarray[Any, Any]


class Arena:
    """Memory of so many bytes, which is not filled.

    Attributes:
        word: the address of the word.
    """

    def __init__(self, size: int) -> None:
        self._memory = aligned(size)
        self._word = np.array([self._memory.ctypes.data], np.intp)
        self.word: int = self._word.ctypes.data

    @contextmanager
    def taken(self) -> Iterator[Array]:
        """The memory for one run; other memory if another run has it."""
        if not _exchange()(self.word, None):
            yield aligned(self._memory.size)
            return
        try:
            yield self._memory
        finally:
            self._word[0] = self._memory.ctypes.data


def aligned(size: int) -> Array:
    """Memory that begins at a line of the cache."""
    memory = np.empty(size + ALIGNMENT, np.uint8)
    begin = -memory.ctypes.data % ALIGNMENT
    return memory[begin : begin + size]


@functools.cache
def _exchange() -> Any:
    address = lasting("arena", ["exchange"], lambda: _TEXT, 0)["exchange"]
    return ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(address)


_TEXT = """
define ptr @exchange(ptr %word, ptr %new) {
  %old = atomicrmw xchg ptr %word, ptr %new seq_cst
  ret ptr %old
}
"""
