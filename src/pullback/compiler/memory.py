"""The memory plan: one arena for everything that lives only while a program runs, reused as soon as it is free."""

from __future__ import annotations

from collections.abc import Iterable

from pullback.compiler.views import Buffer

ALIGNMENT = 64
"""Of every buffer, in bytes: a line of the cache."""


def place_buffers(lifetimes: Iterable[tuple[Buffer, int, int]]) -> int:
    """Give each buffer its place in the arena; buffers that live at the same time do not overlap.

    Args:
        lifetimes: each buffer with the first and the last step that uses it.

    Returns:
        The size of the arena in bytes.
    """
    placed: list[tuple[int, int, int, int]] = []  # begin, end, first, last
    size = 0
    for buffer, first, last in sorted(lifetimes, key=lambda one: -one[0].nbytes):  # large ones first leave few holes
        length = -(-max(buffer.nbytes, 1) // ALIGNMENT) * ALIGNMENT
        begin = 0
        for start, end, since, until in sorted(placed):
            if until < first or last < since:
                continue
            if start - begin >= length:
                break
            begin = max(begin, end)
        buffer.number = begin
        placed.append((begin, begin + length, first, last))
        size = max(size, begin + length)
    return size
