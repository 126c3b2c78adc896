"""Workloads: what is computed, once for each contestant, from the same numbers.

A workload is a module with a function for each contestant (``pullback``, ``numpy``, ``torch``, ``jax``) that returns a
function without arguments: one unit of the work, which returns what the contestants are compared by. ``pullback`` and
``torch`` take ``wrap``, what the step is compiled with (nothing, for eager). ``TITLE`` says what it is, ``WORK`` what
the machine has to do for it at least, where that bounds the time.
"""

from __future__ import annotations

from dataclasses import dataclass

NAMES = (
    "scalar_graph",
    "network_2_2_1",
    "mlp_64_32_10",
    "mlp_784_128_10",
    "mlp_784_1024_10",
    "convnet",
    "lstm",
    "gpt",
    "softmax",
    "layer_norm",
    "pointwise_chain",
    "logsumexp",
    "mixture",
    "small_solves",
    "kinematics",
)
"""The modules, in the order of the table."""


@dataclass(frozen=True)
class Work:
    """The least that a workload needs, whoever does it.

    Attributes:
        flops: additions and multiplications in products of matrices.
        bytes: read and written in memory: arguments once, results once.
        dtype: of the numbers.
    """

    flops: float = 0.0
    bytes: float = 0.0
    dtype: str = "float32"
