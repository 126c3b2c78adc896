"""What floors above give to the core: arrays call operations by name, and the floors above fill the names in.

So ``core`` knows that an array can be multiplied without knowing the file that says how. ``ops`` lists its files; they
are loaded one after the other when a name is asked for that no file has declared so far, so that ``import pullback``
loads none of them and a program only those up to the last that it uses. Whoever looks at all that is declared calls
``operations.load_all()`` first. The package's ``__init__`` names what other floors provide.
"""

from __future__ import annotations

import importlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pullback.core.sample import Reject, Sample, as_samples
from pullback.core.scipy import special
from pullback.errors import GraphError, operation_names

if TYPE_CHECKING:
    from pullback.core.primitive import Primitive


class Operations:
    """A namespace of callables, filled by the floors above."""

    def __init__(self) -> None:
        self._lazy: dict[str, str] = {}
        self._files: deque[str] = deque()
        self._loading = threading.RLock()

    def provide(self, name: str, target: Any) -> None:
        """Fill ``name``, with a callable or with the place of one (``"package.module:attribute"``) loaded on use."""
        if isinstance(target, str):
            self._lazy[name] = target
        elif name in self.__dict__:
            raise GraphError(f"the operation {name!r} is declared twice")
        else:
            setattr(self, name, target)

    def declared_in(self, files: Iterable[str]) -> None:
        """Name modules that declare operations, in the order in which they are to be loaded."""
        self._files.extend(files)

    def load_next(self) -> bool:
        """Load the next file and check what it declares; False when all are loaded."""
        with self._loading:
            if not self._files:
                return False
            file = self._files.popleft()
            known = len(primitives)
            try:
                importlib.import_module(file)
            except BaseException:
                self._files.appendleft(file)
                raise
            check_declarations(list(primitives.values())[known:])
            return True

    def load_all(self) -> None:
        """Load every file, for those who look at all that is declared."""
        while self.load_next():
            pass
        check_declarations(primitives.values())  # those of files that were imported by name as well

    def __getattr__(self, name: str) -> Any:
        # Reached only while the name is not an attribute yet.
        if name.startswith("__"):
            raise AttributeError(name)  # what inspection asks of any object must load nothing
        lazy = self.__dict__.get("_lazy", {})
        if name in lazy:
            module, _, attribute = lazy[name].partition(":")
            target = getattr(importlib.import_module(module), attribute)
            setattr(self, name, target)
            return target
        while name not in self.__dict__ and self.load_next():
            pass
        if name not in self.__dict__:
            raise AttributeError(f"no operation {name!r} has been provided")
        return self.__dict__[name]


operations = Operations()

primitives: dict[str, Primitive] = {}
"""Every primitive by name."""


def named_primitive(name: str) -> Primitive:
    """The primitive of this name, whose file is loaded if it was not. Raises GraphError if there is none."""
    while name not in primitives:
        if not operations.load_next():
            raise GraphError(f"there is no primitive {name!r}")
    return primitives[name]


overrides: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy's ufuncs and functions, each with the one of ours that takes its place when an argument is an Array."""


def override(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the operation that takes the place of a function of NumPy, or None if there is none."""
    while function not in overrides and operations.load_next():
        pass
    return overrides.get(function)


def check_declarations(declared: Iterable[Primitive]) -> None:
    """Raise GraphError naming every primitive that lacks a part of its declaration. Called for each file of ops."""
    lacking = {one.name: parts for one in declared if (parts := one.missing())}
    if lacking:
        listed = "; ".join(f"{name} lacks {', '.join(parts)}" for name, parts in lacking.items())
        raise GraphError(f"incomplete primitives: {listed}")


scipy_overrides: dict[str, str] = {name: name for name in ("cbrt", "exp2", "expm1", "log1p")}
"""Names of functions of ``scipy.special``, each with the name of the operation that takes its place. By name, because
SciPy is loaded only when it is used. At first those of which NumPy has one of the same meaning."""


@dataclass(frozen=True)
class Function:
    """A public function composed of primitives: what it is, what it stands for, and how it is tested."""

    name: str
    call: Callable[..., Any]
    numpy: Callable[..., Any] | None
    samples: tuple[Sample, ...]
    rejects: tuple[Reject, ...]
    differentiable: bool


functions: dict[str, Function] = {}
"""Every composed function by name."""

F = TypeVar("F", bound=Callable[..., Any])


def function(
    numpy: Callable[..., Any] | tuple[Callable[..., Any], ...] | None = None,
    *,
    samples: Any,
    rejects: Sequence[Reject] = (),
    differentiable: bool = True,
    scipy: str | None = None,
    name: str | None = None,
) -> Callable[[F], F]:
    """Declare a public function that is composed of primitives.

    Args:
        numpy: the NumPy function (or several of one meaning) that it takes the place of when an Array is given; the
            first is the reference of the tests.
        samples: calls that the contract test makes, see ``pullback.core.sample``.
        rejects: calls that must raise, with the error and its words.
        differentiable: whether the result has derivatives by its floating arguments.
        scipy: the function of ``scipy.special`` that it takes the place of, the reference where ``numpy`` gives none.
        name: what errors call it, by default the function's name; ``linalg.trace`` beside ``trace``, say.
    """

    def declare(call: F) -> F:
        known = name or call.__name__
        if not call.__doc__:
            raise GraphError(f"{known}: a function needs a docstring")
        references = numpy if isinstance(numpy, tuple) else (numpy,) if numpy is not None else ()
        reference = references[0] if references else None
        if scipy is not None:
            scipy_overrides[scipy] = known
            reference = reference or (lambda *args, **keywords: getattr(special, scipy)(*args, **keywords))
        functions[known] = Function(known, call, reference, as_samples(samples), tuple(rejects), differentiable)
        operations.provide(known, call)
        operation_names[call.__code__] = known
        for one in references:
            overrides[one] = call
        return call

    return declare
