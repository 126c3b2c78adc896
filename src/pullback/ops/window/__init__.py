"""Windows that move over an array: convolution and pooling."""

from pullback.ops.window import convolution, unfolding  # isort: skip  # in the order in which they use each other
from pullback.ops.window import functions
