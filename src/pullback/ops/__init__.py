"""Floor 2: what a node can be. Each primitive is declared once, in one block."""

from pullback.core.primitive import check_declarations

from pullback.ops import structural, permuting, indexing, subscript, selection, joining, splitting, repeating, taking, updates, diagonals  # isort: skip
from pullback.ops import pointwise, reduction, extremes, cumulative, statistics, logsumexp, nanfunctions, einsum, contraction, composite, control  # isort: skip

check_declarations()
