"""What each thread keeps while it records: whether operations on watched arrays are, and in which call."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from types import TracebackType
from typing import Any

from pullback.errors import DTypeError


class Scope:
    """One call of something that has parts (a module, say): the nodes made inside it belong together.

    Attributes:
        owner: what was called; what it is called in a picture is found out when one is drawn.
        parent: the call that it was made in.
        walk: of what a transform made for the nodes of the call, which: ``backward``.
    """

    __slots__ = ("owner", "parent", "walk")

    def __init__(self, owner: Any, parent: Scope | None, walk: str = "") -> None:
        self.owner = owner
        self.parent = parent
        self.walk = walk


class Mirror:
    """For each call the one that stands for what a transform makes for its nodes."""

    def __init__(self, walk: str) -> None:
        self._walk = walk
        self._known: dict[Scope, Scope] = {}

    def __call__(self, scope: Scope | None) -> Scope | None:
        """The mirrored call, the same for the same call."""
        chain = []
        above = scope
        while above is not None and above not in self._known:
            chain.append(above)
            above = above.parent
        for one in reversed(chain):
            parent = self._known[one.parent] if one.parent is not None else None
            self._known[one] = Scope(one.owner, parent, self._walk)
        return self._known[scope] if scope is not None else None


@contextmanager
def scope_kept() -> Iterator[None]:
    """Put the call that is under way back in its place afterwards."""
    outer = recording.scope
    try:
        yield
    finally:
        recording.scope = outer


class _Recording(threading.local):
    enabled = True
    differentiating = 0  # how many transforms are running a function to differentiate it
    scope: Scope | None = None


recording = _Recording()


class _Updating(threading.local):
    forbidden = False


updating = _Updating()
"""Whether arrays may be rebound: not while NumPy code is run on arrays to see what it is composed of. There a write may
be through a view, and a view of an Array is a value of its own."""


class Debugging:
    """What compiled functions look for in their results, for all threads. Set by ``pullback.set_debug``.

    Attributes:
        nan: "explain" or "raise" where a NaN or an infinity is looked for, None where nothing is.
    """

    nan: str | None = None


debugging = Debugging()


class _Switch(ContextDecorator):
    """Set the switch inside a ``with`` block or a decorated function. May be entered again while it is entered."""

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(recording.enabled)
        recording.enabled = self._enabled

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        recording.enabled = self._before.pop()

    def __call__(self, func: Callable[..., Any]) -> Any:
        """Decorate a function."""
        if inspect.isgeneratorfunction(func) or inspect.iscoroutinefunction(func) or inspect.isasyncgenfunction(func):
            raise DTypeError(
                f"no_grad: expected a plain function to decorate, got {func.__name__}, whose body runs after the call. "
                "Write 'with pullback.no_grad():' inside it"
            )
        return super().__call__(func)

    def _recreate_cm(self) -> _Switch:
        return _Switch(self._enabled)  # each call of a decorated function gets its own


def no_grad() -> _Switch:
    """Record nothing inside: results are constants to any later derivative. A context manager and a decorator.

    >>> import pullback as pb
    >>> a = pb.array(3.0, requires_grad=True)
    >>> with pb.no_grad():
    ...     b = a * a
    >>> b.requires_grad
    False
    """
    return _Switch(False)


def record() -> _Switch:
    """Record inside, whatever is set outside: what a derivative transform does while it runs a function."""
    return _Switch(True)


@contextmanager
def differentiating() -> Iterator[None]:
    """Record inside, for a derivative of what is returned: what would be a constant there is refused, not lost."""
    recording.differentiating += 1
    try:
        with record():
            yield
    finally:
        recording.differentiating -= 1
