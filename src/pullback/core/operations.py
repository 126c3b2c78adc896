"""What floors above give to the core: arrays call operations by name, and the floors above fill the names in.

So ``core`` knows that an array can be multiplied without knowing the file that says how. ``ops`` registers every
primitive and function when it loads; the package's ``__init__`` names what is loaded at first use only.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
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

    def provide(self, name: str, target: Any) -> None:
        """Fill ``name``, with a callable or with the place of one (``"package.module:attribute"``) loaded on use."""
        if isinstance(target, str):
            self._lazy[name] = target
        elif name in self.__dict__:
            raise GraphError(f"the operation {name!r} is declared twice")
        else:
            setattr(self, name, target)

    def __getattr__(self, name: str) -> Any:
        # Reached only while the name is not an attribute yet.
        lazy = self.__dict__.get("_lazy", {})
        if name not in lazy:
            raise AttributeError(f"no operation {name!r} has been provided")
        module, _, attribute = lazy[name].partition(":")
        target = getattr(importlib.import_module(module), attribute)
        setattr(self, name, target)
        return target


operations = Operations()

primitives: dict[str, Primitive] = {}
"""Every primitive by name."""

overrides: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy's ufuncs and functions, each with the one of ours that takes its place when an argument is an Array."""

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
) -> Callable[[F], F]:
    """Declare a public function that is composed of primitives.

    Args:
        numpy: the NumPy function (or several of one meaning) that it takes the place of when an Array is given; the
            first is the reference of the tests.
        samples: calls that the contract test makes, see ``pullback.core.sample``.
        rejects: calls that must raise, with the error and its words.
        differentiable: whether the result has derivatives by its floating arguments.
        scipy: the function of ``scipy.special`` that it takes the place of, the reference where ``numpy`` gives none.
    """

    def declare(call: F) -> F:
        name = call.__name__
        if not call.__doc__:
            raise GraphError(f"{name}: a function needs a docstring")
        references = numpy if isinstance(numpy, tuple) else (numpy,) if numpy is not None else ()
        reference = references[0] if references else None
        if scipy is not None:
            scipy_overrides[scipy] = name
            reference = reference or (lambda *args, **keywords: getattr(special, scipy)(*args, **keywords))
        functions[name] = Function(name, call, reference, as_samples(samples), tuple(rejects), differentiable)
        operations.provide(name, call)
        operation_names[call.__code__] = name
        for one in references:
            overrides[one] = call
        return call

    return declare
