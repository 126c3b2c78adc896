"""scan: a loop whose steps share one body, as a single node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.control.bodies import Argument, Body, Traced, replay, trace_body
from pullback.control.derived import (
    Flags,
    Split,
    batched,
    chosen,
    differentiable,
    over_batch,
    present,
    pushed,
    split,
    spread,
    zeros,
)
from pullback.control.held import (
    Holding,
    Leaves,
    check_flag,
    check_leaf,
    check_structure,
    converted,
    finish,
    held,
    holds,
    path,
)
from pullback.core.array import Array
from pullback.core.aval import Aval, TupleAval, as_index
from pullback.core.node import Node
from pullback.core.operations import function, operations
from pullback.core.primitive import Params
from pullback.core.record import apply
from pullback.core.sample import call, normal, reject
from pullback.core.several import results
from pullback.core.state import record, recording
from pullback.core.terminals import input_node
from pullback.errors import ArgumentError, DTypeError, NotDifferentiableError, ShapeError


def _run(*values: Any, body: Body, consts: int, carries: int, length: int, reverse: bool) -> tuple[Any, ...]:
    """Run a body for each step: it gets what is held, what is carried and one row of each stack.

    It gives what is carried on, and one row of each stacked result.
    """
    given, state, stacks = values[:consts], values[consts : consts + carries], values[consts + carries :]
    rows = [np.empty((length, *one.array_aval.shape), one.array_aval.dtype) for one in body.outputs[carries:]]
    run = body.evaluate
    for step in range(length - 1, -1, -1) if reverse else range(length):
        out = run((*given, *state, *[stack[step] for stack in stacks]))
        state = tuple(out[:carries])
        for row, one in zip(rows, out[carries:], strict=True):
            row[step] = one
    return (*state, *rows)


class Scan(Holding):
    """Inputs: ``consts`` that every step sees, ``carries`` initial values, stacks. Results: final values, stacks."""

    def bodies(self, inputs: Sequence[Any], params: Params) -> list[tuple[Body, Sequence[Any]]]:
        """The body, on what is held and carried and on one row of each stack."""
        whole = params["consts"] + params["carries"]
        rows = [Aval(aval.shape[1:], aval.dtype) for aval in inputs[whole:]]
        return [(params["body"], [*inputs[:whole], *rows])]

    def infer_aval(self, inputs: Sequence[Any], params: Params) -> TupleAval:
        """The avals of the body's results, those that are stacked with the length before them."""
        outputs = [node.array_aval for node in params["body"].outputs]
        carries, length = params["carries"], params["length"]
        stacked = [Aval((length, *aval.shape), aval.dtype) for aval in outputs[carries:]]
        return (*outputs[:carries], *stacked)

    def bind(self, inputs: Sequence[Array], params: Params) -> tuple[Array, ...]:
        """Apply; where a derivative may be asked for, what its pullback uses is saved in the same run."""
        nodes = tuple(one._node for one in inputs)
        if recording.enabled and all(node.value is not None for node in nodes):
            count = len(params["body"].outputs)
            try:
                plan = self.plan([node.watched for node in nodes], (True,) * count, params)
            except NotDifferentiableError:  # it may never be asked for
                plan = None
            if plan is not None and any(plan.flowing):
                return results(apply(self, nodes, {**params, "body": plan.parts.forward}))[:count]
        return results(apply(self, nodes, params))

    # Derivatives ----------------------------------------------------------------------------------------------------

    def plan(self, wanted: Sequence[bool], active: Sequence[bool], params: Params) -> Plan:
        """Split the pullback of the body, for the inputs and outputs between which a cotangent can flow."""
        body, consts, carries = params["body"], params["consts"], params["carries"]
        moving = grown(body, differentiable(body, wanted), consts, carries)
        flowing = _used(body, active, consts, carries)
        outputs = tuple(
            flag and any(moving[p] for p in body.reach[o]) and (o >= carries or moving[consts + o])
            for o, flag in enumerate(flowing)
        )
        inputs = tuple(
            flag and (not consts <= p < consts + carries or outputs[p - consts]) for p, flag in enumerate(moving)
        )
        places = range(len(inputs))
        fixed, known = tuple(p < consts for p in places), tuple(not consts <= p < consts + carries for p in places)
        return Plan(split(body, inputs, outputs, fixed, known), inputs, outputs, consts, carries)

    def vjp(
        self, ct: Any, out: Array, inputs: Sequence[Array], wanted: Sequence[bool], params: Params
    ) -> list[Array | None]:
        """Run the body with what its pullback uses saved, unless that was done; then the pullbacks, in reverse."""
        ct, saved, params = self._saved(ct, out, wanted, params)
        plan = self.plan(wanted, present(ct), params)
        consts, carries, parts = plan.consts, plan.carries, plan.parts
        if not any(parts.given) and not any(plan.moving):
            return [None] * len(inputs)
        if saved is None:
            rerun = self.bind(inputs, {**params, "body": parts.forward})
            saved = rerun[len(params["body"].outputs) :]
        avals = self.infer_aval([x.aval for x in inputs], params)
        full = [zeros(aval) if one is None else one for one, aval in zip(ct, avals, strict=True)]
        states = chosen(plan.flowing[:carries], full[:carries])
        stacks = chosen(plan.flowing[carries:], full[carries:])
        sums = [zeros(x.aval) for x in chosen(parts.given[:consts], inputs[:consts])]
        fixed = [*replay(parts.invariant, inputs[:consts]), *chosen(parts.needed[:consts], inputs[:consts])]
        rows = chosen(parts.needed[consts + carries :], inputs[consts + carries :])
        held = {"consts": len(fixed), "carries": len(states) + len(sums)}
        backward = {"body": plan.backward, **held, "length": params["length"], "reverse": not params["reverse"]}
        found = iter(self.bind([*fixed, *states, *sums, *rows, *saved, *stacks], backward))
        by_state = spread(plan.moving[consts : consts + carries], found)
        by_const = spread(parts.given[:consts], found)
        return [*by_const, *by_state, *spread(parts.given[consts + carries :], found)]

    def _saved(self, ct: Any, out: Array, wanted: Sequence[bool], params: Params) -> tuple[Any, Any, Params]:
        """The cotangents, what the node has saved of its run (None if nothing), and the params without that."""
        inner: Body | None = params["body"].extends
        if inner is None or any(one is not None for one in ct[len(inner.outputs) :]):
            return ct, None, params
        count = len(inner.outputs)
        plain = {**params, "body": inner}
        plan = self.plan(wanted, (True,) * count, plain)
        if plan.parts.forward is not params["body"]:  # it was saved for other inputs
            return ct[:count], None, plain
        kept = results(out)
        every = [zeros(x.aval) if one is None else one for one, x in zip(ct, kept, strict=True)]
        return every[:count], kept[count:], plain

    def jvp(self, tangents: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Any:
        """The loop that carries and stacks tangents as well."""
        body: Body = params["body"]
        consts, carries = params["consts"], params["carries"]
        flags = tuple(grown(body, present(tangents), consts, carries))
        full = tuple(flags[consts + i] if i < carries else False for i in range(len(body.outputs)))
        wide, given = pushed(body, flags, full)
        wide = widened(wide, flags, given, consts, carries)
        arriving = [zeros(x.aval) if t is None else t for x, t in zip(inputs, tangents, strict=True)]
        parts = [slice(0, consts), slice(consts, consts + carries), slice(consts + carries, None)]
        operands = [one for part in parts for one in (*inputs[part], *chosen(flags[part], arriving[part]))]
        states = carries + sum(given[:carries])
        loop = {**params, "body": wide, "consts": consts + sum(flags[:consts]), "carries": states}
        wanted = [o >= carries for o in range(states)]
        wanted += [o >= len(given) - carries for o in range(len(wide.outputs) - states)]
        found = iter(self._only(wanted, operands, loop))
        return spread(given, found)

    def _only(self, wanted: Sequence[bool], inputs: Sequence[Array], params: Params) -> list[Array]:
        """The wanted results of a loop that does without what they do not depend on."""
        body, consts, carries = params["body"], params["consts"], params["carries"]
        kept = list(wanted)
        while True:
            used = {p for o, uses in enumerate(body.uses) if kept[o] for p in uses}
            missing = [i for i in range(carries) if consts + i in used and not kept[i]]
            if not missing:
                break
            for i in missing:
                kept[i] = True
        places = range(len(inputs))
        keep = tuple(kept[p - consts] if consts <= p < consts + carries else p in used for p in places)
        smaller = body.derive(
            ("only", keep, tuple(kept)), lambda: Body(body.name, chosen(keep, body.inputs), chosen(kept, body.outputs))
        )
        counts = {"consts": sum(keep[:consts]), "carries": sum(kept[:carries])}
        found = spread(kept, self.bind(chosen(keep, inputs), {**params, "body": smaller, **counts}))
        return [one for one, flag in zip(found, wanted, strict=True) if flag]

    def batch(self, flags: Sequence[bool], inputs: Sequence[Array], params: Params) -> Any:
        """The loop whose body is for all members; the steps stay along axis 0 of the stacks while it runs."""
        body: Body = params["body"]
        consts, carries = params["consts"], params["carries"]
        size = next(x.shape[0] for x, flag in zip(inputs, flags, strict=True) if flag)
        known = list(flags)
        while True:
            full = tuple(known[consts + i] if i < carries else False for i in range(len(body.outputs)))
            wide, differs = batched(body, tuple(known), size, full)
            if list(differs[:carries]) == known[consts : consts + carries]:
                break
            known[consts : consts + carries] = differs[:carries]
        operands = []
        for i, (x, flag) in enumerate(zip(inputs, flags, strict=True)):
            if i >= consts + carries and flag:
                x = operations.moveaxis(x, 0, 1)
            elif known[i] and not flag:
                x = over_batch(x, size)
            operands.append(x)
        found = self.bind(operands, {**params, "body": wide})
        return tuple(
            over_batch(one, size) if not differs[i] else one if i < carries else operations.moveaxis(one, 1, 0)
            for i, one in enumerate(found[: len(body.outputs)])
        )


scan_primitive = Scan(_run, name="scan")


def grown(body: Body, flags: Sequence[bool], consts: int, carries: int) -> list[bool]:
    """Flag also the carried values that come to depend on a flagged input, in whatever step."""
    found = list(flags)
    changed = True
    while changed:
        changed = False
        for i in range(carries):
            if not found[consts + i] and any(found[p] for p in body.reach[i]):
                found[consts + i] = changed = True
    return found


def _used(body: Body, flags: Sequence[bool], consts: int, carries: int) -> list[bool]:
    """Flag also the carried values that a flagged output depends on, in whatever step."""
    found = list(flags)
    changed = True
    while changed:
        changed = False
        for i in range(carries):
            if not found[i] and any(
                flag and consts + i in reach for flag, reach in zip(found, body.reach, strict=True)
            ):
                found[i] = changed = True
    return found


@dataclass
class Plan:
    """How a loop is pulled back.

    Attributes:
        parts: the body and its pullback, see ``split``.
        moving: the inputs that have a cotangent.
        flowing: the outputs at which one arrives.
        consts, carries: of the loop.
    """

    parts: Split
    moving: Flags
    flowing: Flags
    consts: int
    carries: int

    @property
    def backward(self) -> Body:
        """The pullback of one step; what arrives at the held inputs is summed up in what it carries."""
        key = ("loop", self.moving, self.flowing, self.consts, self.carries)
        return self.parts.backward.derive(key, self._backward)

    def _backward(self) -> Body:
        parts, body, consts, whole = self.parts, self.parts.backward, self.consts, self.consts + self.carries
        inputs = list(body.inputs)
        fixed = len(parts.invariant.outputs) + sum(parts.needed[:consts])
        first = len(inputs) - sum(self.flowing)  # of the cotangents
        states = inputs[first : first + sum(self.flowing[: self.carries])]
        found = spread(parts.given, map(Array, body.outputs))
        given = [one for one in found[:consts] if one is not None]
        sums = [input_node(one.aval, "sum") for one in given]
        by_const = [operations.add(Array(total), one) for total, one in zip(sums, given, strict=True)]
        arrived = chosen(self.moving[consts:whole], found[consts:whole])
        by_state = [zeros(state.array_aval) if one is None else one for state, one in zip(states, arrived, strict=True)]
        by_row = [one for one in found[whole:] if one is not None]
        ordered = [*inputs[:fixed], *states, *sums, *inputs[fixed:first], *inputs[first + len(states) :]]
        return Body(body.name, ordered, [one._node for one in (*by_state, *by_const, *by_row)])


def widened(body: Body, flags: Flags, given: Flags, consts: int, carries: int) -> Body:
    """Order what ``pushed`` gives as a loop has it: what is held, carried, stacked, each with its tangents."""
    return body.derive(("loop", consts, carries), lambda: _widened(body, flags, given, consts, carries))


def _widened(body: Body, flags: Flags, given: Flags, consts: int, carries: int) -> Body:
    tangents = spread(flags, body.inputs[len(flags) :])
    inputs = [
        node
        for part in (slice(0, consts), slice(consts, consts + carries), slice(consts + carries, len(flags)))
        for node in (*body.inputs[part], *(t for t in tangents[part] if t is not None))
    ]
    pushed_outputs = spread(given, body.outputs[len(given) :])
    outputs = [
        node
        for part in (slice(0, carries), slice(carries, len(given)))
        for node in (*body.outputs[part], *(t for t in pushed_outputs[part] if t is not None))
    ]
    return Body(body.name, inputs, outputs)


# The function -------------------------------------------------------------------------------------------------------


def trace_carried(
    operation: str, f: Callable[..., Any], init: Leaves, others: Sequence[Argument], carried: Callable[[Traced], Any]
) -> tuple[Traced, Argument]:
    """Trace a body that gets what it carries as its argument and gives it back, of the same structure and avals.

    A Python number among the initial values takes the dtype that the body makes of it, as in Python's own loop.

    Args:
        operation: what errors name.
        f: the body, called with the carried values and ``others``.
        init: the initial values.
        others: its further arguments.
        carried: the structure of the carried values in what the body returned; their leaves come first.

    Returns:
        What was traced, and how the carried values were given.
    """
    given = init.argument()
    while True:  # each turn raises the kind of a dtype, or makes a number an array
        traced = trace_body(operation, f, [given, *others], hoist=True)
        check_structure(operation, f"{traced.name} to return what is carried", init.structure, carried(traced))
        raised = [_raised(*leaf) for leaf in zip(given.leaves, given.weak or (), traced.outputs, traced.weak)]  # noqa: B905  # carried ones come first
        if raised == list(zip(given.leaves, given.weak or (), strict=True)):
            break
        given = Argument([aval for aval, _ in raised], init.structure, [weak for _, weak in raised])
    for i, aval in enumerate(given.leaves):
        found = traced.outputs[i].array_aval
        if traced.weak[i] and found.shape == aval.shape and holds(aval.dtype, found.dtype):
            with record():
                traced.outputs[i] = operations.astype(Array(traced.outputs[i]), aval.dtype)._node
        else:
            place = path(init.structure, i)
            what = f"what {traced.name} carries{f' as {place}' if place else ''}"
            check_leaf(operation, what, aval, found, "It must keep the shape and dtype of the initial value")
    return traced, given


def _raised(aval: Aval, weak: bool, out: Node, out_weak: bool) -> tuple[Aval, bool]:
    """What a carried value is in the next turn, and whether it still stands for a Python number."""
    found = out.array_aval
    if not weak or found.shape != aval.shape or not holds(found.dtype, aval.dtype):
        return aval, weak
    return found, out_weak


def _unit(carry: Any, x: Any) -> Any:
    return operations.sin(carry * x), carry


def _linear(carry: Any, x: Any) -> Any:
    position, velocity = carry
    velocity = velocity - 0.1 * operations.sin(position) * x["gain"]
    return (position + 0.1 * velocity, velocity), {"position": position}


def _wrong_shape(carry: Any, x: Any) -> Any:
    return operations.stack([carry, carry]), x


def _no_pair(carry: Any, x: Any) -> Any:
    return carry


@function(
    samples=[
        call(_unit, normal(2), normal(4, 2)),
        call(_unit, normal(2), normal(4, 2), reverse=True),
        call(_linear, (normal(), normal()), {"gain": normal(3)}),
        call(_unit, normal(2), normal(0, 2)),
    ],
    rejects=[
        reject(
            ShapeError, "scan: expected what _wrong_shape carries to be float64[2]", _wrong_shape, normal(2), normal(3)
        ),
        reject(DTypeError, "scan: expected _no_pair to return a pair (carry, y)", _no_pair, normal(2), normal(3)),
        reject(ShapeError, "scan: expected stacks of one length, got 3 and 4", _unit, normal(), (normal(3), normal(4))),
        reject(ShapeError, "scan: expected xs to have an axis of steps", _unit, normal(), normal()),
        reject(
            ArgumentError, "scan: expected length to be 3, as xs has it, got 4", _unit, normal(), normal(3), length=4
        ),
        reject(ArgumentError, "scan: expected a length of 0 or more, got -1", _unit, normal(), None, length=-1),
        reject(ArgumentError, "scan: expected xs, or a length", _unit, normal(), None),
        reject(DTypeError, "scan: expected a function, got int", 3, normal(2), normal(3)),
        reject(
            DTypeError, "scan: expected a function of 2 arguments, got <lambda>(x)", lambda x: x, normal(2), normal(3)
        ),
        reject(DTypeError, "scan: expected True or False as reverse, got 1", _unit, normal(), normal(3), reverse=1),
    ],
)
def scan(
    f: Callable[..., Any], init: Any, xs: Any = None, length: int | None = None, reverse: bool = False
) -> tuple[Any, Any]:
    """Run ``f`` along axis 0 of ``xs`` while it carries a value on, as one node; return ``(carry, ys)``.

    It is this loop, traced once and differentiable in every mode and order::

        for x in xs:
            carry, y = f(carry, x)
            ys.append(y)

    Args:
        f: gets what is carried and one row of ``xs``, returns what is carried on and one row of ``ys``. What it closes
            over is differentiated too.
        init: what is carried into the first step; an array or a container of them. It keeps its shapes and dtypes.
        xs: an array or a container of them, all with the steps along axis 0. None: only ``length`` counts.
        length: the number of steps, where ``xs`` does not say it.
        reverse: from the last row to the first; each row of ``ys`` stands where its row of ``xs`` does.

    Raises:
        ShapeError, DTypeError: what is carried changes its structure, shape or dtype, or the lengths differ.
        ArgumentError: no length, a negative one, or one that is not that of ``xs``.
        ConcretizationError: ``f`` needs the value of an array. Python's own loop serves there.

    >>> import numpy as np
    >>> scan(lambda total, x: (total + x, total + x), 0.0, np.array([1.0, 2.0, 3.0]))
    (np.float64(6.0), array([1., 3., 6.]))
    """
    check_flag("scan", "reverse", reverse)
    first, rows = Leaves("scan", init), Leaves("scan", xs)
    count = _length(rows, length)
    argument = Argument([Aval(aval.shape[1:], aval.dtype) for aval in rows.avals], rows.structure)
    traced, carried = trace_carried("scan", f, first, [argument], _carry_of_pair)
    given, stacks = held([first, rows], traced.captured)
    params = {
        "body": traced.close(), "consts": len(traced.captured), "carries": len(given),
        "length": count, "reverse": bool(reverse),
    }  # fmt: skip
    operands = [*map(Array, traced.captured), *converted(given, carried.leaves), *stacks]
    found = scan_primitive.bind(operands, params)
    carry, ys = traced.structure.children()
    return finish(found[: len(given)], carry, init, xs), finish(found[len(given) :], ys, init, xs)


def _carry_of_pair(traced: Traced) -> Any:
    structure = traced.structure
    if structure.type is not tuple or structure.num_children != 2:
        raise DTypeError(f"scan: expected {traced.name} to return a pair (carry, y), got another structure")
    return structure.children()[0]


def common_length(operation: str, rows: Leaves) -> int | None:
    """The number of rows that all arrays have; None if there is no array."""
    for i, aval in enumerate(rows.avals):
        if not aval.shape:
            place = path(rows.structure, i)
            raise ShapeError(
                f"{operation}: expected xs{f'.{place}' if place else ''} to have an axis of steps, got {aval}"
            )
    lengths = {aval.shape[0]: None for aval in rows.avals}
    if len(lengths) > 1:
        raise ShapeError(f"{operation}: expected stacks of one length, got {' and '.join(str(one) for one in lengths)}")
    return next(iter(lengths), None)


def _length(rows: Leaves, length: Any) -> int:
    common = common_length("scan", rows)
    if length is None:
        if common is None:
            raise ArgumentError("scan: expected xs, or a length: the number of steps is not known")
        return common
    length = as_index("scan", "length", length)
    if length < 0:
        raise ArgumentError(f"scan: expected a length of 0 or more, got {length}")
    if common not in (None, length):
        raise ArgumentError(f"scan: expected length to be {common}, as xs has it, got {length}")
    return int(length)
