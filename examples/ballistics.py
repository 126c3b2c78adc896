"""Differentiable physics: how to throw a ball so that it lands at a place, by a derivative through the flight.

The ball flies against the drag of the air until it is below the ground: a loop whose number of steps depends on the
throw. Its derivative is exact nevertheless, also through the moment of landing, and Newton's method needs few throws.
"""

from __future__ import annotations

import numpy as np

import pullback as pb

DRAG, GRAVITY, STEP = 0.02, 9.81, 0.01


def landing(throw):
    """Where a ball comes down that starts with this (horizontal, vertical) velocity; plain NumPy inside."""

    def is_up(state):
        return state["y"] >= 0.0

    def fly(state):
        speed = np.sqrt(state["vx"] ** 2 + state["vy"] ** 2)
        vx = state["vx"] - STEP * DRAG * speed * state["vx"]
        vy = state["vy"] - STEP * (GRAVITY + DRAG * speed * state["vy"])
        return {"x": state["x"] + STEP * vx, "y": state["y"] + STEP * vy, "vx": vx, "vy": vy}

    end = pb.while_loop(is_up, fly, {"x": 0.0 * throw[0], "y": 0.0 * throw[0], "vx": throw[0], "vy": throw[1]})
    return end["x"] - end["vx"] * end["y"] / end["vy"]  # back along the last step, to the ground


def main() -> dict[str, float]:
    target, throw = 30.0, np.array([10.0, 10.0])
    gradient = pb.grad(landing)(throw)
    differences = [(landing(throw + 1e-6 * one) - landing(throw - 1e-6 * one)) / 2e-6 for one in np.eye(2)]
    error = np.abs(gradient - np.array(differences)).max()
    print(f"derivative of the landing by the throw {np.round(gradient, 4)}, by differences within {error:.0e}")
    for number in range(10):
        value, gradient = pb.value_and_grad(landing)(throw)
        print(f"throw {number}: velocity {np.round(throw, 3)} lands at {value:.6f}")
        if abs(value - target) < 1e-9:
            break
        throw = throw + (target - value) * gradient / (gradient @ gradient)  # the smallest change that does it
    batch = pb.vmap(landing)(np.array([[10.0, 5.0], [10.0, 10.0], [10.0, 20.0]]))
    print(f"three throws at once, which end at different times: {np.round(batch, 3)}")
    return {"error": error, "miss": abs(value - target), "throws": number}


if __name__ == "__main__":
    main()
