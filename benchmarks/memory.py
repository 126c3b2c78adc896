"""What is held between the forward and the backward pass, and what it costs to hold less."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

import pullback as pb

SIZE, LAYERS, STEPS = 10_000, 12, 400


def _layer(w: Any, x: Any) -> Any:
    return np.tanh(np.sin(w * x) + np.exp(-(x**2))) * np.cos(x)


def _stack(layer: Callable[..., Any]) -> Callable[..., object]:
    def run(w: Any, x: Any) -> Any:
        for _ in range(LAYERS):
            x = layer(w, x)
        return np.sum(x)

    return run


def _loop(max_steps: int | None) -> Callable[..., Any]:
    def run(w: Any, x: Any) -> Any:
        x, _ = pb.while_loop(
            lambda s: s[1] < STEPS, lambda s: (np.sin(w * s[0]) + np.cos(s[0]), s[1] + 1), (x, 0), max_steps
        )
        return np.sum(x)

    return run


def _measure(run: Callable[..., Any]) -> tuple[float, float]:
    """Megabytes held after the forward pass, and seconds of both passes."""
    x = pb.array(np.linspace(0, 1, SIZE))

    def turn(traced: bool) -> tuple[float, float]:
        w = pb.array(0.7, requires_grad=True)
        gc.collect()
        if traced:
            tracemalloc.start()
        start = time.perf_counter()
        out = run(w, x)
        held = tracemalloc.get_traced_memory()[0] / 1e6 if traced else 0.0
        tracemalloc.stop()
        out.backward()
        return held, time.perf_counter() - start

    turn(False)  # loads what is loaded once
    return turn(True)[0], turn(False)[1]


def report() -> list[str]:
    """A table: who holds what."""
    rows = {
        f"{LAYERS} layers of {SIZE:,} numbers": _stack(_layer),
        "the same, each in a checkpoint": _stack(pb.checkpoint(_layer)),
        f"while_loop, {STEPS} steps": _loop(None),
        f"the same with max_steps={STEPS}": _loop(STEPS),
    }
    lines = ["## Held between the passes", "", "| | MB held | ms, both passes |", "|---|---|---|"]
    for name, run in rows.items():
        held, seconds = _measure(run)
        lines.append(f"| {name} | {held:.2f} | {seconds * 1e3:.1f} |")
    return lines


if __name__ == "__main__":
    print("\n".join(report()))
