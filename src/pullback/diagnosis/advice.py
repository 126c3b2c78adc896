"""What to write in place of an operation that overflowed, divided by zero, or lost its derivative."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from pullback.core.aval import Aval
from pullback.core.graph import Graph, ancestors
from pullback.core.node import Node, is_finite
from pullback.core.state import no_grad
from pullback.transforms.stabilize import FINITE, Found, find

_LARGE = 1e8
"""From which size on an operand is what is wrong, not the operation."""
_NEAR = 32
"""How many operations after a faulty one are looked at for a formula that both are part of."""

_VALUES = {
    "log": "a logarithm of 0 is -inf, of a negative number NaN: keep its operand above 0, use pullback.special.xlogy "
    "for x*log(y), or work with logits (nn.cross_entropy_with_logits, nn.binary_cross_entropy_with_logits)",
    "log2": "a logarithm of 0 is -inf, of a negative number NaN: keep its operand above 0",
    "log10": "a logarithm of 0 is -inf, of a negative number NaN: keep its operand above 0",
    "log1p": "log1p of -1 is -inf: keep its operand above -1",
    "divide": "the divisor is 0: replace it where it is, d = np.where(d == 0, 1, d), or add a small number to it",
    "reciprocal": "the divisor is 0: replace it where it is, d = np.where(d == 0, 1, d)",
    "sqrt": "a square root of a negative number is NaN: rounding may have made it negative, use np.maximum(x, 0)",
    "exp": "exp overflows above 709 (float64) or 88 (float32): subtract the largest element first, as "
    "special.logsumexp and nn.softmax do, or look why its operand is so large",
    "power": "the base is 0 or negative, or the power overflows: see the ranges",
    "arccos": "arccos is defined from -1 to 1: use np.clip(x, -1, 1), or np.arctan2",
    "arcsin": "arcsin is defined from -1 to 1: use np.clip(x, -1, 1), or np.arctan2",
    "arccosh": "arccosh is defined from 1 on: use np.maximum(x, 1)",
    "cosh": "cosh overflows above 710 (float64) or 89 (float32): look why its operand is so large",
    "sinh": "sinh overflows above 710 (float64) or 89 (float32): look why its operand is so large",
    "expm1": "expm1 overflows above 709 (float64) or 88 (float32): look why its operand is so large",
    "exp2": "exp2 overflows from 1024 on (float64) or 128 (float32): look why its operand is so large",
    "logsumexp": "a row has only -inf, or an inf: replace it before, with np.where",
    **dict.fromkeys(
        ("scan", "while_loop", "cond", "switch", "associative_scan", "checkpoint"),
        "it happens inside: call pullback.diagnose with the function that it runs, on operands like these",
    ),
    "arctanh": "arctanh is infinite at -1 and 1: keep its operand inside",
    "softmax": "a row has only -inf, or an inf: replace it before, with np.where",
    "log_softmax": "a row has only -inf, or an inf: replace it before, with np.where",
    "std": "there are not more elements than ddof",
    "var": "there are not more elements than ddof",
    "mean": "there are no elements, or their sum overflows",
    "square": "where sizes like these are meant, work with np.hypot, a norm, or logarithms",
}
_GROWING = frozenset({"cosh", "exp", "exp2", "expm1", "sinh", "square"})
"""Operations that overflow of what has grown before: of large operands that is to be said first."""
_OF = {
    ("log", "det"): "the matrix is singular: add a small multiple of the identity to it. Where its determinant only "
    "underflows, np.linalg.slogdet(A)[1] is its logarithm",
    ("divide", "sqrt"): "the divisor is a square root of 0, where its derivative is infinite too: add a small number "
    "under the root, np.sqrt(x + eps)",
}
"""The same by the operation and by that of which its last operand is the result."""
_GRADIENTS = {
    "sqrt": "the derivative of sqrt is infinite at 0: use np.hypot or np.linalg.norm for lengths (their derivative "
    "at 0 is 0), or np.sqrt(x + eps)",
    "log": "the derivative of log is infinite at 0: keep its operand above 0, or work with logits",
    "divide": "the divisor is 0: replace it where it is, d = np.where(d == 0, 1, d)",
    "power": "the derivative of x**y by x is infinite at 0 for y < 1, by y at x = 0: keep x above 0",
    "arccos": "the derivative of arccos is infinite at -1 and 1: use np.arctan2, or stay inside",
    "arcsin": "the derivative of arcsin is infinite at -1 and 1: use np.arctan2, or stay inside",
    "arccosh": "the derivative of arccosh is infinite at 1: stay above, or use np.arcsinh of sqrt(x**2 - 1)",
    "arctanh": "the derivative of arctanh is infinite at -1 and 1: stay inside",
    "cbrt": "the derivative of cbrt is infinite at 0",
    "reciprocal": "the divisor is 0: replace it where it is, d = np.where(d == 0, 1, d)",
}


def advice(node: Node, graph: Graph, gradient: bool) -> str:
    """Say what would avoid that ``node`` is not finite (or its derivative, if ``gradient``)."""
    found = _rewrite(node, graph)
    if found is not None:
        return f"write it stably: {found.rewrite.statement}"
    name = node.primitive.name
    special = _GRADIENTS.get(name) if gradient else _OF.get((name, node.inputs[-1].primitive.name), _VALUES.get(name))
    large = _largest(node.inputs)
    if large > _LARGE and (special is None or name in _GROWING):
        grown = _repeats(node, graph)
        where = f" The same line was run {grown} times on the way here, and they grow each time." if grown > 2 else ""
        meant = f". {special[0].upper()}{special[1:]}" if special is not None and name == "square" else ""
        return (
            f"its operands are already as large as {large:.1e}: they grew before.{where} Lower the learning rate, "
            f"clip the gradient, normalise what goes in, or begin with smaller weights{meant}"
        )
    return special or "look at the ranges of its operands"


def _rewrite(node: Node, graph: Graph) -> Found | None:
    """A rewrite of a formula that ``node`` is an inner operation of, or the last one."""
    near = {node}
    for candidate in graph.nodes:
        if candidate is not node:
            if candidate.index < node.index or near.isdisjoint(candidate.inputs):
                continue
            near.add(candidate)
        if isinstance(candidate.aval, Aval):
            for found in find(candidate):
                sources = set(found.sources)
                inner = ancestors([candidate], stop=sources.__contains__)
                if node in inner and node not in sources and found.rewrite.changes == FINITE and _applies(found):
                    return found
        if len(near) > _NEAR:
            break
    return None


def _applies(found: Found) -> bool:
    """Whether the formula is finite in its stable form: a logarithm of 0 is -inf in any."""
    with no_grad(), np.errstate(all="ignore"):
        result = found.build()
    return result is not None and is_finite(result._node.value)


def _largest(nodes: Iterable[Node]) -> float:
    sizes = [_size(node.value) for node in nodes if node.value is not None and not isinstance(node.value, tuple)]
    return max(sizes, default=0.0)


def _size(value: Any) -> float:
    value = np.asarray(value)
    finite = np.abs(value[np.isfinite(value)]) if value.dtype.kind in "fc" else np.abs(value)
    return float(finite.max(initial=0))


def _repeats(node: Node, graph: Graph) -> int:
    """How often the user's line that made ``node`` made one like it before."""
    origin = node.origin
    if origin is None:
        return 0
    before = (one for one in graph.nodes if one.index <= node.index and one.primitive is node.primitive)
    return sum(one.origin == origin for one in before)
