"""A training step of a network of two convolutions and two dense layers on images of digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads import Work
from benchmarks.workloads.training import Training, cross_entropy

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


def _windows(x: Any) -> Any:
    """The pixels around each pixel, as rows."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    return around.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 9 * x.shape[1])


def _layer(x: Any, kernel: Any, shift: Any) -> Any:
    """What backward needs too: the windows, the rectified convolution, and the largest of each two by two."""
    batch, _, size, _ = x.shape
    windows = _windows(x)
    flat = np.maximum(windows @ kernel.reshape(len(kernel), -1).T + shift, 0)
    z = flat.reshape(batch, size, size, -1).transpose(0, 3, 1, 2)
    return windows, z, z.reshape(batch, -1, size // 2, 2, size // 2, 2).max((3, 5))


def _layer_back(d: Any, windows: Any, z: Any, pooled: Any, kernel: Any) -> Any:
    def wide(a: Any) -> Any:
        return a.repeat(2, 2).repeat(2, 3)

    d = wide(d) * ((z == wide(pooled)) & (z > 0))
    rows = d.transpose(0, 2, 3, 1).reshape(-1, len(kernel))
    return rows, (rows.T @ windows).reshape(kernel.shape), rows.sum(0)


def _numpy(w: Any, x: Any, labels: Any) -> Any:
    first = _layer(x, w["kernel1"], w["shift1"])
    second = _layer(first[2], w["kernel2"], w["shift2"])
    flat = second[2].reshape(BATCH, -1)
    z = np.maximum(flat @ w["dense1"].T + w["bias1"], 0)
    loss, d2 = cross_entropy(z @ w["dense2"].T + w["bias2"], labels)
    d1 = (d2 @ w["dense2"]) * (z > 0)
    found = {"dense2": d2.T @ z, "bias2": d2.sum(0), "dense1": d1.T @ flat, "bias1": d1.sum(0)}
    d = (d1 @ w["dense1"]).reshape(second[2].shape)
    rows, found["kernel2"], found["shift2"] = _layer_back(d, *second, w["kernel2"])
    size = second[1].shape[2]
    spread = (rows @ w["kernel2"].reshape(len(w["kernel2"]), -1)).reshape(BATCH, size, size, -1, 3, 3)
    padded = np.zeros((BATCH, spread.shape[3], size + 2, size + 2), np.float32)
    for i in range(3):
        for j in range(3):
            padded[:, :, i : i + size, j : j + size] += spread[..., i, j].transpose(0, 3, 1, 2)
    _, found["kernel1"], found["shift1"] = _layer_back(padded[:, :, 1:-1, 1:-1], *first, w["kernel1"])
    return loss, found


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


pullback, numpy = _step.pullback(_pullback), _step.numpy(_numpy)
torch, jax = _step.torch(_torch), _step.jax(_jax)
