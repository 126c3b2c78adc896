"""Where in the user's code a node came from: kept cheaply, turned into words only when shown."""

from __future__ import annotations

import dis
import os
import sys
from bisect import bisect_right
from functools import lru_cache
from types import CodeType
from typing import NamedTuple

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_is_internal: dict[str, bool] = {}  # by file name; a dictionary look-up is what a recorded operation can afford


class Origin(NamedTuple):
    """A position in the user's code: a code object and the offset of an instruction in it."""

    code: CodeType
    instruction: int

    @property
    def filename(self) -> str:
        """The path of the source file."""
        return self.code.co_filename

    @property
    def line(self) -> int | None:
        """The line number, from 1, or None when the code has none."""
        for start, end, line in self.code.co_lines():
            if start <= self.instruction < end:
                return line
        return self.code.co_firstlineno

    def __str__(self) -> str:
        return f"{os.path.basename(self.filename)}:{self.line}"


class Derived(NamedTuple):
    """The origin of a node that a transform made: the pass, and the origin of the node that it stands for.

    That is kept as it was recorded: few of the nodes that passes make are ever shown.
    """

    made_by: str
    recorded: tuple[CodeType, int] | Origin | Derived | None

    @property
    def parent(self) -> Origin | Derived | None:
        """The origin of the node that it stands for."""
        return as_shown(self.recorded)

    def __str__(self) -> str:
        return f"{self.made_by} of {self.parent}" if self.parent is not None else self.made_by


def as_shown(recorded: tuple[CodeType, int] | Origin | Derived | None) -> Origin | Derived | None:
    """The origin of what was recorded: the hot path keeps a bare (code, instruction)."""
    if recorded.__class__ is tuple:
        return origin_at(*recorded)
    return recorded  # type: ignore[return-value]  # no tuple, which mypy does not see


def user_position(depth: int) -> tuple[CodeType, int] | None:
    """Return code and instruction of the innermost caller outside this package, looking from ``depth`` frames up."""
    frame = sys._getframe(depth)
    while frame is not None:
        code = frame.f_code
        internal = _is_internal.get(code.co_filename)
        if internal is None:
            internal = is_internal(code)
        if not internal:
            return (code, frame.f_lasti)
        frame = frame.f_back  # type: ignore[assignment]  # the stack ends with None
    return None


def is_internal(code: CodeType) -> bool:
    """Whether this is code of pullback."""
    found = _is_internal[code.co_filename] = code.co_filename.startswith(_PACKAGE)
    return found


@lru_cache(maxsize=512)
def _starts(code: CodeType) -> list[int]:
    return [instruction.offset for instruction in dis.get_instructions(code)]


def origin_at(code: CodeType, offset: int) -> Origin:
    """Return the position of the instruction at ``offset``.

    While a call is under way its frame may stand at one of the cache entries that follow the instruction.
    """
    starts = _starts(code)
    return Origin(code, starts[max(bisect_right(starts, offset) - 1, 0)])


_STORES = frozenset({"STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"})


@lru_cache(maxsize=512)
def _stores(code: CodeType) -> dict[int, str]:
    """Map the offset of each instruction to the name of the variable that takes its result."""
    names: dict[int, str] = {}
    previous: int | None = None
    for instruction in dis.get_instructions(code):
        if instruction.opname in _STORES and previous is not None:
            names[previous] = instruction.argval
            previous = None
        elif instruction.opname != "COPY":  # a = b = ... copies before it stores
            previous = instruction.offset
    return names


def assigned_name(origin: Origin) -> str | None:
    """Return the name of the variable that the result of the instruction is assigned to, if it is.

    >>> code = compile("d = 2 * b", "<example>", "exec")
    >>> [assigned_name(Origin(code, i.offset)) for i in dis.get_instructions(code) if i.opname == "BINARY_OP"]
    ['d']
    """
    return _stores(origin.code).get(origin.instruction)


@lru_cache(maxsize=512)
def _calls(code: CodeType) -> frozenset[int]:
    return frozenset(i.offset for i in dis.get_instructions(code) if i.opname.startswith("CALL"))


def is_call(origin: Origin) -> bool:
    """Whether the instruction calls a function (so that one position may have made several nodes)."""
    return origin.instruction in _calls(origin.code)
