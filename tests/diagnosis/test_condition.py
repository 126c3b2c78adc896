"""Relative condition numbers, the digits that operations lose, and the error that this predicts."""

import mpmath
import numpy as np
import pytest

import pullback as pb


def test_a_difference_of_nearly_equal_numbers_loses_their_common_digits():
    found = pb.condition(lambda a, b: a - b, 1.0, 1 + 1e-8)
    assert found.steps[-1].lost == pytest.approx(8, abs=0.5)
    assert [step.name for step in found.steps] == ["a", "b", "out"]
    assert found.steps[0].condition == pytest.approx(1e8, rel=1e-3)
    assert "loses 8" in str(found)


def test_condition_numbers_are_those_of_textbooks():
    x = 3.0
    found = pb.condition(np.exp, x)
    assert found.steps[0].condition == pytest.approx(x)  # of exp it is |x|
    assert pb.condition(np.log, 1.001).steps[0].condition == pytest.approx(1 / np.log(1.001))
    assert pb.condition(lambda x: x**5, 2.0).steps[0].condition == pytest.approx(5)


@pytest.mark.parametrize(
    ("f", "exact", "x"),
    [
        (lambda x: (1 - np.cos(x)) / x**2, lambda x: (1 - mpmath.cos(x)) / x**2, 1e-4),
        (lambda x: np.exp(x) - 1, lambda x: mpmath.expm1(x), 1e-9),
        (lambda x: np.sqrt(x + 1) - np.sqrt(x), lambda x: mpmath.sqrt(x + 1) - mpmath.sqrt(x), 1e10),
    ],
)
def test_the_estimate_bounds_the_error_that_is_made(f, exact, x):
    found = pb.condition(f, x)
    with mpmath.workdps(50):
        true = exact(mpmath.mpf(x))
        error = float(abs((mpmath.mpf(found.value) - true) / true))
    assert error <= 4 * found.error
    assert found.error < 1e4 * max(error, 1e-16)


def test_a_well_conditioned_result_keeps_its_digits():
    found = pb.condition(lambda x: np.sum(x * x), np.arange(1.0, 5.0))
    assert found.digits > 14
    assert str(found).startswith("result 30, about 15.")


def test_a_result_of_zero_has_an_infinite_condition_number():
    found = pb.condition(lambda a, b: a - b, 1.0, 1.0)
    assert found.steps[-1].lost == np.inf
    assert found.digits == 0


def test_what_is_exact_or_no_number_is_said_so():
    assert str(pb.condition(lambda x: 3.0, 1.0)) == "result 3, all digits of it are right"
    with np.errstate(all="ignore"):
        assert str(pb.condition(np.log, -1.0)).startswith("result nan: no digits. pullback.diagnose")
    assert pb.condition(np.sum, np.zeros(0)).digits == np.inf


def test_steps_are_written_in_the_names_of_variables():
    def spread(x):
        centre = np.mean(x)
        return np.mean(x * x) - centre**2

    found = str(pb.condition(spread, np.array([1e8, 1e8 + 1, 1e8 + 2])))
    assert "mean(x*x) - centre**2 loses 16" in found


def test_bad_arguments_are_refused():
    with pytest.raises(pb.errors.ShapeError, match=r"condition: expected .* result, got 2"):
        pb.condition(lambda x: (x, x), 1.0)
    with pytest.raises(pb.errors.ShapeError, match="condition: expected a function with one number as its result"):
        pb.condition(lambda x: 2 * x, np.ones(3))
    with pytest.raises(pb.errors.DTypeError, match="condition: expected a function"):
        pb.condition(3)
