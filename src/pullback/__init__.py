"""Computation graphs of NumPy code: recorded, differentiated in every mode and order, and shown.

>>> import pullback as pb
>>> pb.grad(lambda x: x**2)(3.0)
6.0
"""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from pullback import control as _control  # says which files declare operations, as ops does
from pullback import errors
from pullback import ops as _ops
from pullback.core.array import Array
from pullback.core.creation import array, asarray
from pullback.core.operations import operations as _operations
from pullback.core.state import no_grad

if _TYPE_CHECKING:
    from pullback import data, fft, io, linalg, nn, numpy, optim, random, special, testing, train, view
    from pullback.compiler.compile import compile
    from pullback.compiler.report import profile
    from pullback.compiler.threads import set_num_threads
    from pullback.control.associative import associative_scan
    from pullback.control.branches import cond, switch
    from pullback.control.checkpoint import checkpoint
    from pullback.control.custom import custom_jvp, custom_vjp
    from pullback.control.linear import linear_transpose, linearize
    from pullback.control.loops import fori_loop, while_loop
    from pullback.control.mapping import map
    from pullback.control.scans import scan
    from pullback.core.graph import Graph
    from pullback.core.parameter import Parameter
    from pullback.core.trace import trace
    from pullback.diagnosis.condition import condition
    from pullback.diagnosis.debug import set_debug
    from pullback.diagnosis.diagnose import diagnose
    from pullback.diagnosis.health import health
    from pullback.ops.structural import stop_gradient
    from pullback.transforms.derivatives import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
    from pullback.transforms.evaluation import Evaluation
    from pullback.transforms.vectorize import vmap
    from pullback.view.expression import expression

# What is loaded at first use only, so that `import pullback` stays light: modules, and where other names are from.
_LAZY_MODULES = (
    "data", "fft", "io", "linalg", "nn", "numpy", "optim", "random", "special", "testing", "train", "view",
)  # fmt: skip
_LAZY_NAMES = {
    name: module
    for module, names in {
        "pullback.compiler.compile": "compile",
        "pullback.compiler.report": "profile",
        "pullback.compiler.threads": "set_num_threads",
        "pullback.core.graph": "Graph",
        "pullback.core.parameter": "Parameter",
        "pullback.core.trace": "trace",
        "pullback.diagnosis.condition": "condition",
        "pullback.diagnosis.debug": "set_debug",
        "pullback.diagnosis.diagnose": "diagnose",
        "pullback.diagnosis.health": "health",
        "pullback.ops.structural": "stop_gradient",
        "pullback.control.associative": "associative_scan",
        "pullback.control.branches": "cond switch",
        "pullback.control.checkpoint": "checkpoint",
        "pullback.control.custom": "custom_jvp custom_vjp",
        "pullback.control.linear": "linear_transpose linearize",
        "pullback.control.loops": "fori_loop while_loop",
        "pullback.control.mapping": "map",
        "pullback.control.scans": "scan",
        "pullback.transforms.derivatives": "grad hessian hvp jacobian jvp value_and_grad vjp",
        "pullback.transforms.evaluation": "Evaluation",
        "pullback.transforms.vectorize": "vmap",
        "pullback.view.expression": "expression",
    }.items()
    for name in names.split()
}

__all__ = [
    "Array",
    "Evaluation",
    "Graph",
    "Parameter",
    "array",
    "asarray",
    "associative_scan",
    "checkpoint",
    "compile",
    "cond",
    "condition",
    "custom_jvp",
    "custom_vjp",
    "data",
    "diagnose",
    "errors",
    "expression",
    "fft",
    "fori_loop",
    "grad",
    "health",
    "hessian",
    "hvp",
    "io",
    "jacobian",
    "jvp",
    "linalg",
    "linear_transpose",
    "linearize",
    "map",
    "nn",
    "no_grad",
    "numpy",
    "optim",
    "profile",
    "random",
    "scan",
    "set_debug",
    "set_num_threads",
    "special",
    "stop_gradient",
    "switch",
    "testing",
    "trace",
    "train",
    "value_and_grad",
    "view",
    "vjp",
    "vmap",
    "while_loop",
]

for _name, _target in {
    "accumulate_gradients": "pullback.transforms.backward:accumulate_gradients",
    "array_bundle": "pullback.view.notebook:array_bundle",
    "array_namespace": "pullback.numpy:namespace",
    "cotangent_slopes": "pullback.transforms.forward:cotangent_slopes",
    "default_rng": "pullback.numpy.random:default_rng",
    "evaluation_explain": "pullback.view.explain:explain",
    "evaluation_latex": "pullback.view.explain:latex",
    "evaluation_listing": "pullback.view.text:plain",
    "evaluation_svg": "pullback.view.svg:svg",
    "explain_nonfinite": "pullback.diagnosis.debug:explain_nonfinite",
    "graph_backward": "pullback.transforms.gradient_graph:graph_backward",
    "graph_compile": "pullback.compiler.compile:graph_compile",
    "graph_formula": "pullback.view.formula:graph_formula",
    "graph_forward": "pullback.transforms.evaluation:graph_forward",
    "graph_listing": "pullback.view.text:plain",
    "graph_simplify": "pullback.transforms.simplify:graph_simplify",
    "picture_bundle": "pullback.view.notebook:picture_bundle",
    "picture_save": "pullback.view.save:save",
    "rich_listing": "pullback.view.text:coloured",
    "vmap": "pullback.transforms.vectorize:vmap",
    "verify": "pullback.core.verify:verify",
}.items():
    _operations.provide(_name, _target)


def __getattr__(name: str) -> _Any:
    if name in _LAZY_MODULES:
        return _importlib.import_module(f"pullback.{name}")
    if name in _LAZY_NAMES:
        found = getattr(_importlib.import_module(_LAZY_NAMES[name]), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'pullback' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
