"""map: the same function for each row in turn, where doing all at once would take too much memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.control.bodies import check_takes, name_of
from pullback.control.held import Leaves, finish
from pullback.control.scans import common_length, scan
from pullback.core import tree
from pullback.core.aval import as_index
from pullback.core.operations import function, operations
from pullback.core.sample import call, normal, reject
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.transforms.vectorize import vmap


def _wave(x: Any) -> Any:
    return operations.sin(x) * operations.sum(x)


def _both(pair: Any) -> Any:
    return pair["x"] * pair["y"], pair["y"]


@function(
    samples=[
        call(_wave, normal(3, 2)),
        call(_wave, normal(7, 2), batch_size=3),
        call(_both, {"x": normal(4), "y": normal(4)}, batch_size=2),
    ],
    rejects=[
        reject(ShapeError, "map: expected stacks of one length, got 3 and 4", _both, {"x": normal(3), "y": normal(4)}),
        reject(ShapeError, "map: expected xs to have an axis of steps", _wave, normal()),
        reject(ArgumentError, "map: expected a batch_size above 0, got 0", _wave, normal(3), batch_size=0),
        reject(ArgumentError, "map: expected at least one array to map over", _wave, ()),
        reject(DTypeError, "map: expected a function, got int", 3, normal(3)),
        reject(DTypeError, "map: expected a function of 1 argument, got <lambda>(x, y)", lambda x, y: x, normal(3)),
    ],
)
def map(f: Callable[..., Any], xs: Any, batch_size: int | None = None) -> Any:
    """Return ``f`` of each row of ``xs``, stacked: one row after the other, in a loop that is one node.

    ``vmap`` does all rows at once, which is faster and takes the memory of all of them.

    Args:
        f: a function of one row that returns an array, or a container of them.
        xs: an array or a container of them, all with the rows along axis 0.
        batch_size: how many rows are done at once, by ``vmap``; by default each alone.

    Raises:
        ShapeError: the numbers of rows differ.
        ArgumentError: there is nothing to map over, or ``batch_size`` is not above 0.

    >>> import numpy as np
    >>> map(np.sum, np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([3., 7.])
    """
    check_takes("map", f, 1)
    rows = Leaves("map", xs)
    length = common_length("map", rows)
    if length is None:
        raise ArgumentError("map: expected at least one array to map over, got none")

    def step(carry: Any, x: Any) -> Any:
        return carry, f(x)

    if batch_size is None:
        step.__name__ = name_of(f)
        return scan(step, (), xs)[1]
    size = as_index("map", "batch_size", batch_size)
    if size < 1:
        raise ArgumentError(f"map: expected a batch_size above 0, got {size}")
    whole = length // size * size
    given = tree.unflatten(rows.structure, rows.arrays)
    first = tree.tree_map(lambda x: x[:whole].reshape(whole // size, size, *x.shape[1:]), given)
    batched = vmap(f)

    def batch_step(carry: Any, x: Any) -> Any:
        return carry, batched(x)

    batch_step.__name__ = batched.__name__
    found = tree.tree_map(lambda y: y.reshape(whole, *y.shape[2:]), scan(batch_step, (), first)[1])
    if whole != length:
        last = batched(tree.tree_map(lambda x: x[whole:], given))
        found = tree.tree_map(lambda y, z: operations.concatenate([y, z]), found, last)
    return finish(*tree.flatten(found), xs)
