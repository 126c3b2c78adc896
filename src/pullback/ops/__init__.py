"""Floor 2: what a node can be. Each primitive is declared once, in one block."""

from pullback.core.primitive import check_declarations

from pullback.ops import (  # isort: skip  # in the order in which they use each other
    structural,
    permuting,
    indexing,
    subscript,
    selection,
    joining,
    splitting,
    repeating,
    taking,
    updates,
    diagonals,
    pointwise,
    reduction,
    extremes,
    cumulative,
    statistics,
    logsumexp,
    nanfunctions,
    einsum,
    contraction,
    fourier,
    activations,
    losses,
    control,
)

check_declarations()
