"""Workloads: what is computed, once for each contestant, from the same numbers.

A workload is a module with a function for each contestant (``pullback``, ``numpy``, ``torch``, ``jax``) that returns a
function without arguments: one unit of the work, which returns what the contestants are compared by. ``pullback`` and
``torch`` take ``wrap``, what the step is compiled with (nothing, for eager). ``TITLE`` says what it is.
"""

NAMES = (
    "scalar_graph",
    "network_2_2_1",
    "mlp_64_32_10",
    "mlp_784_128_10",
    "mlp_784_1024_10",
    "softmax",
    "layer_norm",
    "pointwise_chain",
    "logsumexp",
    "mixture",
    "small_solves",
    "kinematics",
)
"""The modules, in the order of the table."""
