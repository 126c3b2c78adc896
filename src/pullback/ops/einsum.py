"""Einstein's summation convention: any sum of products over named axes."""

from __future__ import annotations

import math
import string
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import bilinear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, reject
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.promotion import promoted
from pullback.ops.reduction import conjugated
from pullback.ops.structural import as_arrays

Shape = tuple[int, ...]

LETTERS = string.ascii_lowercase + string.ascii_uppercase
_BLAS = "fdFD"


# The primitive --------------------------------------------------------------------------------------------------------


def _split(subscripts: str) -> tuple[list[str], str]:
    terms, _, result = subscripts.partition("->")
    return terms.split(","), result


@bilinear(
    name="einsum",
    samples=[
        call(normal(3, 4), normal(4, 2), subscripts="ij,jk->ik"),
        call(normal(2, 3, 4), normal(2, 4, 5), subscripts="bij,bjk->kbi"),
        call(normal(3, 4), normal(3, 4), subscripts="ij,ij->i"),
        call(normal(3), normal(4), subscripts="i,j->ji"),
        call(normal(3, 3), subscripts="ii->i"),
        call(normal(3, 3), subscripts="ii->"),
        call(normal(3, 4), subscripts="ij->"),
        call(normal(3, 3, 4), normal(3, 5), subscripts="iij,ik->kj"),
        call(normal(3, 4), normal(4, 2), normal(2, 5), subscripts="ij,jk,kl->il"),
        call(normal(3, 4), normal(5), subscripts="ij,k->ij"),
        call(normal(2, 0), normal(0, 3), subscripts="ij,jk->ik"),
        call(normal(), normal(3), subscripts=",i->i"),
    ],
    rejects=[
        reject(
            ShapeError,
            "einsum: expected one length for j in 'ij,jk->ik'",
            normal(3, 4),
            normal(3, 2),
            subscripts="ij,jk->ik",
        ),
        reject(ShapeError, "einsum: expected 2 axes for 'ij', got shape (3,)", normal(3), subscripts="ij->i"),
    ],
)
def contract(*operands: Any, subscripts: str) -> Any:
    """Sum of products over the letters that the result lacks: explicit subscripts, no ellipsis, no broadcasting."""
    lengths_of(subscripts, tuple(x.shape for x in operands))
    terms, result = _split(subscripts)
    if len(operands) == 1 or operands[0].dtype.char not in _BLAS:
        return np.einsum(subscripts, *operands, optimize="greedy" if len(operands) > 2 else False)
    values, names = list(operands), terms
    for picked in _path(subscripts, tuple(x.shape for x in operands)):
        # Each step takes operands off the list and puts their product at its end.
        chosen = [(values[i], names[i]) for i in picked]
        values = [x for i, x in enumerate(values) if i not in picked]
        names = [term for i, term in enumerate(names) if i not in picked]
        needed = result if not names else "".join([*names, result])
        x, term = chosen[0]
        for position, (y, other) in enumerate(chosen[1:], 2):
            later = needed + "".join(term for _, term in chosen[position:])
            last = not names and position == len(chosen)
            kept = result if last else "".join(c for c in dict.fromkeys(term + other) if c in later)
            x, term = _pair(x, term, y, other, kept), kept
        values.append(x)
        names.append(term)
    return values[0]


@contract.composed
def _(*operands: Array, subscripts: str) -> Array:
    """Pairs of operands; of a pair, the sum of a broadcast product."""
    shapes = tuple(x.shape for x in operands)
    terms, result = _split(subscripts)
    values, names = list(operands), terms
    for picked in _path(subscripts, shapes) if len(operands) > 2 else []:
        chosen = [(values[i], names[i]) for i in picked]
        values = [x for i, x in enumerate(values) if i not in picked]
        names = [term for i, term in enumerate(names) if i not in picked]
        if not names:
            values, names = [x for x, _ in chosen], [term for _, term in chosen]
            break
        inside = ",".join(term for _, term in chosen)
        kept = "".join(c for c in dict.fromkeys(inside) if c in result + "".join(names))
        values.append(contract(*[x for x, _ in chosen], subscripts=f"{inside}->{kept}"))
        names.append(kept)
    if len(values) == 2 and len(operands) > 2:
        return contract(*values, subscripts=f"{','.join(names)}->{result}")
    for term in names:
        if len(set(term)) != len(term):
            raise ArgumentError(f"einsum: a diagonal, as in {term!r}, is not composed of products and sums")
    letters = [*result, *dict.fromkeys(c for c in "".join(names) if c not in result)]
    product: Any = None
    for x, term in zip(values, names, strict=True):
        order = sorted(range(len(term)), key=lambda i: letters.index(term[i]))
        lengths = dict(zip(term, x.shape, strict=True))
        x = operations.transpose(x, order).reshape(tuple(lengths.get(letter, 1) for letter in letters))
        product = x if product is None else product * x
    total: Array = operations.sum(product, axis=tuple(range(len(result), len(letters))))
    return total


@lru_cache(maxsize=512)
def lengths_of(subscripts: str, shapes: tuple[Shape, ...]) -> Mapping[str, int]:
    """The length of the axis that each letter names; raise ShapeError if there are two."""
    terms, _ = _split(subscripts)
    if len(terms) != len(shapes):
        raise ShapeError(f"einsum: expected {len(terms)} operands for {subscripts!r}, got {len(shapes)}")
    lengths: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        if len(term) != len(shape):
            raise ShapeError(f"einsum: expected {len(term)} axes for {term!r}, got shape {shape}")
        for letter, length in zip(term, shape, strict=True):
            if lengths.setdefault(letter, length) != length:
                raise ShapeError(
                    f"einsum: expected one length for {letter} in {subscripts!r}, got {lengths[letter]} and {length} "
                    f"in shapes {', '.join(map(str, shapes))}"
                )
    return lengths


@lru_cache(maxsize=512)
def _path(subscripts: str, shapes: tuple[Shape, ...]) -> list[Shape]:
    """In which order to multiply several operands, by NumPy's greedy search."""
    if len(shapes) == 2:
        return [(0, 1)]
    stand_ins = [np.broadcast_to(np.float64(0), shape) for shape in shapes]
    return list(np.einsum_path(subscripts, *stand_ins, optimize="greedy")[0][1:])


@contract.batching
def _(batched: Sequence[bool], *operands: Array, subscripts: str) -> Array:
    batch = next((letter for letter in LETTERS if letter not in subscripts), None)
    if batch is None:
        raise ShapeError(f"einsum: {subscripts!r} uses all {len(LETTERS)} letters, a batch needs one more")
    terms, result = _split(subscripts)
    terms = [batch + term if own else term for own, term in zip(batched, terms, strict=True)]
    return contract(*operands, subscripts=f"{','.join(terms)}->{batch}{result}")


class _Layout(NamedTuple):
    """How one operand of a product is laid out: diagonals and sums, order of the axes, shape."""

    reduction: str | None
    order: Shape
    shape: Shape

    def lay(self, x: Any) -> Any:
        if self.reduction is not None:
            x = np.einsum(self.reduction, x)
        return x.transpose(self.order).reshape(self.shape)


class _Plan(NamedTuple):
    """How two operands are contracted: as a (stacked) matrix product, or elementwise if nothing is summed."""

    left: _Layout
    right: _Layout
    sums: bool
    shape: Shape
    order: Shape


@lru_cache(maxsize=512)
def _plan(left: str, right: str, result: str, shape_of_x: Shape, shape_of_y: Shape) -> _Plan | None:
    """The plan for a product, or None where a matrix product has nothing to gain."""
    lengths = dict(zip(left + right, shape_of_x + shape_of_y, strict=True))
    kept_left = "".join(c for c in dict.fromkeys(left) if c in right + result)
    kept_right = "".join(c for c in dict.fromkeys(right) if c in left + result)
    stack = "".join(c for c in kept_left if c in kept_right and c in result)
    summed = "".join(c for c in kept_left if c in kept_right and c not in result)
    of_x = "".join(c for c in kept_left if c not in kept_right)
    of_y = "".join(c for c in kept_right if c not in kept_left)
    if stack and not of_x and not of_y:
        return None

    def shape(letters: str) -> Shape:
        return tuple(lengths[c] for c in letters)

    def layout(term: str, kept: str, letters: str, laid: Shape) -> _Layout:
        order = tuple(kept.index(c) for c in letters)
        return _Layout(None if kept == term else f"{term}->{kept}", order, laid)

    if summed:
        rows, inner, columns = (math.prod(shape(group)) for group in (of_x, summed, of_y))
        laid = ((*shape(stack), rows, inner), (*shape(stack), inner, columns))
    else:
        laid = (shape(stack + of_x) + (1,) * len(of_y), shape(stack) + (1,) * len(of_x) + shape(of_y))
    product = stack + of_x + of_y
    return _Plan(
        layout(left, kept_left, stack + of_x + summed, laid[0]),
        layout(right, kept_right, stack + summed + of_y, laid[1]),
        bool(summed),
        shape(product),
        tuple(product.index(c) for c in result),
    )


def _pair(x: Any, left: str, y: Any, right: str, result: str) -> Any:
    """Contract two operands."""
    plan = _plan(left, right, result, x.shape, y.shape)
    if plan is None:
        return np.einsum(f"{left},{right}->{result}", x, y)
    x, y = plan.left.lay(x), plan.right.lay(y)
    product = np.matmul(_for_blas(x), _for_blas(y)).reshape(plan.shape) if plan.sums else x * y
    return product.transpose(plan.order)


def _for_blas(x: Any) -> Any:
    """BLAS reads matrices whose rows or columns are contiguous; NumPy's own loop for others is slow."""
    return x if x.itemsize in x.strides[-2:] else np.ascontiguousarray(x)


@contract.infer
def _(*operands: Aval, subscripts: str) -> Aval:
    lengths = lengths_of(subscripts, tuple(x.shape for x in operands))
    if len({x.dtype for x in operands}) != 1:
        raise DTypeError(f"einsum: expected one dtype, got {', '.join(str(x.dtype) for x in operands)}")
    return Aval(tuple(lengths[letter] for letter in _split(subscripts)[1]), operands[0].dtype)


@contract.transpose
def _(ct: Array, *operands: Array, subscripts: str) -> Iterator[Thunk]:
    for position in range(len(operands)):
        yield partial(_by_operand, ct, operands, subscripts, position)


def _by_operand(ct: Array, operands: tuple[Array, ...], subscripts: str, position: int) -> Array:
    """Contract the cotangent with the other operands, and lay the result out as the operand lies."""
    terms, result = _split(subscripts)
    term = terms[position]
    others = [conjugated(x) for i, x in enumerate(operands) if i != position]
    terms_of_others = terms[:position] + terms[position + 1 :]
    known = "".join(c for c in dict.fromkeys(term) if c in result or any(c in other for other in terms_of_others))
    if others or known != result:
        ct = contract(ct, *others, subscripts=f"{','.join([result, *terms_of_others])}->{known}")
    if known == term:
        return ct
    # Along a letter that is nowhere else the operand was summed: the cotangent is repeated. A letter that it has
    # twice took the diagonal: the cotangent goes there, and zeros elsewhere.
    shape = operands[position].shape
    first = [term.index(c) == i for i, c in enumerate(term)]
    sizes = [n if c in known and first[i] else 1 for i, (c, n) in enumerate(zip(term, shape, strict=True))]
    spread: Array = operations.broadcast_to(ct.reshape(sizes), shape)
    if all(first):
        return spread
    diagonal: Array = operations.where(_on_diagonal(term, shape), spread, 0)
    return diagonal


def _on_diagonal(term: str, shape: Shape) -> Any:
    """Where the indices of each repeated letter are equal: of a shape that broadcasts to ``shape``."""
    places = [np.arange(n).reshape([-1 if j == i else 1 for j in range(len(shape))]) for i, n in enumerate(shape)]
    found: Any = True
    for i, letter in enumerate(term):
        if term.index(letter) != i:
            found = found & (places[term.index(letter)] == places[i])
    return found


# The public function --------------------------------------------------------------------------------------------------


@function(
    np.einsum,
    samples=[
        call("ij,jk->ik", normal(3, 4), normal(4, 2)),
        call("ij,jk", normal(3, 4), normal(4, 2)),
        call("ba", normal(2, 3)),
        call("ii", normal(3, 3)),
        call("...ij,...jk", normal(5, 2, 3), normal(4, 1, 3, 3)),
        call("i...->...", normal(2, 3)),
        call(" i j , j -> i ", normal(2, 3), normal(3)),
        call("ij,ij->ij", normal(1, 3), normal(2, 3)),
        call("ij,jk,kl->il", normal(2, 3), normal(3, 4), normal(4, 2), optimize=True),
        call("i,->i", normal(2), 3.0),
    ],
    rejects=[
        reject(
            ShapeError,
            "einsum: expected one length for j in 'ij,jk->ik', got 4 and 3",
            "ij,jk->ik",
            normal(2, 4),
            normal(3, 2),
        ),
        reject(ShapeError, "einsum: expected 2 axes for 'ij', got shape (3,)", "ij->i", normal(3)),
        reject(ShapeError, "einsum: expected one length for i in 'ii'", "ii", normal(1, 3)),
        reject(ShapeError, "einsum: expected '...' in the result", "i...->i", normal(2, 3)),
        reject(ArgumentError, "einsum: expected 2 operands for 'i,i', got 1", "i,i", normal(2)),
        reject(ArgumentError, "einsum: expected letters", "i$", normal(2, 3)),
        reject(ArgumentError, "einsum: the result 'j' of 'i->j' has j, which no operand has", "i->j", normal(2)),
        reject(ArgumentError, "einsum: the result 'ii' of 'i->ii' has i twice", "i->ii", normal(2)),
        reject(ArgumentError, "einsum: expected subscripts and operands", "ij"),
        reject(ArgumentError, "list of integers below 52 after each operand, got [0, 77]", normal(2, 3), [0, 77]),
        reject(ArgumentError, "after each operand, got ndarray", 3, np.ones(2)),
    ],
)
def einsum(*operands: Any, optimize: Any = False) -> Array:
    """Sum of products by Einstein's convention: ``einsum("ij,jk->ik", a, b)`` sums over j, which the result lacks.

    Any subscripts that NumPy takes: repeated letters (diagonals), an ellipsis, no arrow (the letters that come once,
    in alphabetical order), any number of operands, and the form ``einsum(a, [0, 1], b, [1, 2], [0, 2])``. In which
    order several operands are multiplied is chosen here: ``optimize`` is taken and changes nothing.

    >>> einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, -1.0])
    array([-1., -1.])
    """
    if not operands or (isinstance(operands[0], str) and len(operands) == 1):
        raise ArgumentError("einsum: expected subscripts and operands, as in einsum('ij,jk->ik', a, b)")
    subscripts, given = (operands[0], operands[1:]) if isinstance(operands[0], str) else _interleaved(operands)
    arrays = promoted("einsum", *as_arrays("einsum", *given))
    shapes = tuple(x.shape for x in arrays)
    explicit, cut = _explicit(subscripts, shapes)
    if cut != shapes:
        arrays = [x.reshape(shape) for x, shape in zip(arrays, cut, strict=True)]
    return contract(*arrays, subscripts=explicit)


def _interleaved(operands: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """Return subscripts as text for operands that each come with a list of integers after them."""
    letters = string.ascii_uppercase + string.ascii_lowercase  # in their sorted order

    def text(labels: Any) -> str:
        try:
            return "".join("..." if label is Ellipsis else letters[label.__index__()] for label in labels)
        except (TypeError, AttributeError, IndexError):
            raise ArgumentError(
                f"einsum: expected a list of integers below {len(letters)} after each operand, got "
                f"{labels if isinstance(labels, (list, tuple)) else type(labels).__name__}"
            ) from None

    pairs = len(operands) // 2
    terms = ",".join(text(labels) for labels in operands[1 : 2 * pairs : 2])
    result = f"->{text(operands[-1])}" if len(operands) % 2 else ""
    return terms + result, operands[0 : 2 * pairs : 2]


@lru_cache(maxsize=512)
def _explicit(subscripts: str, shapes: tuple[Shape, ...]) -> tuple[str, tuple[Shape, ...]]:
    """Return subscripts with a result and without ellipsis, and shapes without the axes that are to be broadcast."""
    text = subscripts.replace(" ", "")
    left, arrow, result = text.partition("->")
    terms = left.split(",")
    if not set(text.replace("...", "").replace("->", "", 1)) <= {*LETTERS, ","} or "," in result:
        raise ArgumentError(f"einsum: expected letters, commas, '...' and '->' as subscripts, got {subscripts!r}")
    if len(terms) != len(shapes):
        raise ArgumentError(f"einsum: expected {len(terms)} operands for {subscripts!r}, got {len(shapes)}")
    hidden = [_hidden_axes(term, shape) for term, shape in zip(terms, shapes, strict=True)]
    unused = [letter for letter in LETTERS if letter not in text]
    if max(hidden) > len(unused):
        raise ArgumentError(f"einsum: {subscripts!r} needs more than {len(LETTERS)} letters")
    dots = "".join(unused[: max(hidden)])
    if not arrow:
        letters = left.replace("...", "").replace(",", "")
        result = dots + "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    elif dots and "..." not in result:
        raise ShapeError(f"einsum: expected '...' in the result {result!r} of {subscripts!r}: it stands for axes")
    result = result.replace("...", dots)
    terms = [term.replace("...", dots[len(dots) - n :]) for term, n in zip(terms, hidden, strict=True)]
    for letter in result:
        if result.count(letter) > 1:
            raise ArgumentError(f"einsum: the result {result!r} of {subscripts!r} has {letter} twice")
        if not any(letter in term for term in terms):
            raise ArgumentError(f"einsum: the result {result!r} of {subscripts!r} has {letter}, which no operand has")
    cut = [_without_broadcast(subscripts, term, i, terms, shapes) for i, term in enumerate(terms)]
    return f"{','.join(term for term, _ in cut)}->{result}", tuple(shape for _, shape in cut)


def _hidden_axes(term: str, shape: Shape) -> int:
    """How many axes the ellipsis of this term stands for."""
    named = len(term.replace("...", "", 1))
    if "." in term.replace("...", "", 1):
        raise ArgumentError(f"einsum: expected at most one '...' for an operand, got {term!r}")
    if len(shape) < named or (len(shape) > named and "..." not in term):
        raise ShapeError(f"einsum: expected {named} axes for {term!r}, got shape {shape}")
    return len(shape) - named


def _without_broadcast(
    subscripts: str, term: str, position: int, terms: Sequence[str], shapes: Sequence[Shape]
) -> tuple[str, Shape]:
    """Drop from one operand the axes of length 1 that are longer in another."""
    kept = []
    for letter, length in zip(term, shapes[position], strict=True):
        lengths = [
            n for one, shape in zip(terms, shapes, strict=True) for c, n in zip(one, shape, strict=True) if c == letter
        ]
        own = [n for c, n in zip(term, shapes[position], strict=True) if c == letter]
        longer = {n for n in lengths if n != 1}
        if len(longer) > 1 or len(set(own)) > 1:
            found = " and ".join(map(str, dict.fromkeys(own if len(set(own)) > 1 else [n for n in lengths if n != 1])))
            listed = ", ".join(map(str, shapes))
            raise ShapeError(
                f"einsum: expected one length for {letter} in {subscripts!r}, got {found} in shapes {listed}"
            )
        if length != 1 or not longer:
            kept.append((letter, length))
    return "".join(letter for letter, _ in kept), tuple(length for _, length in kept)
