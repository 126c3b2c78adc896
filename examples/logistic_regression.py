"""Logistic regression by Newton's method, with the exact Hessian of a loss that is written as in the textbook.

Near the optimum each step squares the error, which only happens if gradient and Hessian are exact. The inverse of the
Hessian there gives the standard errors of the coefficients.
"""

from __future__ import annotations

import numpy as np

import pullback as pb

TRUE = np.array([1.5, -2.0, 0.5])


def data(size: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Points with an intercept, and labels drawn with the probabilities of ``TRUE``."""
    random = np.random.default_rng(0)
    x = np.column_stack([random.normal(size=(size, 2)), np.ones(size)])
    return x, (random.random(size) < 1 / (1 + np.exp(-x @ TRUE))).astype(float)


def loss(w, x, y):
    """The cross-entropy; plain NumPy."""
    p = 1 / (1 + np.exp(-(x @ w)))
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))


def main() -> dict[str, np.ndarray]:
    x, y = data()
    w = np.zeros(3)
    norms = []
    for step in range(8):
        value, gradient = pb.value_and_grad(loss)(w, x, y)
        norms.append(np.linalg.norm(gradient))
        print(f"step {step}: loss {value:10.6f}, norm of the gradient {norms[-1]:.2e}")
        if norms[-1] < 1e-10:
            break
        w = w - np.linalg.solve(pb.hessian(loss)(w, x, y), gradient)
    errors = np.sqrt(np.diag(np.linalg.inv(pb.hessian(loss)(w, x, y))))
    for name, found, error, true in zip(("x1", "x2", "intercept"), w, errors, TRUE, strict=True):
        print(f"{name:>9}: {found:7.3f} +- {error:.3f} (true {true:5.2f})")
    return {"w": w, "errors": errors, "norms": np.array(norms)}


if __name__ == "__main__":
    main()
