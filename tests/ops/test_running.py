"""Running extremes and logarithms of sums."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ShapeError
from pullback.testing import check_grads

X = np.random.default_rng(0).normal(size=(3, 6))


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum, np.logaddexp], ids=lambda ufunc: ufunc.__name__)
def test_accumulate_differentiates_in_every_mode_and_order(ufunc):
    for axis in (0, 1):
        check_grads(lambda x, axis=axis: ufunc.accumulate(x, axis=axis), (X,), order=3)


def test_those_that_attain_an_extreme_share_its_gradient_equally_as_in_max():
    x = np.array([1.0, 3.0, 3.0, 2.0, 3.0, 4.0, 4.0])
    jacobian = pb.jacobian(lambda x: np.maximum.accumulate(x))(x)
    for i, row in enumerate(jacobian):
        expected = pb.grad(lambda x: np.max(x))(x[: i + 1])
        np.testing.assert_allclose(row, [*expected, *np.zeros(len(x) - i - 1)])
    forward = [pb.jvp(lambda x: np.maximum.accumulate(x), (x,), (one,))[1] for one in np.eye(7)]
    np.testing.assert_allclose(np.transpose(forward), jacobian)


def test_the_gradient_after_nan_goes_to_nan():
    x = np.array([1.0, np.nan, 5.0])
    assert pb.grad(lambda x: np.minimum.accumulate(x)[-1])(x).tolist() == [0.0, 1.0, 0.0]


def test_logarithms_of_sums_are_stable_and_right_at_infinities():
    x = np.array([-np.inf, -np.inf, 1000.0, 1000.0])
    jacobian = pb.jacobian(lambda x: np.logaddexp.accumulate(x))(x)
    np.testing.assert_allclose(jacobian, [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0.5, 0.5]])


def test_a_long_one_takes_one_pass():
    x = np.arange(100_000.0)
    assert pb.grad(lambda x: np.maximum.accumulate(x).sum())(x).sum() == 100_000.0


def test_a_number_cannot_be_accumulated():
    with pytest.raises(ShapeError, match="cummax: expected at least one axis"):
        np.maximum.accumulate(pb.array(1.0))
