"""Convolutions in machine code: sums over the offsets of a window, whose lengths and offsets are all known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pullback.compiler.contractions import DTYPES, assumed
from pullback.compiler.convolution.correlation import Correlation, convolution_of, images_of
from pullback.compiler.convolution.kernels import Gradient, kernel_of
from pullback.compiler.views import View
from pullback.core.aval import Aval
from pullback.core.node import Node

_PLANNED: dict[str, Callable[..., Correlation | Gradient]] = {
    "convolution": convolution_of,
    "convolution_by_images": images_of,
    "convolution_by_kernel": kernel_of,
}
_MOST_PHASES = 256
_MOST_ZEROS = 16
_MOST_OFFSETS = 1 << 15


def is_convolution(node: Node) -> bool:
    """Whether the node is a convolution, or an adjoint of one, for which there is machine code."""
    if node.primitive.name not in _PLANNED:
        return False
    if not all(isinstance(one.aval, Aval) and one.aval.size for one in (node, *node.inputs)):
        return False
    aval, geometry = node.array_aval, node.params["geometry"]
    if aval.dtype not in DTYPES or not aval.dtype.isnative or aval.ndim not in (3, 4):
        return False
    phases = offsets = 1
    for stride in geometry.strides:
        phases *= stride
    weights = node if node.primitive.name == "convolution_by_kernel" else node.inputs[1]
    for length in weights.array_aval.shape[1:]:
        offsets *= length
    most = _MOST_ZEROS if node.primitive.name == "convolution_by_images" else _MOST_PHASES
    return phases <= most and offsets <= _MOST_OFFSETS


def planned(node: Node, views: Sequence[View]) -> Correlation | Gradient:
    """How a convolution is computed, its operands being where the views say."""
    return _PLANNED[node.primitive.name](node, *views)


def follows(product: Node, operands: Sequence[Node]) -> bool:
    """Whether what reads these operands, too, can be done to lines of a convolution."""
    if product.primitive.name == "convolution_by_kernel":
        return False
    return all(assumed(one).strides[-1] in (0, 1) for one in operands)
