"""``pullback explain``: evaluate an expression, walk back through it, and write the chain rule out."""

from __future__ import annotations

import ast
import unicodedata
from typing import Any

import click

from pullback.errors import ArgumentError, GraphError
from pullback.transforms.evaluation import carries_derivative
from pullback.view.expression import expression
from pullback.view.notation import clean, shortened


@click.command(context_settings={"ignore_unknown_options": True})  # an expression may begin with a minus
@click.argument("text", metavar="EXPRESSION")
@click.argument("assignments", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--wrt", metavar="NAME", multiple=True, help="Explain the gradient by this node; may be repeated.")
@click.option("--svg", metavar="FILE", help="Draw the picture into a file.")
@click.option("--latex", is_flag=True, help="Write the chain rule as LaTeX.")
def explain(text: str, assignments: tuple[str, ...], wrt: tuple[str, ...], svg: str | None, latex: bool) -> None:
    """Evaluate EXPRESSION and derive the gradient by each of its inputs.

    Values are numbers, or lists such as [1,2,3] and [[1,2],[3,4]].

    \b
    pullback explain "d = 2*b; e = a + d; L = c*e" a=3 b=1 c=-2
    """  # noqa: D301  # click wants the character itself, which keeps the line as it is
    values = [_assignment(one) for one in assignments]
    graph = expression(text)
    if len(dict(values)) < len(values):
        raise GraphError("a value is given twice for one name")
    run = graph.forward(**dict(values)).backward()
    names = [_normal(name) for name in wrt] or [
        run.graph.names[node] for node in run.graph.inputs if carries_derivative(node)
    ]
    lines = [run.latex(name) if latex else run.explain(name) for name in names]
    report = "\n".join([str(run), *([""] if lines else []), *lines])
    if svg is not None:  # last, so that bad input leaves no file behind
        run.save(svg)
    click.echo(report)


def _assignment(text: str) -> tuple[str, Any]:
    if text.startswith("--"):
        raise ArgumentError(f"there is no option {text.partition('=')[0]!r}. Try 'pullback explain --help'")
    name, sign, value = text.partition("=")
    if not sign or not name.strip().isidentifier():
        raise ArgumentError(f"expected name=value, got {shortened(clean(text), 60)!r}")
    return _normal(name.strip()), _value(name.strip(), value.strip())


def _normal(name: str) -> str:
    """The form in which Python's parser keeps names, so that two spellings of one name are one."""
    return unicodedata.normalize("NFKC", name)


def _value(name: str, text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, (list, tuple, int, float, complex)):
        raise ArgumentError(
            f"expected a number or a list of numbers for {clean(name)}, got {shortened(clean(text), 60)!r}"
        )
    return value
