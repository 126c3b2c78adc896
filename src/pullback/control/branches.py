"""cond and switch: one of several functions runs, as a single node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.control.bodies import Body, Traced, replay, trace_body
from pullback.control.derived import Flags, batched, either, over_batch, present, pulled, spread, tangents, trimmed
from pullback.control.held import Holding, Leaves, check_leaf, check_structure, finish, held, holds, path
from pullback.core.array import Array
from pullback.core.aval import Aval, TupleAval
from pullback.core.operations import function, operations
from pullback.core.primitive import Params
from pullback.core.sample import booleans, call, integers, normal, positive, reject
from pullback.core.state import record
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.structural import keep_array


def _choose(index: Any, *values: Any, branches: tuple[Body, ...]) -> tuple[Any, ...]:
    """Run the branch at the index; one that is out of range means the nearest."""
    return tuple(branches[min(max(int(index), 0), len(branches) - 1)].evaluate(values))


class Branch(Holding):
    """Inputs: which branch, what all of them get. Results: those of the branch."""

    def bodies(self, inputs: Sequence[Any], params: Params) -> list[tuple[Body, Sequence[Any]]]:
        """Every branch."""
        return [(body, inputs[1:]) for body in params["branches"]]

    def infer_aval(self, inputs: Sequence[Any], params: Params) -> Aval | TupleAval:
        """The avals of the results, which all branches share."""
        return tuple(node.array_aval for node in params["branches"][0].outputs)

    def _derived(
        self, derive: Callable[..., tuple[Body, Flags]], branches: Sequence[Body], *flags: Any
    ) -> tuple[tuple[Body, ...], Flags]:
        """Derive every branch so that all of them give the same results."""
        given = derive(branches[0], *flags)[1]
        for body in branches[1:]:
            given = either(given, derive(body, *flags)[1])
        return tuple(derive(body, *flags, given)[0] for body in branches), given

    def vjp(
        self, ct: Any, out: Array, inputs: Sequence[Array], wanted: Sequence[bool], params: Params
    ) -> list[Array | None]:
        """The pullback of the branch that was run."""
        branches, given = self._derived(pulled, params["branches"], tuple(wanted[1:]), present(ct))
        return [None, *spread(given, self._run(branches, inputs, ct) if any(given) else ())]

    def _run(self, branches: Sequence[Body], inputs: Sequence[Array], arriving: Sequence[Any]) -> tuple[Array, ...]:
        """Run the derivative of the branch that was run, on what it was run on and what arrives."""
        operands = [*inputs[1:], *(one for one in arriving if one is not None)]
        branches, operands = trimmed(branches, operands)
        return self.bind([inputs[0], *operands], {"branches": branches})

    def jvp(self, given: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Any:
        """The pushforward of the branch that was run."""
        branches, results = self._derived(tangents, params["branches"], present(given[1:]))
        return spread(results, self._run(branches, inputs, given[1:]) if any(results) else ())

    def batch(self, flags: Sequence[bool], inputs: Sequence[Array], params: Params) -> Any:
        """One branch for all members; where they choose differently, every branch, and a selection."""
        size = next(x.shape[0] for x, flag in zip(inputs, flags, strict=True) if flag)
        branches, which = params["branches"], tuple(flags[1:])
        if flags[0]:
            return self._select(size, which, inputs, branches)
        wide, differs = self._derived(lambda body, *more: batched(body, which, size, *more), branches)
        found = self.bind(inputs, {"branches": wide})
        return tuple(one if flag else over_batch(one, size) for one, flag in zip(found, differs, strict=True))

    def _select(self, size: int, which: Flags, inputs: Sequence[Array], branches: Sequence[Body]) -> Any:
        index, *operands = inputs
        count = len(branches[0].outputs)
        selected: list[Array] = []
        for i, body in enumerate(branches):
            wide, _ = batched(body, which, size, (True,) * count)
            with np.errstate(all="ignore"):  # nothing is shown of members that did not choose the branch
                found = replay(wide, operands)
            if i:
                chooses = index if index.dtype.kind == "b" else operations.greater_equal(index, i)
                found = [
                    operations.where(chooses.reshape(size, *(1,) * (one.ndim - 1)), one, other)
                    for one, other in zip(found, selected, strict=True)
                ]
            selected = found
        return tuple(selected)


cond_primitive = Branch(_choose, name="cond")
switch_primitive = Branch(_choose, name="switch")


def _apply(
    primitive: Branch, given: Any, which: Array, functions: Sequence[Callable[..., Any]], operands: Sequence[Any]
) -> Any:
    """Trace every function, check that they agree, and make one node of them."""
    operation = primitive.name
    leaves = [Leaves(operation, operand) for operand in operands]
    traced = []
    for f in functions:
        with np.errstate(all="ignore"):  # what a branch computes of arrays outside need not be meant to run
            traced.append(trace_body(operation, f, [one.argument() for one in leaves], hoist=False))
    outputs = _agreed(operation, traced)
    captured = list(dict.fromkeys(node for one in traced for node in one.captured))
    bodies = tuple(one.close(captured, results) for one, results in zip(traced, outputs, strict=True))
    arrays = [one for group in held(leaves, captured) for one in group]
    found = primitive.bind([which, *map(Array, captured), *arrays], {"branches": bodies}) if outputs[0] else ()
    return finish(found, traced[0].structure, given, *operands)


def _agreed(operation: str, traced: Sequence[Traced]) -> list[list[Any]]:
    """The outputs of the branches in the dtypes that they share; Python numbers take those of the others."""
    first = traced[0]
    for other in traced[1:]:
        words = f"{other.name} to return what {first.name} does,"
        check_structure(operation, words, first.structure, other.structure)
    outputs = [list(one.outputs) for one in traced]
    for place in range(len(first.outputs)):
        avals = [one.outputs[place].array_aval for one in traced]
        lead = next((i for i, one in enumerate(traced) if not one.weak[place]), 0)
        if all(one.weak[place] for one in traced):
            lead = max(range(len(traced)), key=lambda i: np.result_type(avals[i].dtype).num)
        dtype = avals[lead].dtype
        for i, one in enumerate(traced):
            if avals[i].dtype != dtype and one.weak[place] and holds(dtype, avals[i].dtype):
                with record():
                    outputs[i][place] = operations.astype(Array(outputs[i][place]), dtype)._node
                avals[i] = Aval(avals[i].shape, dtype)
            leaf = path(first.structure, place)
            words = f"what {one.name} returns{f' as {leaf}' if leaf else ''}"
            advice = f"{traced[lead].name} returns that: all branches must"
            check_leaf(operation, words, avals[lead], avals[i], advice)
    return outputs


def _scalar(operation: str, what: str, x: Any, instead: str) -> Array:
    array = keep_array(operation, x, False)
    if array.shape:
        raise ShapeError(f"{operation}: expected {what} without axes, got {array.aval}. {instead}")
    return array


def _double(x: Any) -> Any:
    return 2.0 * operations.sin(x)


def _root(x: Any) -> Any:
    return operations.sqrt(x)


def _pair(x: Any) -> Any:
    return x, x


def _single(x: Any) -> Any:
    return operations.astype(x, np.float32)


def _summed(x: Any) -> Any:
    return operations.sum(x)


@function(
    samples=[
        call(booleans(), _double, _root, positive(3)),
        call(True, _double, _root, positive(3)),
        call(False, _double, lambda x: 0.0 * x, positive(2, 2)),
    ],
    rejects=[
        reject(ShapeError, "cond: expected _pair to return what _root does, of the structure *", True, _pair, _root,
               positive(3)),
        reject(DTypeError, "cond: expected what _single returns to be float64[3], got float32[3]", True, _single, _root,
               positive(3)),
        reject(ShapeError, "cond: expected what _summed returns to be float64[3], got float64[]", True, _summed, _root,
               positive(3)),
        reject(ShapeError, "cond: expected a predicate without axes, got bool[3]", booleans(3), _double, _root,
               positive(3)),
        reject(DTypeError, "cond: expected a function, got float", True, _double, 1.0, positive(3)),
    ],
)  # fmt: skip
def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any) -> Any:
    """Return ``true_fun(*operands)`` if ``pred`` holds, else ``false_fun(*operands)``, as one node.

    Both functions are traced, only the chosen one runs, and derivatives go through that one. With a batch of predicates
    (under ``vmap``) both run and each member selects.

    Args:
        pred: a boolean or number without axes.
        true_fun: a function; what it closes over is differentiated too.
        false_fun: one that returns results of the same structure, shapes and dtypes.
        operands: arrays, or containers of them.

    Raises:
        ShapeError, DTypeError: the two do not agree, or ``pred`` has axes. The message says in which result.

    >>> cond(True, lambda x: x + 1, lambda x: x - 1, 1.0)
    2.0
    """
    which = _scalar("cond", "a predicate", pred, "Use np.where to choose element by element")
    if which.dtype.kind != "b":
        which = operations.not_equal(which, 0)
    return _apply(cond_primitive, pred, which, (false_fun, true_fun), operands)


@function(
    samples=[
        call(integers(0, 3), (_double, _root, operations.negative), positive(3)),
        call(2, (_double, _root, lambda x: x**3), positive(3)),
        call(-4, [_double, _root], positive()),
    ],
    rejects=[
        reject(ArgumentError, "switch: expected at least one branch", 0, [], normal(3)),
        reject(DTypeError, "switch: expected an integer index, got float64[]", normal(), [_double, _root], normal(3)),
        reject(ShapeError, "switch: expected _pair to return what _root does", 0, [_root, _pair], normal(3)),
        reject(DTypeError, "switch: expected a sequence of functions as branches, got function", 0, _root, normal(3)),
        reject(DTypeError, "switch: expected a function of 2 arguments, got _root(x: ", 0, [_root], normal(), normal()),
    ],
)
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Return ``branches[index](*operands)``, as one node; an index out of range means the nearest branch.

    All functions are traced, only the chosen one runs, and derivatives go through that one. With a batch of indices
    (under ``vmap``) all run and each member selects.

    Args:
        index: an integer without axes.
        branches: functions that return results of the same structure, shapes and dtypes.
        operands: arrays, or containers of them.

    Raises:
        ShapeError, DTypeError: the branches do not agree, or ``index`` is no integer.
        ArgumentError: there are none.

    >>> switch(1, [lambda x: x, lambda x: x**2], 3.0)
    9.0
    """
    which = _scalar("switch", "an index", index, "Use np.choose or np.select to choose element by element")
    if which.dtype.kind not in "iu":
        raise DTypeError(f"switch: expected an integer index, got {which.aval}")
    if not isinstance(branches, Sequence):
        raise DTypeError(f"switch: expected a sequence of functions as branches, got {type(branches).__name__}")
    if not branches:
        raise ArgumentError("switch: expected at least one branch, got none")
    return _apply(switch_primitive, index, which, tuple(branches), operands)
