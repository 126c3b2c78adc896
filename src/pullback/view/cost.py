"""About how much work an operation is, by its family and shapes."""

from __future__ import annotations

from pullback.core.aval import Aval
from pullback.core.families import Bilinear, Linear, Pointwise
from pullback.core.node import Node


def flops(node: Node) -> int | None:
    """About how many operations on numbers the node takes; None where that is not known.

    An elementwise operation counts as one for each element, a product with its sum as two, what only moves numbers as
    none.
    """
    avals = [getattr(one, "aval", None) for one in (node, *node.inputs)]  # none yet in an expression without values
    if not node.inputs or not all(isinstance(aval, Aval) for aval in avals):
        return None
    out, *inputs = (aval for aval in avals if isinstance(aval, Aval))
    if isinstance(node.primitive, Pointwise):
        return out.size
    if isinstance(node.primitive, Bilinear):
        return 2 * out.size * inputs[0].shape[-1] if node.primitive.name == "matmul" else None
    read = max(aval.size for aval in inputs)
    if isinstance(node.primitive, Linear) and read <= out.size:
        return 0
    return max(read, out.size)
