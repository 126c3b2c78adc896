"""How long each operation of an evaluation takes."""

from __future__ import annotations

import time

import numpy as np

from pullback.core.node import Node
from pullback.transforms.evaluation import Evaluation

REPEATS = 3


def seconds(run: Evaluation) -> dict[Node, float]:
    """Evaluate each operation again, with NumPy and by itself; return the shortest of three times.

    >>> import pullback as pb
    >>> run = pb.expression("L = a*b").forward(a=1, b=2)
    >>> [node.primitive.name for node, taken in seconds(run).items() if taken > 0]
    ['multiply']
    """
    found: dict[Node, float] = {}
    with np.errstate(all="ignore"):
        for node in run.graph.nodes:
            if not node.inputs:
                continue
            values = [run.raw(source) for source in node.inputs]
            times = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                node.primitive.evaluate(*values, **node.params)
                times.append(time.perf_counter() - start)
            found[node] = min(times)
    return found
