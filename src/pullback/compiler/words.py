"""The words of LLVM for types."""

from __future__ import annotations

SUFFIXES = {"float": "f32", "double": "f64"}
"""Floating types as the names of intrinsics have them."""


def vector(kind: str, lanes: int) -> str:
    """The type of ``lanes`` values of a kind; the kind itself for one."""
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


def suffix(kind: str, lanes: int) -> str:
    """What the names of overloaded intrinsics end with."""
    short = SUFFIXES.get(kind, kind)
    return short if lanes == 1 else f"v{lanes}{short}"
