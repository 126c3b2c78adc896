"""One eager training step of a 64-128-10 network on 32 images: forward, backward, SGD."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

import pullback as pb
from benchmarks.timing import Timing, take_turns
from pullback import nn, optim

BATCH, SIZES = 32, (64, 128, 10)


def _data() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.normal(size=(BATCH, SIZES[0])).astype(np.float32), generator.integers(0, SIZES[2], size=BATCH)


def _by_hand() -> Callable[[], None]:
    """The same step in NumPy, derivatives written out: what recording and its backward pass add to."""
    x, labels = _data()
    generator = np.random.default_rng(1)
    w1 = generator.normal(size=SIZES[:2]).astype(np.float32) * 0.1
    w2 = generator.normal(size=SIZES[1:]).astype(np.float32) * 0.1
    b1, b2 = np.zeros(SIZES[1], np.float32), np.zeros(SIZES[2], np.float32)
    rows = np.arange(BATCH)

    def step() -> None:
        z1 = x @ w1 + b1
        a1 = np.maximum(z1, 0)
        z2 = a1 @ w2 + b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        d2 = e / e.sum(axis=1, keepdims=True)
        d2[rows, labels] -= 1
        d2 /= BATCH
        d1 = (d2 @ w2.T) * (z1 > 0)
        for parameter, gradient in ((w1, x.T @ d1), (b1, d1.sum(0)), (w2, a1.T @ d2), (b2, d2.sum(0))):
            parameter -= np.float32(0.01) * gradient

    return step


def _pullback() -> Callable[[], None]:
    x, labels = (pb.array(one) for one in _data())
    model = nn.Sequential(nn.Linear(*SIZES[:2], rng=0), nn.ReLU(), nn.Linear(*SIZES[1:], rng=1))
    optimizer = optim.SGD(model.parameters(), lr=0.01)

    def step() -> None:
        loss = nn.cross_entropy_with_logits(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def _torch() -> Callable[[], None]:
    import torch

    torch.set_num_threads(1)
    values, targets = _data()
    x, labels = torch.tensor(values), torch.tensor(targets)
    model = torch.nn.Sequential(torch.nn.Linear(*SIZES[:2]), torch.nn.ReLU(), torch.nn.Linear(*SIZES[1:]))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def step() -> None:
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def measure(rounds: int) -> dict[str, Timing]:
    """Return the time of one step, by who computes it."""
    contestants = {"NumPy by hand": _by_hand(), "pullback, eager": _pullback()}
    with contextlib.suppress(ImportError):
        contestants["PyTorch, eager"] = _torch()
    return take_turns(contestants, rounds)
