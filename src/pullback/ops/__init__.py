"""Floor 2: what a node can be. Each primitive is declared once, in one block.

The files, in the order in which they use each other; they are loaded in this order as their names are asked for, so
what programs use most comes first where that can be. A new file needs a line here and in ``.importlinter``.
"""

from pullback.core.operations import operations

_FILES = """
    structural
    permuting
    indexing
    subscript
    selection
    joining
    splitting
    repeating
    flat
    taking
    updates
    diagonals
    creating
    pointwise.arithmetic
    pointwise.exponential
    pointwise.power
    pointwise.comparison
    pointwise.complex
    pointwise.bounds
    pointwise.rounding
    pointwise.trigonometric
    pointwise.hyperbolic
    pointwise.bits
    pointwise.special.logistic
    pointwise.special.entropy
    pointwise.special.error
    reduction
    extremes
    cumulative
    statistics
    logsumexp
    nanfunctions
    einsum
    contraction
    activations
    softmax
    losses
    running
    ufuncs
    sorting
    quantiles
    searching
    sets
    differences
    interpolation
    convolution
    covariance
    histograms
    pointwise.special.gamma
    pointwise.special.incomplete
    pointwise.special.distributions
    pointwise.special.bessel
    pointwise.special.airy
    pointwise.special.elementary
    pointwise.special.integral
    pointwise.special.faddeeva
    pointwise.special.elliptic
    pointwise.special.hypergeometric
    pointwise.special.orthogonal
    fourier
    linalg.elimination
    linalg.solving
    linalg.determinants
    linalg.ties
    linalg.factorizations
    linalg.eigen
    linalg.spectra
    linalg.singular
    linalg.pseudoinverse
    linalg.norms
    linalg.products
    linalg.functions
    polynomials
    scimath
    functional
    places
    kinds
    window.convolution
    window.unfolding
    window.sliding
    window.functions
    random
"""

operations.declared_in(f"pullback.ops.{name}" for name in _FILES.split())
