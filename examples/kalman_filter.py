"""A Kalman filter as one scan: the gradient of the likelihood of a whole series finds the noises that made it."""

from __future__ import annotations

import numpy as np

import pullback as pb

STEP = 0.1
MOVE = np.array([[1.0, STEP], [0.0, 1.0]])  # position and velocity
LOOK = np.array([[1.0, 0.0]])  # the position is observed
PUSH, BLUR = 0.8, 0.3  # standard deviations of the acceleration and of an observation


def observe(size: int = 300) -> np.ndarray:
    """A track, looked at with noise."""
    random = np.random.default_rng(2)
    state, seen = np.zeros(2), []
    for _ in range(size):
        state = MOVE @ state + np.array([STEP**2 / 2, STEP]) * PUSH * random.normal()
        seen.append(LOOK @ state + BLUR * random.normal())
    return np.array(seen)


def update(logs, state, seen):
    """One step: predict, compare, correct. Returns the new state, and what is to be stacked; plain NumPy."""
    push, blur = np.exp(logs)
    mean, cov = state
    kick = push * np.array([STEP**2 / 2, STEP])
    mean, cov = MOVE @ mean, MOVE @ cov @ MOVE.T + np.outer(kick, kick)
    surprise = seen - LOOK @ mean
    spread = LOOK @ cov @ LOOK.T + blur**2
    gain = cov @ LOOK.T @ np.linalg.inv(spread)
    log_density = -0.5 * (surprise @ np.linalg.solve(spread, surprise) + np.linalg.slogdet(2 * np.pi * spread)[1])
    mean = mean + gain @ surprise
    return (mean, cov - gain @ LOOK @ cov), (mean, log_density)


def start() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(2), np.eye(2)


def by_scan(logs, seen):
    """The filtered means, and the logarithm of the likelihood."""
    _, (means, log_densities) = pb.scan(lambda state, one: update(logs, state, one), start(), seen)
    return means, np.sum(log_densities)


def by_loop(logs, seen):
    """The same, by Python's own loop."""
    state, means, total = start(), [], 0.0
    for one in seen:
        state, (mean, log_density) = update(logs, state, one)
        means.append(mean)
        total = total + log_density
    return np.stack(means), total


def main() -> dict[str, float]:
    seen = observe()
    logs = np.log([3.0, 1.0])
    (means, value), (others, same) = by_scan(logs, seen), by_loop(logs, seen)
    gradients = [pb.grad(lambda logs, f=f: f(logs, seen)[1])(logs) for f in (by_scan, by_loop)]
    difference = max(np.abs(means - others).max(), abs(value - same), np.abs(gradients[0] - gradients[1]).max())
    print(f"means, likelihood and gradients of the scan and of the loop differ by at most {difference:.1e}")
    print(f"log likelihood at first {value:9.3f}")

    def minus(logs):
        return -by_scan(logs, seen)[1]

    for _ in range(30):  # Newton's method, with a step that is no longer than 1
        gradient, curvature = pb.grad(minus)(logs), pb.hessian(minus)(logs)
        curvature = curvature + max(0.0, 1.0 - np.linalg.eigvalsh(curvature)[0]) * np.eye(2)
        move = np.linalg.solve(curvature, gradient)
        logs = logs - move / max(1.0, np.linalg.norm(move))
        if np.abs(gradient).max() < 1e-8:
            break
    push, blur = np.exp(logs)
    print(f"log likelihood at last  {-minus(logs):9.3f}, largest slope {np.abs(gradient).max():.1e}")
    print(f"acceleration {push:.3f} (true {PUSH}), observation {blur:.3f} (true {BLUR})")
    return {"difference": difference, "push": push, "blur": blur, "slope": np.abs(gradient).max()}


if __name__ == "__main__":
    main()
