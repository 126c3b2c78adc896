"""The tester is tested: wrong rules must be caught."""

import numpy as np
import pytest

import pullback as pb
from pullback.testing import GradientError, check_grads


def with_rules(vjp_factor, jvp_factor):
    """x**2 with both rules given, each multiplied by a factor."""

    @pb.custom_vjp
    def square(x):
        return x * x

    @square.define_vjp
    def _(ct, out, x):
        return (vjp_factor(x) * 2 * x * ct,)

    @square.define_jvp
    def _(tangents, out, x):
        return jvp_factor(x) * 2 * x * tangents[0]

    return square


def right(x):
    return 1.0


def wrong(x):
    return 1.001


def right_at_first_order_only(x):
    return pb.stop_gradient(x) / x * (x / pb.stop_gradient(x)) ** 2


POINTS = (np.array([0.7, -1.3]),)


def test_right_rules_pass():
    check_grads(with_rules(right, right), POINTS, order=3)


@pytest.mark.parametrize(("vjp", "jvp", "mode"), [(wrong, right, "reverse"), (right, wrong, "forward")])
def test_a_wrong_rule_is_caught_in_its_mode(vjp, jvp, mode):
    with pytest.raises(GradientError, match=mode):
        check_grads(with_rules(vjp, jvp), POINTS, order=1)
    other = "forward" if mode == "reverse" else "reverse"
    check_grads(with_rules(vjp, jvp), POINTS, order=1, modes=(other,))


def test_a_rule_that_is_wrong_at_second_order_is_caught():
    function = with_rules(right_at_first_order_only, right_at_first_order_only)
    check_grads(function, POINTS, order=1)
    with pytest.raises(GradientError, match="of"):
        check_grads(function, POINTS, order=2)


def test_a_wrong_sign_a_missing_term_and_a_missing_conjugate_are_caught():
    @pb.custom_vjp
    def product(x, y):
        return x * y

    for rule in (
        lambda ct, out, x, y: (-ct * y, ct * x),
        lambda ct, out, x, y: (ct * y, None),
        lambda ct, out, x, y: (ct * y, ct * y),
    ):
        product.define_vjp(rule)
        with pytest.raises(GradientError):
            check_grads(product, (np.array([1.0, 2.0]), np.array([3.0, 5.0])), order=1)
    z = np.array([1.0 + 2.0j, 0.5 - 1.0j])
    with pytest.raises(GradientError):
        check_grads(product, (z, 1j * z), order=1)


def test_only_the_modes_that_are_asked_for_are_walked():
    @pb.custom_vjp
    def square(x):
        return x * x

    walked = []

    @square.define_vjp
    def _(ct, out, x):
        walked.append("reverse")
        return (2 * x * ct,)

    @square.define_jvp
    def _(tangents, out, x):
        walked.append("forward")
        return 2 * x * tangents[0]

    check_grads(square, POINTS, order=2, modes="reverse")
    assert set(walked) == {"reverse"}


def test_arguments_that_do_not_move_are_held():
    check_grads(lambda x, n, name: x**n, (np.array([1.0, 2.0]), 3, "text"))


def test_single_precision_has_tolerances_of_its_own():
    check_grads(lambda x: np.sin(x) * x, (np.array([1.0, 2.0], np.float32),), order=1)


def test_what_does_not_fit_is_refused():
    with pytest.raises(pb.errors.ArgumentError, match="expected modes out of"):
        check_grads(np.sin, POINTS, modes=("sideways",))
    for order in (0, "a"):
        with pytest.raises(pb.errors.ArgumentError, match="order of at least 1"):
            check_grads(np.sin, POINTS, order=order)
    with pytest.raises(pb.errors.DTypeError, match="expected a function"):
        check_grads(3, POINTS)
    with pytest.raises(pb.errors.ArgumentError, match="args as a tuple"):
        check_grads(np.sin, 1.0)
    with pytest.raises(pb.errors.ArgumentError, match="floating or complex argument"):
        check_grads(np.sin, (3,))


@pytest.mark.parametrize("result", [None, 3, np.arange(3), ()])
def test_a_function_without_anything_to_check_does_not_pass(result):
    with pytest.raises(pb.errors.DTypeError, match="return floating or complex arrays, got none"):
        check_grads(lambda x: result, POINTS)


@pytest.mark.parametrize(
    ("args", "options", "words"),
    [
        ((np.nan,), {}, "finite arguments"),
        ((np.float16(1.0),), {}, "float16 is too coarse"),
        ((1.0,), {"rtol": "a"}, "rtol to be a number of 0 or more, got 'a'"),
        ((1.0,), {"atol": -1.0}, "atol to be"),
        ((1.0,), {"step": np.nan}, "step to be"),
        ((1.0,), {"step": 0}, "a step above 0"),
        ((1.0,), {"seed": -1}, "seed to be an integer of 0 or more, got -1"),
    ],
)
def test_where_differences_say_nothing_is_refused(args, options, words):
    with pytest.raises(pb.errors.PullbackError, match=words):
        check_grads(np.sin, args, **options)


def test_the_function_may_use_what_is_watched_beside_its_arguments():
    weight = pb.Parameter([2.0, 3.0])
    check_grads(lambda x: (weight * np.sin(x)).sum(), (np.array([0.3, 0.4]),))
