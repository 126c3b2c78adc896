"""Hyper-parameters of a Gaussian process by its marginal likelihood: gradients through cholesky and slogdet.

The likelihood is written twice, by the Cholesky factor and by the determinant; values and gradients must agree. SciPy's
L-BFGS does the rest with exact gradients.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

import pullback as pb

LENGTH, NOISE = 0.7, 0.15


def kernel(x, logs):
    """Squared exponential, with logarithms of its amplitude, length and noise; plain NumPy."""
    amplitude, length, noise = np.exp(logs)
    distance = x[:, None] - x[None, :]
    return amplitude**2 * np.exp(-0.5 * (distance / length) ** 2) + noise**2 * np.eye(len(x))


def by_cholesky(logs, x, y):
    """Minus the logarithm of the marginal likelihood. [Rasmussen and Williams 2006, algorithm 2.1]"""
    factor = np.linalg.cholesky(kernel(x, logs))
    white = np.linalg.solve(factor, y)
    return 0.5 * white @ white + np.sum(np.log(np.diag(factor))) + 0.5 * len(x) * np.log(2 * np.pi)


def by_determinant(logs, x, y):
    """The same, as it is defined."""
    k = kernel(x, logs)
    _, log_determinant = np.linalg.slogdet(k)
    return 0.5 * y @ np.linalg.solve(k, y) + 0.5 * log_determinant + 0.5 * len(x) * np.log(2 * np.pi)


def main() -> dict[str, float]:
    random = np.random.default_rng(1)
    x = np.sort(random.uniform(0, 10, size=60))
    y = np.linalg.cholesky(kernel(x, np.log([1.0, LENGTH, NOISE]))) @ random.normal(size=60)
    start = np.log([0.5, 2.0, 0.5])
    (one, gradient), (other, same) = (pb.value_and_grad(f)(start, x, y) for f in (by_cholesky, by_determinant))
    difference = max(abs(one - other), np.abs(gradient - same).max())
    print(f"by cholesky and by slogdet, values and gradients differ by at most {difference:.1e}")
    found = minimize(pb.value_and_grad(by_cholesky), start, args=(x, y), jac=True, method="L-BFGS-B")
    amplitude, length, noise = np.exp(found.x)
    print(f"minus log likelihood: {one:.3f} at first, {found.fun:.3f} after {found.nit} steps")
    print(f"amplitude {amplitude:.3f} (true 1), length {length:.3f} (true {LENGTH}), noise {noise:.3f} (true {NOISE})")
    slope = np.abs(pb.grad(by_determinant)(found.x, x, y)).max()
    spread = np.sqrt(np.diag(np.linalg.inv(pb.hessian(by_cholesky)(found.x, x, y))))
    print(f"largest slope there {slope:.1e}; standard errors of the logarithms {np.round(spread, 2)}")
    return {"difference": difference, "length": length, "noise": noise, "slope": slope, "spread": spread[1]}


if __name__ == "__main__":
    main()
