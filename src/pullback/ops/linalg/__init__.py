"""Linear algebra: every function of ``numpy.linalg``, real and complex, on stacks of matrices, with its derivatives."""
