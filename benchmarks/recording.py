"""What it costs to record an operation: ``x * x`` on a watched 64x32 float32 array beside NumPy's own product."""

from __future__ import annotations

import numpy as np

import pullback as pb
from benchmarks.timing import Timing, take_turns


def measure(rounds: int) -> dict[str, Timing]:
    """Return the time of one product, by who computes it."""
    values = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    watched = pb.array(values, requires_grad=True)
    plain = pb.array(values)
    multiply = np.multiply
    contestants = {
        "numpy.multiply": lambda: multiply(values, values),
        "pullback, watched": lambda: watched * watched,
        "pullback, not watched": lambda: plain * plain,
    }
    try:
        import torch
    except ImportError:
        pass
    else:
        torch.set_num_threads(1)
        tensor = torch.tensor(values, requires_grad=True)
        contestants["PyTorch, requires_grad"] = lambda: tensor * tensor
    return take_turns(contestants, rounds)
