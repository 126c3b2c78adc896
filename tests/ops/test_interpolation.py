"""Interpolation: slopes at the points, infinite values, what is traced."""

import numpy as np
import pytest

import pullback as pb
from pullback.testing import check_grads

XP, FP = np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, -2.0])


def test_the_slope_at_a_point_is_that_on_its_right_and_at_the_last_that_on_its_left():
    slope = pb.grad(lambda x: np.interp(x, XP, FP))
    assert [slope(x) for x in (-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0)] == [0.0, 2.0, 2.0, -2.0, -2.0, -2.0, 0.0]


def test_the_ends_have_their_own_derivatives():
    def f(x, fp, left, right):
        return np.interp(x, XP, fp, left=left, right=right)

    x = np.array([-1.0, 0.5, 4.0])
    gradients = pb.vjp(f, x, FP, np.array(7.0), np.array(8.0))[1](np.ones(3))
    assert [one.tolist() for one in gradients] == [[0.0, 2.0, 0.0], [0.5, 0.5, 0.0], 1.0, 1.0]
    assert pb.vjp(lambda fp: np.interp(x, XP, fp), FP)[1](np.ones(3))[0].tolist() == [1.5, 0.5, 1.0]


def test_values_may_be_complex():
    fp = FP + 1j * FP[::-1]
    x = np.array([0.3, 2.0, 5.0])
    np.testing.assert_allclose(np.asarray(np.interp(pb.array(x), XP, fp)), np.interp(x, XP, fp))
    check_grads(lambda x, fp: np.interp(x, XP, fp), (x, fp))


def test_members_may_have_their_own_points():
    generator = np.random.default_rng(0)
    x, xp, fp = (
        generator.normal(size=(3, 4)),
        np.sort(generator.normal(size=(3, 5)), axis=1),
        generator.normal(size=(3, 5)),
    )
    expected = [np.interp(*row) for row in zip(x, xp, fp, strict=True)]
    np.testing.assert_allclose(pb.vmap(np.interp)(x, xp, fp), expected)
    check_grads(pb.vmap(np.interp), (x, xp, fp))


@pytest.mark.parametrize("fp", [[np.inf, 1.0, 2.0], [1.0, np.inf, np.inf], [-np.inf, 0.0, np.inf], [np.nan, 1.0, 2.0]])
def test_values_that_are_not_finite_are_numpys(fp):
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, np.nan])
    with np.errstate(all="ignore"):
        found = np.interp(pb.array(x), XP, np.array(fp))
        np.testing.assert_array_equal(np.asarray(found), np.interp(x, XP, fp))
