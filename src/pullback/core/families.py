"""The families of primitives: what their members share, so that each declares only what is its own.

========== ============================================ ====================================================
family     the member declares                          the family supplies
========== ============================================ ====================================================
pointwise  NumPy meaning, partial by each argument      shapes, dtypes, broadcasting, vjp, jvp, labels of edges
linear     NumPy meaning, aval, linear transpose        jvp: the map itself
bilinear   the same, a transpose for each argument      jvp: the sum of the maps with one argument replaced
general    NumPy meaning, aval, vjp, jvp
========== ============================================ ====================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, broadcast_shapes
from pullback.core.node import NO_PARAMS, Node
from pullback.core.operations import operations, scipy_overrides
from pullback.core.operators import ARITHMETIC
from pullback.core.origin import user_position
from pullback.core.primitive import Params, Primitive, Thunk, collect
from pullback.core.record import apply, as_constant, as_node, python_type
from pullback.core.sample import Reject
from pullback.core.scipy import special
from pullback.core.several import has_several, results
from pullback.core.state import recording
from pullback.core.terminals import constant_node, scalar_node
from pullback.dtypes import is_differentiable, is_number
from pullback.errors import ArgumentError, DTypeError

PartialRule = Callable[..., Iterator[Thunk]]
_PYTHON_NUMBERS = (bool, int, float, complex)


class Pointwise(Primitive):
    """Each element of the result depends on the elements at its own place only."""

    family = "pointwise"

    def __init__(
        self,
        evaluate: Callable[..., Any],
        *,
        types: np.ufunc | str | None = None,
        numpy: Callable[..., Any] | None = None,
        finite_partials: bool = False,
        selects: bool = False,
        complex_case: Primitive | None = None,
        private: bool = False,
        scipy: str | None = None,
        **declaration: Any,
    ) -> None:
        if numpy is None:
            found = getattr(np, evaluate.__name__, None)
            numpy = found if isinstance(found, np.ufunc) else None
        super().__init__(evaluate, numpy=numpy, **declaration)
        if not private:
            operations.provide(self.name, self)
        self.public = not private
        self.scipy = scipy
        if scipy is not None:
            scipy_overrides[scipy] = self.name
        code = evaluate.__code__
        self.arity = code.co_argcount
        self.keywords = code.co_varnames[self.arity : self.arity + code.co_kwonlyargcount]
        self.finite_partials = finite_partials
        self.selects = selects
        self.complex_case = complex_case
        if types is None and numpy is None and scipy is None:
            raise DTypeError(f"{self.name}: a pointwise primitive needs types=, a ufunc to follow or dtype characters")
        self._types = types
        self._partials: PartialRule | None = None
        self._resolved: dict[tuple[Any, ...], tuple[tuple[np.dtype[Any], ...], np.dtype[Any]]] = {}
        # Dtypes of equal operands that need no conversion, and whether the result then carries a derivative.
        self._direct: dict[np.dtype[Any], bool] = {}

    @property
    def numpy(self) -> Callable[..., Any] | None:
        """The ufunc of NumPy or SciPy that the primitive takes the place of, if there is one."""
        if self._numpy is None and self.scipy is not None:
            self._numpy = getattr(special, self.scipy)
        return self._numpy

    @property
    def types(self) -> np.ufunc | str:
        """The ufunc whose dtype rules it follows, or the characters of the dtypes that it computes in."""
        if self._types is None:
            rule: Any = self.numpy if self.scipy is None else getattr(special, self.scipy)
            self._types = rule
            return rule
        return self._types

    def partials(self, rule: PartialRule) -> PartialRule:
        """Declare the local partial by each argument: ``rule(out, *inputs, **params)`` yields a thunk for each.

        A thunk returns an Array of the result's shape or a Python number; None stands for an argument by which the
        result is not differentiated.
        """
        self._partials = rule
        return rule

    # Calling --------------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **params: Any) -> Array:
        """Apply the primitive elementwise, with NumPy's broadcasting and promotion."""
        # The common case, watched arrays of one shape and dtype, is on the path of every recorded operation: no more
        # than it needs is done for it.
        if params or len(args) != self.arity:
            return self._convert(args, params)
        if len(args) == 2:
            try:
                left: Node = args[0]._node
                right: Node = args[1]._node
            except AttributeError:
                return self._convert(args, params)
            x, y = left.value, right.value
            if x is not None and y is not None and (dtype := x.dtype) is y.dtype and x.shape == y.shape:
                carries = self._direct.get(dtype)
                if carries is not None and not (left.weak and right.weak):
                    value = self.evaluate(x, y)
                    if carries and (left.watched or right.watched) and recording.enabled:
                        return Array(Node(self, (left, right), NO_PARAMS, value, True, user_position(2)))
                    return Array(constant_node(value))
        elif len(args) == 1:
            node: Node | None = getattr(args[0], "_node", None)
            if node is not None and node.value is not None and not node.weak:
                carries = self._direct.get(node.value.dtype)
                if carries is not None:
                    value = self.evaluate(node.value)
                    if carries and node.watched and recording.enabled:
                        return Array(Node(self, (node,), NO_PARAMS, value, True, user_position(2)))
                    return Array(constant_node(value))
        return self._convert(args, params)

    def _convert(self, args: Sequence[Any], params: Params) -> Array:
        if len(args) != self.arity:
            raise DTypeError(f"{self.name}: expected {self.arity} argument{'s' * (self.arity != 1)}, got {len(args)}")
        for keyword in params:
            if keyword not in self.keywords:
                raise ArgumentError(f"{self.name}: the keyword {keyword}= is not supported")
        operands = []
        types: list[Any] = []
        shapes = []
        weak = True  # as long as all operands are Python numbers, or stand for one
        for arg in args:
            kind = type(arg)
            if kind in _PYTHON_NUMBERS:
                types.append(kind)
            else:
                if not isinstance(arg, Array):
                    watched = any(isinstance(one, Array) and one._node.watched for one in args)
                    arg = as_constant(self.name, arg, watched)
                number = python_type(arg)
                weak = weak and number is not None
                types.append(number or arg.dtype)
                shapes.append(arg.shape)
            operands.append(arg)
        inputs, out = self.resolve(tuple(types))
        if self.complex_case is not None and inputs[0].kind == "c":
            return self.complex_case(*operands, **params)
        shape = shapes[0] if len(shapes) == 1 else broadcast_shapes(self.name, *shapes)
        try:
            nodes = tuple([self._operand(one, dtype, shape) for one, dtype in zip(operands, inputs, strict=True)])
        except OverflowError as error:  # a Python integer that the dtype of the others does not hold
            if out.kind == "b":  # comparing with it is meaningful
                return self._convert([np.asarray(one) if type(one) is int else one for one in operands], params)
            raise ArgumentError(f"{self.name}: {error}. Convert the array to a wider dtype with astype") from None
        result = apply(self, nodes, params, (shape, out))
        if weak and self.name in ARITHMETIC:
            result._node.weak = True
        return result

    def _operand(self, operand: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Node:
        """Bring one operand to the dtype and shape that all are to have."""
        if type(operand) in _PYTHON_NUMBERS:
            return scalar_node(operand, shape, dtype)
        value = operand
        if isinstance(operand, Array):
            node = operand._node
            value = node.value
            known = value if value is not None else node.array_aval
            if known.dtype is dtype and known.shape == shape:
                return node
            if node.watched:
                if operand.dtype != dtype:
                    operand = operations.astype(operand, dtype)
                if operand.shape != shape:
                    operand = operations.broadcast_to(operand, shape)
                return operand._node
        if value.ndim == 0:
            return scalar_node(value, shape, dtype)
        value = value.astype(dtype, copy=False)
        return constant_node(value if value.shape == shape else np.broadcast_to(value, shape))

    def resolve(self, types: tuple[Any, ...]) -> tuple[tuple[np.dtype[Any], ...], np.dtype[Any]]:
        """Return the dtypes that operands of these dtypes (or Python number types) are brought to, and the result's."""
        found = self._resolved.get(types)
        if found is None:
            found = self._resolved[types] = self._resolve(types)
            first = types[0]
            alike = isinstance(first, np.dtype) and len(set(types)) == 1 and all(one == first for one in found[0])
            if alike and (self.complex_case is None or first.kind != "c"):
                self._direct[first] = is_differentiable(found[1])
        return found

    def _resolve(self, types: tuple[Any, ...]) -> tuple[tuple[np.dtype[Any], ...], np.dtype[Any]]:
        arrays = [one for one in types if isinstance(one, np.dtype)]
        if not all(is_number(one) for one in arrays):
            raise self._refuse(types)
        if not arrays:  # Python numbers only: they are what NumPy makes of them
            types = tuple(np.asarray(one()).dtype for one in types)
        types = tuple(np.dtype(bool) if one is bool else one for one in types)
        try:
            if isinstance(self.types, str):
                inputs = self._first_of(self.types, types)
            else:
                inputs = self.types.resolve_dtypes((*types, *[None] * self.types.nout))[: self.arity]
            if self.scipy is not None and isinstance(self.types, str):
                return inputs, inputs[0]  # known without SciPy, which takes long to load
            with np.errstate(all="ignore"):
                out = self.evaluate(*[np.empty(0, dtype) for dtype in inputs]).dtype
        except TypeError:
            raise self._refuse(types) from None
        return inputs, out

    def _first_of(self, characters: str, types: tuple[Any, ...]) -> tuple[np.dtype[Any], ...]:
        examples = [np.empty(0, one) if isinstance(one, np.dtype) else one() for one in types]
        common = np.result_type(*examples)
        for character in (common.char, *characters):
            if character in characters and np.can_cast(common, character, "safe"):
                return (np.dtype(character),) * self.arity
        raise TypeError

    def _refuse(self, types: tuple[Any, ...]) -> DTypeError:
        names = ", ".join(one.name if isinstance(one, np.dtype) else one.__name__ for one in types)
        accepted = self.types if isinstance(self.types, str) else "".join(t[0] for t in self.types.types)
        kinds = {np.dtype(c).kind for c in accepted if np.dtype(c).kind in "biufc"}
        words = [word for kind, word in _KINDS.items() if kind in kinds]
        return DTypeError(f"{self.name}: expected {_listed(words)} dtypes, got {names}")

    # Rules ----------------------------------------------------------------------------------------------------------

    def infer_aval(self, inputs: Sequence[Any], params: Params) -> Aval:
        """The shape that all operands have, and the dtype that the NumPy meaning gives."""
        expected, out = self.resolve(tuple(aval.dtype for aval in inputs))
        for aval, dtype in zip(inputs, expected, strict=True):
            if aval.shape != inputs[0].shape or aval.dtype != dtype:
                listed = ", ".join(map(str, inputs))
                raise DTypeError(f"{self.name}: expected operands of one shape, converted to {dtype}, got {listed}")
        return Aval(inputs[0].shape, out)

    def local_partials(self, out: Array, inputs: Sequence[Array], params: Params) -> list[Thunk]:
        """The partial by each argument, computed when called: what stands on an edge of the picture."""
        if self._partials is None:
            return [None] * len(inputs)
        return list(self._partials(out, *inputs, **params))

    def _product(self, factor: Any, derivative: Any, adjoint: bool) -> Array:
        if isinstance(derivative, _PYTHON_NUMBERS):
            if derivative == 1:
                return factor
            if derivative == 0:
                return operations.zeros_like(factor)  # also where the factor is inf
            if derivative == -1:
                return operations.negative(factor)
            if derivative == derivative and abs(derivative) != np.inf:
                return operations.multiply(factor, derivative.conjugate() if adjoint else derivative)
        elif adjoint and derivative.dtype.kind == "c":
            derivative = operations.conjugate(derivative)
        if self.selects:
            return operations.strong_product(derivative, factor)
        product = operations.multiply if self.finite_partials else operations.strong_product
        return product(factor, derivative)

    def vjp(
        self, ct: Any, out: Array, inputs: Sequence[Array], wanted: Sequence[bool], params: Params
    ) -> list[Array | None]:
        """The cotangent times each partial."""
        thunks = iter(self.local_partials(out, inputs, params))
        return collect(thunks, wanted, lambda derivative: self._product(ct, derivative, adjoint=True))

    def jvp(self, tangents: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Array | None:
        """The sum of each partial times its tangent."""
        thunks = self.local_partials(out, inputs, params)
        terms = [
            self._product(tangent, thunk(), adjoint=False)
            for thunk, tangent in zip(thunks, tangents, strict=True)
            if thunk is not None and tangent is not None
        ]
        return add_all(terms)

    def batch(self, batched: Sequence[bool], inputs: Sequence[Array], params: Params) -> Array:
        """The operation itself: what holds at each place holds for each member of a batch."""
        return self(*batch_all(batched, inputs), **params)

    def missing(self) -> list[str]:
        """A pointwise primitive needs a docstring, samples, and partials unless it has no derivative."""
        parts = {
            "a docstring": bool(self.__doc__),
            "samples": bool(self.samples),
            "partials": self._partials is not None or not self.differentiable,
        }
        return [part for part, present in parts.items() if not present]


_KINDS = {"b": "boolean", "i": "integer", "f": "floating", "c": "complex"}


def _listed(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def batch_all(batched: Sequence[bool], inputs: Sequence[Array]) -> list[Array]:
    """Repeat the inputs that are not ``batched`` along a new axis 0, as long as that of the others."""
    size = next(one.shape[0] for one, known in zip(inputs, batched, strict=True) if known)
    return [
        one if known else operations.broadcast_to(one, (size, *one.shape))
        for one, known in zip(inputs, batched, strict=True)
    ]


def shifted(axes: Any) -> Any:
    """An axis, or a tuple of them, counted from the front, behind a new axis 0.

    >>> shifted(1), shifted((0, 2))
    (2, (1, 3))
    """
    return tuple(axis + 1 for axis in axes) if isinstance(axes, tuple) else axes + 1


def add_all(terms: Sequence[Any]) -> Any:
    """Add the terms; None when there is none."""
    total = None
    for term in terms:
        total = term if total is None else operations.add(total, term)
    return total


BatchRule = Callable[..., Any]


class Structured(Primitive):
    """What linear, bilinear and general primitives share: arrays are positional, static parameters are keywords.

    How it applies to a batch is said in one of three ways: ``stacks=True`` where leading axes already are a stack of
    independent problems; ``axis_params=("axes",)`` where these keywords count the axes of every argument from the
    front, so that a batch axis moves them up by one; or a rule of its own, with ``batching``.
    """

    def __init__(
        self,
        evaluate: Callable[..., Any],
        *,
        stacks: bool = False,
        axis_params: tuple[str, ...] = (),
        **declaration: Any,
    ) -> None:
        super().__init__(evaluate, **declaration)
        self.stacks = stacks
        self.axis_params = axis_params
        self._batching: BatchRule | None = None

    def batching(self, rule: BatchRule) -> BatchRule:
        """Declare the batching rule: ``rule(batched, *inputs, **params)``.

        ``batched`` says of each input whether its axis 0 is the batch; axis 0 of the result is to be the batch.
        """
        self._batching = rule
        return rule

    def batch(self, batched: Sequence[bool], inputs: Sequence[Array], params: Params) -> Any:
        """Apply to a batch, along axis 0 of the inputs that are ``batched``; axis 0 of each result is the batch."""
        if self._batching is not None:
            return self._batching(batched, *inputs, **params)
        moved = {name: shifted(value) if name in self.axis_params else value for name, value in params.items()}
        return self(*batch_all(batched, inputs), **moved)

    def missing(self) -> list[str]:
        """Besides what every primitive has: how it applies to a batch."""
        known = self.stacks or self.axis_params or self._batching is not None
        return super().missing() + ([] if known else ["a batching rule"])

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Apply the primitive; the public functions built on it do the conversions that NumPy does.

        Of a primitive with several results, they come as a tuple.
        """
        try:
            nodes = tuple([arg._node for arg in args])
        except AttributeError:  # NumPy arrays or numbers are among them
            watched = any(isinstance(arg, Array) and arg._node.watched for arg in args)
            nodes = tuple([as_node(self.name, arg, watched) for arg in args])
        out = apply(self, nodes, params)
        return results(out) if has_several(out) else out


class Linear(Structured):
    """A linear map of some of its arguments together (the others, such as indices, carry no derivative).

    ``transpose`` is by the inner product Re<a, b>, which makes the gradient of a real function of a complex array
    df/dx + i df/dy.
    """

    family = "linear"

    def __init__(
        self, evaluate: Callable[..., Any], *, arguments: tuple[int, ...] | None = None, **declaration: Any
    ) -> None:
        super().__init__(evaluate, **declaration)
        self.arguments = arguments
        self._transpose: Callable[..., Iterator[Thunk]] | None = None

    def transpose(self, rule: Callable[..., Iterator[Thunk]]) -> Callable[..., Iterator[Thunk]]:
        """Declare the linear transpose: ``rule(ct, *inputs, **params)`` yields a thunk (or None) for each argument."""
        self._transpose = rule
        return rule

    def is_linear_in(self, position: int) -> bool:
        """Whether the map is linear in the argument at ``position``."""
        return self.arguments is None or position in self.arguments

    def vjp(
        self, ct: Any, out: Array, inputs: Sequence[Array], wanted: Sequence[bool], params: Params
    ) -> list[Array | None]:
        """The linear transpose applied to the cotangent."""
        assert self._transpose is not None
        return collect(self._transpose(ct, *inputs, **params), wanted, lambda contribution: contribution)

    def jvp(self, tangents: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Array | None:
        """The map itself, applied to the tangents."""
        if all(tangent is None for tangent in tangents):
            return None
        arguments = [
            one if not self.is_linear_in(i) else operations.zeros_like(one) if tangent is None else tangent
            for i, (one, tangent) in enumerate(zip(inputs, tangents, strict=True))
        ]
        return self(*arguments, **params)

    def missing(self) -> list[str]:
        """Besides what every primitive has: the transpose."""
        return super().missing() + (["a linear transpose"] if self._transpose is None else [])


class Bilinear(Linear):
    """Linear in each argument while the others are held."""

    family = "bilinear"

    def jvp(self, tangents: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Array | None:
        """The sum of the maps with one argument replaced by its tangent."""
        terms = [
            self(*inputs[:i], tangent, *inputs[i + 1 :], **params)
            for i, tangent in enumerate(tangents)
            if tangent is not None
        ]
        return add_all(terms)


class General(Structured):
    """A primitive that declares its vjp and its jvp.

    One with several results gives them as a tuple of values, and ``infer`` a tuple of avals. Its rules get ``out`` as a
    tuple of arrays and ``ct`` as a list with the cotangent of each result, None where it is zero; the jvp returns a
    list with the tangent of each result: an array, None for zero, or a thunk that is called if that result was used.
    """

    family = "general"

    def __init__(self, evaluate: Callable[..., Any], **declaration: Any) -> None:
        super().__init__(evaluate, **declaration)
        self._vjp: Callable[..., Iterator[Thunk]] | None = None
        self._jvp: Callable[..., Any] | None = None
        self._directions: Callable[..., Any] | None = None
        self._companions: Callable[..., None] | None = None

    def define_vjp(self, rule: Callable[..., Iterator[Thunk]]) -> Callable[..., Iterator[Thunk]]:
        """Declare the pullback: ``rule(ct, out, *inputs, **params)`` yields a thunk (or None) for each argument."""
        self._vjp = rule
        return rule

    def define_jvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Declare the pushforward: ``rule(tangents, out, *inputs, **params)``; a tangent is None where it is zero."""
        self._jvp = rule
        return rule

    def define_directions(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Declare in which directions of the results the pullback needs the derivative of the cotangent.

        ``rule(ct, out, *inputs, **params)`` returns a list of directions, each with a tangent for each of several
        results (an array, None for zero); an empty one where the cotangent is enough, as it nearly always is. Where it
        is not, the pullback is a limit by l'Hôpital's rule: it gets, as the keyword ``slopes``, how the cotangent of
        each result changes in each direction.
        """
        self._directions = rule
        self.looks_ahead = True
        return rule

    def define_companions(self, rule: Callable[..., None]) -> Callable[..., None]:
        """Declare which nodes may not stand in one derivative, beside each other.

        ``rule(node, used, other, other_used)`` raises if two may not; ``used`` says which of a node's results are used.
        """
        self._companions = rule
        self.looks_ahead = True
        return rule

    def check_companions(self, node: Node, others: Iterable[Node], order: Iterable[Node]) -> None:
        """Raise what the member declares if ``node`` may not stand beside one of ``others``; ``order`` uses them."""
        if self._companions is None:
            return
        used: dict[Node, set[int]] = {one: set() for one in (node, *others)}
        for one in order:
            if one.primitive.family == "item" and one.inputs[0] in used:
                used[one.inputs[0]].add(one.params["index"])
        mine = used.pop(node)
        for other, theirs in used.items():
            self._companions(node, mine, other, theirs)

    def directions(self, ct: Any, out: Array, inputs: Sequence[Array], params: Params) -> Any:
        """What the member declares."""
        if self._directions is None:
            return []
        return self._directions(ct, results(out), *inputs, **params)

    def vjp(
        self, ct: Any, out: Array, inputs: Sequence[Array], wanted: Sequence[bool], params: Params
    ) -> list[Array | None]:
        """What the member declares."""
        if self._vjp is None:
            return [None] * len(inputs)
        given = results(out) if has_several(out) else out
        return collect(self._vjp(ct, given, *inputs, **params), wanted, lambda contribution: contribution)

    def jvp(self, tangents: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Any:
        """What the member declares."""
        if self._jvp is None or all(tangent is None for tangent in tangents):
            return None
        return self._jvp(tangents, results(out) if has_several(out) else out, *inputs, **params)

    def missing(self) -> list[str]:
        """Besides what every primitive has: both derivative rules, unless it has no derivative."""
        lacking = super().missing()
        if self.differentiable:
            lacking += ["a vjp"] * (self._vjp is None) + ["a jvp"] * (self._jvp is None)
        return lacking


def pointwise(
    *,
    samples: Any,
    rejects: Sequence[Reject] = (),
    types: np.ufunc | str | None = None,
    numpy: Callable[..., Any] | None = None,
    name: str | None = None,
    differentiable: bool = True,
    finite_partials: bool = False,
    selects: bool = False,
    complex_case: Primitive | None = None,
    private: bool = False,
    scipy: str | None = None,
) -> Callable[[Callable[..., Any]], Pointwise]:
    """Declare a pointwise primitive; the decorated function is its NumPy meaning on operands of one shape.

    Args:
        samples: what the contract test calls it with.
        rejects: calls that must raise.
        types: a ufunc whose dtype rules it follows, or the characters of the dtypes that it computes in: an operand
            keeps its own, and is otherwise brought to the first that holds it. By default the rules of the ufunc that
            it takes the place of.
        numpy: the ufunc that it takes the place of; by default NumPy's ufunc of the same name, if there is one.
        name: by default the function's.
        differentiable: False for comparisons and the like, whose result carries no derivative.
        finite_partials: partials are finite wherever the operands are, so that a plain product serves. Otherwise a
            cotangent that is exactly zero stays zero, whatever the partial (the strong zero).
        selects: partials are weights of a selection: where one is exactly zero nothing passes, not even inf or NaN
            (so ``sqrt(maximum(x, 0))`` has derivative 0 for negative x).
        complex_case: what is called in its place for complex operands, where it is not holomorphic.
        private: not an operation for users: a public function of this name stands before it, or it is part of a rule.
        scipy: the name of the function of ``scipy.special`` that it takes the place of; its dtype rules are followed
            unless ``types`` says others.
    """
    return partial(
        Pointwise, samples=samples, rejects=rejects, types=types, numpy=numpy, name=name,
        differentiable=differentiable, finite_partials=finite_partials, selects=selects, complex_case=complex_case,
        private=private, scipy=scipy,
    )  # fmt: skip


def linear(
    *,
    samples: Any,
    rejects: Sequence[Reject] = (),
    arguments: tuple[int, ...] | None = None,
    name: str | None = None,
    numpy: Callable[..., Any] | None = None,
    stacks: bool = False,
    axis_params: tuple[str, ...] = (),
) -> Callable[[Callable[..., Any]], Linear]:
    """Declare a linear primitive; ``arguments`` are the positions in which it is linear, by default all.

    ``stacks`` and ``axis_params`` say how it applies to a batch, see ``Structured``.
    """
    return partial(
        Linear, samples=samples, rejects=rejects, arguments=arguments, name=name, numpy=numpy, stacks=stacks,
        axis_params=axis_params,
    )  # fmt: skip


def bilinear(
    *,
    samples: Any,
    rejects: Sequence[Reject] = (),
    name: str | None = None,
    numpy: Callable[..., Any] | None = None,
    stacks: bool = False,
    axis_params: tuple[str, ...] = (),
) -> Callable[[Callable[..., Any]], Bilinear]:
    """Declare a primitive that is linear in each argument while the others are held; keywords as for ``linear``."""
    return partial(
        Bilinear, samples=samples, rejects=rejects, name=name, numpy=numpy, stacks=stacks, axis_params=axis_params
    )


def general(
    *,
    samples: Any,
    rejects: Sequence[Reject] = (),
    name: str | None = None,
    numpy: Callable[..., Any] | None = None,
    differentiable: bool = True,
    stacks: bool = False,
    axis_params: tuple[str, ...] = (),
) -> Callable[[Callable[..., Any]], General]:
    """Declare a primitive with a vjp and a jvp of its own, or (``differentiable=False``) with none.

    ``stacks`` and ``axis_params`` say how it applies to a batch, see ``Structured``.
    """
    return partial(
        General, samples=samples, rejects=rejects, name=name, numpy=numpy, differentiable=differentiable,
        stacks=stacks, axis_params=axis_params,
    )  # fmt: skip
