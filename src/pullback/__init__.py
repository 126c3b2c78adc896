"""Computation graphs of NumPy code: recorded, differentiated in every mode and order, and shown."""

from pullback import errors
from pullback import ops as _ops
from pullback.core import verify as _v
from pullback.core.creation import array, asarray
from pullback.core.parameter import Parameter
from pullback.transforms import backward as _b
