"""A call of a program as one node: what is recorded where a derivative goes through a compiled function."""

from __future__ import annotations

from typing import Any

from pullback.compiler.program import Program
from pullback.control.bodies import Body
from pullback.control.checkpoint import Call
from pullback.core.graph import Graph
from pullback.transforms.passes import settle

_PROGRAM = "program"


def _run(*values: Any, body: Body) -> tuple[Any, ...]:
    """Run a program; its derivatives, and the function for many members of a batch, are programs again."""
    program: Program = body.derive(_PROGRAM, lambda: Program(settle(body)))
    return tuple(program.run(values))


program_call = Call(_run, name="program")


def body_of(name: str, graph: Graph, program: Program) -> Body:
    """Return the graph as what a call holds; it is run by ``program``."""
    body = Body(name, graph.inputs, graph.outputs)
    body.derive(_PROGRAM, lambda: program)
    return body
