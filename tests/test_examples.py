"""Each example runs without a warning, and finds what it says it finds."""

import inspect
import runpy
from pathlib import Path

import numpy as np
import optree
import pytest

import pullback as pb

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name):
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def run(name, capsys):
    found = load(name)["main"]()
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


# Compiled -------------------------------------------------------------------------------------------------------------

GENERATOR = np.random.default_rng(0)
X, Y = GENERATOR.normal(size=(9, 3)), GENERATOR.normal(size=9)
SPD = X.T @ X + np.eye(3)
ARGUMENTS = {
    "ballistics.landing": (np.array([3.0, 4.0]),),
    "gaussian_process.kernel": (Y, np.array([0.1, 0.2, -0.5])),
    "gaussian_process.by_cholesky": (np.array([0.1, 0.2, -0.5]), np.sort(Y), X[:, 0]),
    "gaussian_process.by_determinant": (np.array([0.1, 0.2, -0.5]), np.sort(Y), X[:, 0]),
    "kalman_filter.update": (np.array([0.5, 0.1]), (Y[:2], SPD[:2, :2]), np.array([0.3])),
    "kalman_filter.by_scan": (np.array([0.5, 0.1]), Y[:, None]),
    "kalman_filter.by_loop": (np.array([0.5, 0.1]), Y[:3, None]),
    "logistic_regression.loss": (X[0], X, (Y > 0).astype(float)),
    "principal_components.energy": (X, 2),
    "principal_components.orthonormal": (X,),
    "principal_components.captured": (X[:3, :2], X),
    "variational_inference.log_joint": (X[0], X, Y),
    "variational_inference.minus_bound": ({"mean": X[0], "lower": X[1:4]}, X[:4], X, Y),
}
DATA = {"kalman_filter.observe", "kalman_filter.start", "logistic_regression.data"}


def functions(name):
    loaded = load(name)
    return {f"{name}.{key}": f for key, f in loaded.items() if inspect.isfunction(f) and f.__module__ == "<run_path>"}


def test_every_function_of_an_example_is_compiled_here():
    found = {key for name in CHECKS for key in functions(name)}
    assert found - DATA - {f"{name}.main" for name in CHECKS} == set(ARGUMENTS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_compiled_equals_eager(name):
    f, arguments = functions(name.partition(".")[0])[name], ARGUMENTS[name]

    def total(*arguments):
        return sum((leaf * leaf).sum() for leaf in optree.tree_leaves(f(*arguments)))

    for one in (f, pb.value_and_grad(total)):
        found, expected = optree.tree_leaves(pb.compile(one)(*arguments)), optree.tree_leaves(one(*arguments))
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
