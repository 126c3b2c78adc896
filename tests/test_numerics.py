"""The table of docs/numerics.md: what pullback computes of formulas as they are written, against 50 exact digits."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
spec = importlib.util.spec_from_file_location("numerics_script", ROOT / "scripts" / "numerics.py")
numerics = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = numerics  # where its dataclass looks for its names
spec.loader.exec_module(numerics)


@pytest.mark.parametrize("formula", numerics.FORMULAS, ids=lambda one: f"{one.text} at {one.where}")
def test_value_and_gradient_are_right_to_thirteen_digits(formula):
    value, gradient = numerics.errors(formula, numerics.pullbacks)
    assert value < numerics.BOUND
    assert gradient < numerics.BOUND


def test_there_are_at_least_forty_formulas_and_most_are_wrong_as_they_are_written():
    assert len({one.text for one in numerics.FORMULAS}) >= 40
    broken = [one for one in numerics.FORMULAS if numerics.errors(one, numerics.naive)[0] > 1e-9]
    assert len(broken) > 0.8 * len(numerics.FORMULAS)


def test_the_page_has_a_row_for_each_formula_and_none_that_pullback_gets_wrong():
    rows = [line.split(" | ") for line in numerics.PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    assert [(row[0][2:], row[1]) for row in rows] == [(f"`{one.text}`", one.where) for one in numerics.FORMULAS]
    for row in rows:
        assert "wrong" not in row[-2:]
