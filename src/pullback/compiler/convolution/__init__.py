"""Convolutions and windows in machine code: sums over the offsets of a window, whose lengths are all known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from pullback.compiler.contractions import DTYPES, assumed
from pullback.compiler.convolution.correlation import Correlation, convolution_of, images_of
from pullback.compiler.convolution.folding import Folding, folding_of
from pullback.compiler.convolution.kernels import Gradient, kernel_of
from pullback.compiler.views import View
from pullback.core.aval import Aval
from pullback.core.node import Node

Problems = Sequence[Correlation] | Sequence[Gradient] | Sequence[Folding]

_PLANNED: dict[str, Callable[..., Problems]] = {
    "add_windows": folding_of,
    "convolution": convolution_of,
    "convolution_by_images": images_of,
    "convolution_by_kernel": kernel_of,
}
_MOST_PHASES = 256
_MOST_SUMS = 16
_MOST_OFFSETS = 1 << 15
_MOST_UNROLLED = 128


def is_convolution(node: Node) -> bool:
    """Whether the node is a convolution, an adjoint of one or of windows, for which there is machine code."""
    if node.primitive.name not in _PLANNED:
        return False
    if not all(isinstance(one.aval, Aval) and one.aval.size for one in (node, *node.inputs)):
        return False
    aval, geometry = node.array_aval, node.params["geometry"]
    if aval.dtype not in DTYPES or not aval.dtype.isnative:
        return False
    if node.primitive.name == "add_windows":
        rank = len(geometry.strides)
        return rank in (1, 2) and prod(node.inputs[0].array_aval.shape[-rank:]) <= _MOST_UNROLLED
    if aval.ndim not in (3, 4):
        return False
    weights = node if node.primitive.name == "convolution_by_kernel" else node.inputs[1]
    most = _MOST_SUMS if node.primitive.name == "convolution_by_images" else _MOST_PHASES
    return prod(geometry.strides) <= most and prod(weights.array_aval.shape[1:]) <= _MOST_OFFSETS


def planned(node: Node, views: Sequence[View]) -> Problems:
    """How a convolution is computed, in one step or several, its operands being where the views say."""
    return _PLANNED[node.primitive.name](node, *views)


def follows(product: Node, operands: Sequence[Node]) -> bool:
    """Whether what reads these operands, too, can be done to lines of a convolution."""
    if product.primitive.name in ("convolution_by_kernel", "add_windows"):
        return False
    return all(assumed(one).strides[-1] in (0, 1) for one in operands)
