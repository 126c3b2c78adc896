"""What changes nothing is dropped, and what moves elements twice moves them once: identities that hold to the bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.core.aval import Aval
from pullback.core.graph import as_scalar
from pullback.core.node import Node
from pullback.core.terminals import scalar_node
from pullback.transforms.replacing import Table, made

algebra = Table("simplify_exactly")
"""Operations that change nothing, or that a simpler one does."""

layout = Table("clean_layout")
"""Movements that move nothing, and chains of them."""

Inputs = tuple[Node, ...]


def _is_number(node: Node, kinds: str = "if") -> bool:
    return node.array_aval.dtype.kind in kinds


def _is_zero(node: Node, sign: int) -> bool:
    """Whether a node is zero all over, of this sign."""
    scalar = as_scalar(node)
    return scalar is not None and scalar == 0 and math.copysign(1, float(scalar.real)) == sign


# Algebra --------------------------------------------------------------------------------------------------------------


@algebra.identity("multiply")
def times_one(node: Node, inputs: Inputs) -> Node | None:
    """x * 1 = x"""
    for one, other in (inputs, inputs[::-1]):
        if as_scalar(one) == 1 and _is_number(node, "iufc"):
            return other
    return None


@algebra.identity("multiply")
def times_minus_one(node: Node, inputs: Inputs) -> Node | None:
    """x * -1 = -x"""
    for one, other in (inputs, inputs[::-1]):
        if as_scalar(one) == -1 and _is_number(node):
            return made("negative", (other,))
    return None


@algebra.identity("divide")
def over_one(node: Node, inputs: Inputs) -> Node | None:
    """x / 1 = x"""
    return inputs[0] if as_scalar(inputs[1]) == 1 else None


@algebra.identity("divide")
def over_power_of_two(node: Node, inputs: Inputs) -> Node | None:
    """x / 2^n = x * 2^-n"""
    divisor = as_scalar(inputs[1])
    if not isinstance(divisor, float) or not math.isfinite(divisor) or abs(math.frexp(divisor)[0]) != 0.5:
        return None
    info = np.finfo(node.array_aval.dtype)
    if not info.tiny <= abs(1 / divisor) <= info.max:
        return None
    reciprocal = scalar_node(1 / divisor, node.array_aval.shape, node.array_aval.dtype)
    return made("multiply", (inputs[0], reciprocal))


@algebra.identity("add")
def plus_zero(node: Node, inputs: Inputs) -> Node | None:
    """x + -0 = x, and x + 0 = x of integers"""
    # x + 0 makes 0 of -0; integers have no -0.
    for one, other in (inputs, inputs[::-1]):
        if as_scalar(one) == 0 and (_is_number(node, "iu") or (_is_number(node, "f") and _is_zero(one, -1))):
            return other
    return None


@algebra.identity("add")
def plus_negative(node: Node, inputs: Inputs) -> Node | None:
    """x + -y = x - y"""
    for one, other in (inputs, inputs[::-1]):
        if other.primitive.name == "negative" and _is_number(node):
            return made("subtract", (one, other.inputs[0]))
    return None


@algebra.identity("subtract")
def minus_zero(node: Node, inputs: Inputs) -> Node | None:
    """x - 0 = x"""
    return inputs[0] if _is_zero(inputs[1], 1) and _is_number(node, "iuf") else None


@algebra.identity("subtract")
def minus_negative(node: Node, inputs: Inputs) -> Node | None:
    """x - -y = x + y"""
    if inputs[1].primitive.name == "negative" and _is_number(node):
        return made("add", (inputs[0], inputs[1].inputs[0]))
    return None


@algebra.identity("power")
def power_of_one(node: Node, inputs: Inputs) -> Node | None:
    """x**1 = x"""
    return inputs[0] if as_scalar(inputs[1]) == 1 and _is_number(node, "f") else None


@algebra.identity("power")
def power_of_two(node: Node, inputs: Inputs) -> Node | None:
    """x**2 = square(x)"""
    return made("square", (inputs[0],)) if as_scalar(inputs[1]) == 2 and _is_number(node, "f") else None


@algebra.identity("power")
def power_of_half(node: Node, inputs: Inputs) -> Node | None:
    """x**0.5 = sqrt(x), which is what NumPy computes: NaN at -inf, and -0 at -0"""
    return made("sqrt", (inputs[0],)) if as_scalar(inputs[1]) == 0.5 and _is_number(node, "f") else None


@algebra.identity("negative")
def twice_negative(node: Node, inputs: Inputs) -> Node | None:
    """-(-x) = x"""
    return inputs[0].inputs[0] if inputs[0].primitive.name == "negative" else None


@algebra.identity("positive", "astype")
def as_it_is(node: Node, inputs: Inputs) -> Node | None:
    """+x = x, and a conversion to the dtype that x has"""
    return inputs[0] if inputs[0].aval == node.aval else None


@algebra.identity("select")
def one_for_both(node: Node, inputs: Inputs) -> Node | None:
    """where(c, x, x) = x"""
    return inputs[1] if inputs[1] is inputs[2] else None


@algebra.identity("select")
def known_choice(node: Node, inputs: Inputs) -> Node | None:
    """where(True, x, y) = x"""
    scalar = as_scalar(inputs[0])
    return None if scalar is None else inputs[1] if scalar else inputs[2]


@algebra.identity("strong_product")
def plain_product(node: Node, inputs: Inputs) -> Node | None:
    """ct * p = ct p without care for zeros, where ct is a number but 0, or p a finite one"""
    ct, partial = as_scalar(inputs[0]), as_scalar(inputs[1])
    if (partial is None or not np.isfinite(partial)) and (ct is None or ct == 0):
        return None
    product = made("multiply", inputs)
    return times_one(product, inputs) or times_minus_one(product, inputs) or product


# Layout ---------------------------------------------------------------------------------------------------------------


@layout.identity("reshape", "broadcast_to")
def to_the_same_shape(node: Node, inputs: Inputs) -> Node | None:
    """reshape(X, X.shape) = X"""
    return inputs[0] if inputs[0].aval == node.aval else None


@layout.identity("reshape")
def reshape_twice(node: Node, inputs: Inputs) -> Node | None:
    """reshape(reshape(X, s), t) = reshape(X, t)"""
    if inputs[0].primitive.name != "reshape":
        return None
    source = inputs[0].inputs[0]
    return source if source.aval == node.aval else made("reshape", (source,), node.params)


@layout.identity("reshape")
def reshape_of_number(node: Node, inputs: Inputs) -> Node | None:
    """reshape(c, s) = c, a number all over"""
    scalar = as_scalar(inputs[0])
    return None if scalar is None else scalar_node(scalar, node.array_aval.shape, node.array_aval.dtype)


@layout.identity("permute")
def permute_nothing(node: Node, inputs: Inputs) -> Node | None:
    """X.transpose(0, 1, ...) = X"""
    return inputs[0] if _is_identity(node.params["axes"]) else None


@layout.identity("permute")
def permute_twice(node: Node, inputs: Inputs) -> Node | None:
    """X.T.T = X"""
    x = inputs[0]
    if x.primitive.name != "permute":
        return None
    joined = tuple(x.params["axes"][axis] for axis in node.params["axes"])
    return x.inputs[0] if _is_identity(joined) else made("permute", (x.inputs[0],), {"axes": joined})


@layout.identity("permute")
def permute_short_axes(node: Node, inputs: Inputs) -> Node | None:
    """X.T = reshape(X, X.T.shape) where only axes of length 1 move"""
    lengths = inputs[0].array_aval.shape
    long = [axis for axis in node.params["axes"] if lengths[axis] != 1]
    return made("reshape", inputs, {"shape": node.array_aval.shape}) if long == sorted(long) else None


@layout.identity("broadcast_to")
def broadcast_twice(node: Node, inputs: Inputs) -> Node | None:
    """broadcast_to(broadcast_to(X, s), t) = broadcast_to(X, t)"""
    x = inputs[0]
    return made("broadcast_to", (x.inputs[0],), node.params) if x.primitive.name == "broadcast_to" else None


@layout.identity("sum", "max", "min", "prod", "mean")
def reduce_no_axes(node: Node, inputs: Inputs) -> Node | None:
    """sum(X, axes=()) = X"""
    same = isinstance(node.aval, Aval) and node.aval == inputs[0].aval and not node.params["axes"]
    return inputs[0] if same else None


def _is_identity(axes: Any) -> bool:
    return bool(axes == tuple(range(len(axes))))
