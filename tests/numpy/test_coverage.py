"""No silent loss: what a watched array meets in every function that NumPy lets others override."""

import re

import coverage_table
import numpy as np
import pytest
from coverage_table import SilentLossError, examine

import pullback as pb
from pullback.core.operations import overrides, primitives
from pullback.errors import NotDifferentiableError

FUNCTIONS = {coverage_table.title(one): one for one in coverage_table.overridable()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_watched_array_is_differentiated_or_refused_by_name(name):
    row = examine(FUNCTIONS[name])
    assert row.kind in ("covered", "constant", "refused")
    assert row.kind != "covered" or (row.forward, row.reverse) == ("yes", "yes")


def test_every_function_that_numpy_lists_is_examined():
    listed = {one.__name__ for one in np.testing.overrides.get_overridable_numpy_array_functions()}
    listed |= {one.__name__ for one in np.testing.overrides.get_overridable_numpy_ufuncs()}
    assert {one.__name__ for one in FUNCTIONS.values()} == listed
    assert len(FUNCTIONS) == len(set(FUNCTIONS.values()))


# The examination itself must find what is wrong ---------------------------------------------------------------------


@pytest.fixture
def substitute(monkeypatch):
    """Put a function in the place of np.hypot for the length of a test."""

    def put(function):
        monkeypatch.setitem(overrides, np.hypot, function)
        monkeypatch.setattr(coverage_table, "declared", lambda one: primitives["hypot"])
        return lambda: examine.__wrapped__(np.hypot)

    return put


def test_a_derivative_that_is_lost_is_found(substitute):
    def lossy(x, y):
        return pb.array(np.hypot(pb.asarray(x).detach().numpy(), pb.asarray(y).detach().numpy()))

    with pytest.raises(SilentLossError, match=r"numpy\.hypot: the result depends on argument 0"):
        substitute(lossy)()


def test_a_derivative_that_is_wrong_is_found(substitute):
    with pytest.raises(SilentLossError, match=r"numpy\.hypot: a derivative is wrong"):
        substitute(lambda x, y: np.sqrt(x * x + y * pb.stop_gradient(y)))()


def test_an_error_that_does_not_name_the_function_is_found(substitute):
    def refuse(x, y):
        raise NotDifferentiableError("frobnicate: no derivative")

    with pytest.raises(SilentLossError, match=r"numpy\.hypot: the error does not name it"):
        substitute(refuse)()


def test_a_function_that_nothing_is_said_of_is_found():
    def new_in_numpy(x):
        return x

    with pytest.raises(SilentLossError, match="new_in_numpy: nothing says what becomes of a derivative"):
        examine(new_in_numpy)


# The page -----------------------------------------------------------------------------------------------------------

PAGE = coverage_table.PAGE.read_text(encoding="utf-8")


@pytest.mark.skipif(
    f"NumPy {'.'.join(np.__version__.split('.')[:2])}." not in PAGE, reason="the page is about another NumPy"
)
def test_the_page_is_what_the_script_writes():
    assert coverage_table.page() == PAGE, "run python scripts/coverage_table.py and commit docs/coverage.md"


def test_the_page_counts_what_the_aim_is():
    """All of NumPy's ufuncs of numbers, and at least 240 of its functions, are differentiated or have no derivative."""
    counts = dict(re.findall(r"^\| ([A-Z][\w ]+) \| (\d+ \| \d+ \| \d+ \| \d+) \|$", PAGE, flags=re.MULTILINE))
    listed, covered, constant, _ = map(int, counts["Array functions"].split(" | "))
    assert covered + constant >= 240 <= listed
    listed, covered, constant, refused = map(int, counts["Ufuncs"].split(" | "))
    assert (covered + constant, refused) == (listed, 0)
