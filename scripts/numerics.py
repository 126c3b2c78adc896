"""Formulas as a textbook writes them, at points where that breaks: value and gradient against 50 exact digits.

``python scripts/numerics.py`` writes docs/numerics.md. With ``--peers``, run where PyTorch and JAX are installed, it
records their figures in docs/numerics_peers.json, which the page quotes.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import mpmath
import numpy as np

DOCS = Path(__file__).parent.parent / "docs"
PAGE, RECORDED = DOCS / "numerics.md", DOCS / "numerics_peers.json"
BOUND = 1e-13


@dataclass(frozen=True)
class Formula:
    """A formula in x (and y), and where it is evaluated. The gradient is by x."""

    text: str
    x: object
    y: object = None

    @property
    def where(self) -> str:
        """The point, written."""

        def brief(v):
            return f"[{', '.join(f'{one:g}' for one in v)}]" if isinstance(v, list) else f"{v:g}"

        return f"x = {brief(self.x)}" + ("" if self.y is None else f", y = {brief(self.y)}")

    def function(self, names):
        """The formula as a function, its operations taken from ``names``."""
        code = compile(self.text, "<formula>", "eval")
        return lambda x, y=None: eval(code, {"__builtins__": {}, **vars(names)}, {"x": x, "y": y})


FORMULAS = [
    Formula("log(sigmoid(x))", -800.0),
    Formula("log(1 - sigmoid(x))", 40.0),
    Formula("1 - sigmoid(x)", 40.0),
    Formula("sigmoid(x) * (1 - sigmoid(x))", 40.0),
    Formula("1 / (1 + exp(-x))", -700.0),
    Formula("exp(x) / (1 + exp(x))", 800.0),
    Formula("-(y * log(sigmoid(x)) + (1 - y) * log(1 - sigmoid(x)))", 50.0, 1.0),
    Formula("-(y * log(sigmoid(x)) + (1 - y) * log(1 - sigmoid(x)))", -800.0, 1.0),
    Formula("log(softmax(x))[1]", [800.0, 0.0]),
    Formula("-log(softmax(x)[2])", [0.0, 0.0, -900.0]),
    Formula("(exp(x) / sum(exp(x)))[1]", [1000.0, 999.0]),
    Formula("log(exp(x) / sum(exp(x)))[1]", [1000.0, 0.0]),
    Formula("log(sum(exp(x)))", [1000.0, 1001.0, 1002.0]),
    Formula("log(sum(exp(x)))", [1e6, 1e6 + 1]),
    Formula("log(mean(exp(x)))", [-1000.0, -1001.0]),
    Formula("log(sum(y * exp(x)))", [800.0, 801.0], 0.5),
    Formula("log(0.3 * exp(x) + 0.7 * exp(y))", 800.0, 801.0),
    Formula("sum(x * exp(x)) / sum(exp(x))", [800.0, 801.0]),
    Formula("exp(x) / (exp(x) + exp(y))", 800.0, 801.0),
    Formula("(1 - softmax(x))[0]", [50.0, 0.0]),
    Formula("-log(1 - softmax(x)[0])", [50.0, 0.0]),
    Formula("log(exp(x) + exp(y))", 1000.0, 1001.0),
    Formula("log(exp(x) - exp(y))", 1000.0, 999.0),
    Formula("exp(x) - exp(y)", 1.0, 1.0 + 2.0**-40),
    Formula("log(1 + exp(x))", 800.0),
    Formula("log(1 + exp(x))", -40.0),
    Formula("log(1 + exp(x)) - x", 50.0),
    Formula("log(1 - exp(x))", -1e-17),
    Formula("log(1 - exp(x))", -50.0),
    Formula("log(cosh(x))", 800.0),
    Formula("log(cosh(x))", 1e-9),
    Formula("log(2 * cosh(x))", 800.0),
    Formula("log(sinh(x))", 800.0),
    Formula("log2(1 + exp(x))", 1100.0),
    Formula("log10(sigmoid(x))", -800.0),
    Formula("sqrt(exp(x))", 800.0),
    Formula("log(exp(x) / y)", 800.0, 3.0),
    Formula("log(exp(x) * y)", -800.0, 3.0),
    Formula("log(x / y)", 1e-300, 1e300),
    Formula("log(x * y)", 1e-200, 1e-200),
    Formula("log(x * x)", 1e-200),
    Formula("log(x**3)", 1e150),
    Formula("exp(x) * exp(y)", 800.0, -799.0),
    Formula("exp(x) / exp(y)", 800.0, 799.0),
    Formula("log(1 + x)", 1e-17),
    Formula("log(1 - x)", 1e-18),
    Formula("log((1 + x) / (1 - x))", 1e-17),
    Formula("exp(x) - 1", 1e-12),
    Formula("1 - exp(x)", 1e-12),
    Formula("1 - cos(x)", 1e-9),
    Formula("1 - tanh(x)", 25.0),
    Formula("1 - tanh(x) ** 2", 25.0),
    Formula("1 + tanh(x)", -25.0),
    Formula("log(1 - tanh(x) ** 2)", 400.0),
    Formula("log(1 + tanh(x))", -400.0),
    Formula("log((1 - tanh(x)) / 2)", 400.0),
    Formula("(exp(x) - exp(-x)) / (exp(x) + exp(-x))", 800.0),
    Formula("(exp(x) - exp(-x)) / 2", 1e-12),
    Formula("log(x + sqrt(x * x + 1))", -1e10),
    Formula("sqrt(1 + x) - 1", 1e-15),
    Formula("1 - sqrt(1 - x)", 1e-17),
    Formula("sqrt(x + 1) - sqrt(x)", 1e16),
    Formula("arccos(1 - x)", 1e-17),
    Formula("1 - erf(x)", 7.0),
    Formula("1 + erf(x)", -7.0),
    Formula("1 - erfc(x)", 1e-17),
    Formula("log(erfc(x))", 30.0),
    Formula("log(1 - erf(x))", 30.0),
    Formula("log(0.5 * (1 + erf(x)))", -30.0),
    Formula("1 - ndtr(x)", 10.0),
    Formula("log(ndtr(x))", -40.0),
    Formula("log(1 - ndtr(x))", 40.0),
    Formula("sqrt(x * x)", 1e-200),
    Formula("sqrt(x * x + y * y)", 3e200, 4e200),
    Formula("sqrt(x * x + y * y)", 3e-200, 4e-200),
    Formula("x * x - y * y", 1e8 + 1, 1e8),
    Formula("(x + y) - x", 1e20, 1.0),
    Formula("x / y * y", 1e-300, 1e300),
    Formula("mean(x * x) - mean(x) ** 2", [1e8, 1e8 + 1, 1e8 + 2]),
    Formula("log(prod(x))", [1e-200, 1e-200]),
    Formula("log(det(diag(x)))", [1e-200, 3e-200]),
    Formula("log(abs(det(diag(x))))", [-1e200, 3e200]),
    Formula("norm(x)", [3e200, 4e200]),
    Formula("norm(x)", [3e-200, 4e-200]),
    Formula("sqrt(sum(x**2))", [3e200, 4e200]),
    Formula("log(sum(x**2))", [3e200, 4e200]),
    Formula("sqrt(mean(x**2))", [3e-200, 4e-200]),
    Formula("std(x)", [1e200, 3e200]),
    Formula("sqrt(var(x))", [1e200, 3e200]),
    Formula("mean(x)", [1.5e308, 1.7e308]),
    Formula("sum(x) / 2", [1.5e308, 1.7e308]),
    Formula("hypot(x, y)", 3e200, 4e200),
]


# Who computes ---------------------------------------------------------------------------------------------------------


def _numpy():
    names = {name: getattr(np, name) for name in ("exp", "log", "log2", "log10", "sqrt", "cos", "cosh", "sinh", "tanh",
                                                  "arccos", "sum", "mean", "prod", "abs", "diag", "std", "var",
                                                  "hypot")}  # fmt: skip
    import scipy.special as special

    return SimpleNamespace(
        **names, sigmoid=special.expit, erf=special.erf, erfc=special.erfc, ndtr=special.ndtr,
        det=np.linalg.det, norm=np.linalg.norm,
        softmax=lambda x: np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x))),
    )  # fmt: skip


def _exact_mean(x):
    return np.sum(x) / len(x)


def _mpmath():
    def each(function):
        return np.vectorize(function, otypes=[object])

    functions = {name: each(getattr(mpmath, name)) for name in ("exp", "log", "log10", "sqrt", "cos", "cosh", "sinh",
                                                                "tanh", "erf", "erfc")}  # fmt: skip
    return SimpleNamespace(
        **functions, log2=each(lambda x: mpmath.log(x, 2)),
        arccos=each(mpmath.acos), sigmoid=each(lambda x: 1 / (1 + mpmath.exp(-x))), ndtr=each(mpmath.ncdf),
        sum=np.sum, mean=_exact_mean, prod=np.prod, diag=np.diag, abs=abs,
        det=lambda x: mpmath.det(mpmath.matrix(x.tolist())), norm=lambda x: mpmath.sqrt(np.sum(x * x)),
        std=lambda x: mpmath.sqrt(_exact_mean((x - _exact_mean(x)) ** 2)),
        var=lambda x: _exact_mean((x - _exact_mean(x)) ** 2),
        hypot=lambda x, y: mpmath.sqrt(x * x + y * y),
        softmax=lambda x: functions["exp"](x) / np.sum(functions["exp"](x)),
    )  # fmt: skip


def _pullback():
    import pullback as pb

    names = vars(_numpy())
    return SimpleNamespace(
        **{**names, **{name: getattr(pb.special, name) for name in ("sigmoid", "erf", "erfc", "ndtr")}},
    ), pb  # fmt: skip


def exact(formula: Formula):
    """Value and gradient at 50 digits, rounded to float64 at the end; the gradient by differences at 400."""
    f = formula.function(_mpmath())
    vector = isinstance(formula.x, list)
    with mpmath.workdps(1200):  # 1 - tanh(800) has its first digit at the 695th place
        x = np.array([mpmath.mpf(one) for one in formula.x], object) if vector else mpmath.mpf(formula.x)
        y = None if formula.y is None else mpmath.mpf(formula.y)
        value = _number(f(x, y))
        partials = []
        for i in range(len(x) if vector else 1):
            at = x[i] if vector else x
            step = mpmath.mpf(10) ** -400 * (abs(at) if at else 1)

            def moved(distance, i=i):
                if not vector:
                    return x + distance
                other = x.copy()
                other[i] = other[i] + distance
                return other

            partials.append((_number(f(moved(step), y)) - _number(f(moved(-step), y))) / (2 * step))
    return value, partials


def _number(x):
    return x.item() if isinstance(x, np.ndarray) else x


def pullbacks(formula: Formula):
    """Value and gradient by pullback, compiled."""
    names, pb = _pullback()
    names.softmax = pb.nn.softmax
    f = formula.function(names)
    point = [np.array(one) for one in (formula.x, formula.y) if one is not None]
    value, gradient = pb.compile(pb.value_and_grad(f))(*point)
    return float(value), np.ravel(gradient).tolist()


def naive(formula: Formula):
    """The value by NumPy, as it is written."""
    f = formula.function(_numpy())
    return float(f(np.array(formula.x), None if formula.y is None else np.array(formula.y))), None


def pytorchs(formula: Formula):
    """Value and gradient by PyTorch, eager."""
    import torch

    names = SimpleNamespace(
        **{name: getattr(torch, name) for name in ("exp", "log", "log2", "log10", "sqrt", "cos", "cosh", "sinh", "tanh",
                                                   "arccos", "sum", "mean", "prod", "sigmoid", "erf", "erfc", "abs",
                                                   "diag", "hypot")},
        var=lambda x: torch.var(x, correction=0),
        det=torch.linalg.det, norm=torch.linalg.norm, std=lambda x: torch.std(x, correction=0),
        ndtr=torch.special.ndtr, softmax=lambda x: torch.softmax(x, 0),
    )  # fmt: skip
    x = torch.tensor(formula.x, dtype=torch.float64, requires_grad=True)
    y = None if formula.y is None else torch.tensor(formula.y, dtype=torch.float64)
    value = formula.function(names)(x, y)
    value.backward()
    return value.item(), x.grad.ravel().tolist()


def jaxs(formula: Formula):
    """Value and gradient by JAX, jitted."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    names = SimpleNamespace(
        **{name: getattr(jnp, name) for name in ("exp", "log", "log2", "log10", "sqrt", "cos", "cosh", "sinh", "tanh",
                                                 "arccos", "sum", "mean", "prod", "abs", "diag", "std", "var",
                                                 "hypot")},
        det=jnp.linalg.det, norm=jnp.linalg.norm,
        sigmoid=jax.nn.sigmoid, erf=jax.scipy.special.erf, erfc=jax.scipy.special.erfc,
        ndtr=jax.scipy.special.ndtr, softmax=jax.nn.softmax,
    )  # fmt: skip
    f = formula.function(names)
    point = [jnp.array(one) for one in (formula.x, formula.y) if one is not None]
    value, gradient = jax.jit(jax.value_and_grad(f))(*point)
    return float(value), np.ravel(gradient).tolist()


# Errors ---------------------------------------------------------------------------------------------------------------


def relative_error(found: float, true) -> float:
    """The relative error, at most 1; of what rounds to 0 or to infinity in float64, whether it did not."""
    nearest = float(true)
    if nearest == 0 or abs(nearest) == np.inf or abs(nearest) < sys.float_info.min:
        return 0.0 if abs(found - nearest) <= sys.float_info.min else 1.0
    if not np.isfinite(found):
        return 1.0
    with mpmath.workdps(50):
        return min(float(abs((mpmath.mpf(found) - true) / true)), 1.0)


def errors(formula: Formula, compute) -> tuple[float, float | None]:
    """The relative errors of the value and, in the largest norm, of the gradient."""
    value, partials = exact(formula)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found, gradient = compute(formula)
    if gradient is None:
        return relative_error(found, value), None
    of_gradient = [relative_error(one, true) for one, true in zip(gradient, partials, strict=True)]
    return relative_error(found, value), max(of_gradient)


def written(error: float | None) -> str:
    """An error in few characters."""
    return "" if error is None else "wrong" if error > 0.5 else "exact" if error < 1e-16 else f"{error:.0e}"


def table() -> str:
    """The page."""
    peers = json.loads(RECORDED.read_text(encoding="utf-8"))
    lines = [
        "# Formulas as they are written",
        "",
        "Relative errors in float64 against 50 exact digits: of the value, and of the gradient by x. *wrong* is an",
        "error above 50 %, or inf or NaN where the result is neither. pullback computes what is in the first column,",
        "compiled: the formula is put into a stable form by the rewrites of `Graph.simplify`, none of which has to be",
        "known. NumPy computes it as it is written; so do PyTorch (eager) and JAX (jitted).",
        "",
        f"PyTorch {peers['versions']['torch']}, JAX {peers['versions']['jax']}. Made by `python scripts/numerics.py`.",
        "",
        "| formula | at | NumPy | PyTorch | its gradient | JAX | its gradient | pullback | its gradient |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for formula in FORMULAS:
        recorded = peers["errors"][f"{formula.text} at {formula.where}"]
        cells = [errors(formula, naive)[0], *recorded["torch"], *recorded["jax"], *errors(formula, pullbacks)]
        lines.append(f"| `{formula.text}` | {formula.where} | {' | '.join(map(written, cells))} |")
    return "\n".join(lines) + "\n"


def record_peers() -> None:
    """Measure the peers and write their figures down."""
    found = {
        f"{formula.text} at {formula.where}": {
            "torch": errors(formula, pytorchs), "jax": errors(formula, jaxs),
        }
        for formula in FORMULAS
    }  # fmt: skip
    versions = {name: importlib.metadata.version(name) for name in ("torch", "jax")}
    RECORDED.write_text(json.dumps({"versions": versions, "errors": found}, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Write the page, or record the peers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="record PyTorch's and JAX's figures")
    if parser.parse_args().peers:
        record_peers()
    else:
        PAGE.write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    main()
