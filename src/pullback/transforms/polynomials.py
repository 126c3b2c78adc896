"""A normal form of pointwise algebra: sums of products of powers, collected, cancelled, and written as few operations.

A *polynomial* maps monomials to coefficients. A monomial is a set of pairs (factor, exponent); exponents may be
negative. A factor is a node that is no algebra itself (an atom), a sum that is kept whole (so that what stands in a
denominator cancels against the same sum above it), or an exponential.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from pullback.core.array import Array
from pullback.core.graph import as_scalar
from pullback.core.node import Node, is_finite
from pullback.core.operations import operations as op
from pullback.core.terminals import CONSTANT, constant_node, scalar_node

Factor = Any
"""A Node, a Sum, or an Exponential."""

Monomial = frozenset[tuple[Factor, int]]
Polynomial = Mapping[Monomial, float]

ONE: Monomial = frozenset()
_USUAL = 1 / 3
"""Coefficients are no larger than this power of the largest number: ``(s*x)**2`` stays so where ``s**2`` is none."""

_TERMS = 48
"""The largest number of terms that is worked with; a larger sum is left as it is."""

_BOUNDED = frozenset({"arctan", "cos", "erf", "erfc", "ndtr", "sigmoid", "sign", "sin", "softmax", "tanh"})
"""Operations whose result is finite wherever their operand is no NaN or infinity: no zero meets an infinity there."""


@dataclass(frozen=True)
class Sum:
    """A sum of at least two terms that is kept whole."""

    terms: frozenset[tuple[Monomial, float]]


@dataclass(frozen=True)
class Exponential:
    """The exponential of a polynomial."""

    terms: frozenset[tuple[Monomial, float]]


# Order: the same graph is written in the same way on every run -------------------------------------------------------


def _factor_key(factor: Factor) -> tuple[Any, ...]:
    if isinstance(factor, Node):
        return (0, factor.index)
    return (1 + isinstance(factor, Exponential), _terms_key(factor.terms))


def _monomial_key(monomial: Monomial) -> tuple[Any, ...]:
    return tuple(sorted((_factor_key(factor), exponent) for factor, exponent in monomial))


def _terms_key(terms: Iterable[tuple[Monomial, float]]) -> tuple[Any, ...]:
    return tuple(sorted((_monomial_key(monomial), coefficient) for monomial, coefficient in terms))


def _ordered(polynomial: Polynomial) -> list[tuple[Monomial, float]]:
    return sorted(polynomial.items(), key=lambda term: _monomial_key(term[0]))


# Arithmetic -----------------------------------------------------------------------------------------------------------


def _are_usual(coefficients: Iterable[float], node: Node) -> bool:
    """Whether none is so large or small that a product with it may overflow or underflow in the dtype of the node."""
    largest = _largest_usual(node.array_aval.dtype)
    return all(1 / largest <= size <= largest for size in set(map(abs, coefficients)))


@lru_cache(maxsize=64)
def _largest_usual(dtype: np.dtype[Any]) -> float:
    return float(np.finfo(dtype).max) ** _USUAL if dtype.kind == "f" else math.inf


def _is_unusual(node: Node) -> bool:
    number = as_scalar(node)
    return number is not None and number != 0 and not _are_usual([number], node)


def _add(one: Polynomial, other: Polynomial, scale: float = 1) -> Polynomial:
    total = dict(one)
    for monomial, coefficient in other.items():
        _add_term(total, monomial, scale * coefficient)
    return total


def _add_term(total: dict[Monomial, float], monomial: Monomial, coefficient: float) -> None:
    value = total.get(monomial, 0) + coefficient
    if value:
        total[monomial] = value
    else:
        total.pop(monomial, None)


def _times(one: Monomial, other: Monomial) -> Monomial:
    """The product of two monomials; exponents add up, exponentials become one."""
    if not one or not other:
        return one or other
    powers: dict[Any, int] = dict(one)
    for factor, exponent in other:
        total = powers.get(factor, 0) + exponent
        if total:
            powers[factor] = total
        else:
            powers.pop(factor, None)
    exponentials = [factor for factor in powers if isinstance(factor, Exponential)]
    if len(exponentials) > 1 or any(powers[factor] != 1 for factor in exponentials):
        joined: Polynomial = {}
        for factor in exponentials:
            joined = _add(joined, dict(factor.terms), powers.pop(factor))
        if joined:
            powers[Exponential(frozenset(joined.items()))] = 1
    return frozenset(powers.items())


def _has_exponential(polynomial: Polynomial) -> bool:
    return any(isinstance(factor, Exponential) for monomial in polynomial for factor, _ in monomial)


def _whole(polynomial: Polynomial) -> tuple[float, Monomial]:
    """A polynomial as one term, a sum being kept whole, its first coefficient positive: (coefficient, monomial)."""
    if len(polynomial) == 1:
        ((monomial, coefficient),) = polynomial.items()
        return coefficient, monomial
    sign = math.copysign(1, polynomial[min(polynomial, key=_monomial_key)])
    return sign, frozenset({(Sum(frozenset((m, sign * c) for m, c in polynomial.items())), 1)})


def _multiply(one: Polynomial, other: Polynomial) -> Polynomial:
    """The product. Sums are kept whole, but for one in whose denominators something cancels against the other.

    Of coefficients that are usual, so that their products neither overflow nor underflow.
    """
    if not one or not other:
        return {}
    (coefficient, monomial), (scale, rest) = _whole(one), _whole(other)
    for left, factor, by in ((one, rest, scale), (other, monomial, coefficient)):
        if factor == ONE or (len(left) > 1 and any(_cancels(term, factor) for term in left)):
            product: dict[Monomial, float] = {}
            for term, value in left.items():
                _add_term(product, _times(term, factor), value * by)
            return product
    return {_times(monomial, rest): coefficient * scale}


def _cancels(one: Monomial, other: Monomial) -> bool:
    powers = dict(other)
    return any(exponent * powers.get(factor, 0) < 0 for factor, exponent in one)


def _power(base: Polynomial, exponent: int) -> Polynomial:
    coefficient, monomial = _whole(base)
    raised: Monomial = ONE
    for _ in range(abs(exponent)):
        raised = _times(raised, monomial)
    if exponent < 0:
        inverted: Monomial = frozenset()
        for factor, one in raised:
            inverted = _times(inverted, frozenset({(factor, -one)}))
        raised = inverted
    return {raised: coefficient**exponent}


def _expanded(polynomial: Polynomial) -> Polynomial | None:
    """Multiply out every sum with a positive exponent; None if that gets too long, or if there is none."""
    if not any(isinstance(factor, Sum) and exponent > 0 for monomial in polynomial for factor, exponent in monomial):
        return None
    done: dict[Monomial, float] = {}
    waiting = list(polynomial.items())
    while waiting:
        monomial, coefficient = waiting.pop()
        chosen = next(((f, e) for f, e in monomial if isinstance(f, Sum) and e > 0), None)
        if chosen is None:
            _add_term(done, monomial, coefficient)
            continue
        factor, exponent = chosen
        rest = monomial - {chosen}
        if exponent > 1:
            rest = rest | {(factor, exponent - 1)}
        waiting += [(_times(rest, inner), coefficient * value) for inner, value in factor.terms]
        if len(waiting) + len(done) > _TERMS:
            return None
    return done


# From nodes -----------------------------------------------------------------------------------------------------------

ALGEBRA = frozenset(
    {"add", "subtract", "multiply", "strong_product", "negative", "positive", "reciprocal", "divide", "square",
     "power", "exp"}
)  # fmt: skip


@dataclass
class Reading:
    """Reads nodes as polynomials.

    Attributes:
        drops_zeros: whether ``0 * x`` is 0; else it stays as it is written, as it is -0 or NaN for some x.
        polynomials: what has been read.
        guarded: factors, with the sign of their exponent, by which a zero may be multiplied although they may be
            infinite: the product is zero then (the strong zero).
    """

    drops_zeros: bool = True
    polynomials: dict[Node, Polynomial] = field(default_factory=dict)
    guarded: set[tuple[Factor, bool]] = field(default_factory=set)
    _units: dict[Any, Node] = field(default_factory=dict)

    def read(self, node: Node) -> Polynomial:
        """The polynomial of a node whose inputs have been read; of what is no algebra, the atom that it is."""
        found = self.polynomials.get(node)
        if found is None:
            found = self._read(node)
            if found is None or len(found) > _TERMS or not _are_usual(found.values(), node):
                found = {frozenset({(node, 1)}): 1.0}
            self.polynomials[node] = found
        return found

    def _read(self, node: Node) -> Polynomial | None:
        number = as_scalar(node)
        if number is not None:
            return {ONE: float(number)} if number else {}
        if node.primitive is CONSTANT:
            return self._read_array(node)
        if not is_algebra(node) or any(_is_unusual(source) for source in node.inputs):
            return None
        operands = [self.read(source) for source in node.inputs]
        match node.primitive.name, operands:
            case "add", [one, other]:
                return _add(one, other)
            case "subtract", [one, other]:
                return _add(one, other, -1)
            case "negative", [one]:
                return _add({}, one, -1)
            case "positive", [one]:
                return one
            case "square", [one]:
                return _power(one, 2) if one else one
            case "reciprocal", [one]:
                return _power(one, -1) if one else None
            case "divide", [one, other]:
                return _multiply(one, _power(other, -1)) if other and self._is_product(one) else None
            case "exp", [one]:
                return {frozenset({(Exponential(frozenset(one.items())), 1)}): 1.0} if one else {ONE: 1.0}
            case "power", [one, _]:
                exponent = as_scalar(node.inputs[1])
                if one and exponent is not None and exponent == int(exponent) and 0 < abs(exponent) <= 4:
                    return _power(one, int(exponent))
                return None
            case "multiply", [one, other]:
                return _multiply(one, other) if self._is_product(one, other) else None
            case "strong_product", [one, other]:
                if _has_exponential(one) and _has_exponential(other):
                    return None  # exp(-inf) of infinity is 0, exp(-inf + inf) is not: left to the rewrite of it
                if one and other and not as_scalar(node.inputs[0]):
                    self._guard(other)
                return _multiply(one, other)
        return None

    def _is_product(self, *factors: Polynomial) -> bool:
        return self.drops_zeros or all(factors)

    def _read_array(self, node: Node) -> Polynomial | None:
        """A constant whose elements are 0 or of one size, such as labels over their number: that size is a number.

        Labels of 0 and 1 and those of the other class are read as one array: ``1 - y`` may have been computed before.
        """
        value = node.value
        size = common_size(value)
        if size is None:
            return None
        positive = (value >= 0).all()
        if not positive and (value <= 0).all():
            size, positive = -size, True
        unit = value / size + 0.0  # no -0
        ones = np.count_nonzero(unit)
        if positive and (2 * ones, unit.flat[0]) > (unit.size, 0):
            return {ONE: size, frozenset({(self._unit(1 - unit, None), 1)}): -size}
        return {frozenset({(self._unit(unit, node if size == 1 else None), 1)}): size}

    def _unit(self, value: Any, node: Node | None) -> Node:
        """The node that stands for a constant array, the same for equal ones."""
        key = (value.shape, value.dtype.str, value.tobytes())
        return self._units.setdefault(key, node or constant_node(value))

    def _guard(self, partial: Polynomial) -> None:
        waiting = [_whole(partial)[1]]
        while waiting:
            for factor, exponent in waiting.pop():
                if exponent < 0 or not is_bounded(factor):
                    self.guarded.add((factor, exponent > 0))
                if isinstance(factor, Sum):
                    waiting += [monomial for monomial, _ in factor.terms]


_ARRAY = 1 << 16
"""The largest constant array, in elements, that is looked at."""


def common_size(value: Any) -> float | None:
    """The absolute value that all elements of a constant array have that are not 0, if they have one."""
    if isinstance(value, tuple) or value.dtype.kind != "f" or not 0 < value.size <= _ARRAY:
        return None
    sizes = np.abs(value[value != 0])
    if not sizes.size or not np.isfinite(sizes[0]) or (sizes != sizes[0]).any():
        return None
    return float(sizes[0])


def is_algebra(node: Node) -> bool:
    """Whether the node is an operation that polynomials are made of, on real floating numbers."""
    return node.primitive.name in ALGEBRA and node.array_aval.dtype.kind == "f"  # all of ALGEBRA has one result


def is_bounded(factor: Factor) -> bool:
    """Whether a factor is finite for finite inputs."""
    if isinstance(factor, Sum):
        return all(is_bounded(one) and e > 0 for monomial, _ in factor.terms for one, e in monomial)
    if not isinstance(factor, Node):
        return False
    if factor.primitive.name == "select":
        return all(_is_finite_constant(one) for one in factor.inputs[1:])
    return factor.primitive.name in _BOUNDED or _is_finite_constant(factor)


def _is_finite_constant(node: Node) -> bool:
    return node.primitive is CONSTANT and is_finite(node.value)


# And back -------------------------------------------------------------------------------------------------------------

EXPENSIVE = {"divide": 4, "reciprocal": 4, "power": 8, "exp": 6}
"""What operations cost, where that is not about one addition."""


def least_cost(polynomial: Polynomial) -> float:
    """What the operations cost at least, however a polynomial is written: most are not worth to be written.

    An operation has at most two operands: to read n different ones takes n - 1. Constants are computed beforehand, so
    of what has any only the others are counted.
    """
    operands: set[Node | float] = set()
    exponentials: set[Exponential] = set()
    divides = raises = False
    sums: list[Iterable[tuple[Monomial, float]]] = [polynomial.items()]
    has_constants = False
    for terms in sums:
        for monomial, coefficient in terms:
            if abs(coefficient) != 1 or not monomial:
                operands.add(abs(coefficient))
            for factor, exponent in monomial:
                divides = divides or exponent < 0
                raises = raises or abs(exponent) > 1
                if isinstance(factor, Node):
                    operands.add(factor)
                    has_constants = has_constants or not factor.watched
                    continue
                sums.append(factor.terms)
                if isinstance(factor, Exponential):
                    exponentials.add(factor)
                    has_constants = has_constants or not any(inner for inner, _ in factor.terms)
    fewest = len(polynomial) - 1
    if has_constants:
        return max(fewest, sum(isinstance(one, Node) and one.watched for one in operands) - 1)
    dearer = (EXPENSIVE["divide"] - 1) * divides + raises + EXPENSIVE["exp"] * len(exponentials)
    return max(fewest, len(operands) - 1 + dearer)


class Writing:
    """Writes a polynomial as nodes of one shape and dtype, with common factors taken out."""

    def __init__(self, like: Node, guarded: set[tuple[Factor, bool]]) -> None:
        self._aval = like.array_aval
        self._guarded = guarded
        self._any_exponential = any(isinstance(factor, Exponential) for factor, _ in guarded)
        self.has_guarded = False
        self.is_safe = True  # False once two factors met of which either may be the zero that stays zero
        self._written: dict[Any, Array] = {}

    def number(self, value: float) -> Array:
        """A constant."""
        return Array(scalar_node(value, self._aval.shape, self._aval.dtype))

    def _is_guarded(self, factor: Factor, exponent: int) -> bool:
        # Exponentials are joined into others, of which each is guarded when one was.
        return (factor, exponent > 0) in self._guarded or (isinstance(factor, Exponential) and self._any_exponential)

    def polynomial(self, polynomial: Polynomial) -> Array:
        """Write a polynomial: a factor that several terms have is taken out of them."""
        terms = _ordered(polynomial)
        if not terms:
            return self.number(0.0)
        if len(terms) == 1:
            return self._term(*terms[0])
        # What is zero because of a guarded factor must meet it by itself: nothing is taken out then.
        guarded = any(self._is_guarded(factor, e) for monomial, _ in terms for factor, e in monomial)
        common = None if guarded else _most_common(terms)
        if common is None:
            size = abs(_common_coefficient([coefficient for _, coefficient in terms]))
            total = self._sum([(monomial, coefficient / size) for monomial, coefficient in terms])
            return total if size == 1 else size * total
        with_it = {_times(m, frozenset({(common[0], -common[1])})): c for m, c in terms if _has(m, common)}
        without = {m: c for m, c in terms if not _has(m, common)}
        coefficient = _common_coefficient(list(with_it.values()))
        inner = self.polynomial({m: c / coefficient for m, c in with_it.items()})
        product = self._product(coefficient, frozenset({common}), inner)
        return product if not without else self._plus(without, product)

    def _plus(self, polynomial: Polynomial, other: Array) -> Array:
        rest = self.polynomial(polynomial)
        total: Array = rest + other
        return total

    def _sum(self, terms: list[tuple[Monomial, float]]) -> Array:
        """A sum, what is added first: ``a - y``, not ``-y + a``; a constant stands where it saves an operation."""
        known = [term for term in terms if all(_is_constant(factor) for factor, _ in term[0])]
        if 1 < len(known) < len(terms):  # several constants are one
            constant = self._sum(known)
            rest = self._sum([term for term in terms if term not in known])
            total: Array = rest - -constant if (constant._node.value <= 0).all() else rest + constant
            return total
        positive = [term for term in terms if term[1] > 0] or terms[:1]
        total = self._term(*positive[0])
        for monomial, coefficient in positive[1:]:
            total = total + self._term(monomial, coefficient)
        for monomial, coefficient in terms:
            if (monomial, coefficient) not in positive:
                total = total - self._term(monomial, -coefficient)
        return total

    def _term(self, monomial: Monomial, coefficient: float) -> Array:
        if not monomial:
            return self.number(coefficient)
        return self._product(coefficient, monomial, None)

    def _product(self, coefficient: float, monomial: Monomial, inner: Array | None) -> Array:
        """``coefficient * inner * monomial``: plain factors, then quotients, then guarded ones by a strong product."""
        shared = math.gcd(*(exponent for _, exponent in monomial))
        if shared > 1 and len(monomial) > 1 and not any(self._is_guarded(*pair) for pair in monomial):
            root = frozenset(
                (factor, exponent // shared) for factor, exponent in monomial
            )  # (x/y**3)**2, not x**2/y**6
            raised = _raised(self._product(1.0, root, None), shared)
            product = raised if inner is None else inner * raised
            return product if coefficient == 1 else self.number(coefficient) * product
        plain: list[Array] = []
        guarded: list[Array] = []
        below: list[Array] = []
        distinct: set[Factor] = set()
        alike: dict[int, tuple[list[Factor], list[Factor]]] = {}
        for factor, exponent in sorted(monomial, key=lambda pair: _factor_key(pair[0])):
            if self._is_guarded(factor, exponent):
                distinct.add(factor)
                if exponent < 0:  # 1/x twice, not 1/x**2, which underflows
                    guarded += [op.reciprocal(self._powered(factor, 1))] * -exponent
                else:
                    guarded.append(self._powered(factor, exponent))
            else:
                alike.setdefault(abs(exponent), ([], []))[exponent < 0].append(factor)
        for exponent, (over, under) in sorted(alike.items()):
            bases = [[self._powered(factor, 1) for factor in factors] for factors in (over, under)]
            if exponent == 1:
                plain += bases[0]
                below += bases[1]
            elif exponent == 2 and not over:  # 1/x/x, not 1/x**2, which underflows
                below += bases[1] * 2
            elif len(over) + len(under) == 1:
                (plain if over else below).append(self._powered((over or under)[0], exponent))
            elif over:  # (x/y)**2, not x**2/y**2, of which both may overflow
                plain.append(_raised(_all_divided(_all_multiplied(bases[0]), bases[1]), exponent))
            else:
                below.append(_raised(_all_multiplied(bases[1]), exponent))
        plain = [*([inner] if inner is not None else []), *plain]
        size = abs(coefficient)
        if plain:
            product = _all_multiplied(plain)
            if size != 1:
                product = size * product
        elif below:
            first, *below = below
            product = op.reciprocal(first) if size == 1 else self.number(size) / first
        elif guarded:
            product, guarded = (guarded[0], guarded[1:]) if size == 1 else (size * guarded[0], guarded[1:])
        else:
            product = self.number(size)
        product = _all_divided(product, below)
        self.is_safe = self.is_safe and len(distinct) <= 1
        self.has_guarded = self.has_guarded or bool(guarded)
        for one in guarded:
            product = op.strong_product(product, one)
        return product if coefficient > 0 else -product

    def _powered(self, factor: Factor, exponent: int) -> Array:
        key = (factor, exponent)
        found = self._written.get(key)
        if found is None:
            if exponent > 1:
                found = _raised(self._powered(factor, 1), exponent)
            elif isinstance(factor, Node):
                found = Array(factor)
            elif isinstance(factor, Sum):
                found = self.polynomial(dict(factor.terms))
            else:
                found = op.exp(self.polynomial(dict(factor.terms)))
            self._written[key] = found
        return found


def _raised(base: Array, exponent: int) -> Array:
    raised: Array = op.square(base) if exponent == 2 else op.power(base, float(exponent))
    return raised


def _all_divided(total: Array, divisors: list[Array]) -> Array:
    for divisor in divisors:
        total = total / divisor
    return total


def _all_multiplied(factors: list[Array]) -> Array:
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    return product


def _is_constant(factor: Factor) -> bool:
    return isinstance(factor, Node) and factor.primitive is CONSTANT


def _has(monomial: Monomial, common: tuple[Factor, int]) -> bool:
    factor, exponent = common
    return any(one is factor or one == factor for one, e in monomial if e * exponent > 0 and abs(e) >= abs(exponent))


def _most_common(terms: list[tuple[Monomial, float]]) -> tuple[Factor, int] | None:
    """The factor (or its reciprocal) that most terms have, if at least two have it."""
    counts: dict[tuple[Factor, int], int] = {}
    for monomial, _ in terms:
        for factor, exponent in monomial:
            if not isinstance(factor, Exponential):
                key = (factor, 1 if exponent > 0 else -1)
                counts[key] = counts.get(key, 0) + 1
    best = max(counts.items(), key=lambda item: (item[1], _reversed_key(item[0])), default=None)
    return best[0] if best is not None and best[1] > 1 else None


class _Reversed(NamedTuple):
    key: Any

    def __lt__(self, other: Any) -> bool:
        return bool(other.key < self.key)


def _reversed_key(common: tuple[Factor, int]) -> _Reversed:
    """Of factors that are equally common the first in order is taken."""
    return _Reversed((_factor_key(common[0]), -common[1]))


def _common_coefficient(coefficients: list[float]) -> float:
    """What all coefficients can be divided by without rounding: their size if it is one, and their sign."""
    sizes = {abs(one) for one in coefficients}
    sign = -1.0 if all(one < 0 for one in coefficients) else 1.0
    return sign * (sizes.pop() if len(sizes) == 1 else 1.0)


def candidates(polynomial: Polynomial) -> Iterator[Polynomial]:
    """The forms among which the cheapest is chosen: as it was read, and multiplied out."""
    yield polynomial
    out = _expanded(polynomial)
    if out is not None and out != polynomial:
        yield out
