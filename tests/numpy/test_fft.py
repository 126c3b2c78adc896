"""numpy.fft over Array: all of its names, its dtypes, and identities that transforms satisfy."""

import numpy as np
import pytest

import pullback as pb

RANDOM = np.random.default_rng(3)


def test_every_name_of_numpys_is_here():
    names = {name for name in np.fft.__all__ if not name.startswith("_")}
    assert names == set(pb.fft.__all__)
    for name in names:
        assert ">>>" in getattr(pb.fft, name).__doc__


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, np.bool_, np.complex64])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "rfft2", "irfftn"])
def test_dtypes_are_numpys(name, dtype):
    x = np.ones((3, 4), dtype)
    numpys = getattr(np.fft, name)
    if dtype is np.complex64 and name.startswith(("rfft", "ihfft")):
        with pytest.raises(pb.errors.DTypeError, match=f"{name}: expected a real array"):
            numpys(pb.array(x))
        return
    found = numpys(pb.array(x))
    assert found.dtype == numpys(x).dtype
    np.testing.assert_allclose(np.asarray(found), numpys(x), rtol=1e-3, atol=1e-3)


def test_the_energy_is_the_same_on_both_sides_and_its_gradient_is_twice_the_signal():
    x = RANDOM.normal(size=(4, 5))

    def energy(x):
        return np.sum(np.abs(np.fft.fftn(x, norm="ortho")) ** 2)

    value, gradient = pb.value_and_grad(energy)(x)
    np.testing.assert_allclose(value, np.sum(x**2))
    np.testing.assert_allclose(gradient, 2 * x, atol=1e-14)


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_convolution_is_a_product_of_transforms_in_value_and_derivative(n):
    x, kernel = RANDOM.normal(size=n), RANDOM.normal(size=n)
    circulant = np.stack([np.roll(kernel, i) for i in range(n)], axis=1)

    def convolved(x):
        return np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(kernel), n)

    np.testing.assert_allclose(convolved(x), circulant @ x, atol=1e-13)
    np.testing.assert_allclose(pb.jacobian(convolved)(x), circulant, atol=1e-13)


def test_an_axis_named_twice_is_transformed_twice():
    x = RANDOM.normal(size=(3, 4))
    np.testing.assert_allclose(np.fft.fftn(pb.array(x), axes=(0, 0)), np.fft.fftn(x, axes=(0, 0)), atol=1e-13)


def test_the_spacing_of_samples_may_be_watched():
    np.testing.assert_array_equal(pb.fft.fftfreq(5, 0.1), np.fft.fftfreq(5, 0.1))
    np.testing.assert_array_equal(pb.fft.rfftfreq(6), np.fft.rfftfreq(6))
    assert pb.fft.rfftfreq(4, dtype=np.float32).dtype == np.float32
    assert pb.grad(lambda d: pb.fft.fftfreq(4, d)[1])(0.5) == -1.0


@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
def test_bad_frequencies_are_refused_by_name(name):
    with pytest.raises(pb.errors.ShapeError, match=f"{name}: expected n of at least 1, got 0"):
        getattr(pb.fft, name)(0)
    with pytest.raises(pb.errors.DTypeError, match=f"{name}: expected an integer as n, got 2.5"):
        getattr(pb.fft, name)(2.5)
    with pytest.raises(pb.errors.ArgumentError, match=f"{name}: expected device 'cpu', got 'gpu'"):
        getattr(pb.fft, name)(3, device="gpu")


def test_out_makes_an_array_point_at_the_result():
    target = pb.array(np.zeros(1, complex))
    assert np.fft.fft(pb.array([2.0]), out=target) is target
    assert target.tolist() == [2.0 + 0.0j]
