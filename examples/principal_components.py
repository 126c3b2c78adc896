"""Principal components by gradients through svd, against the closed form.

The energy of the k largest components is the sum of the k largest squared singular values. Its gradient by the data is
twice the best approximation of rank k (Eckart and Young), so half a gradient *is* the projection on the components. The
components themselves are then found by gradient ascent, with svd bringing each step back to orthonormal columns.
"""

from __future__ import annotations

import numpy as np

import pullback as pb

RANK = 2


def energy(x, rank):
    """The sum of the largest squared singular values; plain NumPy."""
    return np.sum(np.linalg.svd(x, compute_uv=False)[:rank] ** 2)


def orthonormal(w):
    """The orthonormal matrix nearest to w."""
    left, _, right = np.linalg.svd(w, full_matrices=False)
    return left @ right


def captured(w, x):
    """The energy of x along the columns of w, made orthonormal."""
    return np.sum((x @ orthonormal(w)) ** 2)


def main() -> dict[str, float]:
    random = np.random.default_rng(3)
    x = (
        random.normal(size=(200, 6))
        * np.array([3.0, 2.0, 1.0, 0.5, 0.4, 0.3])
        @ orthonormal(random.normal(size=(6, 6)))
    )
    x = x - x.mean(axis=0)
    left, values, right = np.linalg.svd(x, full_matrices=False)
    closed = left[:, :RANK] * values[:RANK] @ right[:RANK]
    by_gradient = pb.grad(energy)(x, RANK) / 2
    difference = np.abs(by_gradient - closed).max()
    print(f"half the gradient of the energy and the projection of rank {RANK} differ by at most {difference:.1e}")
    w = orthonormal(random.normal(size=(6, RANK)))
    ascend = pb.value_and_grad(captured)
    for step in range(81):
        value, gradient = ascend(w, x)
        if step % 20 == 0:
            print(f"step {step:2}: captured {value / np.sum(x**2):.6f} of the energy")
        w = orthonormal(w + gradient / values[0] ** 2)
    angle = np.linalg.norm(w @ w.T - right[:RANK].T @ right[:RANK], 2)
    print(f"best possible: {np.sum(values[:RANK] ** 2) / np.sum(x**2):.6f}; sine of the angle between: {angle:.1e}")
    return {"difference": difference, "angle": angle}


if __name__ == "__main__":
    main()
