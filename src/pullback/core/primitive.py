"""A primitive: an operation that is declared, not composed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pullback.core.aval import Aval, TupleAval
from pullback.core.operations import operations, overrides, primitives
from pullback.core.sample import Reject, Sample, as_samples
from pullback.errors import DTypeError, GraphError, NotDifferentiableError

if TYPE_CHECKING:
    from pullback.core.array import Array
    from pullback.core.node import Node

Params = Mapping[str, Any]
Thunk = Callable[[], Any] | None
"""One cotangent (or partial), computed only when it is wanted; None where an argument carries no derivative."""


class Primitive:
    """An operation that is declared, not composed. Calling it on arrays records a node where one of them is watched.

    Attributes:
        name: what listings and pictures show.
        family: which rules its members share.
        evaluate: the NumPy meaning: values in, value out.
        samples: calls with which the contract test tries it.
        rejects: calls that must raise.
        differentiable: whether its result carries a derivative.
        looks_ahead: whether its derivative may need to know of the rest of the graph, see ``General.define_directions``
            and ``General.define_companions``.
    """

    family = "primitive"
    looks_ahead = False

    def __init__(
        self,
        evaluate: Callable[..., Any],
        *,
        name: str | None = None,
        samples: Any = (),
        rejects: Sequence[Reject] = (),
        numpy: Callable[..., Any] | None = None,
        differentiable: bool = True,
    ) -> None:
        functools.update_wrapper(self, evaluate)
        self.name: str = name or evaluate.__name__
        self.evaluate = evaluate
        self.samples: tuple[Sample, ...] = as_samples(samples)
        self.rejects: tuple[Reject, ...] = tuple(rejects)
        self._numpy = numpy
        self.differentiable = differentiable
        if self.name in primitives:
            raise GraphError(f"the primitive {self.name!r} is declared twice")
        primitives[self.name] = self
        if numpy is not None:
            overrides[numpy] = self

    @property
    def numpy(self) -> Callable[..., Any] | None:
        """The NumPy function that the primitive takes the place of, if there is one."""
        return self._numpy

    def __call__(self, *args: Any, **params: Any) -> Array:
        """Apply the primitive to arrays and numbers."""
        raise DTypeError(f"{self.name} cannot be called")

    def infer(self, function: Callable[..., Aval | TupleAval]) -> Callable[..., Aval | TupleAval]:
        """Declare the shape and dtype rule: ``function(*avals, **params) -> Aval``. It also checks what comes in."""
        self._infer = function
        return function

    _infer: Callable[..., Aval | TupleAval] | None = None

    composition: Callable[..., Any] | None = None
    """How the primitive is composed of others, where its NumPy meaning asks for values and so does not say it."""

    def composed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Declare how the primitive is composed of others: what a compiler makes of it. Written on arrays."""
        self.composition = function
        return function

    guard: Callable[..., Any] | None = None
    """What a compiled program computes in its place, and when that is the same."""

    def guarded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Declare what a program computes where the primitive may refuse values: ``function(*inputs, **params)``.

        Written on arrays, it returns the result and whether that is right, a boolean array; where it is not, the NumPy
        meaning decides, which raises or has a result. It returns None for inputs of which it knows no better.
        """
        self.guard = function
        return function

    def infer_aval(self, inputs: Sequence[Any], params: Params) -> Aval | TupleAval:
        """Return the aval of the result for inputs of these avals; raise ShapeError or DTypeError if unfit."""
        assert self._infer is not None, f"{self.name} has no shape and dtype rule"
        return self._infer(*inputs, **params)

    def vjp(
        self, ct: Any, out: Array, inputs: Sequence[Array], wanted: Sequence[bool], params: Params
    ) -> list[Array | None]:
        """Pull the cotangent of the result back to each wanted input; None where it is zero."""
        raise NotImplementedError

    def jvp(self, tangents: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Array | None:
        """Push tangents of the inputs (None for zero) forward to the result; None where it is zero."""
        raise NotImplementedError

    def batch(self, batched: Sequence[bool], inputs: Sequence[Array], params: Params) -> Any:
        """Apply to a batch, along axis 0 of the inputs that are ``batched``; axis 0 of the result is the batch."""
        raise NotImplementedError

    def shown(self, params: Params) -> Params:
        """The static keywords that say something to a reader of a listing."""
        return params

    def verify(self, node: Node) -> None:
        """Raise GraphError unless a node of this primitive is well formed, for those that hold graphs."""

    def missing(self) -> list[str]:
        """The parts that a complete declaration has and this one lacks."""
        parts = {
            "a docstring": bool(self.__doc__),
            "samples": bool(self.samples),
            "a shape and dtype rule": self._infer is not None,
        }
        return [part for part, present in parts.items() if not present]

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> Any:
        return (_by_name, (self.name,))

    def __copy__(self) -> Primitive:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Primitive:
        return self


def _by_name(name: str) -> Primitive:
    while name not in primitives and operations.load_next():
        pass
    return primitives[name]


class Terminal(Primitive):
    """What stands at the beginning of a graph: it has no inputs and computes nothing."""

    family = "terminal"

    def __init__(self, name: str, doc: str) -> None:
        def evaluate() -> None:
            raise GraphError(f"a node of kind {name!r} has no value of its own")

        evaluate.__doc__ = doc
        super().__init__(evaluate, name=name, differentiable=False)

    def missing(self) -> list[str]:
        """Nothing: a terminal has no rules."""
        return []


def collect(thunks: Iterator[Thunk], wanted: Sequence[bool], finish: Callable[[Any], Any]) -> list[Any]:
    """Call the thunks of the wanted arguments in turn, and ``finish`` on what each gives."""
    return [None if thunk is None or not want else finish(thunk()) for thunk, want in zip(thunks, wanted, strict=True)]


def refused(operation: str, argument: str, reason: str) -> Thunk:
    """A partial (or cotangent) that is not known: asking for it raises NotDifferentiableError, never gives zero."""

    def refuse() -> Any:
        raise NotDifferentiableError(
            f"{operation}: pullback has no derivative by {argument}: {reason}. "
            "Use pullback.stop_gradient or .detach() to make it a constant, or give a rule with custom_vjp"
        )

    return refuse
