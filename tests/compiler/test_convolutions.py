"""Convolutions and pooling in native code: every geometry, what is done to lines, and any number of threads."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback import nn
from pullback.compiler import cache, threads
from pullback.ops.window.convolution import convolve_images, images_of, kernel_of
from pullback.ops.window.geometry import Geometry
from pullback.ops.window.unfolding import fold, unfold


def normal(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def assert_native(f, *arguments, terms=1):
    """The compiled function gives what the eager one does, to rounding, without any call of the host."""
    compiled = pb.compile(f)
    found, expected = compiled(*arguments), f(*arguments)
    for one, other in zip(found, expected, strict=True):
        other = np.asarray(other)
        atol = np.finfo(other.dtype).eps * (2 * terms + 50) * max(1, np.abs(other).max(initial=0))
        np.testing.assert_allclose(one, other, rtol=0, atol=atol)
    assert not compiled.report().count("host call")


@st.composite
def geometries(draw):
    rank = draw(st.integers(1, 2))
    axes = []
    for _ in range(rank):
        size, step = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        before, after = draw(st.integers(0, 3)), draw(st.integers(0, 3))
        span = (size - 1) * step + 1
        length = draw(st.integers(max(1, span - before - after), span + 40 // rank**2))
        axes.append((length, size, draw(st.integers(1, 3)), (before, after), step))
    lengths, kernel, strides, padding, dilation = zip(*axes, strict=True)
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    channels, outputs = (groups * draw(st.integers(1, most)) for most in (5, 20))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x = normal(draw(st.integers(1, 3)), channels, *lengths, dtype=dtype, seed=1)
    w = normal(outputs, channels // groups, *kernel, dtype=dtype, seed=2)
    return x, w, Geometry(strides, padding, dilation), groups


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(geometries())
def test_convolutions_of_any_geometry(case):
    x, w, geometry, groups = case
    shared = {"geometry": geometry, "groups": groups}
    y = normal(*convolve_images(x, w, **shared).shape, dtype=x.dtype, seed=3)

    def f(x, w, y):
        return (
            convolve_images(x, w, **shared),
            images_of(y, w, **shared, lengths=x.shape[2:]),
            kernel_of(x, y, **shared, kernel=w.shape[2:]),
        )

    assert_native(f, x, w, y, terms=max(w.size, y.size // len(w)))


CASES = [
    ((2, 3, 1500), (20, 3, 5), {"padding": 2}),
    ((1, 2, 700), (3, 2, 3), {"stride": 2}),
    ((1, 1, 40, 660), (2, 1, 3, 3), {"padding": 1}),
    ((1, 2, 7, 5), (4, 2, 7, 5), {}),
    ((3, 2, 1, 1), (4, 2, 1, 1), {}),
    ((3, 2, 1, 1), (4, 2, 3, 3), {"padding": 1}),
    ((2, 6, 12, 12), (12, 1, 3, 3), {"groups": 6, "padding": "same"}),
    ((2, 1024, 4, 4), (9, 1024, 1, 1), {}),
    ((2, 3, 9, 9), (4, 3, 3, 3), {"stride": 2}),
]


@pytest.mark.parametrize(("images", "weight", "arguments"), CASES)
def test_convolutions_of_odd_shapes_with_what_comes_after_and_their_gradients(images, weight, arguments):
    convolve = nn.conv1d if len(images) == 3 else nn.conv2d
    x, w, b = normal(*images), normal(*weight, seed=1), normal(weight[0], seed=2)

    def f(x, w, b):
        def loss(x, w, b):
            y = convolve(x, w, b, **arguments)
            return np.sum(np.tanh(y) * np.cos(y * 0.5)) / 16

        value, gradients = pb.value_and_grad(loss, argnums=(0, 1, 2))(x, w, b)
        return value, *gradients

    assert_native(f, x, w, b, terms=w.size // len(w) + x.size)


def test_images_may_lie_in_any_way():
    x, w = normal(20, 3, 24, 2), normal(4, 3, 3, 3, seed=1)

    def f(x, w):
        turned = np.transpose(x, (3, 1, 0, 2))
        return (
            nn.conv2d(turned, w) * 2 + np.transpose(x, (3, 1, 0, 2))[:, :1, 1:-1, 1:-1],
            nn.conv2d(turned[:, :, ::-1, 3:], np.swapaxes(w, 2, 3)),
            nn.conv2d(np.broadcast_to(turned[:, :1], (2, 3, 20, 24)), w[::-1]),
        )

    assert_native(f, x, w, terms=27)


def test_without_images_nothing_is_computed():
    found = pb.compile(nn.conv2d)(np.ones((0, 2, 5, 5)), np.ones((3, 2, 3, 3)))
    assert found.shape == (0, 3, 3, 3)


def test_a_training_step_is_the_same_bit_for_bit_with_any_number_of_threads():
    x, labels = normal(20, 1, 28, 28), np.arange(20) % 10

    def trained(count):
        pb.set_num_threads(count)
        model = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 20, 3, rng=1), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(720, 10, rng=2),
        )  # fmt: skip
        optimizer = pb.optim.SGD(model.parameters(), lr=0.1)

        @pb.compile
        def step(x, labels):
            loss = nn.cross_entropy_with_logits(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        losses = [float(step(x, labels)) for _ in range(3)]
        return losses, [one.detach() for one in model.parameters()]

    before = threads.pool.wanted
    try:
        expected = trained(1)
        assert expected[0][-1] < expected[0][0]
        for count in (2, 3):
            found = trained(count)
            assert found[0] == expected[0]
            for one, other in zip(found[1], expected[1], strict=True):
                np.testing.assert_array_equal(one, other)
    finally:
        threads.pool.wanted = before
        threads.pool.ensure()


def test_programs_with_convolutions_are_kept_on_disk():
    x, w = np.ones((1, 2, 6, 6)), np.ones((3, 2, 3, 3))
    prints = {
        cache.fingerprint(pb.trace(lambda x, w, stride=stride: nn.conv2d(x, w, stride=stride), x, w))
        for stride in ((1, 1), (1, 1), (2, 1), (1, 2))
    }
    assert None not in prints
    assert len(prints) == 3


POOLS = [
    (nn.max_pool2d, (2, 3, 9, 11), (3, 2, 1)),
    (nn.max_pool2d, (1, 2, 7, 7), ((2, 3), (1, 2))),
    (nn.max_pool2d, (1, 2, 9, 9), (3, 1, 0, 2)),
    (nn.avg_pool2d, (2, 3, 9, 11), (3, 2, 1)),
    (nn.avg_pool2d, (2, 3, 8, 12), (2,)),
    (nn.max_pool2d, (2, 2, 5, 6), ((5, 6),)),
    (nn.max_pool1d, (2, 3, 40), (5, 3, 2)),
    (nn.avg_pool1d, (2, 3, 40), (4,)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("pool", "shape", "arguments"), POOLS)
def test_pooling_and_what_comes_back_with_ties_and_nan(pool, shape, arguments, dtype):
    x = np.random.default_rng(0).integers(-2, 3, shape).astype(dtype)
    with_nan = x.copy()
    with_nan[0, 1].flat[[3, 17]] = np.nan

    def f(x):
        back = pb.grad(lambda x: np.sum(np.sin(pool(x, *arguments))))(x)
        return pool(x, *arguments), back, pb.jvp(lambda x: pool(x, *arguments), (x,), (x * 2,))[1]

    assert_native(f, x, terms=16)
    for found, expected in zip(pb.compile(f)(with_nan), f(with_nan), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_windows_and_their_sums_of_any_geometry():
    geometry = Geometry((2, 1), ((1, 0), (0, 2)), (1, 3))
    x, y = normal(2, 3, 7, 9, dtype=np.float64), normal(2, 3, 3, 5, 4, 3, dtype=np.float64, seed=1)

    def f(x, y):
        return unfold(x, kernel=(4, 3), geometry=geometry) * 2 + y, fold(y, lengths=(7, 9), geometry=geometry) + x

    assert_native(f, x, y, terms=12)
    line = np.lib.stride_tricks.sliding_window_view
    assert_native(lambda x, y: (line(x, 3, axis=2).sum(-1), line(y, (2, 2), axis=(0, 4)).max(axis=(-1, -2))), x, y)
