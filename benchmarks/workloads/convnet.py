"""A training step of a network of two convolutions and two dense layers on images of digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads import Work
from benchmarks.workloads.training import Training

TITLE = "Training step, convnet (conv 32, pool, conv 64, pool, dense 128, dense 10) on 28x28, batch 64, SGD, float32"
BATCH = 64
_PIXELS = 28 * 28
_FLOPS = {
    "conv1": 2 * _PIXELS * 9 * 32,
    "conv2": 2 * _PIXELS // 4 * 32 * 9 * 64,
    "dense": 2 * 3136 * 128 + 2 * 128 * 10,
}
# Forward, by the weights, and by the input, which the first layer does not need.
WORK = Work(flops=BATCH * (2 * _FLOPS["conv1"] + 3 * _FLOPS["conv2"] + 3 * _FLOPS["dense"]))

_generator = np.random.default_rng(0)


def _weight(*shape: int) -> Any:
    return _generator.normal(size=shape) * (2 / np.prod(shape[1:])) ** 0.5


_step = Training(
    {
        "kernel1": _weight(32, 1, 3, 3), "shift1": np.zeros(32),
        "kernel2": _weight(64, 32, 3, 3), "shift2": np.zeros(64),
        "dense1": _weight(128, 64 * 7 * 7), "bias1": np.zeros(128),
        "dense2": _weight(10, 128), "bias2": np.zeros(10),
    },
    (_generator.normal(size=(BATCH, 1, 28, 28)).astype(np.float32), _generator.integers(0, 10, BATCH)),
    rate=0.001,
)  # fmt: skip


def _pullback(pb: Any, w: Any, x: Any, labels: Any) -> Any:
    nn = pb.nn
    x = nn.max_pool2d(nn.relu(nn.conv2d(x, w["kernel1"], w["shift1"], padding="same")), 2)
    x = nn.max_pool2d(nn.relu(nn.conv2d(x, w["kernel2"], w["shift2"], padding="same")), 2)
    x = nn.relu(x.reshape(BATCH, -1) @ w["dense1"].T + w["bias1"])
    return nn.cross_entropy_with_logits(x @ w["dense2"].T + w["bias2"], labels)


def _torch(torch: Any, w: Any, x: Any, labels: Any) -> Any:
    f = torch.nn.functional
    x = f.max_pool2d(f.relu(f.conv2d(x, w["kernel1"], w["shift1"], padding=1)), 2)
    x = f.max_pool2d(f.relu(f.conv2d(x, w["kernel2"], w["shift2"], padding=1)), 2)
    x = f.relu(f.linear(x.flatten(1), w["dense1"], w["bias1"]))
    return f.cross_entropy(f.linear(x, w["dense2"], w["bias2"]), labels)


def _jax(jax: Any, w: Any, x: Any, labels: Any) -> Any:
    numpy, lax = jax.numpy, jax.lax

    def layer(x: Any, kernel: Any, shift: Any) -> Any:
        x = jax.nn.relu(lax.conv_general_dilated(x, kernel, (1, 1), "SAME") + shift[:, None, None])
        return lax.reduce_window(x, -numpy.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    x = layer(layer(x, w["kernel1"], w["shift1"]), w["kernel2"], w["shift2"])
    x = jax.nn.relu(x.reshape(BATCH, -1) @ w["dense1"].T + w["bias1"])
    scores = jax.nn.log_softmax(x @ w["dense2"].T + w["bias2"])
    return -numpy.mean(numpy.take_along_axis(scores, labels[:, None], 1))


pullback, torch, jax = _step.pullback(_pullback), _step.torch(_torch), _step.jax(_jax)
