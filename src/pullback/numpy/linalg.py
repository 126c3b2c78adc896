"""The functions of ``numpy.linalg`` over Array, by its names and with its signatures; in short ``pullback.linalg``.

>>> import pullback as pb
>>> pb.linalg.det([[1.0, 2.0], [3.0, 5.0]])
array(-1.)
>>> pb.grad(pb.linalg.norm)(pb.array([3.0, 4.0]))
array([0.6, 0.8])

They are the ``linalg`` extension of the Array API standard as well. Beside them stand two of SciPy's: ``expm`` and
``solve_triangular``. All but ``matrix_rank`` have derivatives at every order, in both modes, for real and complex
matrices and for stacks of them. Where factors are not unique (repeated eigenvalues, singular values that are 0),
functions that do not depend on the choice have their derivative, and others raise NotDifferentiableError.
"""

from pullback.errors import LinAlgError
from pullback.ops.contraction import matmul, tensordot, vecdot
from pullback.ops.linalg.determinants import det, slogdet
from pullback.ops.linalg.eigen import eigh, eigvalsh
from pullback.ops.linalg.factorizations import cholesky, qr
from pullback.ops.linalg.functions import expm, matrix_power
from pullback.ops.linalg.norms import cond, matrix_norm, norm, vector_norm
from pullback.ops.linalg.products import cross, diagonal, matrix_transpose, multi_dot, outer, trace
from pullback.ops.linalg.pseudoinverse import lstsq, matrix_rank, pinv
from pullback.ops.linalg.singular import svd, svdvals
from pullback.ops.linalg.solving import inv, solve, solve_triangular, tensorinv, tensorsolve
from pullback.ops.linalg.spectra import eig, eigvals

__all__ = [
    "LinAlgError", "cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "expm", "inv",
    "lstsq", "matmul", "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot", "norm", "outer",
    "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve",
    "trace", "vecdot", "vector_norm",
]  # fmt: skip
