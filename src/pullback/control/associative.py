"""associative_scan: running results of an associative operation, in a logarithmic number of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pullback.control.bodies import check_takes, name_of
from pullback.control.held import Leaves, check_flag, check_leaf, check_structure, finish, path
from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import normalize_axis
from pullback.core.creation import asarray
from pullback.core.operations import function, operations
from pullback.core.sample import call, normal, positive, reject
from pullback.errors import ArgumentError, DTypeError, ShapeError


def _compose(first: Any, second: Any) -> Any:
    """The affine map that applies one, then another."""
    return {"scale": first["scale"] * second["scale"], "shift": second["scale"] * first["shift"] + second["shift"]}


def _multiplied(x: Any, y: Any) -> Any:
    return x * y


def _product(x: Any, y: Any) -> Any:
    return operations.matmul(x, y)


def _halved(x: Any, y: Any) -> Any:
    return x[:1]


@function(
    samples=[
        call(_multiplied, positive(5)),
        call(_multiplied, positive(2, 6), axis=1, reverse=True),
        call(_product, normal(4, 2, 2)),
        call(_compose, {"scale": positive(7, 2), "shift": normal(7, 2)}),
        call(_multiplied, positive(1)),
    ],
    rejects=[
        reject(ShapeError, "associative_scan: expected what _halved returns to be float64[2], got float64[1]", _halved,
               positive(5)),
        reject(ShapeError, "associative_scan: expected elements of one length, got 3 and 4", _compose,
               {"scale": normal(3), "shift": normal(4)}),
        reject(ShapeError, "associative_scan: axis 1 is out of range", _compose, normal(3), axis=1),
        reject(DTypeError, "associative_scan: expected a function, got int", 3, normal(3)),
        reject(DTypeError, "associative_scan: expected a function of 2 arguments, got <lambda>(x)", lambda x: x,
               normal(3)),
        reject(DTypeError, "associative_scan: expected True or False as reverse, got 'yes'", _multiplied, normal(3),
               "yes"),
        reject(ArgumentError, "associative_scan: expected at least one array of elements", _multiplied, ()),
    ],
)  # fmt: skip
def associative_scan(fn: Callable[..., Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """Return ``[e0, fn(e0, e1), fn(fn(e0, e1), e2), ...]`` along an axis, for an associative ``fn``.

    ``fn`` is applied to many pairs at once, about twice the logarithm of the length times, so that most of the work is
    in large array operations. A ``scan`` does it one element after the other.

    Args:
        fn: gets two of ``elems`` (arrays that have any number of elements along the axis) and combines them, element by
            element along the axis. It must be associative, or the results mean nothing.
        elems: an array or a container of them, of one length along the axis.
        reverse: from the last to the first, ``[..., fn(e_n, e_n-1), e_n]``.
        axis: along which the elements lie.

    Raises:
        ShapeError, DTypeError: lengths differ, or ``fn`` returns something of another structure, shape or dtype.

    >>> import numpy as np
    >>> associative_scan(np.multiply, np.array([1.0, 2.0, 3.0, 4.0]))
    array([ 1.,  2.,  6., 24.])
    """
    check_takes("associative_scan", fn, 2)
    check_flag("associative_scan", "reverse", reverse)
    leaves = Leaves("associative_scan", elems)
    if not leaves.arrays:
        raise ArgumentError("associative_scan: expected at least one array of elements, got none")
    axes = [normalize_axis("associative_scan", axis, x.ndim) for x in leaves.arrays]
    lengths = {x.shape[one]: None for x, one in zip(leaves.arrays, axes, strict=True)}
    if len(lengths) > 1:
        listed = " and ".join(map(str, lengths))
        raise ShapeError(f"associative_scan: expected elements of one length, got {listed}")
    arrays = [operations.flip(x, axis=one) if reverse else x for x, one in zip(leaves.arrays, axes, strict=True)]
    found = _Combination(fn, leaves.structure, axes).run(arrays)
    found = [operations.flip(x, axis=one) if reverse else x for x, one in zip(found, axes, strict=True)]
    return finish(found, leaves.structure, elems)


class _Combination:
    """How elements are combined, and where they lie."""

    def __init__(self, fn: Callable[..., Any], structure: Any, axes: Sequence[int]) -> None:
        self.fn = fn
        self.structure = structure
        self.axes = axes

    def run(self, arrays: list[Array]) -> list[Array]:
        """The running results: of pairs first, by this function again, then of what lies between."""
        length = arrays[0].shape[self.axes[0]]
        if length < 2:
            return arrays
        odd = self.run(self._apply(self._take(arrays, 0, length - 1, 2), self._take(arrays, 1, None, 2)))
        if length == 2:
            even = self._take(arrays, 0, 1)
        else:
            before = self._take(odd, 0, (length - 1) // 2)
            even = self._joined(self._take(arrays, 0, 1), self._apply(before, self._take(arrays, 2, None, 2)))
        pairs = length // 2
        mixed = [
            operations.stack([x[self._at(axis, 0, pairs)], y], axis=axis + 1).reshape(
                *x.shape[:axis], 2 * pairs, *x.shape[axis + 1 :]
            )
            for x, y, axis in zip(even, odd, self.axes, strict=True)
        ]
        return self._joined(mixed, self._take(even, pairs, None)) if length % 2 else mixed

    def _apply(self, left: list[Array], right: list[Array]) -> list[Array]:
        found, structure = tree.flatten(
            self.fn(tree.unflatten(self.structure, left), tree.unflatten(self.structure, right))
        )
        name = name_of(self.fn)
        check_structure("associative_scan", f"{name} to return something", self.structure, structure)
        arrays = [asarray(one) for one in found]
        for i, (one, x) in enumerate(zip(arrays, left, strict=True)):
            leaf = path(structure, i)
            what = f"what {name} returns{f' as {leaf}' if leaf else ''}"
            check_leaf("associative_scan", what, x.aval, one.aval, "It must be of the kind of what it combines")
        return arrays

    @staticmethod
    def _at(axis: int, start: int, stop: int | None, step: int = 1) -> tuple[slice, ...]:
        return (*(slice(None),) * axis, slice(start, stop, step))

    def _take(self, arrays: Sequence[Array], start: int, stop: int | None, step: int = 1) -> list[Array]:
        return [x[self._at(axis, start, stop, step)] for x, axis in zip(arrays, self.axes, strict=True)]

    def _joined(self, one: Sequence[Array], other: Sequence[Array]) -> list[Array]:
        return [operations.concatenate([x, y], axis=axis) for x, y, axis in zip(one, other, self.axes, strict=True)]
