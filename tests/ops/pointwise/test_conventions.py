"""Where a function has a kink, a pole or an edge: the derivative is the one that is agreed on, and no NaN."""

import mpmath
import numpy as np
import pytest

import pullback as pb
import pullback.numpy as pnp
from pullback.core.operations import operations
from pullback.errors import ArgumentError
from pullback.testing import check_grads

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # log(0) and the like warn as NumPy's do

INF, NAN = np.inf, np.nan


def partials(f, *args):
    return pb.grad(f, argnums=tuple(range(len(args))))(*args)


def nth(f, order, x):
    for _ in range(order):
        f = pb.grad(f)
    return f(x)


class TestMaximumAndMinimum:
    @pytest.mark.parametrize("f", [pnp.maximum, pnp.minimum, pnp.fmax, pnp.fmin])
    @pytest.mark.parametrize("x", [1.0, 0.0, INF, -INF])
    def test_equal_operands_share_the_gradient(self, f, x):
        assert partials(f, x, x) == (0.5, 0.5)

    def test_zeros_of_either_sign_are_equal(self):
        assert partials(pnp.maximum, 0.0, -0.0) == (0.5, 0.5)

    def test_the_larger_or_smaller_takes_it(self):
        assert partials(pnp.maximum, 2.0, 1.0) == partials(pnp.fmin, 1.0, 2.0) == (1.0, 0.0)
        assert partials(pnp.minimum, 2.0, 1.0) == partials(pnp.fmax, 1.0, 2.0) == (0.0, 1.0)

    @pytest.mark.parametrize("f", [pnp.fmax, pnp.fmin])
    def test_fmax_and_fmin_give_it_to_what_is_a_number(self, f):
        assert partials(f, NAN, 1.0) == (0.0, 1.0)
        assert partials(f, 1.0, NAN) == (1.0, 0.0)

    def test_in_single_precision_the_gradient_is_single(self):
        gradient = pb.grad(lambda x: pnp.maximum(x, 0).sum())(np.array([0.0, 1.0, -1.0], np.float32))
        np.testing.assert_array_equal(gradient, np.array([0.5, 1.0, 0.0], np.float32), strict=True)

    def test_complex_operands_are_ordered_as_numpy_orders_them(self):
        z = np.array([1 + 2j, 1 - 2j])
        gradient = pb.grad(lambda z: pnp.maximum(z, 1.0).real.sum())(z)
        np.testing.assert_array_equal(gradient, [1, 0])

    @pytest.mark.parametrize("f", [lambda x: pnp.maximum(x, 0.0), lambda x: pnp.clip(x, 0.0, None), pnp.fmax])
    def test_nothing_passes_to_what_was_not_selected_not_even_infinity(self, f):
        def root(x):
            return pnp.sqrt(f(x, 0.0) if f is pnp.fmax else f(x))

        assert pb.grad(root)(-1.0) == 0.0
        assert pb.jvp(root, (-1.0,), (1.0,)) == (0.0, 0.0)
        assert pb.grad(root)(4.0) == 0.25


class TestClip:
    def test_the_limits_belong_to_the_interval(self):
        gradient = pb.grad(lambda x: pnp.clip(x, 0.0, 1.0).sum())(np.array([-1.0, 0.0, 0.5, 1.0, 2.0]))
        np.testing.assert_array_equal(gradient, [0, 1, 1, 1, 0])

    @pytest.mark.parametrize("limits", [(0.0, None), (None, 0.0)])
    def test_so_does_a_single_limit(self, limits):
        assert pb.grad(lambda x: pnp.clip(x, *limits))(0.0) == 1.0

    @pytest.mark.parametrize(
        ("x", "low", "high", "expected"),
        [
            (-1.0, 0.0, 1.0, (0.0, 1.0, 0.0)),
            (2.0, 0.0, 1.0, (0.0, 0.0, 1.0)),
            (0.5, 0.0, 1.0, (1.0, 0.0, 0.0)),
            (2.0, 3.0, 1.0, (0.0, 0.0, 1.0)),
            (0.0, 3.0, 1.0, (0.0, 0.0, 1.0)),
        ],
    )
    def test_the_gradient_goes_where_the_result_is_from(self, x, low, high, expected):
        assert partials(pnp.clip, x, low, high) == expected

    def test_method_and_keywords(self):
        x = pb.array([-1.0, 0.5, 2.0])
        for clipped in (x.clip(0, 1), x.clip(min=0, max=1), np.clip(x, a_min=0, a_max=1), np.clip(x, min=0, max=1)):
            assert clipped.tolist() == [0.0, 0.5, 1.0]

    def test_integers_out_of_range_are_no_limits(self):
        x = np.array([1, 200], np.uint8)
        np.testing.assert_array_equal(pnp.clip(x, -1, 300).detach(), x, strict=True)
        np.testing.assert_array_equal(pnp.clip(x, -1, 10).detach(), np.clip(x, -1, 10), strict=True)
        with pytest.raises(ArgumentError, match="clip: 300 is out of bounds for uint8"):
            pnp.clip(x, 300, 400)


class TestSigns:
    @pytest.mark.parametrize("f", [pnp.absolute, pnp.fabs, abs, lambda x: pnp.copysign(x, -1.0)])
    def test_sub_gradient_at_zero_is_zero(self, f):
        assert pb.grad(f)(0.0) == 0.0

    def test_absolute(self):
        assert pb.grad(abs)(-3.0) == -1.0
        assert nth(abs, 2, -3.0) == 0.0

    def test_copysign_follows_both_signs(self):
        assert partials(pnp.copysign, -3.0, 2.0) == (-1.0, 0.0)
        assert partials(pnp.copysign, -3.0, -0.0) == (1.0, 0.0)

    def test_heaviside_gives_the_gradient_to_the_value_at_zero(self):
        gradient = pb.grad(lambda h: pnp.heaviside([-1.0, 0.0, 1.0], h).sum())(0.5)
        assert gradient == 1.0

    @pytest.mark.parametrize(
        "f", [pnp.floor, pnp.ceil, pnp.rint, pnp.trunc, pnp.fix, pnp.sign, pnp.spacing, lambda x: pnp.round(x, 1)]
    )
    def test_piecewise_constant_functions_have_derivative_zero(self, f):
        assert pb.grad(f)(1.5) == 0.0
        assert pb.grad(lambda x: pnp.sqrt(f(x) - f(x)))(1.5) == 0.0, "even where the cotangent is infinite"


class TestDivisions:
    @pytest.mark.parametrize(("x", "y"), [(7.0, 2.0), (-7.0, 2.0), (7.0, -2.0), (-7.0, -2.0)])
    def test_remainders_count_how_often_the_divisor_was_taken_off(self, x, y):
        assert partials(pnp.remainder, x, y) == (1.0, -np.floor(x / y))
        assert partials(pnp.fmod, x, y) == (1.0, -np.trunc(x / y))
        assert partials(lambda x, y: divmod(x, y)[1], x, y) == (1.0, -np.floor(x / y))
        assert partials(pnp.floor_divide, x, y) == (0.0, 0.0)

    def test_fmod_where_the_quotient_is_rounded_up_to_an_integer(self):
        x, y = np.nextafter(1.0, 0.0), 1 / 3  # y goes into x twice
        assert x / y == 3.0
        assert pb.grad(pnp.fmod, argnums=1)(x, y) == -2.0

    def test_division_by_zero_is_infinite(self):
        assert partials(pnp.divide, 1.0, 0.0) == (INF, -INF)


class TestPower:
    def test_at_base_zero(self):
        assert partials(pnp.power, 0.0, 2.0) == (0.0, 0.0)
        assert partials(pnp.power, 0.0, 1.0) == (1.0, 0.0)
        assert pb.grad(pnp.power)(0.0, 0.0) == 0.0
        assert pb.grad(lambda x: x**0.0)(0.0) == 0.0
        assert pb.grad(lambda y: 0.0**y)(3.0) == 0.0

    @pytest.mark.parametrize("power", [pnp.power, pnp.float_power])
    def test_of_negative_base(self, power):
        assert pb.grad(power)(-2.0, 3.0) == 12.0
        assert np.isnan(pb.grad(power, argnums=1)(-2.0, 3.0))

    @pytest.mark.parametrize(
        ("exponent", "expected"), [(0, (0, 0, 0)), (1, (1, 0, 0)), (2, (0, 2, 0)), (3, (0, 0, 6)), (4.0, (0, 0, 0))]
    )
    def test_derivatives_at_zero_of_an_integer_power(self, exponent, expected):
        found = [nth(lambda x: x**exponent, order, 0.0) for order in (1, 2, 3)]
        assert tuple(found) == expected

    def test_second_derivatives_at_base_zero_have_no_nan(self):
        for first, second in [(0, 0), (0, 1), (1, 0), (1, 1)]:
            found = pb.grad(pb.grad(pnp.power, argnums=first), argnums=second)(0.0, 3.0)
            assert found == 0.0

    def test_constant_and_array_exponents_agree(self):
        x = np.array([-2.0, 0.0, 0.5, 3.0])
        for exponent in (0.0, 1.0, 2.0, 3.0, -1.0):
            with np.errstate(all="ignore"):
                one = pb.grad(lambda x, e=exponent: (x**e)[:1].sum() + (x**e)[2:].sum())(x)
                other = pb.grad(lambda x, e=exponent: (x ** np.full(4, e) * [1, 0, 1, 1]).sum())(x)
            np.testing.assert_allclose(one, other, rtol=1e-15)

    def test_integers_to_negative_integer_powers_are_refused(self):
        with pytest.raises(ArgumentError, match="power: integers to negative integer powers"):
            pb.array([1, 2]) ** -1


class TestRoots:
    def test_are_infinitely_steep_at_zero(self):
        assert pb.grad(pnp.sqrt)(0.0) == INF
        assert pb.grad(pnp.cbrt)(0.0) == INF

    def test_hypot_at_the_origin(self):
        assert partials(pnp.hypot, 0.0, 0.0) == (0.0, 0.0)
        for second in (0, 1):
            assert pb.grad(pb.grad(pnp.hypot), argnums=second)(0.0, 0.0) == 0.0

    def test_hypot_beside_the_origin(self):
        assert partials(pnp.hypot, 0.0, -2.0) == (0.0, -1.0)
        assert nth(lambda x: pnp.hypot(x, 2.0), 2, 0.0) == 0.5

    def test_hypot_of_numbers_whose_squares_overflow(self):
        np.testing.assert_allclose(partials(pnp.hypot, 3e200, 4e200), (0.6, 0.8), rtol=1e-15)

    def test_arctan2_at_the_origin(self):
        assert partials(pnp.arctan2, 0.0, 0.0) == (0.0, 0.0)
        for second in (0, 1):
            assert pb.grad(pb.grad(pnp.arctan2), argnums=second)(0.0, 0.0) == 0.0

    @pytest.mark.parametrize("scale", [1e200, 1e-200])
    def test_arctan2_of_numbers_whose_squares_overflow_or_vanish(self, scale):
        np.testing.assert_allclose(
            partials(pnp.arctan2, 3 * scale, 4 * scale), (0.16 / scale, -0.12 / scale), rtol=1e-15
        )


class TestLogarithms:
    @pytest.mark.parametrize("f", [pnp.logaddexp, pnp.logaddexp2])
    @pytest.mark.parametrize(
        ("x", "y", "expected"),
        [
            (-INF, -INF, (0.5, 0.5)),
            (INF, INF, (0.5, 0.5)),
            (-INF, 1.0, (0.0, 1.0)),
            (1.0, -INF, (1.0, 0.0)),
            (INF, 1.0, (1.0, 0.0)),
            (1.0, 1.0, (0.5, 0.5)),
            (2000.0, -2000.0, (1.0, 0.0)),
        ],
    )
    def test_log_of_a_sum_of_exponentials_at_infinity(self, f, x, y, expected):
        assert partials(f, x, y) == expected
        assert not np.isnan(pb.grad(pb.grad(f))(x, y))

    def test_its_second_derivative_where_both_are_equal(self):
        assert pb.grad(pb.grad(pnp.logaddexp))(1.0, 1.0) == 0.25

    def test_small_differences_of_large_numbers_count(self):
        d = 0.5
        np.testing.assert_allclose(pb.grad(pnp.logaddexp)(1e10 + d, 1e10), 1 / (1 + np.exp(-d)), rtol=1e-15)

    def test_expm1_keeps_its_digits_far_below_zero(self):
        assert pb.grad(pnp.expm1)(-40.0) == np.exp(-40.0)


class TestSinc:
    def test_derivatives_at_zero(self):
        expected = [0.0, -(np.pi**2) / 3, 0.0, np.pi**4 / 5, 0.0]
        found = [nth(pnp.sinc, order, 0.0) for order in (1, 2, 3, 4, 5)]
        np.testing.assert_allclose(found, expected, rtol=1e-14)

    @pytest.mark.parametrize("x", [1e-8, 1e-3, 0.3182, 0.3184, 0.64, 3.0, -20.5])
    def test_derivatives_near_zero_and_far(self, x):
        def exact(order):
            with mpmath.workdps(60):
                return float(mpmath.diff(lambda t: mpmath.sin(mpmath.pi * t) / (mpmath.pi * t), x, order))

        found = [nth(pnp.sinc, order, x) for order in (1, 2, 3, 4)]
        np.testing.assert_allclose(found, [exact(order) for order in (1, 2, 3, 4)], rtol=1e-11)


class TestStrongZero:
    @pytest.mark.parametrize(
        ("safe", "x"),
        [
            (lambda x: pnp.where(x > 0, pnp.sqrt(x), 0.0), 0.0),
            (lambda x: pnp.where(x > 0, pnp.log(x), 0.0), 0.0),
            (lambda x: pnp.where(x > 0, 1 / x, 0.0), 0.0),
            (lambda x: pnp.where(x > 0, x**0.5, 0.0), 0.0),
            (lambda x: pnp.where(x < 1, pnp.arcsin(x), 0.0), 1.0),
            (lambda x: pnp.where(x < 1, pnp.arctanh(x), 0.0), 1.0),
            (lambda x: pnp.where(x > 1, pnp.arccosh(x), 0.0), 1.0),
            (lambda x: pnp.where(x < 0, pnp.exp(x), 0.0), 1000.0),
            (lambda x: pnp.where(x < 0, pnp.sinh(x), 0.0), 1000.0),
            (lambda x: pnp.where(x < 0, pnp.remainder(1.0, x), 0.0), 0.0),
        ],
    )
    def test_no_nan_comes_through_a_branch_that_was_not_selected(self, safe, x):
        assert pb.grad(safe)(x) == 0.0
        assert pb.jvp(safe, (x,), (1.0,))[1] == 0.0
        assert pb.grad(pb.grad(safe))(x) == 0.0

    def test_the_nan_of_a_selected_branch_is_not_hidden(self):
        assert np.isnan(pb.grad(pnp.log)(NAN))
        assert pb.grad(pnp.log)(0.0) == INF

    def test_the_product_is_differentiable_at_zero(self):
        check_grads(operations.strong_product, (np.array([0.0, 1.0]), np.array([2.0, 3.0])))
