"""The chain rule written out: the sides of the equation made once, laid out as text or as LaTeX."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pullback.core.node import Node
from pullback.transforms.evaluation import Evaluation
from pullback.view.derivation import MOST_PATHS, Derivation, Factor, derive
from pullback.view.formula import LATEX, TEXT, Form
from pullback.view.notation import clean, described, norm, number
from pullback.view.rules import Rules, written_rule
from pullback.view.tex import tex_name, tex_number, tex_partial

WIDEST = 100
"""How many characters go on one line of text."""
MOST_IN_ROW = 8
"""How many fractions go on one line of LaTeX."""

Side = list[list[str]]
"""One side of the equation: a sum of products, each the list of its factors."""


def explain(run: Evaluation, name: str) -> str:
    """Write the gradient by a node as the chain rule gives it, with names and numbers: ``Evaluation.explain``.

    Between numbers: ``dL/db = dL/de * de/dd * dd/db = -2 * 1 * 2 = -4``; several paths are summed. With more than eight
    paths, or long ones, by the gradients of the nodes that use it. Between arrays the factors are Jacobians: shapes and
    norms of the gradients on the way stand below.
    """
    derivation = derive(run, name)
    writer = _Text(run)
    text = writer.lay_out(writer.derivative(derivation.output, derivation.node), _sides(derivation, writer))
    if not derivation.paths and derivation.output is not derivation.node:
        names = writer.names
        return clean(f"{text} ({names[derivation.output]} does not depend on {names[derivation.node]})")
    return text if derivation.numeric else "\n".join([text, *_arriving(derivation)])


def latex(run: Evaluation, name: str) -> str:
    """Write the gradient by a node as a LaTeX formula, without the dollar signs: ``Evaluation.latex``.

    A partial along one edge where other ways lead from source to target is written with what is held constant.
    """
    derivation = derive(run, name)
    writer = _Tex(run)
    return writer.lay_out(writer.derivative(derivation.output, derivation.node), _sides(derivation, writer))


class _Writer(ABC):
    """How the parts of the equation are written, and how they are put together."""

    form: ClassVar[Form]

    def __init__(self, run: Evaluation) -> None:
        self.names = run.graph.names

    @abstractmethod
    def derivative(self, target: Node, source: Node) -> str:
        """The derivative of one node by another."""

    @abstractmethod
    def direct(self, target: Node, source: Node) -> str:
        """The partial along one edge, where it is not the whole derivative."""

    @abstractmethod
    def number(self, value: Any) -> str:
        """A real number."""

    @abstractmethod
    def bracketed(self, text: str) -> str:
        """What has a sign, as a factor."""

    def formula(self, derivation: Derivation) -> str | None:
        """A derivative along a single edge in the names of the nodes, if there is a short formula."""
        rule = Rules()(derivation.output, derivation.node)
        return written_rule(rule.partial, derivation.output, self.names, self.form) if rule is not None else None

    @abstractmethod
    def rest(self, count: int) -> str:
        """What stands for terms that are left out."""

    @abstractmethod
    def lay_out(self, left: str, sides: list[Side]) -> str:
        """The equation, on as many lines as it takes."""


def _sides(derivation: Derivation, writer: _Writer) -> list[Side]:
    """What the derivative is equal to: the products in symbols, the same in numbers, and the result."""
    if not derivation.paths:
        return [[["1" if derivation.output is derivation.node else "0"]]]
    products = [derivation.factors(path) for path in derivation.paths[:MOST_PATHS]]

    def symbol(factor: Factor) -> str:
        return (writer.direct if factor.direct else writer.derivative)(factor.target, factor.source)

    def value(factor: Factor, bare: bool) -> str:
        text = writer.number(factor.value)
        return writer.bracketed(text) if text.startswith("-") and not bare else text

    symbols = [[symbol(factor) for factor in factors] for factors in products]
    if symbols == [[writer.derivative(derivation.output, derivation.node)]]:
        formula = writer.formula(derivation)  # one edge: this says more than repeating the left side
        symbols = [[formula]] if formula is not None else []
    sides = [symbols]
    if derivation.numeric:
        sides.append([[value(factor, i == j == 0) for j, factor in enumerate(row)] for i, row in enumerate(products)])
    if len(derivation.paths) > MOST_PATHS:
        for side in sides:
            side.append([writer.rest(len(derivation.paths) - MOST_PATHS if side is symbols else 0)])
    if derivation.numeric:
        sides.append([[writer.number(derivation.run.gradient(derivation.node))]])
    # What is empty, or says the same as the side before it, is left out.
    return [side for i, side in enumerate(sides) if side and (i == 0 or side != sides[i - 1])]


class _Text(_Writer):
    form = TEXT

    def derivative(self, target: Node, source: Node) -> str:
        return clean(f"d{self.names[target]}/d{self.names[source]}")

    def direct(self, target: Node, source: Node) -> str:
        return clean(f"∂{self.names[target]}/∂{self.names[source]}")

    def number(self, value: Any) -> str:
        return number(value)

    def bracketed(self, text: str) -> str:
        return f"({text})"

    def rest(self, count: int) -> str:
        return f"... ({count:,} more)" if count else "..."

    def lay_out(self, left: str, sides: list[Side]) -> str:
        """On one line if it fits; otherwise a line for each side, and of a long sum a line or more for each term."""
        sums = [" + ".join(map(" * ".join, side)) for side in sides]
        line = " = ".join([left, *sums])
        if len(line) <= WIDEST:
            return line
        room = max(WIDEST - len(left) - 3, WIDEST // 2)
        lines = []
        for side, whole in zip(sides, sums, strict=True):
            terms = [[whole]] if len(whole) <= room else [_wrapped(term, room) for term in side]
            for i, (first, *others) in enumerate(terms):
                lines += [f" {'+' if i else '='} {first}", *(f"     * {one}" for one in others)]
        margin = " " * len(left)
        return "\n".join(f"{margin if i else left}{line}" for i, line in enumerate(lines))


def _wrapped(factors: list[str], room: int) -> list[str]:
    """A product on lines of at most so many characters, if its factors are no longer."""
    lines = [factors[0]]
    for factor in factors[1:]:
        if len(lines[-1]) + 3 + len(factor) <= room - 4 * (len(lines) > 1):
            lines[-1] += f" * {factor}"
        else:
            lines.append(factor)
    return lines


def _arriving(derivation: Derivation) -> list[str]:
    """The gradients by the nodes on the way, from the right, with shapes and norms."""
    run, names = derivation.run, derivation.run.graph.names
    on_the_way = {node for path in derivation.paths[:MOST_PATHS] for node in path}
    lines = []
    for node in reversed(run.graph.nodes):
        if node not in on_the_way:
            continue
        gradient = run.gradient(node)
        text = "several results" if isinstance(gradient, tuple) else described(gradient)
        if getattr(gradient, "ndim", 0) and not text.startswith("["):
            text = f"{node.aval}, norm {norm(gradient)}"
        lines.append((clean(f"d{names[derivation.output]}/d{names[node]}"), text))
    width = max(len(name) for name, _ in lines)
    return [f"  {name:{width}} = {text}" for name, text in lines]


class _Tex(_Writer):
    form = LATEX

    def derivative(self, target: Node, source: Node) -> str:
        return tex_partial(self.names[target], self.names[source])

    def direct(self, target: Node, source: Node) -> str:
        held = [tex_name(self.names[node]) for node in dict.fromkeys(target.inputs) if node is not source]
        return rf"\left.{self.derivative(target, source)}\right|_{{{', '.join(held)}}}"

    def number(self, value: Any) -> str:
        return tex_number(value)

    def bracketed(self, text: str) -> str:
        return rf"\left({text}\right)"

    def rest(self, count: int) -> str:
        return r"\cdots"

    def lay_out(self, left: str, sides: list[Side]) -> str:
        """On one line if it is short; otherwise a row for each side, and of a long sum rows for each term."""
        sums = [" + ".join(map(r" \cdot ".join, side)) for side in sides]
        if sum(len(term) for side in sides for term in side) <= MOST_IN_ROW + 1 and all(len(one) == 1 for one in sides):
            return " = ".join([left, *sums])
        rows = []
        for side, whole in zip(sides, sums, strict=True):
            if sum(map(len, side)) <= MOST_IN_ROW:
                rows.append(f"&= {whole}")
                continue
            for i, term in enumerate(side):
                parts = [r" \cdot ".join(term[j : j + MOST_IN_ROW]) for j in range(0, len(term), MOST_IN_ROW)]
                rows.append(rf"&\quad + {parts[0]}" if i else f"&= {parts[0]}")
                rows += [rf"&\qquad \cdot {part}" for part in parts[1:]]
        lines = " \\\\\n  ".join(rows)
        return f"\\begin{{aligned}}\n  {left} {lines}\n\\end{{aligned}}"
