"""Convolution against SciPy's, its adjoints against each other, and pooling against loops."""

import numpy as np
import pytest
import scipy.signal

import pullback as pb
from pullback import nn

RANDOM = np.random.default_rng(5)


def normal(*shape):
    return RANDOM.normal(size=shape)


@pytest.mark.parametrize(
    ("stride", "padding"), [(1, "same"), *[(s, p) for s in (1, 2, (2, 3)) for p in (0, 1, (2, 1))]]
)
def test_a_convolution_is_scipys_correlation_summed_over_channels(stride, padding):
    x, w = normal(2, 3, 7, 6), normal(4, 3, 3, 2)
    before = {0: (0, 0), 1: (1, 1), (2, 1): (2, 1), "same": (1, 0)}[padding]
    after = (1, 1) if padding == "same" else before
    padded = np.pad(x, [(0, 0), (0, 0), *zip(before, after, strict=True)])
    expected = np.stack(
        [
            [sum(scipy.signal.correlate2d(image[c], kernel[c], "valid") for c in range(3)) for kernel in w]
            for image in padded
        ]
    )
    step = (stride, stride) if isinstance(stride, int) else stride
    found = nn.conv2d(x, w, stride=stride, padding=padding)
    np.testing.assert_allclose(found, expected[..., :: step[0], :: step[1]], atol=1e-12)


def test_dilation_spreads_the_kernel():
    x, w = normal(1, 1, 9), normal(1, 1, 3)
    spread = np.zeros((1, 1, 7))
    spread[..., ::3] = w
    np.testing.assert_allclose(nn.conv1d(x, w, dilation=3), nn.conv1d(x, spread), atol=1e-13)


def test_groups_are_convolutions_side_by_side():
    x, w = normal(2, 4, 5), normal(6, 2, 3)
    halves = [nn.conv1d(x[:, 2 * g : 2 * g + 2], w[3 * g : 3 * g + 3]) for g in range(2)]
    np.testing.assert_allclose(nn.conv1d(x, w, groups=2), np.concatenate(halves, axis=1), atol=1e-13)


def test_many_images_are_convolved_a_few_at_a_time_with_the_same_result(monkeypatch):
    x, w = normal(5, 2, 6, 6), normal(3, 2, 3, 3)

    def everything():
        value, gradient = pb.value_and_grad(lambda x, w: (nn.conv2d(x, w) ** 2).sum(), argnums=(0, 1))(x, w)
        return [value, *gradient]

    whole = everything()
    monkeypatch.setattr("pullback.ops.window.convolution._CHUNK", 1)
    for one, other in zip(everything(), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize(("stride", "output_padding"), [(1, 0), (2, 0), (2, 1)])
def test_the_transposed_convolution_is_the_adjoint(stride, output_padding):
    y, w = normal(2, 3, 4, 3), normal(3, 2, 3, 2)
    x = nn.conv_transpose2d(y, w, stride=stride, padding=(1, 0), output_padding=output_padding)
    other = normal(*x.shape)
    forward = nn.conv2d(other, w, stride=stride, padding=(1, 0))
    np.testing.assert_allclose(np.vdot(x, other), np.vdot(y, forward))


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, None, 0), (3, 1, 0), (3, 2, 1), ((1, 2), (2, 1), 0)])
@pytest.mark.parametrize(("pool", "reduce"), [(nn.max_pool2d, np.max), (nn.avg_pool2d, np.mean)])
def test_pooling_is_a_loop_over_windows(kernel, stride, padding, pool, reduce):
    x = normal(2, 3, 7, 6)
    size = (kernel, kernel) if isinstance(kernel, int) else kernel
    step = size if stride is None else (stride, stride) if isinstance(stride, int) else stride
    fill = -np.inf if reduce is np.max else 0.0
    padded = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)], constant_values=fill)
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(padded.shape[2:], size, step, strict=True))
    expected = np.empty((2, 3, rows, columns))
    for i, j in np.ndindex(rows, columns):
        window = padded[..., i * step[0] : i * step[0] + size[0], j * step[1] : j * step[1] + size[1]]
        expected[..., i, j] = reduce(window, axis=(2, 3))
    np.testing.assert_allclose(pool(x, kernel, stride, padding), expected)


def test_equal_elements_of_a_window_share_the_gradient():
    gradient = pb.grad(lambda x: nn.max_pool2d(x, 2).sum())(np.ones((1, 2, 2)))
    np.testing.assert_array_equal(gradient, np.full((1, 2, 2), 0.25))


def test_each_image_may_have_a_kernel_of_its_own():
    x, w = normal(3, 2, 5, 5), normal(3, 4, 2, 3, 3)
    found = pb.vmap(nn.conv2d)(x, w)
    np.testing.assert_allclose(found, np.stack([nn.conv2d(*one) for one in zip(x, w, strict=True)]), atol=1e-13)
    by_kernel = pb.vmap(pb.grad(lambda w, x: (nn.conv2d(x, w) ** 2).sum()), in_axes=(0, None))(w, x[0])
    one_by_one = [pb.grad(lambda w: (nn.conv2d(x[0], w) ** 2).sum())(one) for one in w]
    np.testing.assert_allclose(by_kernel, np.stack(one_by_one), rtol=1e-11)
