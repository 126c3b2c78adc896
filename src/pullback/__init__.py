"""Computation graphs of NumPy code: recorded, differentiated in every mode and order, and shown."""

from pullback import errors
from pullback import numpy as _numpy
from pullback import ops as _ops
from pullback import testing as testing
from pullback.core import verify as _verify
from pullback.core.array import Array
from pullback.core.creation import array, asarray
from pullback.core.graph import Graph
from pullback.core.parameter import Parameter
from pullback.core.state import no_grad
from pullback.core.trace import trace
from pullback.ops.structural import stop_gradient
from pullback.transforms.custom import custom_jvp, custom_vjp
from pullback.transforms.derivatives import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
