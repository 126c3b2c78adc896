"""Settings: attributes of modules and optimizers that compiled functions are made for.

A function is compiled with the settings as they are then: the rate of a dropout, the decay of an optimizer. The object
that stands for them is another one when they are others, so that a compiled function notices and is compiled anew.
"""

from __future__ import annotations

from typing import Any

from pullback.core.capture import capturing

_BY_VALUE = (bool, int, float, complex, str, bytes, type(None))
_KEPT = 16
"""How many states of the settings an object remembers, so that going back to one does not compile anew."""


class Configured:
    """What has settings: every attribute is one."""

    __slots__ = ("_token", "_tokens")
    _token: Token | None
    _tokens: list[Token]

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        object.__setattr__(self, "_token", None)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        object.__setattr__(self, "_token", None)

    def __getstate__(self) -> Any:
        return self.__dict__  # not the tokens: they stand for the attributes of this object only

    def token(self) -> Token:
        """What stands for the settings as they are: the same object whenever they are the same."""
        found: Token | None = getattr(self, "_token", None)
        if found is None:
            now = dict(vars(self))
            known = getattr(self, "_tokens", [])
            found = next((one for one in known if same(one.settings, now)), None) or Token(now)
            object.__setattr__(self, "_token", found)
            object.__setattr__(self, "_tokens", [found, *(one for one in known if one is not found)][:_KEPT])
        return found


class Token:
    """Stands for settings.

    Attributes:
        settings: attributes by name.
    """

    __slots__ = ("settings",)

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings


def depend_on(one: Configured) -> None:
    """Let a function that is being compiled depend on the settings of ``one``."""
    if capturing.current is not None:
        capturing.current.configured[id(one)] = one


def same(one: Any, other: Any) -> bool:
    """Whether two objects are one, or cannot be told apart: equal numbers and strings, and tuples of such."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if type(one) is tuple:
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, _BY_VALUE) and repr(one) == repr(other)  # -0.0 is not 0.0, nan is nan
