"""while_loop and fori_loop: loops that carry a value until a condition fails, or a number of times."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.control.bodies import LEAF, Argument, Body, Traced, check_takes, name_of, replay, trace_body
from pullback.control.branches import cond
from pullback.control.checkpoint import checkpoint
from pullback.control.deferred import Held, deferred, through
from pullback.control.derived import batched, chosen, over_batch, present, pushed, spread, zeros
from pullback.control.held import Holding, Leaves, converted, finish, held, shown
from pullback.control.scans import grown, scan, scan_primitive, trace_carried, widened
from pullback.core.array import Array
from pullback.core.aval import Aval, TupleAval, as_index
from pullback.core.node import Node
from pullback.core.operations import function, operations
from pullback.core.origin import user_position
from pullback.core.primitive import Params
from pullback.core.record import apply
from pullback.core.sample import call, normal, positive, reject
from pullback.core.several import results
from pullback.core.state import record, recording
from pullback.core.terminals import constant_node, input_node
from pullback.errors import ArgumentError, DTypeError, NotDifferentiableError, ShapeError
from pullback.ops.structural import keep_array


def _run(
    *values: Any, cond: Body, body: Body, cond_consts: int, body_consts: int, max_steps: int | None
) -> tuple[Any, ...]:
    """Run the body on what is carried as long as the condition holds of it."""
    state, _, _ = _steps(values, cond, body, cond_consts, body_consts, max_steps)
    return tuple(state)


def _steps(
    values: Sequence[Any], cond: Body, body: Body, cond_consts: int, body_consts: int, max_steps: int | None
) -> tuple[list[Any], list[list[Any]], int]:
    """What is carried at the end, what else the body gave at each step, and the number of steps."""
    asked, given = values[:cond_consts], values[cond_consts : cond_consts + body_consts]
    state = list(values[cond_consts + body_consts :])
    rows: list[list[Any]] = [[] for _ in body.outputs[len(state) :]]
    steps, holds, run = 0, cond.evaluate, body.evaluate
    while holds((*asked, *state))[0]:
        if steps == max_steps:
            raise ArgumentError(
                f"while_loop: expected at most max_steps={max_steps} steps, but the condition {cond.name} still holds "
                "after them. Give a higher bound, or let the condition count"
            )
        out = run((*given, *state))
        state = out[: len(state)]
        for row, one in zip(rows, out[len(state) :], strict=True):
            row.append(one)
        steps += 1
    return state, rows, steps


class While(Holding):
    """Inputs: ``cond_consts`` of the condition, ``body_consts`` of the body, what is carried. Results: the last."""

    def bodies(self, inputs: Sequence[Any], params: Params) -> list[tuple[Body, Sequence[Any]]]:
        """Condition and body."""
        asked, given, state = _parts(inputs, params)
        return [(params["cond"], [*asked, *state]), (params["body"], [*given, *state])]

    def infer_aval(self, inputs: Sequence[Any], params: Params) -> Aval | TupleAval:
        """The avals of what is carried."""
        return tuple(node.array_aval for node in params["body"].outputs)

    def bind(self, inputs: Sequence[Array], params: Params) -> tuple[Array, ...]:
        """Apply; where a derivative may be asked for, the steps that were made are recorded, a scan of that length."""
        nodes = tuple(x._node for x in inputs)
        if recording.enabled and all(node.value is not None for node in nodes):
            _, given, state = _parts(inputs, params)
            loop = {"body": params["body"], "consts": len(given), "carries": len(state), "reverse": False}
            try:
                plan = scan_primitive.plan([x._node.watched for x in (*given, *state)], (True,) * len(state), loop)
            except NotDifferentiableError:  # it may never be asked for
                plan = None
            if plan is None or any(plan.flowing):
                values = [node.value for node in nodes]
                if params["max_steps"] is not None:
                    _, _, steps = _steps(values, **params)
                    return tuple(_in_segments(params["body"], given, state, steps))
                return self._recorded(values, (*given, *state), params, loop, plan)
        return results(apply(self, nodes, params))

    def _recorded(
        self, values: Sequence[Any], operands: Sequence[Array], params: Params, loop: Params, plan: Any
    ) -> tuple[Array, ...]:
        body = params["body"] if plan is None else plan.parts.forward
        state, rows, steps = _steps(values, **{**params, "body": body})
        shapes = [node.array_aval for node in body.outputs[len(state) :]]
        stacks = [
            np.stack(row) if row else np.empty((0, *aval.shape), aval.dtype)
            for row, aval in zip(rows, shapes, strict=True)
        ]
        made = {**loop, "body": body, "length": steps}
        inputs = tuple(x._node for x in operands)
        node = Node(scan_primitive, inputs, made, (*state, *stacks), True, user_position(2))
        return results(Array(node))[: len(state)]

    def vjp(
        self, ct: Any, out: Array, inputs: Sequence[Array], wanted: Sequence[bool], params: Params
    ) -> list[Array | None]:
        """Where there are values, through the steps that are made; else through all that may be, or when it runs."""
        known = all(x._node.value is not None for x in inputs)
        if known or params["max_steps"] is not None:
            run = self.bind if known else _bounded
            return through(lambda points: run(points, params), inputs, wanted, ct)
        found = deferred.vjp(ct, out, inputs, wanted, {"map": self._map([x.aval for x in inputs], params)})
        return list(found)

    def _map(self, avals: Sequence[Aval], params: Params) -> Held:
        """The loop as a body of its own."""

        def build() -> Held:
            inputs = [input_node(aval) for aval in avals]
            outputs = results(apply(self, tuple(inputs), params))
            return Held(Body(params["body"].name, inputs, [one._node for one in outputs]))

        found: Held = params["body"].derive(("while", *params.values()), build)
        return found

    def jvp(self, tangents: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Any:
        """The loop that carries tangents as well; the condition does not see them."""
        body: Body = params["body"]
        asked, given, state = _parts(inputs, params)
        _, of_given, of_state = _parts(tangents, params)
        flags = tuple(grown(body, present([*of_given, *of_state]), len(given), len(state)))
        moving = flags[len(given) :]
        wide, _ = pushed(body, flags, moving)
        wide = widened(wide, flags, moving, len(given), len(state))
        arriving = [zeros(x.aval) if t is None else t for x, t in zip(state, of_state, strict=True)]
        tangents_of_given = [t for t in of_given if t is not None]
        operands = [*asked, *given, *tangents_of_given, *state, *chosen(moving, arriving)]
        consts = len(given) + len(tangents_of_given)
        widened_cond = _with_more(params["cond"], chosen(moving, state))
        loop = {**params, "cond": widened_cond, "body": wide, "body_consts": consts}
        return spread(moving, self.bind(operands, loop)[len(state) :])

    def batch(self, flags: Sequence[bool], inputs: Sequence[Array], params: Params) -> Any:
        """The loop for all members. Where they differ in when they end, it goes on for as long as one does."""
        size = next(x.shape[0] for x, flag in zip(inputs, flags, strict=True) if flag)
        of_asked, of_given, of_state = (tuple(part) for part in _parts(flags, params))
        while True:
            holds, differs = batched(params["cond"], (*of_asked, *of_state), size)
            full = (True,) * len(of_state) if differs[0] else of_state
            body, after = batched(params["body"], (*of_given, *of_state), size, full)
            if after == of_state:
                break
            of_state = after
        asked, given, state = _parts(inputs, params)
        starts = [
            over_batch(x, size) if flag and not known else x
            for x, flag, known in zip(state, of_state, _parts(flags, params)[2], strict=True)
        ]
        if differs[0]:
            (active,) = replay(holds, [*asked, *starts])
            loop = _masked(holds, body, len(asked), len(given), params["max_steps"])
            return self.bind([*asked, *given, active, *starts], loop)[1:]
        found = self.bind([*asked, *given, *starts], {**params, "cond": holds, "body": body})
        return tuple(one if flag else over_batch(one, size) for one, flag in zip(found, of_state, strict=True))


while_primitive = While(_run, name="while_loop")


def _parts(items: Sequence[Any], params: Params) -> tuple[list[Any], list[Any], list[Any]]:
    """What belongs to the condition, to the body, and to what is carried."""
    first = params["cond_consts"]
    second = first + params["body_consts"]
    return list(items[:first]), list(items[first:second]), list(items[second:])


def _with_more(body: Body, unused: Sequence[Array]) -> Body:
    """The body with further inputs that it does not use."""
    if not unused:
        return body
    return Body(body.name, [*body.inputs, *(input_node(x.aval) for x in unused)], body.outputs)


def _masked(holds: Body, body: Body, asked: int, given: int, max_steps: int | None) -> dict[str, Any]:
    """The loop of all members, as params; it carries also which of them are still running."""

    def build() -> dict[str, Any]:
        mask = input_node(holds.outputs[0].array_aval, "active")
        questions, operands, state = holds.inputs[:asked], body.inputs[:given], body.inputs[given:]
        with record():
            new = [_selected(mask, *pair) for pair in zip(body.outputs, state, strict=True)]
            (still,) = replay(holds, [*map(Array, questions), *new])
            still = operations.logical_and(Array(mask), still)
            going = input_node(mask.array_aval, "active")
            left = operations.any(Array(going))
        step = Body(body.name, [*questions, *operands, mask, *state], [one._node for one in (still, *new)])
        step.quiet = True  # members that have ended go on computing what is thrown away
        carried = [going, *(input_node(node.array_aval, node.name) for node in state)]
        loop = {"cond": Body(holds.name, carried, [left._node]), "body": step}
        return {**loop, "cond_consts": 0, "body_consts": asked + given, "max_steps": max_steps}

    found: dict[str, Any] = body.derive(("masked", holds, max_steps), build)
    return found


def _selected(mask: Node, new: Node, old: Node) -> Array:
    size, *others = new.array_aval.shape
    aligned = Array(mask).reshape(size, *(1,) * len(others))
    found: Array = operations.where(aligned, Array(new), Array(old))
    return found


# With a bound on the number of steps: what is carried is kept at the beginning of each segment only -----------------


def _in_segments(body: Body, given: Sequence[Array], state: Sequence[Array], steps: int) -> list[Array]:
    """Run this many steps, in about the square root of so many segments that are computed again in reverse."""

    def step(state: Any, _: Any) -> Any:
        return tuple(replay(body, [*given, *state])), None

    length = max(math.isqrt(steps), 1)

    def segment(state: Any, _: Any) -> Any:
        return checkpoint(lambda *carried: scan(step, carried, None, length=length)[0])(*state), None

    found, _ = scan(segment, tuple(state), None, length=steps // length)
    found, _ = scan(step, found, None, length=steps % length)
    return list(found)


def _bounded(inputs: Sequence[Array], params: Params) -> list[Array]:
    """Run ``max_steps`` steps, of which those after the condition has failed do nothing."""
    asked, given, state = _parts(inputs, params)

    def step(active: Any, *state: Any) -> Any:
        (still,) = replay(params["cond"], [*asked, *state])
        going = operations.logical_and(active, still)
        return going, *cond(going, lambda *old: tuple(replay(params["body"], [*given, *old])), lambda *old: old, *state)

    bounded = trace_body("while_loop", step, [Argument([x.aval], LEAF) for x in (_TRUE, *state)], hoist=True)
    held_ = [Array(node) for node in bounded.captured]
    return _in_segments(bounded.close(), held_, [_TRUE, *state], params["max_steps"])[1:]


# The functions ------------------------------------------------------------------------------------------------------

_TRUE = Array(constant_node(np.asarray(True)))


def _small(x: Any) -> Any:
    return operations.sum(x * x) < 40.0


def _grow(x: Any) -> Any:
    return x * (1.5 + 0.1 * operations.sin(x))


def _is_below_three(state: Any) -> Any:
    return state["i"] < 3


def _count(state: Any) -> Any:
    return {"i": state["i"] + 1, "x": operations.sin(state["x"]) * state["x"]}


def _vector(x: Any) -> Any:
    return x > 0


def _pair(x: Any) -> Any:
    return x, x


def _wide(x: Any) -> Any:
    return operations.stack([x, x])


@function(
    samples=[
        call(_small, _grow, positive(3)),
        call(_small, _grow, positive(3), max_steps=12),
        call(_is_below_three, _count, {"i": 0, "x": positive(2)}),
        call(_is_below_three, _count, {"i": 3, "x": positive(2)}),
    ],
    rejects=[
        reject(ShapeError, "while_loop: expected _vector to return one boolean, got bool[3]", _vector, _grow,
               normal(3)),
        reject(DTypeError, "while_loop: expected _grow to return one boolean, got float64[]. Compare it", _grow, _grow,
               normal()),
        reject(ArgumentError, "while_loop: expected init_val to hold at least one array", _small, _grow, ()),
        reject(ShapeError, "while_loop: expected _pair to return what is carried of the structure *", _small, _pair,
               normal(3)),
        reject(ShapeError, "while_loop: expected what _wide carries to be float64[3], got float64[2, 3]", _small, _wide,
               normal(3)),
        reject(ShapeError, "while_loop: expected _pair to return one boolean, got (*, *)", _pair, _grow, normal()),
        reject(DTypeError, "while_loop: expected a function of 1 argument, got <lambda>(i, x)", _small, lambda i, x: x,
               normal()),
        reject(ArgumentError, "while_loop: expected max_steps of 0 or more, got -1", _small, _grow, normal(3), -1),
        reject(DTypeError, "while_loop: expected a function, got int", 3, _grow, normal(3)),
    ],
)  # fmt: skip
def while_loop(
    cond_fun: Callable[..., Any], body_fun: Callable[..., Any], init_val: Any, max_steps: int | None = None
) -> Any:
    """Return what is carried when ``cond_fun`` of it fails first, as one node.

    It is this loop, traced once and differentiable in every mode and order::

        while cond_fun(value):
            value = body_fun(value)

    The reverse mode keeps what it uses of each step, so memory grows with the number of steps. With ``max_steps`` it
    keeps what is carried at about the square root of so many steps, and computes the rest again.

    Args:
        cond_fun: gets what is carried, returns a boolean without axes.
        body_fun: gets what is carried, returns it of the same structure, shapes and dtypes. What both close over is
            differentiated too.
        init_val: an array or a container of them.
        max_steps: a bound on the number of steps.

    Raises:
        ShapeError, DTypeError: what is carried changes, or the condition is no single boolean.
        ArgumentError: the condition still holds after ``max_steps``, or nothing is carried.

    >>> while_loop(lambda x: x < 100.0, lambda x: x * x, 3.0)
    6561.0
    """
    if max_steps is not None and as_index("while_loop", "max_steps", max_steps) < 0:
        raise ArgumentError(f"while_loop: expected max_steps of 0 or more, got {max_steps}")
    first = Leaves("while_loop", init_val)
    if not first.arrays:
        raise ArgumentError("while_loop: expected init_val to hold at least one array, got none: it would never end")
    body, carried = trace_carried("while_loop", body_fun, first, [], lambda traced: traced.structure)
    question = trace_body("while_loop", cond_fun, [carried], hoist=True)
    (given,) = held([first], [*question.captured, *body.captured])
    params = {
        "cond": question.close(outputs=[_single(question)]), "body": body.close(),
        "cond_consts": len(question.captured), "body_consts": len(body.captured),
        "max_steps": None if max_steps is None else int(max_steps),
    }  # fmt: skip
    operands = [*map(Array, question.captured), *map(Array, body.captured), *converted(given, carried.leaves)]
    return finish(while_primitive.bind(operands, params), first.structure, init_val)


def _single(question: Traced) -> Node:
    expected = f"while_loop: expected {question.name} to return one boolean"
    if question.structure != LEAF:
        raise ShapeError(f"{expected}, got {shown(question.structure)}")
    (node,) = question.outputs
    if node.array_aval.shape:
        raise ShapeError(f"{expected}, got {node.aval}. Use np.all or np.any")
    if node.array_aval.dtype.kind != "b":
        raise DTypeError(f"{expected}, got {node.aval}. Compare it with something: x > 0, say")
    return node


def _pair_of(i: Any, x: Any) -> Any:
    return operations.stack([x, x])


def _turn(i: Any, x: Any) -> Any:
    return operations.sin(x) * (i + 1)


@function(
    samples=[
        call(0, 3, _turn, positive(2)),
        call(2, 1, _turn, positive(2)),
        call(1, np.asarray(4), _turn, positive()),
    ],
    rejects=[
        reject(DTypeError, "fori_loop: expected an integer as upper, got 2.5", 0, 2.5, _turn, normal(2)),
        reject(ShapeError, "fori_loop: expected lower without axes", np.arange(2), 3, _turn, normal(2)),
        reject(DTypeError, "fori_loop: expected a function of 2 arguments, got _grow(x: ", 0, 3, _grow, normal(2)),
        reject(ShapeError, "fori_loop: expected what _pair_of carries to be float64[2]", 0, 3,
               _pair_of, normal(2)),
    ],
)  # fmt: skip
def fori_loop(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any) -> Any:
    """Return ``body_fun`` applied to a carried value for each integer from ``lower`` to ``upper - 1``, as one node.

    It is this loop, traced once and differentiable in every mode and order::

        for i in range(lower, upper):
            value = body_fun(i, value)

    Bounds that have no value while the function is traced make a ``while_loop``; others a ``scan``.

    Args:
        lower: an integer.
        upper: an integer; for one that is not above ``lower`` nothing runs.
        body_fun: gets the integer and what is carried, returns that of the same structure, shapes and dtypes.
        init_val: an array or a container of them.

    Raises:
        ShapeError, DTypeError: what is carried changes, or a bound is no integer.

    >>> fori_loop(1, 5, lambda i, x: x * i, 1.0)
    24.0
    """
    bounds = [_bound(name, bound) for name, bound in (("lower", lower), ("upper", upper))]

    def turn(value: Any, i: Any) -> Any:
        return body_fun(i, value)

    turn.__name__ = name_of(body_fun)
    check_takes("fori_loop", body_fun, 2)
    first = Leaves("fori_loop", init_val)
    number = Argument([Aval((), np.dtype(np.int64))], LEAF, [True])
    traced, carried = trace_carried("fori_loop", turn, first, [number], lambda traced: traced.structure)
    (given,) = held([first], traced.captured)
    operands, arrays = list(map(Array, traced.captured)), converted(given, carried.leaves)
    body = traced.close()
    if all(isinstance(bound, int) for bound in bounds):
        steps = np.arange(*bounds)
        params = {"consts": len(operands), "carries": len(arrays), "length": len(steps), "reverse": False}
        stack = Array(constant_node(steps))
        found = scan_primitive.bind([*operands, *arrays, stack], {"body": body, **params})
    else:
        found = _counted(body, operands, arrays, *(operations.astype(bound, np.int64) for bound in bounds))
    return finish(found, first.structure, lower, upper, init_val)


def _bound(name: str, bound: Any) -> Any:
    """A bound as an integer, or as an Array if it has no value."""
    array = keep_array("fori_loop", bound, False)
    if array.shape:
        raise ShapeError(f"fori_loop: expected {name} without axes, got {array.aval}")
    if array._node.value is not None or array.dtype.kind not in "iu":
        return as_index("fori_loop", name, bound)
    return array


def _counted(body: Body, given: list[Array], state: list[Array], lower: Any, upper: Any) -> tuple[Array, ...]:
    """The loop with a counter among what it carries."""
    number, limit = (input_node(Aval((), np.dtype(np.int64)), name) for name in ("i", "upper"))
    inner = body.inputs[len(given) : -1]
    with record():
        after = replay(body, [*map(Array, body.inputs[:-1]), Array(number)])
        new = [operations.add(Array(number), 1), *after]
        holds = operations.less(Array(number), Array(limit))
    step = Body(body.name, [*body.inputs[: len(given)], number, *inner], [one._node for one in new])
    carried = [number, *(input_node(node.array_aval, node.name) for node in inner)]
    params = {
        "cond": Body("counter", [limit, *carried], [holds._node]), "body": step,
        "cond_consts": 1, "body_consts": len(given), "max_steps": None,
    }  # fmt: skip
    return while_primitive.bind([upper, *given, lower, *state], params)[1:]
