"""The chain rule written out, as text and as LaTeX."""

from __future__ import annotations

from pullback.transforms.evaluation import Evaluation
from pullback.view.derivation import MOST_PATHS, Derivation, Factor, derive
from pullback.view.notation import clean, described, norm, number
from pullback.view.symbolic import symbolic_partial
from pullback.view.tex import tex_name, tex_number, tex_partial

WIDEST = 100
"""How many characters go on one line."""


def explain(run: Evaluation, name: str) -> str:
    """Write the gradient by a node as the chain rule gives it, with names and numbers: ``Evaluation.explain``.

    Between numbers: ``dL/db = dL/de * de/dd * dd/db = -2 * 1 * 2 = -4``; several paths are summed. With more than eight
    paths, or long ones, by the gradients of the nodes that use it. Between arrays the factors are Jacobians: shapes and
    norms of the gradients on the way stand below.
    """
    derivation = derive(run, name)
    names = {node: clean(text) for node, text in run.graph.names.items()}
    left = f"d{names[derivation.output]}/d{names[derivation.node]}"
    if not derivation.paths:
        if derivation.output is derivation.node:
            return f"{left} = 1"
        return f"{left} = 0 ({names[derivation.output]} does not depend on {names[derivation.node]})"
    products = [derivation.factors(path) for path in derivation.paths[:MOST_PATHS]]

    def symbol(factor: Factor) -> str:
        sign = "∂" if factor.direct else "d"
        return f"{sign}{names[factor.target]}/{sign}{names[factor.source]}"

    symbols = [" * ".join(map(symbol, factors)) for factors in products]
    if symbols == [left]:  # one edge: its own formula says more than repeating it
        formula = symbolic_partial(derivation.output, derivation.node, run.graph.names)
        symbols = [clean(formula)] if formula is not None else []
    steps = [symbols]
    if derivation.numeric:
        steps.append(_numbers(products))
        steps.append([number(run.gradient(derivation.node))])
    _elide(steps[:2], len(derivation.paths))
    text = _laid_out(left, _distinct(steps))
    return text if derivation.numeric else "\n".join([text, *_arriving(derivation)])


def _distinct(steps: list[list[str]]) -> list[list[str]]:
    """Leave out what is empty, and what says the same as the step before."""
    kept: list[list[str]] = []
    for step in steps:
        if step and (not kept or step != kept[-1]):
            kept.append(step)
    return kept


def _numbers(products: list[list[Factor]]) -> list[str]:
    terms = []
    for i, factors in enumerate(products):
        texts = [_number(factor.value, bare=i == 0 and j == 0) for j, factor in enumerate(factors)]
        terms.append(" * ".join(texts))
    return terms


def _number(value: complex | float, bare: bool) -> str:
    """A number as a factor: in brackets if it has a sign, unless it stands first."""
    text = number(value)
    return f"({text})" if isinstance(value, complex) or (text.startswith("-") and not bare) else text


def _elide(steps: list[list[str]], count: int) -> None:
    if count > MOST_PATHS:
        for step in steps:
            step.append(f"... ({count - MOST_PATHS:,} more)" if step is steps[0] else "...")


def _laid_out(left: str, steps: list[list[str]]) -> str:
    """On one line if it fits; otherwise a line for each step, and of a long sum a line for each term."""
    sums = [" + ".join(terms) for terms in steps]
    line = " = ".join([left, *sums])
    if len(line) <= WIDEST:
        return line
    lines = []
    for terms, one in zip(steps, sums, strict=True):
        parts = [one] if len(left) + 3 + len(one) <= WIDEST else terms
        lines += [f" {'+' if i else '='} {part}" for i, part in enumerate(parts)]
    margin = " " * len(left)
    return "\n".join(f"{margin if i else left}{line}" for i, line in enumerate(lines))


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


def latex(run: Evaluation, name: str) -> str:
    """Write the gradient by a node as a LaTeX formula, without the dollar signs: ``Evaluation.latex``.

    A partial along one edge where other ways lead from source to target is written with what is held constant.
    """
    derivation = derive(run, name)
    names = run.graph.names
    left = tex_partial(names[derivation.output], names[derivation.node])
    if not derivation.paths:
        return f"{left} = {1 if derivation.output is derivation.node else 0}"
    products = [derivation.factors(path) for path in derivation.paths[:MOST_PATHS]]

    def symbol(factor: Factor) -> str:
        text = tex_partial(names[factor.target], names[factor.source])
        if not factor.direct:
            return text
        held = [tex_name(names[node]) for node in dict.fromkeys(factor.target.inputs) if node is not factor.source]
        return rf"\left.{text}\right|_{{{', '.join(held)}}}"

    symbols = [r" \cdot ".join(map(symbol, factors)) for factors in products]
    steps = [[] if symbols == [left] else symbols]
    if derivation.numeric:
        steps.append([r" \cdot ".join(
            _tex_number(factor.value, bare=i == 0 and j == 0) for j, factor in enumerate(factors)
        ) for i, factors in enumerate(products)])  # fmt: skip
        steps.append([tex_number(run.gradient(derivation.node))])
    if len(derivation.paths) > MOST_PATHS:
        for step in steps[:2]:
            step.append(r"\cdots")
    sums = [" + ".join(terms) for terms in _distinct(steps)]
    if not sums:
        return left
    if len(derivation.paths) == 1 and len(derivation.paths[0]) <= 5:
        return " = ".join([left, *sums])
    lines = " \\\\\n  &= ".join(sums)
    return f"\\begin{{aligned}}\n  {left} &= {lines}\n\\end{{aligned}}"


def _tex_number(value: complex | float, bare: bool) -> str:
    text = tex_number(value)
    signed = isinstance(value, complex) or (text.startswith("-") and not bare)
    return rf"\left({text}\right)" if signed else text
