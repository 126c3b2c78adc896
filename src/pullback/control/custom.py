"""A user's own derivative rule for a function of theirs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import Aval, TupleAval
from pullback.core.creation import array
from pullback.core.operations import operations
from pullback.core.primitive import Params, Primitive
from pullback.core.record import apply
from pullback.core.several import results
from pullback.core.state import record
from pullback.core.terminals import constant_node, input_node, leaf_node
from pullback.dtypes import is_differentiable
from pullback.errors import DTypeError, NotDifferentiableError, ShapeError
from pullback.ops.structural import as_arrays
from pullback.transforms.arguments import is_value
from pullback.transforms.backward import pull_back


class _Call:
    """One call of a custom function: which of its arguments are arrays, which are held as they are."""

    def __init__(self, function: CustomFunction, args: Sequence[Any]) -> None:
        self.function = function
        self.leaves, self.structure = tree.flatten(tuple(args))
        self.places = [i for i, leaf in enumerate(self.leaves) if is_value(leaf) and not isinstance(leaf, (bool, int))]
        self.output_structure: Any = None

    def arguments(self, arrays: Sequence[Any], elsewhere: Callable[[Any], Any] = lambda leaf: leaf) -> tuple[Any, ...]:
        """The arguments with these arrays in their places."""
        leaves = [elsewhere(leaf) for leaf in self.leaves]
        for place, one in zip(self.places, arrays, strict=True):
            leaves[place] = one
        arguments: tuple[Any, ...] = tree.unflatten(self.structure, leaves)
        return arguments

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Run the function itself on arrays that nothing watches, and return the leaves of its result."""
        with record():
            output = self.function.function(*self.arguments(arrays))
        leaves, self.output_structure = tree.flatten(output)
        return [array(leaf) for leaf in leaves]  # copies: the function may use its own memory again

    def output(self, arrays: Sequence[Any]) -> Any:
        """The result, or anything that has one array for each of its leaves, in its structure."""
        return tree.unflatten(self.output_structure, arrays)


def _evaluate(*values: Any, call: _Call) -> tuple[Any, ...]:
    """A call of a function that has a derivative rule of its own."""
    outputs = call.run([Array(constant_node(value)) for value in values])
    if any(out._node.watched for out in outputs):
        raise NotDifferentiableError(
            f"{call.function.__name__}: the function uses a watched array that is not among its arguments, "
            "so its gradient would be lost. Pass it as an argument"
        )
    return tuple(out._node.value for out in outputs)


class CustomPrimitive(Primitive):
    """The primitive of all calls of functions with a rule of their own; a node's params say which call it is."""

    family = "custom"

    def infer_aval(self, inputs: Sequence[Any], params: Params) -> Aval | TupleAval:
        """Trace the function."""
        outputs = params["call"].run([Array(input_node(aval)) for aval in inputs])
        return tuple(out.aval for out in outputs)

    def vjp(self, ct: Any, out: Array, inputs: Sequence[Array], wanted: Sequence[bool], params: Params) -> list[Any]:
        """The user's pullback; from a user's pushforward, its linear transpose."""
        call: _Call = params["call"]
        outputs = results(out)
        ct = [_zeros(aval) if one is None else one for one, aval in zip(ct, out._node.aval, strict=True)]
        if call.function.vjp_rule is not None:
            return _pull(call, ct, outputs, inputs)
        tangents = [_probe(x) for x in inputs]
        pushed = _push(call, tangents, outputs, inputs)
        return pull_back([one._node for one in pushed], ct, [t._node for t in tangents])

    def jvp(self, tangents: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Any:
        """The user's pushforward; from a user's pullback, its linear transpose."""
        call: _Call = params["call"]
        outputs = results(out)
        if call.function.jvp_rule is not None:
            full = [_zeros(x.aval) if t is None else t for x, t in zip(inputs, tangents, strict=True)]
            return _push(call, full, outputs, inputs)
        cotangents = [_probe(one) for one in outputs]
        pulled = _pull(call, cotangents, outputs, inputs)
        pairs = [(one, t) for one, t in zip(pulled, tangents, strict=True) if one is not None and t is not None]
        return pull_back([one._node for one, _ in pairs], [t for _, t in pairs], [ct._node for ct in cotangents])

    def missing(self) -> list[str]:
        """Nothing: each custom function is checked when it is called."""
        return []


custom = CustomPrimitive(_evaluate, name="custom")


def _zeros(aval: Any) -> Array:
    return Array(constant_node(np.zeros(aval.shape, aval.dtype)))


def _probe(x: Array) -> Array:
    """A watched zero of the shape of x: what a linear rule is transposed by. Its value does not matter."""
    return Array(leaf_node(np.zeros(x.shape, x.dtype)))


def _pull(call: _Call, ct: Sequence[Any], outputs: Sequence[Array], inputs: Sequence[Array]) -> list[Array | None]:
    name = call.function.__name__
    rule = call.function.vjp_rule
    assert rule is not None
    arguments = call.arguments(inputs)
    found = rule(call.output(ct), call.output(outputs), *arguments)
    if not isinstance(found, (tuple, list)) or len(found) != len(arguments):
        got = f"{len(found)} of them" if isinstance(found, (tuple, list)) else type(found).__name__
        raise ShapeError(
            f"{name}: expected its vjp rule to return a tuple of {len(arguments)} cotangents, one for each argument "
            f"(None for one without derivative), got {got}"
        )
    # None stands for zeros of a whole argument; laid out, there is one entry for each leaf.
    structures = [tree.flatten(argument)[1] for argument in arguments]
    leaves: list[Any] = []
    for position, (structure, one) in enumerate(zip(structures, found, strict=True)):
        try:
            leaves += [None] * structure.num_leaves if one is None else structure.flatten_up_to(one)
        except ValueError as error:
            raise ShapeError(f"{name}: the cotangent of argument {position} has another structure. {error}") from None
    by_input = [leaves[place] for place in call.places]
    return [_fitted(name, "vjp", one, x.aval) for one, x in zip(by_input, inputs, strict=True)]


def _push(call: _Call, tangents: Sequence[Any], outputs: Sequence[Array], inputs: Sequence[Array]) -> list[Array]:
    name = call.function.__name__
    rule = call.function.jvp_rule
    assert rule is not None
    found = rule(call.arguments(tangents, lambda leaf: None), call.output(outputs), *call.arguments(inputs))
    try:
        leaves = call.output_structure.flatten_up_to(found)
    except ValueError as error:
        raise ShapeError(f"{name}: expected its jvp rule to return the structure of the result. {error}") from None
    fitted = [_fitted(name, "jvp", one, out.aval) for one, out in zip(leaves, outputs, strict=True)]
    return [_zeros(out.aval) if one is None else one for one, out in zip(fitted, outputs, strict=True)]


def _fitted(name: str, mode: str, found: Any, aval: Aval) -> Array | None:
    """Check what a rule gave against what it belongs to."""
    if found is None or not is_differentiable(aval.dtype):
        return None
    result = array(found)
    if result.shape != aval.shape:
        raise ShapeError(f"{name}: expected its {mode} rule to give shape {aval.shape}, got {result.shape}")
    if result.dtype != aval.dtype:
        if not np.can_cast(result.dtype, aval.dtype, "same_kind"):
            raise DTypeError(f"{name}: expected its {mode} rule to give {aval.dtype}, got {result.dtype}")
        result = operations.astype(result, aval.dtype)
    return result


class CustomFunction:
    """A function with a derivative rule of its own, made by ``custom_vjp`` or ``custom_jvp``.

    One rule serves both modes: the other is its linear transpose. Where both are defined, each is used for its own.
    """

    def __init__(self, function: Callable[..., Any], mode: str) -> None:
        if not callable(function):
            raise DTypeError(f"custom_{mode}: expected a function, got {type(function).__name__}")
        functools.update_wrapper(self, function)
        self.__name__: str = getattr(function, "__name__", type(function).__name__)
        self.function = function
        self.mode = mode
        self.vjp_rule: Callable[..., Any] | None = None
        self.jvp_rule: Callable[..., Any] | None = None

    def define_vjp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Give the rule ``rule(ct, out, *args)``, which returns a tuple: the cotangent of each argument, or None."""
        self.vjp_rule = rule
        return rule

    def define_jvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Give the rule ``rule(tangents, out, *args)``, which returns the tangent of the result."""
        self.jvp_rule = rule
        return rule

    def __call__(self, *args: Any) -> Any:
        """Call the function; its derivative will be by the rule."""
        if self.vjp_rule is None and self.jvp_rule is None:
            raise NotDifferentiableError(
                f"{self.__name__}: no rule has been given. Decorate it with @{self.__name__}.define_{self.mode}"
            )
        call = _Call(self, args)
        arrays = as_arrays(self.__name__, *(call.leaves[place] for place in call.places))
        watched = any(one._node.watched for one in arrays)
        if not watched:
            return self.function(*args)
        several = apply(custom, tuple(one._node for one in arrays), {"call": call})
        return call.output(results(several))


def custom_vjp(function: Callable[..., Any]) -> CustomFunction:
    """Give a function a rule of its own for reverse mode.

    The rule gets the cotangent of the result, the result, and the arguments; it returns a tuple with the cotangent of
    each argument, None for arguments without a derivative (integers, strings, functions). It is written with array
    operations, so it can be differentiated again. Forward mode uses its linear transpose.

    Raises (when called):
        NotDifferentiableError: no rule was given, or the function uses a watched array that is no argument.
        ShapeError, DTypeError: the rule returns something that does not fit.

    >>> import numpy as np
    >>> import pullback as pb
    >>> @pb.custom_vjp
    ... def softplus(x):
    ...     return np.log(1 + np.exp(x))
    >>> @softplus.define_vjp
    ... def _(ct, out, x):
    ...     return (ct * (1 - np.exp(-out)),)
    >>> pb.grad(softplus)(0.0)
    0.5
    """
    return CustomFunction(function, "vjp")


def custom_jvp(function: Callable[..., Any]) -> CustomFunction:
    """Give a function a rule of its own for forward mode.

    The rule gets a tuple with the tangent of each argument (zeros where nothing arrives, None for arguments without
    a derivative), the result, and the arguments; it returns the tangent of the result, linear in the tangents.
    Reverse mode uses its linear transpose.

    Raises (when called):
        NotDifferentiableError: no rule was given, or the function uses a watched array that is no argument.
        ShapeError, DTypeError: the rule returns something that does not fit.

    >>> import numpy as np
    >>> import pullback as pb
    >>> @pb.custom_jvp
    ... def softplus(x):
    ...     return np.log(1 + np.exp(x))
    >>> @softplus.define_jvp
    ... def _(tangents, out, x):
    ...     return tangents[0] * (1 - np.exp(-out))
    >>> pb.grad(softplus)(0.0)
    0.5
    """
    return CustomFunction(function, "jvp")
