"""The text of a program: how LLVM writes types and numbers, and a module in the making."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.compiler import mathematics
from pullback.compiler.words import SUFFIXES, vector

_ELEMENTS = {
    np.dtype(np.float32): ("float", "float"),
    np.dtype(np.float64): ("double", "double"),
    np.dtype(np.int32): ("i32", "i32"),
    np.dtype(np.int64): ("i64", "i64"),
    np.dtype(np.bool_): ("i8", "i1"),
}
"""The dtypes that native code computes in, each with how it lies in memory and as what it is computed with."""


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
        self._keyed: dict[tuple[object, ...], str] = {}

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

    def once_written(self, key: tuple[object, ...], write: Callable[[Module], str]) -> str:
        """What the function that a key stands for is called; it is written where it is not there yet."""
        if key not in self._keyed:
            (self._keyed[key],) = self.share(write(self)).values()
        return f"@{self._keyed[key]}"

    def __str__(self) -> str:
        return "\n".join([*self._declared.values(), *self._functions])
