"""A training step of a long short-term memory over sequences, with a class for each read off its last state.

[Hochreiter, Schmidhuber 1997, with the forget gate of Gers, Schmidhuber, Cummins 2000, as PyTorch has it]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads import Work
from benchmarks.workloads.training import Training, cross_entropy

TITLE = "Training step, LSTM by scan, sequence 64, hidden 128, batch 32, SGD, float32"
LENGTH, BATCH, HIDDEN, CLASSES = 64, 32, 128, 10
# Of the inputs themselves no derivative is asked for: their product is done twice, that of the states three times.
WORK = Work(flops=2 * LENGTH * BATCH * HIDDEN * 4 * HIDDEN * (2 + 3))

_generator = np.random.default_rng(0)
_step = Training(
    {
        "inputs": _generator.normal(size=(4 * HIDDEN, HIDDEN)) / HIDDEN**0.5,
        "states": _generator.normal(size=(4 * HIDDEN, HIDDEN)) / HIDDEN**0.5,
        "bias": np.zeros(4 * HIDDEN),
        "dense": _generator.normal(size=(CLASSES, HIDDEN)) / HIDDEN**0.5,
        "shift": np.zeros(CLASSES),
    },
    (_generator.normal(size=(LENGTH, BATCH, HIDDEN)).astype(np.float32), _generator.integers(0, CLASSES, BATCH)),
    rate=0.1,
)


def _cell(sigmoid: Any, tanh: Any, given: Any, h: Any, c: Any, states: Any) -> Any:
    gates = given + h @ states.T
    i, f, g, o = (gates[:, k * HIDDEN : (k + 1) * HIDDEN] for k in range(4))
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def _pullback(pb: Any, w: Any, x: Any, labels: Any) -> Any:
    def step(carry: Any, given: Any) -> Any:
        return _cell(pb.nn.sigmoid, np.tanh, given, *carry, w["states"]), None

    zeros = np.zeros((BATCH, HIDDEN), np.float32)
    (h, _), _ = pb.scan(step, (zeros, zeros), x @ w["inputs"].T + w["bias"])
    return pb.nn.cross_entropy_with_logits(h @ w["dense"].T + w["shift"], labels)


def _numpy(w: Any, x: Any, labels: Any) -> Any:
    def sigmoid(z: Any) -> Any:
        return 1 / (1 + np.exp(-z))

    given = x @ w["inputs"].T + w["bias"]
    zeros = np.zeros((BATCH, HIDDEN), np.float32)
    h, c, states, kept = zeros, zeros, [], []
    for t in range(LENGTH):
        states.append(h)
        i, f, g, o = np.split(given[t] + h @ w["states"].T, 4, axis=1)
        i, f, g, o, before = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o), c
        c = f * c + i * g
        squashed = np.tanh(c)
        h = o * squashed
        kept.append((i, f, g, o, before, squashed))
    loss, d = cross_entropy(h @ w["dense"].T + w["shift"], labels)
    found = {"dense": d.T @ h, "shift": d.sum(0)}
    dh, dc = d @ w["dense"], zeros
    gates = np.empty((LENGTH, BATCH, 4 * HIDDEN), np.float32)
    for t in reversed(range(LENGTH)):
        i, f, g, o, before, squashed = kept[t]
        dc = dc + dh * o * (1 - squashed * squashed)
        parts = [dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g * g), dh * squashed * o * (1 - o)]
        np.concatenate(parts, axis=1, out=gates[t])
        dc = dc * f
        dh = gates[t] @ w["states"]
    rows = gates.reshape(-1, 4 * HIDDEN)
    found["inputs"], found["bias"] = rows.T @ x.reshape(-1, HIDDEN), rows.sum(0)
    found["states"] = rows.T @ np.stack(states).reshape(-1, HIDDEN)
    return loss, found


def _torch(torch: Any, w: Any, x: Any, labels: Any) -> Any:
    f = torch.nn.functional
    h = c = torch.zeros(BATCH, HIDDEN)
    if torch.compiler.is_compiling():  # it does not take the whole layer, but fuses the cell
        for given in f.linear(x, w["inputs"], w["bias"]).unbind():
            h, c = _cell(torch.sigmoid, torch.tanh, given, h, c, w["states"])
    else:
        several = [w["inputs"], w["states"], w["bias"], torch.zeros_like(w["bias"])]
        _, h, _ = torch.lstm(x, (h[None], c[None]), several, True, 1, 0.0, True, False, False)
        h = h[0]
    return f.cross_entropy(f.linear(h, w["dense"], w["shift"]), labels)


def _jax(jax: Any, w: Any, x: Any, labels: Any) -> Any:
    numpy = jax.numpy

    def step(carry: Any, given: Any) -> Any:
        return _cell(jax.nn.sigmoid, numpy.tanh, given, *carry, w["states"]), None

    zeros = numpy.zeros((BATCH, HIDDEN), numpy.float32)
    (h, _), _ = jax.lax.scan(step, (zeros, zeros), x @ w["inputs"].T + w["bias"])
    scores = jax.nn.log_softmax(h @ w["dense"].T + w["shift"])
    return -numpy.mean(numpy.take_along_axis(scores, labels[:, None], 1))


pullback, numpy = _step.pullback(_pullback), _step.numpy(_numpy)
torch, jax = _step.torch(_torch), _step.jax(_jax)
