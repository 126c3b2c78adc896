"""Rewrites of formulas: how they are declared, and how they are found in a graph.

Each rewrite is a function: its pattern is what it matches, its arguments are what the names of the pattern stand for,
its docstring is the identity, and what it returns takes the place of the match. No rewrite gives NaN where the formula
as it is written is finite.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pullback.core.array import Array
from pullback.core.node import Node
from pullback.transforms.patterns import Match, Pattern, arrays, match, moved, pattern, primitives_below

ROUNDING = "rounding only"
FINITE = "finite where the formula as written overflows, underflows or is NaN"
"""What a rewrite may change, beside keeping more digits."""


@dataclass(frozen=True)
class Rewrite:
    """One rewrite of the table.

    Attributes:
        name: of the function.
        patterns: the formulas that it matches.
        changes: what may come out differently.
        statement: the identity.
        backward: whether the backward pass of what is written is unstable too, so that it goes through the rewrite.
        yields: whether a rewrite of an inner operation goes before it.
        make: returns what takes the place of a match, or None where it does not apply.
    """

    name: str
    patterns: tuple[str, ...]
    changes: str
    statement: str
    backward: bool
    yields: bool
    make: Callable[..., Array | None]


_BASES = {"log2": 2.0, "log10": 10.0}
_TRANSCENDENTAL = re.compile("exp|sigmoid|softmax|tanh|cosh|sinh|ndtr|erf")
"""In a logarithm of these the base does not matter; others, as of a quotient, are exact at powers of the base."""

table: dict[str, Rewrite] = {}
"""Every rewrite by name, in the order in which they are tried."""

_by_root: dict[str, list[tuple[Rewrite, Pattern]]] = {}
_by_root_backward: dict[str, list[tuple[Rewrite, Pattern]]] = {}


def rewrite(
    *patterns: str, changes: str = FINITE, backward: bool = False, yields: bool = False
) -> Callable[[Any], Any]:
    """Declare a rewrite of these patterns; one of a logarithm is one of those to base 2 and 10 too."""

    def declare(make: Callable[..., Array | None]) -> Callable[..., Array | None]:
        assert make.__doc__, f"{make.__name__}: a rewrite says its identity"
        based = [text for text in patterns if text.startswith("log(") and _TRANSCENDENTAL.search(text)]
        texts = (*patterns, *(base + text[3:] for base in _BASES for text in based))
        one = Rewrite(make.__name__.strip("_"), texts, changes, inspect.cleandoc(make.__doc__), backward, yields, make)
        table[one.name] = one
        for text in texts:
            form = pattern(text)
            for known in (_by_root, _by_root_backward) if backward else (_by_root,):
                forms = known.setdefault(form.operation, [])
                forms.append((one, form))
                forms.sort(key=lambda pair: -pair[1].size)  # the largest formula first, then as in the table
        return make

    return declare


@dataclass(frozen=True)
class Found:
    """A rewrite that applies at a node."""

    rewrite: Rewrite
    match: Match
    node: Node

    @property
    def sources(self) -> list[Node]:
        """What the match is made of."""
        return [bound.node for bound in self.match.names.values()]

    def build(self, handle: Callable[[Node], Array] = Array) -> Array | None:
        """Return what takes the node's place, made of its sources through ``handle``; None where nothing does."""
        result = self.rewrite.make(**arrays(self.match, handle), **self.match.held)
        if result is None:
            return None
        base = _BASES.get(self.node.primitive.name)
        result = moved(result if base is None else result * (1 / math.log(base)), self.match.after)
        return result if result.aval == self.node.aval else None


def find(node: Node, inside: Callable[[Node], bool] = lambda node: True, *, backward: bool = False) -> Iterator[Found]:
    """Yield the rewrites whose patterns match at a node, in the order of the table.

    Args:
        node: where they are looked for.
        inside: whether a node may be an inner operation of a pattern.
        backward: whether only those count that the backward pass needs.
    """
    forms = (_by_root_backward if backward else _by_root).get(node.primitive.name)
    if forms is None or node.array_aval.dtype.kind != "f":
        return
    below = primitives_below(node)
    for one, form in forms:
        if form.below <= below and (found := match(form, node, inside)) is not None:
            yield Found(one, found, node)


def squares_of(text: str) -> tuple[str, str, str]:
    """The ways to write a square."""
    return f"{text} * {text}", f"{text}**2", f"square({text})"
