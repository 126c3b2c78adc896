"""Mathematical functions of vectors as LLVM IR: written here, with stated errors, and no library called."""

from pullback.compiler.mathematics import (
    error,
    exponential,
    gamma,
    hyperbolic,
    inverse,
    inverse_hyperbolic,
    logarithm,
    logistic,
    power,
    rounding,
    trigonometric,
)
from pullback.compiler.mathematics.lanes import symbol
from pullback.compiler.mathematics.registry import arity, bounds, definitions, names, text

__all__ = ["arity", "bounds", "definitions", "names", "symbol", "text"]
