"""Black-box variational inference: a Gaussian fitted to a posterior by gradients of a sampled bound.

The logarithm of the joint density is written for one sample of the weights; ``vmap`` makes it that of all samples. Here
the posterior is Gaussian and known, so that the answer can be checked; the method does not use that.
"""

from __future__ import annotations

import numpy as np

import pullback as pb

NOISE = 0.5


def log_joint(w, x, y):
    """Log density of weights and data, up to a constant; plain NumPy, for one w."""
    return -0.5 * np.sum((y - x @ w) ** 2) / NOISE**2 - 0.5 * np.sum(w**2)


def minus_bound(q, draws, x, y):
    """Minus the evidence lower bound: a mean over samples w = mean + lower @ draw, and the entropy."""
    lower = np.tril(q["lower"], -1) + np.diag(np.exp(np.diag(q["lower"])))
    w = q["mean"] + draws @ lower.T
    return -np.mean(pb.vmap(log_joint, in_axes=(0, None, None))(w, x, y)) - np.sum(np.diag(q["lower"]))


def main() -> dict[str, float]:
    random = np.random.default_rng(4)
    x = random.normal(size=(50, 3))
    y = x @ np.array([1.0, -0.5, 2.0]) + NOISE * random.normal(size=50)
    cov = np.linalg.inv(x.T @ x / NOISE**2 + np.eye(3))
    mean = cov @ x.T @ y / NOISE**2
    q = {"mean": np.zeros(3), "lower": np.zeros((3, 3))}
    step = pb.compile(pb.value_and_grad(minus_bound))
    first = {name: np.zeros_like(one) for name, one in q.items()}
    second = {name: np.zeros_like(one) for name, one in q.items()}
    for t in range(1, 801):  # Adam, with a rate that falls
        draws = random.normal(size=(32, 3))
        draws = np.concatenate([draws, -draws])
        value, gradient = step(q, draws, x, y)
        for name, one in gradient.items():
            first[name] = 0.9 * first[name] + 0.1 * one
            second[name] = 0.99 * second[name] + 0.01 * one**2
            rate = 0.1 * 0.995**t
            q[name] = q[name] - rate * (first[name] / (1 - 0.9**t)) / (np.sqrt(second[name] / (1 - 0.99**t)) + 1e-8)
        if t in (1, 10, 100, 800):
            print(f"step {t:3}: minus the bound {value:.3f}")
    lower = np.tril(q["lower"], -1) + np.diag(np.exp(np.diag(q["lower"])))
    by_mean = np.abs(q["mean"] - mean).max() / np.sqrt(cov.max())
    by_cov = np.abs(lower @ lower.T - cov).max() / cov.max()
    print(f"mean {np.round(q['mean'], 3)}, exactly {np.round(mean, 3)}")
    print(f"deviations {np.round(np.sqrt(np.diag(lower @ lower.T)), 4)}, exactly {np.round(np.sqrt(np.diag(cov)), 4)}")
    return {"mean": by_mean, "cov": by_cov}


if __name__ == "__main__":
    main()
