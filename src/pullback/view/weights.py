"""Arrays by name, as a file of weights holds them, as a graph without operations: so that they can be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pullback.core.graph import Graph
from pullback.core.node import NO_PARAMS, Node
from pullback.core.terminals import INPUT
from pullback.errors import ArgumentError
from pullback.transforms.evaluation import Evaluation


def weights(arrays: Mapping[str, Any]) -> Evaluation:
    """The evaluation whose values are these arrays; its picture folds them by the paths that are their names.

    >>> from pullback.view.text import tree
    >>> print(tree(weights({"0.weight": np.zeros((3, 2)), "0.bias": np.ones(3)})))
    2 arrays
    └── 0
        ├── 0.bias    parameter  [1, 1, 1]
        └── 0.weight  parameter  float64[3, 2] all 0
    """
    if not arrays:
        raise ArgumentError("weights: expected at least one array, got none")
    nodes = [
        Node(INPUT, (), NO_PARAMS, np.asarray(arrays[name]), False, name=name) for name in sorted(arrays, key=_in_order)
    ]
    run: Evaluation = Graph(nodes, nodes, ()).forward()
    return run


def _in_order(name: str) -> list[tuple[int, str]]:
    """So that layer 10 comes after layer 9; a file of weights has no order of its own."""
    return [(int(part), "") if part.isdecimal() and len(part) < 18 else (-1, part) for part in name.split(".")]
