"""Airy's functions and Struve's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk, refused
from pullback.core.sample import call, normal, points, positive, reject, values
from pullback.core.scipy import special
from pullback.errors import DTypeError
from pullback.ops.pointwise.special.gamma import rgamma

_SAMPLES = [normal(3, 4), points(-10.0, 0.0, 5.0), values(200.0, np.nan)]


@pointwise(types="fdFD", samples=_SAMPLES)
def airy_ai(z: Any) -> Any:
    """Airy's function Ai, elementwise; floating or complex. [DLMF 9.2]

    >>> airy_ai(0.0)
    array(0.35502805)
    """
    return special.airy(z)[0]


@airy_ai.partials
def _(out: Array, z: Array) -> Iterator[Thunk]:
    yield lambda: airy_ai_prime(z)


@pointwise(types="fdFD", samples=_SAMPLES)
def airy_ai_prime(z: Any) -> Any:
    """The derivative of Airy's function Ai, elementwise; floating or complex. [DLMF 9.2]

    >>> airy_ai_prime(0.0)
    array(-0.2588194)
    """
    return special.airy(z)[1]


@airy_ai_prime.partials
def _(out: Array, z: Array) -> Iterator[Thunk]:
    yield lambda: z * airy_ai(z)


@pointwise(types="fdFD", samples=_SAMPLES)
def airy_bi(z: Any) -> Any:
    """Airy's function Bi, elementwise; floating or complex. [DLMF 9.2]

    >>> airy_bi(0.0)
    array(0.61492663)
    """
    return special.airy(z)[2]


@airy_bi.partials
def _(out: Array, z: Array) -> Iterator[Thunk]:
    yield lambda: airy_bi_prime(z)


@pointwise(types="fdFD", samples=_SAMPLES)
def airy_bi_prime(z: Any) -> Any:
    """The derivative of Airy's function Bi, elementwise; floating or complex. [DLMF 9.2]

    >>> airy_bi_prime(0.0)
    array(0.44828836)
    """
    return special.airy(z)[3]


@airy_bi_prime.partials
def _(out: Array, z: Array) -> Iterator[Thunk]:
    yield lambda: z * airy_bi(z)


@function(
    scipy="airy", samples=_SAMPLES,
    rejects=[reject(DTypeError, "expected an array or a number, got str", "a")],
)  # fmt: skip
def airy(z: Any) -> tuple[Array, Array, Array, Array]:
    """Return Airy's functions of z and their derivatives: Ai, Ai', Bi, Bi'.

    >>> airy(0.0)
    (array(0.35502805), array(-0.2588194), array(0.61492663), array(0.44828836))
    """
    return airy_ai(z), airy_ai_prime(z), airy_bi(z), airy_bi_prime(z)


_ORDERS = [
    call([0.0], positive(3, 4)), call([0.5, 1.0, 3.0], positive(2, 3)), call([1.0], values(0.0, 10.0, np.nan))
]  # fmt: skip


def _leading_term(v: Array, x: Array) -> Array:
    term: Array = operations.power(x / 2, v) * rgamma(v + 1.5) / math.sqrt(math.pi)
    return term


@pointwise(scipy="struve", types="df", samples=_ORDERS)
def struve(v: Any, x: Any) -> Any:
    """Struve function of order v, elementwise. [DLMF 11.2]

    Raises NotDifferentiableError when a derivative by v is asked for.

    >>> struve(0, 1.0)
    array(0.56865663)
    """
    return special.struve(v, x)


@struve.partials
def _(out: Array, v: Array, x: Array) -> Iterator[Thunk]:
    yield refused("struve", "its first argument", "no formula for it is implemented")
    yield lambda: (struve(v - 1, x) - struve(v + 1, x) + _leading_term(v, x)) / 2


@pointwise(scipy="modstruve", types="df", samples=_ORDERS)
def modstruve(v: Any, x: Any) -> Any:
    """Modified Struve function of order v, elementwise. [DLMF 11.2]

    Raises NotDifferentiableError when a derivative by v is asked for.

    >>> modstruve(0, 1.0)
    array(0.71024319)
    """
    return special.modstruve(v, x)


@modstruve.partials
def _(out: Array, v: Array, x: Array) -> Iterator[Thunk]:
    yield refused("modstruve", "its first argument", "no formula for it is implemented")
    yield lambda: (modstruve(v - 1, x) + modstruve(v + 1, x) + _leading_term(v, x)) / 2
