"""Elements some steps apart: every step, length and dtype, read and written."""

import numpy as np
import pytest

import pullback as pb


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, -1, -2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
def test_slices_are_read_at_any_step(dtype, step):
    x = (np.arange(5 * 131) % 7 - 3).astype(dtype).reshape(5, 131)
    for length in (1, 3, 33, 131):
        given = x[:, :length]
        np.testing.assert_array_equal(pb.compile(lambda x: np.logical_not(x[:, ::step]))(given), given[:, ::step] == 0)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("count", [1, 2, 7, 16, 37])
def test_windows_side_by_side_with_what_comes_back(size, count):
    x = np.random.default_rng(0).integers(-2, 3, (3, count * size)).astype(np.float32)

    def f(x):
        y = pb.nn.max_pool1d(x[None], size)[0]
        back = pb.grad(lambda x: np.sum(pb.nn.max_pool1d(pb.nn.relu(x)[None], size) ** 2))(x)
        return y, np.mean(np.reshape(x, (3, count, size)), axis=2), back

    for found, expected in zip(pb.compile(f)(x), f(x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
