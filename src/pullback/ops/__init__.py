"""Floor 2: what a node can be. Each primitive is declared once, in one block."""

from pullback.core.primitive import check_declarations

from pullback.ops import pointwise, structural, reduction, indexing, contraction, composite, control  # isort: skip

check_declarations()
