"""Whether an update is lost: ``x[0][1] = v`` changes what ``x[0]`` gave, to which nothing refers once it is done."""

from __future__ import annotations

import dis
import sys
from typing import Any

_STORE = dis.opmap["STORE_SUBSCR"]


class _Probe:
    """Counts the references to itself as ``Array.__setitem__`` does."""

    count = 0

    def __setitem__(self, index: Any, value: Any) -> None:
        self.count = _Probe.count = sys.getrefcount(self)


def _references_to_a_temporary() -> int:
    """How many references a temporary has while an item of it is set; -1 where variables have no more of them."""
    named = _Probe()
    named[0] = None
    _Probe()[0] = None
    return _Probe.count if _Probe.count < named.count else -1


ONLY = _references_to_a_temporary()
"""What ``sys.getrefcount(self)`` gives inside ``__setitem__`` where nothing but the statement refers to the object."""


def is_statement() -> bool:
    """Whether the ``__setitem__`` that calls this stands for a statement ``x[i] = v``, not for a call by its name."""
    frame = sys._getframe(2)
    return frame.f_code.co_code[frame.f_lasti] == _STORE
