"""The picture as JSON, for the page and for other programs. ``docs/picture.md`` says what stands where."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

from pullback.core.aval import dtype_name
from pullback.core.graph import Graph
from pullback.errors import FormatError
from pullback.transforms.evaluation import Evaluation
from pullback.view.groups import Group
from pullback.view.model import Item, Link, Picture, Source, Value
from pullback.view.notation import LONGEST_NAME, clean, shortened
from pullback.view.rules import Formula, Rule, tree
from pullback.view.statistics import Statistics, Thumbnail
from pullback.view.summary import summarize, typeset

FORMAT, VERSION = "pullback-picture", 1

MOST_LIVE = 500
"""A graph of more nodes than these is not evaluated in the page."""


def picture_json(what: Graph | Evaluation) -> str:
    """The picture of a graph or an evaluation as JSON text, in ASCII, without numbers that JSON does not have."""
    return dumped(picture_data(summarize(what)))


def unchanged(text: str) -> str:
    """The text itself: what is JSON already needs nothing done to be written as JSON."""
    return text


def dumped(data: Any) -> str:
    """JSON text of plain data, on one line."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def read_picture(text: str) -> dict[str, Any]:
    """Return the data of a picture from JSON text, in which everything that refers to something does.

    Raises:
        FormatError: it is no such text, or of a later version.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise FormatError("picture: expected JSON text, got something else") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FormatError(f'picture: expected JSON with "format": "{FORMAT}", as graph.save("x.json") writes it')
    if data.get("version") != VERSION:
        version = shortened(clean(str(data.get("version"))), 20)
        raise FormatError(f"picture: expected version {VERSION}, got {version}. Install a later pullback")
    counts = {}
    for part in ("nodes", "edges", "groups"):
        if not isinstance(data.get(part), list) or not all(isinstance(one, dict) for one in data[part]):
            raise FormatError(f"picture: expected {part} to be a list of objects")
        counts[part] = len(data[part])
    faults = (
        *(f"node {i}" for i, one in enumerate(data["nodes"]) if not _is_node(one, counts["groups"])),
        *(f"edge {i}" for i, one in enumerate(data["edges"]) if not _is_edge(one, counts["nodes"])),
        *(f"group {i}" for i, one in enumerate(data["groups"]) if "parent" in one and not _is_place(one["parent"], i)),
    )
    if faults:
        raise FormatError(f"picture: {faults[0]} is not what it should be")
    return data


def _is_place(value: Any, count: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count


def _is_node(node: dict[str, Any], groups: int) -> bool:
    grouped = "group" not in node or _is_place(node["group"], groups)
    values = all(isinstance(node.get(part, {}), dict) for part in ("value", "gradient"))
    return isinstance(node.get("name"), str) and grouped and values


def _is_edge(edge: dict[str, Any], nodes: int) -> bool:
    return _is_place(edge.get("source"), nodes) and _is_place(edge.get("target"), nodes)


def picture_data(picture: Picture) -> dict[str, Any]:
    """The picture as plain data."""
    exporter = _Exporter()
    links = [exporter.link(link) for link in picture.links]
    why_not = why_not_live(picture)
    data = {
        "format": FORMAT,
        "version": VERSION,
        "title": picture.title,
        "description": picture.description,
        "output": picture.output,
        "outputs": [i for i, item in enumerate(picture.items) if item.node in frozenset(picture.graph.outputs)],
        "strange": _given({"value": picture.strange_value, "gradient": picture.strange_gradient}) or None,
        "live": why_not is None,
        "whyNotLive": why_not,
        "nodes": [exporter.item(item) for item in picture.items],
        "edges": links,
        "groups": [exporter.group(group) for group in picture.groups],
        "rules": exporter.rules,
        "steps": steps(picture),
    }
    return {key: value for key, value in data.items() if value is not None}


def empty_picture() -> dict[str, Any]:
    """The data of a picture without a graph, to hold what training did."""
    return {"format": FORMAT, "version": VERSION, "title": "", "description": "", "outputs": [], "live": False,
            "nodes": [], "edges": [], "groups": [], "rules": [], "steps": []}  # fmt: skip


def why_not_live(picture: Picture) -> str | None:
    """Why the page cannot evaluate the graph by itself, in words; None if it can.

    It needs double-precision numbers, and a formula for each edge.
    """
    if len(picture.items) > MOST_LIVE:
        return f"the graph has {len(picture.items):,} nodes, and this page evaluates at most {MOST_LIVE}"
    for item in picture.items:
        name = shortened(item.name, 40)
        if item.aval is None:
            return f"{name} has several results, or no values yet"
        if item.aval.shape != ():
            return f"{name} holds an array, {item.aval}, and this page evaluates graphs of single numbers"
        if item.aval.dtype.char not in "d?":
            return f"{name} is {dtype_name(item.aval.dtype)}, and this page evaluates in float64"
        if item.value is None:
            return "the graph has not been evaluated: save what graph.forward(...) gives"
    for link in picture.links:
        if link.differentiable and (link.rule is None or link.rule.pulled is None):
            source, target = (shortened(picture.items[one].name, 40) for one in (link.source, link.target))
            return f"the derivative of {target} by {source} has no formula between numbers"
    return None


def steps(picture: Picture) -> list[dict[str, int]]:
    """The order in which a lecturer would go: node by node to the right, then edge by edge to the left."""
    if picture.run is None:
        return []
    found = [{"node": i} for i, item in enumerate(picture.items) if item.operands and item.value is not None]
    if picture.output is None:
        return found
    found.append({"seed": picture.output})
    arriving: dict[int, list[int]] = {}
    for i, link in enumerate(picture.links):
        arriving.setdefault(link.target, []).append(i)
    reached = {picture.output}
    for target in range(picture.output, -1, -1):
        if target not in reached:
            continue
        for i in arriving.get(target, []):
            if picture.links[i].differentiable:
                found.append({"edge": i})
                reached.add(picture.links[i].source)
    return found


def number(value: complex) -> float | str:
    """A number as JSON has it; those that it does not have as JavaScript's ``Number`` reads them.

    >>> number(0.5), number(float("-inf")), number(float("nan"))
    (0.5, '-Infinity', 'NaN')
    """
    if isinstance(value, complex):
        return str(value)
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


class _Exporter:
    def __init__(self) -> None:
        self.rules: list[dict[str, Any]] = []
        self._places: dict[int, int] = {}  # by the id of the rule, which its links keep alive

    def item(self, item: Item) -> dict[str, Any]:
        label = typeset(item.written)
        return _given({
            "name": item.name,
            "kind": item.kind,
            "operation": item.operation,
            "written": label or None,
            "operands": [{kind: plain(one)} for kind, one in item.operands] or None,
            "params": {key: plain(value) for key, value in item.node.params.items()} or None,
            "shape": list(item.aval.shape) if item.aval is not None else None,
            "dtype": dtype_name(item.aval.dtype) if item.aval is not None else None,
            "group": item.group,
            "source": _source(item.source),
            "value": value_data(item.value),
            "gradient": value_data(item.gradient),
            "memory": item.memory,
            "flops": item.flops,
            "seconds": item.seconds,
        })  # fmt: skip

    def link(self, link: Link) -> dict[str, Any]:
        return _given({
            "source": link.source,
            "target": link.target,
            "positions": link.positions,
            "differentiable": None if link.differentiable else False,
            "rule": self._rule(link.rule) if link.rule is not None else None,
            "partial": value_data(link.partial),
            "formula": typeset(link.formula) if link.formula is not None else None,
            "pulled": value_data(link.pulled),
            "pulledFormula": typeset(link.pulled_formula) if link.pulled_formula is not None else None,
        })  # fmt: skip

    def _rule(self, rule: Rule) -> int | None:
        if rule.partial is None and rule.pulled is None:
            return None
        if id(rule) not in self._places:
            self._places[id(rule)] = len(self.rules)
            self.rules.append(_given({"partial": _tree(rule.partial), "pulled": _tree(rule.pulled)}))
        return self._places[id(rule)]

    def group(self, group: Group) -> dict[str, Any]:
        return _given({
            "kind": group.kind,
            "label": group.label,
            "path": group.path or None,
            "detail": group.detail or None,
            "parent": group.parent,
            "copies": group.copies if group.copies > 1 else None,
        })  # fmt: skip


def _given(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}


def _source(source: Source | None) -> dict[str, Any] | None:
    if source is None:
        return None
    return _given({"file": source.file, "line": source.line, "madeBy": source.made_by or None})


def value_data(value: Value | None) -> dict[str, Any] | None:
    """What is shown of a value, as plain data."""
    if value is None:
        return None
    full = typeset(value.full)
    found: dict[str, Any] = {"text": value.text, **({"full": full} if full != value.text else {})}
    if value.number is not None:
        found["number"] = plain(value.number)
    if value.statistics is not None:
        found |= _statistics(value.statistics)
    if value.elements is not None:
        found["elements"] = plain(value.elements.tolist())
    return found


def _statistics(found: Statistics) -> dict[str, Any]:
    numbers = {name: getattr(found, name) for name in ("low", "high", "mean", "std", "norm")}
    return _given({
        "size": found.size,
        **{name: None if one is None else number(_rounded(one)) for name, one in numbers.items()},
        "nan": found.nan or None,
        "inf": found.inf or None,
        "zeros": found.zeros or None,
        "histogram": list(found.histogram) or None,
        "thumbnail": _thumbnail(found.thumbnail) if found.thumbnail is not None else None,
    })  # fmt: skip


def _rounded(number: float) -> float:
    """With no more digits than statistics need."""
    return float(f"{number:.6g}")


def _thumbnail(thumbnail: Thumbnail) -> dict[str, Any]:
    return {
        "rows": thumbnail.rows,
        "columns": thumbnail.columns,
        "low": number(_rounded(thumbnail.low)),
        "high": number(_rounded(thumbnail.high)),
        "cells": base64.b64encode(thumbnail.cells).decode("ascii"),
    }


def _tree(formula: Formula | None) -> Any:
    return plain(tree(formula)) if formula is not None else None


def plain(value: Any) -> Any:
    """Static keywords and formulas as plain data; what JSON has no form for as text.

    >>> plain({"axes": (0, 1), "shape": None})
    {'axes': [0, 1], 'shape': None}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (float, complex)):
        return number(value)
    text = clean(str(value))
    return shortened(clean(getattr(value, "__name__", "")) if " at 0x" in text else text, LONGEST_NAME)
