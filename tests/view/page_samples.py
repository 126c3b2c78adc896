"""Graphs of numbers with what pullback gives for them, to which web/test/evaluator.test.ts holds the page.

Run as a script it writes them to web/test/samples.json.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pullback as pb
from pullback.errors import PullbackError
from pullback.view.export import picture_data
from pullback.view.expression import FUNCTIONS
from pullback.view.summary import summarize

FILE = Path(__file__).parents[2] / "web" / "test" / "samples.json"

POINTS = [(0.3, 0.6), (1.7, 2.4), (-0.8, 1.3), (0.0, 2.0), (2.0, 2.0), (-30.0, 0.5), (40.0, -3.5)]

EXPRESSIONS = [
    "d = 2*b; e = a + d; L = b*e",
    "z = a*b + 1; p = sigmoid(z); L = -(0.3*log(p) + 0.7*log(1 - p))",
    "u = a*a; v = sin(a); L = u*v + log(1 + exp(a/b))",
    "L = (a - b)**2 / (1 + abs(a)) - sqrt(a*a + b*b)",
    "L = relu(a) * tanh(b) + maximum(a, b) ** 3",
]


def samples() -> list[dict[str, Any]]:
    """For each function of expressions, and for some expressions: the graph, and results at some points."""
    once = {(operation, count): name for (name, count), operation in sorted(FUNCTIONS.items())}  # some have two names
    texts = [f"L = 3 * {name}({'a' if count == 1 else 'a, b'})" for (_, count), name in sorted(once.items())]
    found = []
    for text in [*texts, *EXPRESSIONS]:
        results = [result for point in POINTS if (result := _result(text, point)) is not None]
        if results:
            found.append({"text": text, "picture": _picture(text), "results": results})
    return found


def _run(text: str, point: tuple[float, float]) -> Any:
    graph = pb.expression(text)
    values = dict(zip("ab", point, strict=True))
    return graph.forward(**{node.name: values[node.name] for node in graph.inputs}).backward()


def _picture(text: str) -> dict[str, Any]:
    """What the evaluator looks at."""
    data = picture_data(summarize(_run(text, POINTS[0])))
    nodes = [
        {key: one[key] for key in ("name", "kind", "operation", "operands", "params") if key in one}
        | {"value": {"text": "", "number": one.get("value", {}).get("number", "NaN")}}
        for one in data["nodes"]
    ]
    edges = [
        {key: one[key] for key in ("source", "target", "positions", "rule") if key in one} for one in data["edges"]
    ]
    kept = ("format", "version", "live", "output", "outputs", "rules")
    return {key: data[key] for key in kept if key in data} | {"nodes": nodes, "edges": edges}


def _result(text: str, point: tuple[float, float]) -> dict[str, Any] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            run = _run(text, point)
        except PullbackError:
            return None  # a function without a derivative, or for arrays only
    data = picture_data(summarize(run))
    if not data["live"]:
        return None
    return {part: [one.get(part[:-1], {}).get("number") for one in data["nodes"]] for part in ("values", "gradients")}


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in samples())
    FILE.write_text(f"[\n{lines}\n]\n", encoding="ascii")
