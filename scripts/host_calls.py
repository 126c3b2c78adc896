"""Which primitives stay calls of the host in compiled functions: found by planning each at its samples.

``python scripts/host_calls.py`` writes the table in docs/performance.md. A test holds the page to what this gives.

Counted are real numbers with elements: complex numbers and empty arrays are calls of the host everywhere.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import pullback as pb
from pullback.compiler.fuse import Step, planned_bodies
from pullback.compiler.planning import plan_graph
from pullback.core.aval import Aval
from pullback.core.graph import Graph
from pullback.core.node import Node
from pullback.core.operations import operations, primitives
from pullback.core.primitive import Primitive
from pullback.core.sample import Sample
from pullback.errors import ConcretizationError
from pullback.transforms.passes import settle

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- host calls -->\n", "<!-- end of host calls -->\n"


def graph_of(primitive: Primitive, sample: Sample) -> Graph | None:
    """The graph of a call at a sample, None if it needs values."""
    args, keywords = sample.make()
    arrays = [one for one in args if isinstance(one, np.ndarray)]

    def f(*values: Any) -> Any:
        given = iter(values)
        return primitive(*[next(given) if isinstance(one, np.ndarray) else one for one in args], **keywords)

    with contextlib.suppress(ConcretizationError):
        return pb.trace(f, *[Aval(one.shape, one.dtype) for one in arrays])
    return None


def _avals(node: Node) -> Iterator[Aval]:
    for one in (node, *node.inputs):
        yield from (one.aval,) if isinstance(one.aval, Aval) else one.aval


def is_host_call(primitive: Primitive) -> bool:
    """Whether the primitive is a call of the host at one of its samples."""
    for sample in primitive.samples:
        graph = graph_of(primitive, sample)
        if graph is None:
            continue
        plan, _ = plan_graph(settle(graph))
        for step in plan.steps:
            if not isinstance(step, Step) or planned_bodies(step.node) or step.node.primitive is not primitive:
                continue
            if all(aval.size and aval.dtype.kind in "biuf" for aval in _avals(step.node)):
                return True
    return False


def table() -> str:
    """The table: for each subject those of its primitives that are calls of the host."""
    operations.load_all()
    found: dict[str, list[str]] = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name in sorted(primitives):
            if is_host_call(primitives[name]):
                module = inspect.getmodule(inspect.unwrap(primitives[name].evaluate))
                assert module is not None
                subject = module.__name__.removeprefix("pullback.").replace(".", "/")
                found.setdefault(subject, []).append(name)
    rows = [f"| `{subject}.py` | {', '.join(f'`{name}`' for name in found[subject])} |\n" for subject in sorted(found)]
    return "| declared in | calls of the host |\n|---|---|\n" + "".join(rows)


def written(page: str) -> str:
    """The page with the table as it is now."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
