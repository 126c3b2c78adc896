"""What one writes by hand: numbers are taken out of sums and stand first, scattered zeros are not multiplied."""

from __future__ import annotations

import numpy as np

from pullback.core.graph import as_scalar
from pullback.core.node import Node
from pullback.core.terminals import CONSTANT, constant_node, scalar_node
from pullback.transforms.replacing import Table, made

linearity = Table("linearity", counting=True)
"""Where a number, a zero or a transpose costs less at another place."""

Inputs = tuple[Node, ...]
Single = tuple[bool, ...]
"""Which inputs nothing else uses."""

_ROUNDING = "rounding only"
_UNREAD = "0 times what is not picked is 0, whatever that is and has for a sign"


# As one writes it -----------------------------------------------------------------------------------------------------


@linearity.identity("multiply")
def times_itself(node: Node, inputs: Inputs, single: Single) -> Node | None:
    """x * x = x**2"""
    return made("square", (inputs[0],)) if inputs[0] is inputs[1] and node.array_aval.dtype.kind == "f" else None


@linearity.identity("add")
def plus_itself(node: Node, inputs: Inputs, single: Single) -> Node | None:
    """x + x = 2 * x"""
    return _times(2.0, inputs[0]) if inputs[0] is inputs[1] and node.array_aval.dtype.kind == "f" else None


@linearity.identity("multiply")
def number_first(node: Node, inputs: Inputs, single: Single) -> Node | None:
    """x * c = c * x"""
    turned = as_scalar(inputs[1]) is not None and as_scalar(inputs[0]) is None
    return made("multiply", inputs[::-1]) if turned else None


# Numbers --------------------------------------------------------------------------------------------------------------


def _scaled(node: Node) -> tuple[float, Node] | None:
    """A node as a number times another node, if it is one."""
    if node.primitive.name == "negative":
        return -1.0, node.inputs[0]
    if node.primitive.name == "multiply":
        for one, other in (node.inputs, node.inputs[::-1]):
            number = as_scalar(one)
            if isinstance(number, float) and other.primitive is not CONSTANT:
                return number, other
    return None


def _times(number: float, node: Node) -> Node:
    if number == -1:
        return made("negative", (node,))
    aval = node.array_aval
    return made("multiply", (scalar_node(number, aval.shape, aval.dtype), node))


@linearity.identity("sum", "mean", "matmul", "einsum", changes=_ROUNDING)
def number_out(node: Node, inputs: Inputs, single: Single) -> Node | None:
    """sum(c * X) = c * sum(X), and of matrix products, where the result is not larger"""
    if node.array_aval.dtype.kind != "f":
        return None
    for position, source in enumerate(inputs):
        found = _scaled(source)
        size = source.array_aval.size
        if found is None or node.array_aval.size > size or not (single[position] or node.array_aval.size < size):
            continue
        number, inner = found
        others = (*inputs[:position], inner, *inputs[position + 1 :])
        return _times(number, made(node.primitive.name, others, node.params))
    return None


@linearity.identity("sum", "mean", changes=_ROUNDING)
def repeated_factor_out(node: Node, inputs: Inputs, single: Single) -> Node | None:
    """sum(a * X) = a * sum(X), a being one number that is not known yet"""
    (source,) = inputs
    if source.primitive.name != "multiply" or node.array_aval.dtype.kind != "f" or not single[0]:
        return None
    if node.array_aval.size >= source.array_aval.size:
        return None
    for one, other in (source.inputs, source.inputs[::-1]):
        factor = _repeated(one)
        if factor is not None and _repeated(other) is None:
            total = made(node.primitive.name, (other,), node.params)
            shape = total.array_aval.shape
            if factor.array_aval.shape:
                factor = made("reshape", (factor,), {"shape": ()})
            spread = made("broadcast_to", (factor,), {"shape": shape}) if shape else factor
            return made("multiply", (spread, total))
    return None


def _repeated(node: Node) -> Node | None:
    """The node of one element that is repeated all over, if it is that."""
    while node.primitive.name in ("broadcast_to", "reshape") and node.array_aval.size > 1:
        node = node.inputs[0]
    return node if node.array_aval.size == 1 and node.primitive is not CONSTANT else None


@linearity.identity("broadcast_to", "reshape", "permute")
def number_past_movement(node: Node, inputs: Inputs, single: Single) -> Node | None:
    """M(c * X) = c * M(X), M a movement: the number goes to where it may meet others"""
    found = _scaled(inputs[0])
    if found is None or node.array_aval.dtype.kind != "f":
        return None
    return _times(found[0], made(node.primitive.name, (found[1], *inputs[1:]), node.params))


@linearity.identity("add")
def plus_negative_constant(node: Node, inputs: Inputs, single: Single) -> Node | None:
    """X + -K = X - K, K an array of positive constants"""
    for one, other in (inputs, inputs[::-1]):
        value = other.value
        if other.primitive is CONSTANT and as_scalar(other) is None and value.dtype.kind == "f" and (value <= 0).all():
            return made("subtract", (one, constant_node(0 - value)))
    return None


# Values among zeros ---------------------------------------------------------------------------------------------------

_PICKS = {"scatter_add": "gather", "slice_update": "slice"}
"""What puts values among others, and what picks from the same places."""


def _is_placed(node: Node) -> bool:
    """Whether a node puts values among zeros."""
    return node.primitive.name in _PICKS and as_scalar(node.inputs[0]) == 0


@linearity.identity("sum", changes=_ROUNDING)
def sum_of_placed(node: Node, inputs: Inputs, single: Single) -> Node | None:
    """sum(scatter(v)) = sum(v)"""
    (source,) = inputs
    if not _is_placed(source):
        return None
    axes = node.params["axes"]
    values = source.inputs[1]
    if len(axes) == source.array_aval.ndim and source.array_aval.dtype == node.array_aval.dtype:
        return made("sum", (values,), {"axes": tuple(range(values.array_aval.ndim))})
    return values if source.primitive.name == "scatter_add" and _sums_rows(source, axes) else None


def _sums_rows(scattered: Node, axes: tuple[int, ...]) -> bool:
    """Whether one value was scattered into each row along ``axes``: its sum is that value."""
    places = scattered.params["axes"]
    indices = scattered.inputs[2:]
    if len(axes) != 1 or places != tuple(range(scattered.array_aval.ndim)) or axes[0] != len(places) - 1:
        return False
    shape = scattered.array_aval.shape[:-1]
    if indices[0].array_aval.shape not in (shape, (*shape, 1)):
        return False
    for axis, index in enumerate(indices[:-1]):
        expected = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(index.array_aval.ndim)])
        if index.value is None or not np.array_equal(index.value, np.broadcast_to(expected, index.array_aval.shape)):
            return False
    return indices[0].array_aval.shape == shape


@linearity.identity("multiply", "strong_product", changes=_UNREAD)
def product_with_placed(node: Node, inputs: Inputs, single: Single) -> Node | None:
    """scatter(v) * X = scatter(v * X[i])"""
    for position, (one, other) in enumerate((inputs, inputs[::-1])):
        if not _is_placed(one) or not single[position]:
            continue
        if node.primitive.name == "strong_product" and position == 1:
            continue  # zeros of the partial are no zeros of the cotangent
        zeros, values, *indices = one.inputs
        picked = made(_PICKS[one.primitive.name], (other, *indices), one.params)
        return made(one.primitive.name, (zeros, made(node.primitive.name, (values, picked)), *indices), one.params)
    return None


# Transposes -----------------------------------------------------------------------------------------------------------


def _untransposed(node: Node) -> Node | None:
    """The matrix of which a node is the transpose, if it is one."""
    return node.inputs[0] if node.primitive.name == "permute" and node.params["axes"] == (1, 0) else None


def _transpose(node: Node) -> Node:
    return _untransposed(node) or made("permute", (node,), {"axes": (1, 0)})


@linearity.identity("matmul", changes=_ROUNDING)
def product_of_transposes(node: Node, inputs: Inputs, single: Single) -> Node | None:
    """A.T @ B.T = (B @ A).T"""
    left, right = map(_untransposed, inputs)
    if left is None or right is None:
        return None
    return made("permute", (made("matmul", (right, left)),), {"axes": (1, 0)})


@linearity.identity("permute", changes=_ROUNDING)
def transpose_of_product(node: Node, inputs: Inputs, single: Single) -> Node | None:
    """(A.T @ B).T = B.T @ A"""
    (product,) = inputs
    if product.primitive.name != "matmul" or _untransposed(node) is None or not single[0]:
        return None
    left, right = product.inputs
    if left.array_aval.ndim != 2 or right.array_aval.ndim != 2:
        return None
    if _untransposed(left) is None and _untransposed(right) is None:
        return None
    return made("matmul", (_transpose(right), _transpose(left)))


@linearity.identity("matmul", changes=_ROUNDING)
def vector_times_matrix(node: Node, inputs: Inputs, single: Single) -> Node | None:
    """v @ X = X.T @ v"""
    vector, matrix = inputs
    if vector.array_aval.ndim != 1 or matrix.array_aval.ndim != 2:
        return None
    return made("matmul", (_transpose(matrix), vector))
