"""Computation graphs of NumPy code: recorded, differentiated in every mode and order, and shown.

>>> import pullback as pb
>>> pb.grad(lambda x: x**2)(3.0)
6.0
"""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from pullback import errors
from pullback import ops as _ops
from pullback.core import evaluate as _evaluate
from pullback.core import verify as _verify
from pullback.core.array import Array
from pullback.core.creation import array, asarray
from pullback.core.graph import Graph
from pullback.core.operations import operations as _operations
from pullback.core.parameter import Parameter
from pullback.core.state import no_grad
from pullback.core.trace import trace
from pullback.ops.structural import stop_gradient
from pullback.transforms.custom import custom_jvp, custom_vjp
from pullback.transforms.derivatives import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from pullback.transforms.vectorize import vmap

if _TYPE_CHECKING:
    from pullback import data, io, nn, numpy, optim, testing, train, view
    from pullback.numpy import fft, special
    from pullback.transforms.evaluation import Evaluation
    from pullback.view.expression import expression

# What is loaded at first use only, so that `import pullback` stays light.
_LAZY_MODULES = {
    **{name: f"pullback.{name}" for name in ("data", "io", "nn", "numpy", "optim", "testing", "train", "view")},
    "fft": "pullback.numpy.fft",
    "special": "pullback.numpy.special",
}
_LAZY_NAMES = {"Evaluation": "pullback.transforms.evaluation", "expression": "pullback.view.expression"}

__all__ = [
    "Array",
    "Evaluation",
    "Graph",
    "Parameter",
    "array",
    "asarray",
    "custom_jvp",
    "custom_vjp",
    "data",
    "errors",
    "expression",
    "fft",
    "grad",
    "hessian",
    "hvp",
    "io",
    "jacobian",
    "jvp",
    "nn",
    "no_grad",
    "numpy",
    "optim",
    "special",
    "stop_gradient",
    "testing",
    "trace",
    "train",
    "value_and_grad",
    "view",
    "vjp",
    "vmap",
]

for _name, _target in {
    "array_html": "pullback.view.html:array_html",
    "array_namespace": "pullback.numpy:namespace",
    "evaluation_explain": "pullback.view.explain:explain",
    "evaluation_html": "pullback.view.html:evaluation_html",
    "evaluation_latex": "pullback.view.explain:latex",
    "evaluation_listing": "pullback.view.text:run_listing",
    "evaluation_save": "pullback.view.save:save",
    "evaluation_svg": "pullback.view.svg:evaluation_svg",
    "graph_backward": "pullback.transforms.gradient_graph:graph_backward",
    "graph_formula": "pullback.view.formula:graph_formula",
    "graph_forward": "pullback.transforms.evaluation:graph_forward",
    "graph_html": "pullback.view.html:graph_html",
    "graph_listing": "pullback.view.text:listing",
    "graph_save": "pullback.view.save:save",
}.items():
    _operations.provide(_name, _target)


def __getattr__(name: str) -> _Any:
    if name in _LAZY_MODULES:
        return _importlib.import_module(_LAZY_MODULES[name])
    if name in _LAZY_NAMES:
        found = getattr(_importlib.import_module(_LAZY_NAMES[name]), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'pullback' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
