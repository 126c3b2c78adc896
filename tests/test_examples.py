"""Each example runs without a warning, and finds what it says it finds."""

import runpy
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name, capsys):
    found = runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]()
    assert capsys.readouterr().out.count("\n") >= 4
    return found


def check_ballistics(found):
    assert found["error"] < 1e-6
    assert found["miss"] < 1e-9
    assert found["throws"] <= 6


def check_gaussian_process(found):
    assert found["difference"] < 1e-9
    assert found["slope"] < 1e-3
    assert abs(np.log(found["length"] / 0.7)) < 3 * found["spread"]


def check_kalman_filter(found):
    assert found["difference"] < 1e-9
    assert found["slope"] < 1e-6
    assert found["push"] == pytest.approx(0.8, rel=0.3)
    assert found["blur"] == pytest.approx(0.3, rel=0.2)


def check_logistic_regression(found):
    norms = found["norms"]
    assert norms[-1] < 1e-8
    assert norms[-1] < norms[-2] ** 2
    assert np.all(np.abs(found["w"] - [1.5, -2.0, 0.5]) < 3 * found["errors"])


def check_principal_components(found):
    assert found["difference"] < 1e-10
    assert found["angle"] < 0.02


def check_variational_inference(found):
    assert found["mean"] < 0.05
    assert found["cov"] < 0.1


CHECKS = {name.removeprefix("check_"): check for name, check in dict(globals()).items() if name.startswith("check_")}


def test_every_example_is_checked():
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == sorted(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_example(name, capsys):
    CHECKS[name](run(name, capsys))
