"""A user's own derivative rule for a function of theirs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.control.bodies import LEAF, Argument, Body, check_takes, name_of, trace_body
from pullback.control.derived import batched, over_batch, zeros
from pullback.control.held import Holding
from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import Aval, TupleAval
from pullback.core.creation import array
from pullback.core.graph import ancestors
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.primitive import Params
from pullback.core.several import results
from pullback.core.state import record
from pullback.core.terminals import constant_node, input_node, leaf_node
from pullback.dtypes import is_differentiable
from pullback.errors import ArgumentError, DTypeError, NotDifferentiableError, ShapeError
from pullback.ops.structural import as_arrays
from pullback.transforms.arguments import is_value
from pullback.transforms.backward import pull_back
from pullback.transforms.vectorize import batch_nodes


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

    def pull(self, ct: Sequence[Any], outputs: Sequence[Array], inputs: Sequence[Array]) -> list[Array | None]:
        """The user's pullback."""
        return _pull(self, ct, outputs, inputs)

    def push(self, tangents: Sequence[Any], outputs: Sequence[Array], inputs: Sequence[Array]) -> list[Array]:
        """The user's pushforward."""
        return _push(self, tangents, outputs, inputs)

    def __repr__(self) -> str:
        return self.function.__name__


class _Batched:
    """The rules of a call for all members of a batch.

    ``flags`` says which arguments have the members along axis 0, as all results do.
    """

    def __init__(self, call: _Call | _Batched, flags: Sequence[bool], size: int) -> None:
        self.call = call
        self.function: CustomFunction = call.function
        self.flags = list(flags)
        self.size = size

    def pull(self, ct: Sequence[Any], outputs: Sequence[Array], inputs: Sequence[Array]) -> list[Array | None]:
        """The pullback of each member; what arrives at an array that they share is summed."""
        count = len(outputs)

        def pull(*arrays: Array) -> Any:
            return self.call.pull(arrays[:count], arrays[count : 2 * count], arrays[2 * count :])

        everything = [*ct, *outputs, *inputs]
        found = self._over(lambda arrays: pull(*arrays), everything, [True] * (2 * count) + self.flags)
        return [
            one if one is None or flag else operations.sum(one, axis=0)
            for one, flag in zip(found, self.flags, strict=True)
        ]

    def push(self, tangents: Sequence[Any], outputs: Sequence[Array], inputs: Sequence[Array]) -> list[Array]:
        """The pushforward of each member."""
        count = len(inputs)

        def push(*arrays: Array) -> Any:
            return self.call.push(arrays[:count], arrays[2 * count :], arrays[count : 2 * count])

        everything = [*tangents, *inputs, *outputs]
        flags = [*self.flags, *self.flags, *[True] * len(outputs)]
        found = self._over(lambda arrays: push(*arrays), everything, flags)
        return [one for one in found if one is not None]

    def _over(
        self, f: Callable[[list[Array]], Sequence[Array | None]], arrays: Sequence[Array], flags: Sequence[bool]
    ) -> list[Array | None]:
        """Run ``f`` for one member, then for all; each result with the batch as its axis 0."""
        given: dict[Node, Array] = {}
        members = []
        for x, flag in zip(arrays, flags, strict=True):
            if flag:
                node = input_node(Aval(x.shape[1:], x.dtype))
                given[node] = x
                x = Array(node)
            members.append(x)
        with record():
            found = f(members)
            whole = batch_nodes([one._node for one in found if one is not None], given)
        return [
            None if one is None else whole[one._node] if one._node in whole else over_batch(one, self.size)
            for one in found
        ]

    def __repr__(self) -> str:
        return repr(self.call)


def _evaluate(*values: Any, call: _Call, body: Body | None) -> tuple[Any, ...]:
    """A call of a function that has a derivative rule of its own."""
    if body is not None:
        return tuple(body.evaluate(values))
    outputs = call.run([Array(constant_node(value)) for value in values])
    if any(out._node.watched for out in outputs):
        raise _unlisted(call)
    return tuple(out._node.value for out in outputs)


def _unlisted(call: _Call) -> NotDifferentiableError:
    return NotDifferentiableError(
        f"{call.function.__name__}: the function uses a watched array that is not among its arguments, "
        "so its gradient would be lost. Pass it as an argument"
    )


class CustomPrimitive(Holding):
    """The primitive of all calls of functions with a rule of their own.

    A node's params say which call it is (``call``), and what it computes, where it was traced (``body``).
    """

    def bodies(self, inputs: Sequence[Any], params: Params) -> list[tuple[Body, Sequence[Any]]]:
        """The function, where it was traced."""
        return [] if params["body"] is None else [(params["body"], inputs)]

    def infer_aval(self, inputs: Sequence[Any], params: Params) -> Aval | TupleAval:
        """The avals of what the function returns."""
        body = params["body"] or _traced(params["call"], inputs)
        return tuple(node.array_aval for node in body.outputs)

    def bind(self, inputs: Sequence[Array], params: Params) -> tuple[Array, ...]:
        """Apply; where a value is missing, the function is traced."""
        if params["body"] is None and any(x._node.value is None for x in inputs):
            params = {**params, "body": _traced(params["call"], [x.aval for x in inputs])}
        return super().bind(inputs, params)

    def vjp(self, ct: Any, out: Array, inputs: Sequence[Array], wanted: Sequence[bool], params: Params) -> list[Any]:
        """The user's pullback; from a user's pushforward, its linear transpose."""
        call: _Call | _Batched = params["call"]
        outputs = results(out)
        ct = [zeros(x.aval) if one is None else one for one, x in zip(ct, outputs, strict=True)]
        if call.function.vjp_rule is not None:
            return call.pull(ct, outputs, inputs)
        tangents = [_probe(x) for x in inputs]
        return _transposed(call, "jvp", call.push(tangents, outputs, inputs), ct, tangents)

    def jvp(self, tangents: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Any:
        """The user's pushforward; from a user's pullback, its linear transpose."""
        call: _Call | _Batched = params["call"]
        outputs = results(out)
        if call.function.jvp_rule is not None:
            full = [zeros(x.aval) if t is None else t for x, t in zip(inputs, tangents, strict=True)]
            return call.push(full, outputs, inputs)
        cotangents = [_probe(one) for one in outputs]
        pulled = call.pull(cotangents, outputs, inputs)
        pairs = [(one, t) for one, t in zip(pulled, tangents, strict=True) if one is not None and t is not None]
        return _transposed(call, "vjp", [one for one, _ in pairs], [t for _, t in pairs], cotangents)

    def batch(self, flags: Sequence[bool], inputs: Sequence[Array], params: Params) -> Any:
        """The function and its rule for all members."""
        size = next(x.shape[0] for x, flag in zip(inputs, flags, strict=True) if flag)
        body, _ = batched(params["body"], tuple(flags), size, (True,) * len(params["body"].outputs))
        return self.bind(inputs, {"call": _Batched(params["call"], flags, size), "body": body})


def _traced(call: _Call, avals: Sequence[Aval]) -> Body:
    """The function as a graph."""

    def run(*arrays: Array) -> Any:
        return call.run(arrays)

    run.__name__ = call.function.__name__
    traced = trace_body(run.__name__, run, [Argument([aval], LEAF) for aval in avals], hoist=True)
    if traced.captured:
        raise _unlisted(call)
    return traced.close()


custom = CustomPrimitive(_evaluate, name="custom")


def _probe(x: Array) -> Array:
    """A watched array of the shape of x: what a linear rule is transposed by, and seen to be linear."""
    numbers = np.random.default_rng(0).uniform(0.5, 1.5, size=x.shape).astype(x.dtype)
    return Array(leaf_node(numbers))


def _transposed(
    call: _Call | _Batched, mode: str, given: Sequence[Array], arriving: Sequence[Any], probes: Sequence[Array]
) -> list[Array | None]:
    """The transpose of what a rule gave for the probes, checked to be linear in them."""
    nodes = [one._node for one in given]
    traced = any(one._node.value is None for one in (*given, *arriving))
    # Where values are missing, it is to be seen in the graph whether the transpose uses the probes.
    found = pull_back(nodes, arriving, [probe._node for probe in probes], keep=traced)
    if not _is_linear(given, arriving, found, probes):
        what = "tangents" if mode == "jvp" else "cotangents"
        raise ArgumentError(
            f"custom_{mode}: expected the rule of {call.function.__name__} to be linear in the {what}, got one that is "
            f"not. Products of {what}, functions of them and constants beside them have no transpose"
        )
    return found


def _is_linear(
    given: Sequence[Array], arriving: Sequence[Array], found: Sequence[Array | None], probes: Sequence[Array]
) -> bool:
    """Whether <ct, J t> is <J^T ct, t>; while a function is being traced, whether J is seen to be free of t."""
    pairs = [*zip(given, arriving, strict=True), *((x, t) for x, t in zip(found, probes, strict=True) if x is not None)]
    if any(one._node.value is None for pair in pairs for one in pair):
        constant = any(not one._node.watched and np.any(one._node.value) for one in given)
        nodes = {probe._node for probe in probes}
        first = min(node.index for node in nodes)
        back = ancestors([x._node for x in found if x is not None], stop=lambda node: node.index < first)
        return not constant and nodes.isdisjoint(back)
    with np.errstate(all="ignore"):
        terms = [(one._node.value * np.conjugate(other._node.value)).real for one, other in pairs]
        totals, sizes = [float(x.sum()) for x in terms], sum(float(abs(x).sum()) for x in terms)
    precision = max((np.finfo(np.result_type(x.dtype, np.float16)).eps for x in terms), default=0.0)
    before, after = sum(totals[: len(given)]), sum(totals[len(given) :])
    return not abs(before - after) > np.sqrt(precision) * sizes  # nor where they are NaN


def _pull(call: _Call, ct: Sequence[Any], outputs: Sequence[Array], inputs: Sequence[Array]) -> list[Array | None]:
    name = call.function.__name__
    rule = call.function.vjp_rule
    assert rule is not None
    arguments = call.arguments(inputs)
    check_takes("custom_vjp", rule, 2 + len(arguments), f"as the rule of {name} a function")
    found = rule(call.output(ct), call.output(outputs), *arguments)
    if not isinstance(found, (tuple, list)) or len(found) != len(arguments):
        got = f"{len(found)} of them" if isinstance(found, (tuple, list)) else type(found).__name__
        raise ShapeError(
            f"custom_vjp: expected the rule of {name} to return a tuple of {len(arguments)} cotangents, one for each "
            f"argument (None for one without derivative), got {got}"
        )
    # None stands for zeros of a whole argument; laid out, there is one entry for each leaf.
    structures = [tree.flatten(argument)[1] for argument in arguments]
    leaves: list[Any] = []
    for position, (structure, one) in enumerate(zip(structures, found, strict=True)):
        try:
            leaves += [None] * structure.num_leaves if one is None else structure.flatten_up_to(one)
        except ValueError as error:
            raise ShapeError(
                f"custom_vjp: expected the rule of {name} to give argument {position} a cotangent of its structure. "
                f"{error}"
            ) from None
    by_input = [leaves[place] for place in call.places]
    return [_fitted(name, "vjp", one, x.aval) for one, x in zip(by_input, inputs, strict=True)]


def _push(call: _Call, tangents: Sequence[Any], outputs: Sequence[Array], inputs: Sequence[Array]) -> list[Array]:
    name = call.function.__name__
    rule = call.function.jvp_rule
    assert rule is not None
    arguments = call.arguments(inputs)
    check_takes("custom_jvp", rule, 2 + len(arguments), f"as the rule of {name} a function")
    found = rule(call.arguments(tangents, lambda leaf: None), call.output(outputs), *arguments)
    try:
        leaves = call.output_structure.flatten_up_to(found)
    except ValueError as error:
        raise ShapeError(
            f"custom_jvp: expected the rule of {name} to return the structure of the result. {error}"
        ) from None
    if any(one is None and is_differentiable(out.dtype) for one, out in zip(leaves, outputs, strict=True)):
        raise DTypeError(f"custom_jvp: expected the rule of {name} to return the tangent of the result, got None")
    fitted = [_fitted(name, "jvp", one, out.aval) for one, out in zip(leaves, outputs, strict=True)]
    return [zeros(out.aval) if one is None else one for one, out in zip(fitted, outputs, strict=True)]


def _fitted(name: str, mode: str, found: Any, aval: Aval) -> Array | None:
    """Check what a rule gave against what it belongs to."""
    if found is None or not is_differentiable(aval.dtype):
        return None
    result = array(found)
    if result.shape != aval.shape:
        raise ShapeError(f"custom_{mode}: expected the rule of {name} to give shape {aval.shape}, got {result.shape}")
    if result.dtype != aval.dtype:
        if not np.can_cast(result.dtype, aval.dtype, "same_kind"):
            raise DTypeError(f"custom_{mode}: expected the rule of {name} to give {aval.dtype}, got {result.dtype}")
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
        self.__name__: str = name_of(function)
        self.function = function
        self.mode = mode
        self.vjp_rule: Callable[..., Any] | None = None
        self.jvp_rule: Callable[..., Any] | None = None

    def define_vjp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Give the rule ``rule(ct, out, *args)``, which returns a tuple: the cotangent of each argument, or None."""
        self.vjp_rule = self._checked("vjp", rule)
        return rule

    def define_jvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Give the rule ``rule(tangents, out, *args)``, which returns the tangent of the result."""
        self.jvp_rule = self._checked("jvp", rule)
        return rule

    def _checked(self, mode: str, rule: Any) -> Callable[..., Any]:
        if not callable(rule):
            raise DTypeError(
                f"define_{mode}: expected a function as the rule of {self.__name__}, got {type(rule).__name__}"
            )
        checked: Callable[..., Any] = rule
        return checked

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
        return call.output(custom.bind(arrays, {"call": call, "body": None}))


def custom_vjp(function: Callable[..., Any]) -> CustomFunction:
    """Give a function a rule of its own for reverse mode.

    The rule gets the cotangent of the result, the result, and the arguments; it returns a tuple with the cotangent of
    each argument, None for arguments without a derivative (integers, strings, functions). It is written with array
    operations, so it can be differentiated again. Forward mode uses its linear transpose.

    Raises (when called):
        NotDifferentiableError: no rule was given, or the function uses a watched array that is no argument.
        ShapeError, DTypeError: the rule returns something that does not fit.
        ArgumentError: in forward mode, the rule is not linear in the cotangent.

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
        ArgumentError: in reverse mode, the rule is not linear in the tangents.

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
