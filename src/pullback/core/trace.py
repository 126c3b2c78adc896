"""Tracing: run a Python function on arrays without values, and keep the graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.creation import asarray
from pullback.core.graph import Graph, name_as_assigned
from pullback.core.node import Node
from pullback.core.parameter import Parameter
from pullback.core.record import python_type
from pullback.core.state import record
from pullback.core.terminals import input_node
from pullback.dtypes import is_number, native
from pullback.errors import DTypeError, GraphError


def trace(f: Callable[..., Any], *args: Any, **keywords: Any) -> Graph:
    """Run ``f`` on arrays that have shapes and dtypes but no values, and return its graph.

    Arrays, Python floats and complex numbers among the arguments (also inside containers) become inputs, named after
    the parameters of ``f``; integers, strings and everything else are passed as they are. Parameters that ``f`` reads
    become inputs too, with their values. Nodes carry the names of the variables they were assigned to.

    Args:
        f: a function of arrays that returns arrays.
        args: examples: only shape and dtype matter. An ``Aval`` serves as well.
        keywords: the same, by name.

    Raises:
        ConcretizationError: ``f`` needs a value, as ``float(x)`` or ``if x > 0`` do.
        GraphError: there is nothing to trace, or ``f`` returns no array.

    >>> def f(a, b, c):
    ...     d = 2 * b
    ...     e = a + d
    ...     return c * e
    >>> print(trace(f, 3.0, 1.0, -2.0))
    graph(a, b, c) -> out
      a    input          float64[]
      b    input          float64[]
      c    input          float64[]
      d    multiply(2, b) float64[]
      e    add(a, d)      float64[]
      out  multiply(c, e) float64[]
    """
    if not callable(f):
        raise DTypeError(f"trace: expected a function, got {type(f).__name__}")
    inputs: list[Node] = []
    names = argument_names(f, args)
    passed = [_abstract(name, arg, inputs) for name, arg in zip(names, args, strict=True)]
    named = {name: _abstract(name, arg, inputs) for name, arg in keywords.items()}
    with record():
        output = f(*passed, **named)
    leaves, _ = tree.flatten(output)
    outputs = []
    for leaf in leaves:
        if not isinstance(leaf, (Array, np.ndarray, np.generic, int, float, complex)):
            raise DTypeError(f"trace: expected the function to return arrays or numbers, got {type(leaf).__name__}")
        outputs.append(asarray(leaf)._node)
    if not outputs:
        raise GraphError("trace: the function returned no array")
    graph = Graph.of(outputs, inputs)
    name_as_assigned(graph)
    return graph


def argument_names(f: Callable[..., Any], args: Sequence[Any]) -> list[str]:
    """Return the name of the parameter of ``f`` that each positional argument is given for."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = []
    for position in range(len(args)):
        kind = parameters[position].kind if position < len(parameters) else None
        if kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameters[position].name)
        else:
            variadic = next((p.name for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL), "x")
            names.append(f"{variadic}{position}")
    return names


def _abstract(name: str, arg: Any, inputs: list[Node]) -> Any:
    """Replace the arrays in ``arg`` by inputs, which are added to ``inputs``."""
    if (aval := _aval(arg)) is not None:
        return _input(name, aval, inputs, arg)
    leaves, structure = tree.flatten(arg)
    if len(leaves) == 1 and leaves[0] is arg:
        return arg
    replaced = []
    for path, leaf in zip(tree.paths(arg), leaves, strict=True):
        # A Parameter inside a container (a Module, say) stays the handle that it is: what reads it captures it.
        aval = None if isinstance(leaf, Parameter) else _aval(leaf)
        replaced.append(leaf if aval is None else _input(f"{name}.{path}", aval, inputs, leaf))
    if all(new is old for new, old in zip(replaced, leaves, strict=True)):
        return arg
    return tree.unflatten(structure, replaced)


def _aval(leaf: Any) -> Aval | None:
    """The aval of what becomes an input, None for what is static."""
    if isinstance(leaf, Aval):
        return leaf
    if isinstance(leaf, Array):
        return leaf.aval
    if isinstance(leaf, (np.ndarray, np.generic, float, complex)):
        value = np.asarray(leaf)
        if not is_number(value.dtype):
            raise DTypeError(f"trace: expected arrays of numbers, got dtype {value.dtype}")
        return Aval(value.shape, native(value.dtype))
    return None


def _input(name: str, aval: Aval, inputs: list[Node], leaf: Any) -> Array:
    weak = python_type(leaf) is not None or type(leaf) in (float, complex)
    node = input_node(aval, name, weak)
    inputs.append(node)
    return Array(node)
