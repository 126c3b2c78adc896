"""Layers of windows: shapes, labels, bad arguments, and a network that learns with them."""

import numpy as np
import pytest

import pullback as pb
from pullback import nn, optim


def test_a_convolutional_network_tells_bars_from_stripes():
    rng = np.random.default_rng(0)
    images = np.zeros((64, 1, 8, 8), np.float32)
    labels = np.arange(64) % 2
    for image, label in zip(images, labels, strict=True):
        line = rng.integers(1, 7)
        image[0, line, :] = 1 - label
        image[0, :, line] += label
    net = nn.Sequential(nn.Conv2d(1, 4, 3, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 2, rng=1))
    optimizer = optim.Adam(net.parameters(), lr=0.02)
    for _ in range(60):
        loss = nn.cross_entropy_with_logits(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    assert (np.asarray(net(images).detach()).argmax(1) == labels).all()


def test_labels_say_what_is_not_as_by_default():
    layer = nn.Conv2d(4, 8, (3, 1), stride=2, padding=(1, 0), dilation=2, groups=2, bias=False, rng=0)
    words = "Conv2d(4, 8, (3, 1), stride=2, padding=(1, 0), dilation=2, groups=2, bias=False)"
    assert repr(layer).startswith(words)
    assert layer.weight.shape == (8, 2, 3, 1)
    assert repr(nn.MaxPool2d(3, 2, 1)) == "MaxPool2d(3, stride=2, padding=1)"


def test_shapes_of_layers():
    x = np.ones((2, 3, 8), np.float32)
    assert nn.Conv1d(3, 5, 3, padding=1, rng=0)(x).shape == (2, 5, 8)
    assert nn.MaxPool1d(2)(x).shape == nn.AvgPool1d(2)(x).shape == (2, 3, 4)
    assert nn.AvgPool2d(2)(np.ones((2, 3, 8, 6), np.float32)).shape == (2, 3, 4, 3)
    assert nn.Flatten()(np.ones((0, 3, 4))).shape == (0, 12)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: nn.Conv2d(0, 1, 3), pb.errors.ArgumentError, "Conv2d: expected in_channels to be a positive integer"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), pb.errors.ArgumentError, "that groups=2 divides, got 3 and 4"),
        (lambda: nn.Conv2d(1, 1, (3, 3, 3)), pb.errors.ArgumentError, "expected kernel_size as an integer or 2 of"),
        (lambda: nn.Conv1d(1, 1, 3, dtype=int), pb.errors.DTypeError, "Conv1d: expected a floating or complex dtype"),
        (lambda: nn.Conv2d(1, 1, 3, init="none"), pb.errors.ArgumentError, "Conv2d: expected init to be 'he'"),
        (
            lambda: nn.Conv2d(3, 4, 3)(np.ones((2, 8, 8, 3))),
            pb.errors.ShapeError,
            r"Conv2d\(3, 4, 3\): expected images of shape \(batch, 3, height, width\), got \(2, 8, 8, 3\)",
        ),
        (lambda: nn.Flatten()(1.0), pb.errors.ShapeError, "Flatten: expected at least one axis"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, error, words):
    with pytest.raises(error, match=words):
        make()
