"""Functions of functions: along an axis, piece by piece, element by element."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import as_index, broadcast_shapes, normalize_axis
from pullback.core.creation import as_dtype
from pullback.core.operations import function, operations, overrides
from pullback.core.sample import booleans, call, normal, points, reject
from pullback.errors import ArgumentError, ConcretizationError, DTypeError, ShapeError
from pullback.ops.structural import as_array, as_arrays, astype, expand_dims, reshape, stretch, zeros_like
from pullback.ops.subscript import getitem, setitem


def _mapped(f: Callable[..., Any], arrays: Sequence[Array]) -> Any:
    """Apply to each member along axis 0: to all at once, unless ``f`` needs the value of a member and it has one."""
    try:
        return operations.vmap(f)(*arrays)
    except ConcretizationError:
        if any(one._node.value is None for one in arrays):
            raise
    results = [tree.flatten(f(*members)) for members in zip(*arrays, strict=True)]
    columns = [operations.stack(column) for column in zip(*[leaves for leaves, _ in results], strict=True)]
    return tree.unflatten(results[0][1], columns)


def _as_function(operation: str, f: Any) -> Callable[..., Any]:
    if not callable(f):
        raise DTypeError(f"{operation}: expected a function, got {type(f).__name__}")
    called: Callable[..., Any] = f
    return called


def _centre(row: Any) -> Any:
    return (row - operations.mean(row)) / operations.std(row)


@function(
    np.apply_along_axis,
    samples=[
        call(_centre, 0, normal(3, 4)),
        call(lambda row: row[0] * row[1:], -1, normal(2, 3)),
        call(lambda row: row[:, None] * row, 1, normal(2, 3, 2)),
        call(lambda row, power, scale: (row**power).sum() * scale, 0, normal(3, 2), 2, scale=0.5),
        call(lambda row: row.sum(), 0, normal(3)),
    ],
    rejects=[
        reject(DTypeError, "apply_along_axis: expected a function, got float", 1.0, 0, normal(3)),
        reject(ShapeError, "apply_along_axis: axis 1 is out of range", np.sum, 1, normal(3)),
        reject(ShapeError, "apply_along_axis: expected at least one row, got shape (0, 3)", np.sum, 1, normal(0, 3)),
    ],
)
def apply_along_axis(func1d: Any, axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Array:
    """Apply a function of one row (and further arguments) to each row along ``axis``; what it gives stands there.

    It is applied to all rows at once, as by ``pullback.vmap``; if it needs their values, to one after the other.

    >>> apply_along_axis(lambda row: row / row.sum(), 1, [[1.0, 3.0], [2.0, 2.0]])
    array([[0.25, 0.75],
           [0.5 , 0.5 ]])
    """
    f = _as_function("apply_along_axis", func1d)
    x = as_array("apply_along_axis", arr)
    place = normalize_axis("apply_along_axis", axis, x.ndim)
    rows = operations.moveaxis(x, place, -1)
    outer = rows.shape[:-1]
    if 0 in outer:
        raise ShapeError(f"apply_along_axis: expected at least one row, got shape {x.shape}")
    found = _mapped(
        lambda row: as_array("apply_along_axis", f(row, *args, **kwargs)),
        [reshape(rows, (math.prod(outer), rows.shape[-1]))],
    )
    inner = found.shape[1:]
    order = (*range(place), *range(len(outer), len(outer) + len(inner)), *range(place, len(outer)))
    result: Array = operations.transpose(reshape(found, (*outer, *inner)), order)
    return result


@function(
    np.apply_over_axes,
    samples=[
        call(np.sum, normal(2, 3, 4), [0, -1]),
        call(np.cumsum, normal(2, 3), (1, 0)),
        call(np.mean, normal(3), 0),
    ],
    rejects=[
        reject(DTypeError, "apply_over_axes: expected a function, got int", 1, normal(3), 0),
        reject(ShapeError, "apply_over_axes: axis 1 is out of range", np.sum, normal(3), 1),
        reject(
            ShapeError,
            "apply_over_axes: expected a function that keeps or drops",
            lambda x, i: x[0, 0],
            normal(2, 2),
            0,
        ),
    ],
)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Array:
    """Apply ``func(x, axis)`` for one axis after the other, keeping with length 1 those that it drops.

    >>> apply_over_axes(np.sum, [[1.0, 2.0], [3.0, 4.0]], [0, 1])
    array([[10.]])
    """
    f = _as_function("apply_over_axes", func)
    x = as_array("apply_over_axes", a)
    for axis in axes if np.iterable(axes) else (axes,):
        place = normalize_axis("apply_over_axes", as_index("apply_over_axes", "axes", axis), x.ndim)
        result = as_array("apply_over_axes", f(x, place))
        if result.ndim == x.ndim - 1:
            result = expand_dims(result, place)
        if result.ndim != x.ndim:
            raise ShapeError(
                f"apply_over_axes: expected a function that keeps or drops an axis, got {result.shape} for {x.shape}"
            )
        x = result
    return x


# Pieces ---------------------------------------------------------------------------------------------------------------


@function(
    np.piecewise,
    samples=[
        call(points(-1.0, 0.5, 2.0), [[True, False, False], [False, False, True]], [np.sin, lambda x: x**2, 7.0]),
        call(normal(2, 2), [booleans(2, 2)], [np.exp]),
        call(normal(3), [booleans(3)], [lambda x, y: x * y, -1.0], 3.0),
        call(normal(), [True], [np.exp]),
    ],
    rejects=[
        reject(
            ArgumentError,
            "piecewise: expected 1 or 2 functions for 1 condition, got 3",
            normal(2),
            [[True, False]],
            [1, 2, 3],
        ),
        reject(ShapeError, "piecewise: expected conditions of shape (3,)", normal(3), [[True, False]], [1]),
    ],
)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Array:
    """Where a condition holds, what its function gives for those elements of x; the last that holds counts.

    One more function than conditions is for where none holds; without it there are zeros. A number stands for a
    function that gives it. The result has the dtype of x. Of conditions without a value, in a traced function, the
    functions are applied to all of x and must be elementwise.

    >>> piecewise([-2.0, 3.0], [[True, False]], [0.0, lambda x: x**2])
    array([0., 9.])
    """
    x = as_array("piecewise", x)
    conditions = [astype(one, bool) for one in _conditions(condlist, x)]
    functions = list(funclist)
    if len(functions) == len(conditions) + 1:
        some = functools.reduce(operations.logical_or, conditions)
        conditions.append(operations.logical_not(some))
    if len(functions) != len(conditions):
        count = len(conditions)
        raise ArgumentError(
            f"piecewise: expected {count} or {count + 1} functions for {count} condition{'s' * (count != 1)}, "
            f"got {len(functions)}"
        )
    result = zeros_like(x)
    for condition, f in zip(conditions, functions, strict=True):
        if condition.shape != x.shape:
            raise ShapeError(f"piecewise: expected conditions of shape {x.shape}, got {condition.shape}")
        known = condition._node.value
        if not callable(f):
            result = setitem(result, condition, f)
        elif known is None:
            result = operations.where(condition, astype(as_array("piecewise", f(x, *args, **kw)), x.dtype), result)
        elif np.any(known):
            result = setitem(result, known, f(getitem(x, known), *args, **kw))
    return result


def _conditions(condlist: Any, x: Array) -> list[Array]:
    """The conditions one by one; a single one need not stand in a list."""
    if isinstance(condlist, (bool, np.bool_)) or (
        x.ndim and not hasattr(condlist[0], "__len__") and not getattr(condlist[0], "ndim", 0)
    ):
        condlist = [condlist]
    return as_arrays("piecewise", *condlist)


# Element by element ---------------------------------------------------------------------------------------------------

_SIGNATURE = re.compile(r"\s+")


def _parsed(signature: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """The names of the axes of each argument and of each result: ``(m,n),(n)->(m)``."""
    text = _SIGNATURE.sub("", signature)
    group = r"\((?:\w+(?:,\w+)*)?\)"
    if not re.fullmatch(rf"{group}(?:,{group})*->{group}(?:,{group})*", text):
        raise ArgumentError(f"vectorize: expected a signature as '(m,n),(n)->(m)', got {signature!r}")
    sides = [
        [tuple(filter(None, one[1:-1].split(","))) for one in re.findall(group, side)] for side in text.split("->")
    ]
    return sides[0], sides[1]


def vectorize(
    pyfunc: Callable[..., Any],
    otypes: Any = None,
    doc: str | None = None,
    excluded: Any = None,
    cache: bool = False,
    signature: str | None = None,
) -> Callable[..., Any]:
    """Return a function that applies ``pyfunc`` to each element of its arguments, which broadcast, as by ``vmap``.

    Args:
        pyfunc: a function of numbers, or of arrays with the axes that ``signature`` names. If it needs their values
            it is called for one after the other.
        otypes: the dtypes of the results, as characters or in a list.
        doc: its docstring.
        excluded: numbers and names of arguments that are handed on as they are.
        cache: refused, functions are not called to see what they return.
        signature: the axes of arguments and results, as ``(m,n),(n)->(m)``.

    >>> import pullback as pb
    >>> import pullback.numpy as pnp
    >>> f = pnp.vectorize(lambda x, y: x * y if x > y else -y)
    >>> f([1.0, 3.0], 2.0)
    array([-2.,  6.])
    >>> pb.grad(lambda x: f(x, 2.0).sum())(pb.array([1.0, 3.0]))
    array([0., 2.])
    """
    _as_function("vectorize", pyfunc)
    if cache:
        raise ArgumentError("vectorize: cache= is not supported, functions are not called to see what they return")
    apart = set() if excluded is None else set(excluded)
    inner = None if signature is None else _parsed(signature)

    @functools.wraps(pyfunc)
    def vectorized(*args: Any, **keywords: Any) -> Any:
        given: dict[Any, Any] = {**dict(enumerate(args)), **keywords}
        names = [name for name in given if name not in apart]
        if not names:
            return pyfunc(*args, **keywords)
        arrays = as_arrays("vectorize", *[given[name] for name in names])
        cores = [()] * len(names) if inner is None else inner[0]
        if len(cores) != len(arrays):
            raise ArgumentError(f"vectorize: expected {len(cores)} arguments, as the signature says, got {len(arrays)}")
        lengths = _core_lengths(arrays, cores)
        outer = broadcast_shapes(
            "vectorize", *[x.shape[: x.ndim - len(core)] for x, core in zip(arrays, cores, strict=True)]
        )
        rows = [
            reshape(
                stretch(x, (*outer, *x.shape[x.ndim - len(core) :])), (math.prod(outer), *x.shape[x.ndim - len(core) :])
            )
            for x, core in zip(arrays, cores, strict=True)
        ]

        def member(*values: Any) -> Any:
            filled = {**given, **dict(zip(names, values, strict=True))}
            return pyfunc(*[filled[i] for i in range(len(args))], **{name: filled[name] for name in keywords})

        found = _mapped(member, rows)
        results = found if isinstance(found, tuple) else (found,)
        finished = _finished(results, outer, None if inner is None else inner[1], lengths, otypes)
        return finished if isinstance(found, tuple) else finished[0]

    if doc is not None:
        vectorized.__doc__ = doc
    return vectorized


def _core_lengths(arrays: Sequence[Array], cores: Sequence[tuple[str, ...]]) -> dict[str, int]:
    """The length of each axis that the signature names."""
    lengths: dict[str, int] = {}
    for x, core in zip(arrays, cores, strict=True):
        if x.ndim < len(core):
            raise ShapeError(f"vectorize: expected an array with axes ({','.join(core)}), got shape {x.shape}")
        for name, length in zip(core, x.shape[x.ndim - len(core) :], strict=True):
            if lengths.setdefault(name, length) != length:
                raise ShapeError(f"vectorize: expected one length for axis {name}, got {lengths[name]} and {length}")
    return lengths


def _finished(
    results: Sequence[Any],
    outer: tuple[int, ...],
    cores: Sequence[tuple[str, ...]] | None,
    lengths: dict[str, int],
    otypes: Any,
) -> tuple[Array, ...]:
    """The results in the shape that the arguments broadcast to, of the dtypes asked for."""
    if cores is not None and len(cores) != len(results):
        raise ArgumentError(f"vectorize: expected {len(cores)} results, as the signature says, got {len(results)}")
    if otypes is not None and len(otypes) != len(results):
        raise ArgumentError(f"vectorize: expected {len(otypes)} results, as otypes says, got {len(results)}")
    finished = []
    for i, found in enumerate(results):
        core = found.shape[1:]
        names = () if cores is None else cores[i]
        if len(core) != len(names) or any(lengths.setdefault(n, c) != c for n, c in zip(names, core, strict=True)):
            expected = "a number" if cores is None else f"axes ({','.join(names)})"
            raise ShapeError(f"vectorize: expected {expected} as result {i}, got shape {core}. Give a signature")
        result = reshape(found, (*outer, *core))
        finished.append(result if otypes is None else astype(result, as_dtype("vectorize", otypes[i])))
    return tuple(finished)


overrides[np.vectorize] = vectorize
