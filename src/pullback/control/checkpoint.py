"""checkpoint: keep the inputs of a function, and compute the rest again when the derivative needs it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from pullback.control.bodies import LEAF, Argument, Body, name_of, trace_body
from pullback.control.derived import batched, over_batch, present, pulled, spread, tangents, trimmed
from pullback.control.held import Holding, finish
from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import Aval, TupleAval
from pullback.core.primitive import Params
from pullback.errors import DTypeError
from pullback.ops.structural import as_arrays
from pullback.transforms.arguments import is_value


def _run(*values: Any, body: Body) -> tuple[Any, ...]:
    """Run a function of which only the inputs are kept."""
    return tuple(body.evaluate(values))


class Call(Holding):
    """A graph in a node of its own. Its derivatives are such nodes again, so nothing inside is kept between them."""

    def bodies(self, inputs: Sequence[Any], params: Params) -> list[tuple[Body, Sequence[Any]]]:
        """The one that it runs."""
        return [(params["body"], inputs)]

    def infer_aval(self, inputs: Sequence[Any], params: Params) -> Aval | TupleAval:
        """The avals of its results."""
        return tuple(node.array_aval for node in params["body"].outputs)

    def vjp(
        self, ct: Any, out: Array, inputs: Sequence[Array], wanted: Sequence[bool], params: Params
    ) -> list[Array | None]:
        """Run the body again, and its pullback."""
        body, given = pulled(params["body"], tuple(wanted), present(ct))
        return spread(given, self._run(body, inputs, ct) if any(given) else ())

    def _run(self, body: Body, inputs: Sequence[Array], arriving: Sequence[Any]) -> tuple[Array, ...]:
        """Run a derivative of the body, on what the body was run on and what arrives."""
        (body,), operands = trimmed([body], [*inputs, *(one for one in arriving if one is not None)])
        return self.bind(operands, {"body": body})

    def jvp(self, given: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Any:
        """Run the pushforward of the body."""
        body, results = tangents(params["body"], present(given))
        return spread(results, self._run(body, inputs, given) if any(results) else ())

    def batch(self, flags: Sequence[bool], inputs: Sequence[Array], params: Params) -> Any:
        """Run the body for all members."""
        size = next(x.shape[0] for x, flag in zip(inputs, flags, strict=True) if flag)
        body, differs = batched(params["body"], tuple(flags), size)
        found = self.bind(inputs, {"body": body})
        return tuple(one if flag else over_batch(one, size) for one, flag in zip(found, differs, strict=True))


call_primitive = Call(_run, name="checkpoint")


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that keeps nothing of what ``f`` computes but its results.

    A derivative keeps the intermediate values of all it goes through, until it has walked back over them. Those of
    ``f`` are computed again instead when the walk arrives there: less memory, for one more run of ``f``.

    Args:
        f: a function of arrays (or containers of them) that returns such. Integers, strings and what else is no array
            are passed as they are. What it closes over is differentiated too.

    Raises:
        DTypeError: ``f`` is no function.
        ConcretizationError (when called): ``f`` needs the value of an array, as ``if x > 0`` does.

    >>> import numpy as np
    >>> import pullback as pb
    >>> layer = checkpoint(lambda w, x: np.tanh(w @ x))
    >>> pb.grad(lambda w: layer(w, np.ones(2)).sum())(np.zeros((1, 2)))
    array([[1., 1.]])
    """
    if not callable(f):
        raise DTypeError(f"checkpoint: expected a function, got {type(f).__name__}")

    @functools.wraps(f)
    def kept(*args: Any, **keywords: Any) -> Any:
        leaves, structure = tree.flatten((args, keywords))
        places = [i for i, leaf in enumerate(leaves) if is_value(leaf) and not isinstance(leaf, (bool, int))]
        arrays = as_arrays("checkpoint", *(leaves[i] for i in places))

        def positional(*operands: Any) -> Any:
            filled = list(leaves)
            for place, one in zip(places, operands, strict=True):
                filled[place] = one
            given, named = tree.unflatten(structure, filled)
            return f(*given, **named)

        positional.__name__ = name_of(f)
        arguments = [Argument([one.aval], LEAF, [one._node.weak]) for one in arrays]
        traced = trace_body("checkpoint", positional, arguments, hoist=False)
        operands = [*map(Array, traced.captured), *arrays]
        found = call_primitive.bind(operands, {"body": traced.close()}) if traced.outputs else ()
        return finish(found, traced.structure, args, keywords)

    return kept
