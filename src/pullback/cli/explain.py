"""``pullback explain``: evaluate an expression, walk back through it, and write the chain rule out."""

from __future__ import annotations

import click

from pullback.cli.assignments import assignments, normal
from pullback.transforms.evaluation import carries_derivative
from pullback.view.expression import expression


@click.command(context_settings={"ignore_unknown_options": True})  # an expression may begin with a minus
@click.argument("text", metavar="EXPRESSION")
@click.argument("values", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--wrt", metavar="NAME", multiple=True, help="Explain the gradient by this node; may be repeated.")
@click.option("--svg", metavar="FILE", help="Draw the picture into a file.")
@click.option("--html", metavar="FILE", help="Write the page to step through into a file.")
@click.option("--latex", is_flag=True, help="Write the chain rule as LaTeX.")
def explain(
    text: str, values: tuple[str, ...], wrt: tuple[str, ...], svg: str | None, html: str | None, latex: bool
) -> None:
    """Evaluate EXPRESSION and derive the gradient by each of its inputs.

    Values are numbers, or lists such as [1,2,3] and [[1,2],[3,4]].

    \b
    pullback explain "d = 2*b; e = a + d; L = c*e" a=3 b=1 c=-2
    """  # noqa: D301  # click wants the character itself, which keeps the line as it is
    given = assignments(values, "explain")
    graph = expression(text)
    run = graph.forward(**given).backward()
    names = [normal(name) for name in wrt] or [
        run.graph.names[node] for node in run.graph.inputs if carries_derivative(node)
    ]
    lines = [run.latex(name) if latex else run.explain(name) for name in names]
    report = "\n".join([str(run), *([""] if lines else []), *lines])
    for path in filter(None, (svg, html)):  # last, so that bad input leaves no file behind
        run.save(path)
    click.echo(report)
