"""linearize and linear_transpose: linear maps as functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.control.bodies import Argument, Body, Traced, captured_by, run, trace_body
from pullback.control.derived import present, pulled, spread, zeros
from pullback.control.held import Leaves
from pullback.core import tree
from pullback.core.array import Array
from pullback.core.families import Bilinear, Linear
from pullback.core.node import Node
from pullback.core.state import record
from pullback.core.terminals import input_node
from pullback.dtypes import is_differentiable
from pullback.errors import ArgumentError, ConcretizationError, NotDifferentiableError, ShapeError
from pullback.transforms.arguments import Call, restore, result_kind
from pullback.transforms.backward import fitted
from pullback.transforms.derivatives import directions, restore_tree
from pullback.transforms.forward import push_forward


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Return ``(f(*primals), f_jvp)``; ``f_jvp(*tangents)`` is the derivative of ``f`` at ``primals`` in a direction.

    What the derivative uses of ``f`` is computed once; ``f_jvp`` may be called again and again, and only multiplies by
    it. For a single direction ``jvp`` is as good.

    Args:
        f: a function of floating or complex arrays, or containers of them, that returns such.
        primals: where it is differentiated.

    Raises:
        NotDifferentiableError: a primal is integer or boolean.
        ShapeError (of ``f_jvp``): tangents do not fit the primals.

    >>> import numpy as np
    >>> out, f_jvp = linearize(np.sin, 0.0)
    >>> out, f_jvp(1.0), f_jvp(2.0)
    (0.0, 1.0, 2.0)
    """
    call = Call("linearize", f, primals, {}, range(len(primals)), keep=True)
    outputs, structure = call.outputs()
    inputs = [input_node(node.array_aval) for node in call.inputs]
    first = inputs[0].index
    with record():
        pushed = push_forward([one._node for one in outputs], call.inputs, [Array(node) for node in inputs])
        found = [zeros(out.aval) if one is None else one for out, one in zip(outputs, pushed, strict=True)]
        nodes = [one._node for one in call.release(found)]
    captured = captured_by(nodes, inputs, first, hoist=True)
    name = getattr(f, "__name__", type(f).__name__)
    body = Traced(f"jvp({name})", inputs, nodes, [False] * len(nodes), structure, captured).close()

    def f_jvp(*tangents: Any) -> Any:
        arriving = directions("linearize", call, primals, tangents)
        results = run(body, [*map(Array, captured), *arriving])
        kind = result_kind(tangents, {})
        return tree.unflatten(structure, [restore(one, kind) for one in results])

    f_jvp.__name__ = f"jvp({name})"
    return restore_tree(call.output, call), f_jvp


def linear_transpose(f: Callable[..., Any], *primals: Any) -> Callable[[Any], tuple[Any, ...]]:
    """Return the transpose of a linear function: from a cotangent of its result to one of each argument.

    For a linear ``f`` it is ``lambda ct: vjp(f, *primals)[1](ct)``, without a point at which ``f`` is evaluated. By the
    inner product Re<a, b>, so that of a complex matrix it is the conjugate transpose.

    Args:
        f: a function that is linear in all its arguments together.
        primals: examples of the arguments, arrays or containers of them: only shapes and dtypes matter.

    Raises:
        ArgumentError: ``f`` is not linear; the message says which operation is not.
        NotDifferentiableError: a primal is integer or boolean, or an operation has no derivative.

    >>> import numpy as np
    >>> transpose = linear_transpose(lambda x: 2.0 * x[::-1], np.zeros(3))
    >>> transpose(np.array([1.0, 2.0, 3.0]))
    (array([6., 4., 2.]),)
    """
    leaves = [Leaves("linear_transpose", primal) for primal in primals]
    for i, one in enumerate(leaves):
        for aval in one.avals:
            if not is_differentiable(aval.dtype):
                raise NotDifferentiableError(
                    f"linear_transpose: expected argument {i} to be floating or complex, got {aval}"
                )
    traced = trace_body("linear_transpose", f, [Argument(one.avals, one.structure) for one in leaves], hoist=True)
    body = traced.close()
    count = len(traced.captured)
    held = [Array(node) for node in traced.captured]
    nothing = [zeros(node.array_aval) for node in traced.arguments]
    _check_linear(body, count, [*held, *nothing])
    kinds = result_kind(primals, {})

    def transpose(ct: Any) -> tuple[Any, ...]:
        try:
            given = traced.structure.flatten_up_to(ct)
        except ValueError as error:
            raise ShapeError(
                f"linear_transpose: expected a cotangent of the structure of the result. {error}"
            ) from None
        words = "linear_transpose: expected a cotangent of the result's"
        arriving = [
            fitted(one, zeros(node.array_aval), words) if is_differentiable(node.array_aval.dtype) else None
            for one, node in zip(given, body.outputs, strict=True)
        ]
        wanted = tuple(i >= count for i in range(len(body.inputs)))
        back, found = pulled(body, wanted, present(arriving), full=wanted)
        results = run(back, [*held, *nothing, *(one for one in arriving if one is not None)])
        cotangents = iter(restore(one, kinds) for one in spread(found, results)[count:])
        return tuple(tree.unflatten(one.structure, [next(cotangents) for _ in one.arrays]) for one in leaves)

    transpose.__name__ = f"transpose({traced.name})"
    return transpose


def _check_linear(body: Body, count: int, zero: Sequence[Array]) -> None:
    """Raise ArgumentError unless the derivative does not depend on the arguments, and nothing is added to it."""
    points = body.inputs[count:]
    reached: dict[Node, Any] = {node: Array(input_node(node.array_aval)) for node in points}
    seen: set[Node] = set()
    for node in body.nodes:
        arriving = [reached.get(source) for source in node.inputs]
        if all(tangent is None for tangent in arriving):
            continue
        with record():
            handles = [Array(source) for source in node.inputs]
            tangent = node.primitive.jvp(arriving, Array(node), handles, node.params)
        if tangent is None:
            continue
        reached[node] = tangent
        waiting = [tangent._node] if isinstance(tangent, Array) else []  # of several results, those that are picked
        while waiting:
            one = waiting.pop()
            if one in points:
                raise ArgumentError(
                    f"linear_transpose: expected a linear function, got {body.name}: its {node.primitive.name} is not "
                    "linear in the arguments"
                )
            if one not in seen:
                seen.add(one)
                waiting += one.inputs
    if _vanishes(body, points):
        return
    for found in run(body, zero):
        if found._node.value is None:
            raise ConcretizationError(
                f"linear_transpose: whether {body.name} adds a constant needs a value, but it closes over an array "
                "that is being traced and has none. Use vjp"
            )
        if np.any(found._node.value):
            raise ArgumentError(
                f"linear_transpose: expected a linear function, got {body.name}, which is not zero at zero: it adds a "
                "constant"
            )


_PRODUCTS = frozenset({"multiply", "strong_product"})
_SUMS = frozenset({"add", "subtract", "negative", "positive", "conjugate", "real", "imag"})


def _vanishes(body: Body, points: Sequence[Node]) -> bool:
    """Whether the outputs are seen to be zero where the arguments are, whatever else the body uses."""
    zero = set(points)
    for node in body.nodes:
        primitive, flags = node.primitive, [source in zero for source in node.inputs]
        if isinstance(primitive, Bilinear) or primitive.name in _PRODUCTS:
            vanishes = any(flags)
        elif isinstance(primitive, Linear):
            vanishes = all(flag for i, flag in enumerate(flags) if primitive.is_linear_in(i))
        else:
            vanishes = primitive.name in _SUMS and all(flags)
        if vanishes and flags:
            zero.add(node)
    return all(node in zero for node in body.outputs)
