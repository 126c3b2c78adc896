"""Bessel functions. Derivatives by the argument; none is known by the order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import operations, scipy_overrides
from pullback.core.primitive import Thunk, refused
from pullback.core.sample import call, normal, points, positive, reject, values
from pullback.core.scipy import special
from pullback.errors import DTypeError

_EDGES = values(0.0, 1e-8, 50.0, 800.0, np.inf, np.nan)
_ORDERS = [call(0, positive(3, 4)), call(1.5, positive(3)), call([-1.0, 0.5, 3.0], positive(2, 3))]


def _by_order(name: str) -> Thunk:
    return refused(name, "its first argument", "no formula for the derivative by the order of a Bessel function")


@pointwise(numpy=np.i0, scipy="i0", samples=[normal(3, 4), points(-20.0, 10.0), values(0.0, 800.0, np.nan)])
def i0(x: Any) -> Any:
    """Modified Bessel function of the first kind of order 0, elementwise. [DLMF 10.25]

    >>> i0(1.0)
    array(1.26606588)
    """
    return special.i0(x)


@i0.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: i1(x)


@pointwise(scipy="i1", samples=[normal(3, 4), points(-20.0, 0.0, 10.0), _EDGES])
def i1(x: Any) -> Any:
    """Modified Bessel function of the first kind of order 1, elementwise. [DLMF 10.25]

    >>> i1(1.0)
    array(0.5651591)
    """
    return special.i1(x)


@i1.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: (i0(x) + iv(2, x)) / 2  # not i0(x) - i1(x) / x, which is 0 / 0 at 0


@pointwise(scipy="i0e", finite_partials=True, samples=[normal(3, 4), points(-20.0, 900.0), _EDGES])
def i0e(x: Any) -> Any:
    """Scaled i0 that does not overflow, exp(-abs(x)) i0(x), elementwise.

    >>> i0e(1000.0)
    array(0.01261724)
    """
    return special.i0e(x)


@i0e.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: i1e(x) - operations.sign(x) * out


@pointwise(scipy="i1e", finite_partials=True, samples=[normal(3, 4), points(-20.0, 900.0), _EDGES])
def i1e(x: Any) -> Any:
    """Scaled i1 that does not overflow, exp(-abs(x)) i1(x), elementwise.

    >>> i1e(1000.0)
    array(0.01261093)
    """
    return special.i1e(x)


@i1e.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: _mean_of_neighbours(out, x) - operations.sign(x) * out


def _mean_of_neighbours(out: Array, x: Array) -> Array:
    """(i0e + ive of order 2) / 2. Where x is large SciPy's ive is NaN, and ive(2, x) = i0e(x) - 2 i1e(x) / x."""
    large = operations.greater(operations.absolute(x), 1e6)
    near, far = operations.where(large, 1.0, x), operations.where(large, x, 1.0)
    return operations.where(large, i0e(x) - out / far, (i0e(x) + ive(2, near)) / 2)


@pointwise(scipy="j0", finite_partials=True, samples=[normal(3, 4), points(-20.0, 0.0, 30.0), _EDGES])
def j0(x: Any) -> Any:
    """Bessel function of the first kind of order 0, elementwise. [DLMF 10.2]

    >>> j0(1.0)
    array(0.76519769)
    """
    return special.j0(x)


@j0.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -j1(x)


@pointwise(scipy="j1", finite_partials=True, samples=[normal(3, 4), points(-20.0, 0.0, 30.0), _EDGES])
def j1(x: Any) -> Any:
    """Bessel function of the first kind of order 1, elementwise. [DLMF 10.2]

    >>> j1(1.0)
    array(0.44005059)
    """
    return special.j1(x)


@j1.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: (j0(x) - jv(2, x)) / 2


@pointwise(scipy="y0", samples=[positive(3, 4), points(30.0), _EDGES])
def y0(x: Any) -> Any:
    """Bessel function of the second kind of order 0, elementwise; -inf at 0, NaN for negative x. [DLMF 10.2]

    >>> y0(1.0)
    array(0.08825696)
    """
    return special.y0(x)


@y0.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -y1(x)


@pointwise(scipy="y1", samples=[positive(3, 4), points(30.0), _EDGES])
def y1(x: Any) -> Any:
    """Bessel function of the second kind of order 1, elementwise; -inf at 0, NaN for negative x. [DLMF 10.2]

    >>> y1(1.0)
    array(-0.78121282)
    """
    return special.y1(x)


@y1.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: (y0(x) - yv(2, x)) / 2


@pointwise(scipy="k0", samples=[positive(3, 4), points(30.0), _EDGES])
def k0(x: Any) -> Any:
    """Modified Bessel function of the second kind of order 0, elementwise; inf at 0. [DLMF 10.25]

    >>> k0(1.0)
    array(0.42102444)
    """
    return special.k0(x)


@k0.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -k1(x)


@pointwise(scipy="k1", samples=[positive(3, 4), points(30.0), _EDGES])
def k1(x: Any) -> Any:
    """Modified Bessel function of the second kind of order 1, elementwise; inf at 0. [DLMF 10.25]

    >>> k1(1.0)
    array(0.60190723)
    """
    return special.k1(x)


@k1.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: (k0(x) + kv(2, x)) / -2


@pointwise(scipy="k0e", samples=[positive(3, 4), points(30.0, 900.0), _EDGES])
def k0e(x: Any) -> Any:
    """Scaled k0 that does not underflow, exp(x) k0(x), elementwise.

    >>> k0e(1000.0)
    array(0.03962832)
    """
    return special.k0e(x)


@k0e.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: out - k1e(x)


@pointwise(scipy="k1e", samples=[positive(3, 4), points(30.0, 900.0), _EDGES])
def k1e(x: Any) -> Any:
    """Scaled k1 that does not underflow, exp(x) k1(x), elementwise.

    >>> k1e(1000.0)
    array(0.03964813)
    """
    return special.k1e(x)


@k1e.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: out - (k0e(x) + kve(2, x)) / 2


@pointwise(scipy="jv", samples=[*_ORDERS, call(2, normal(3)), call(0.5, values(0.0, -1.0, 500.0, np.nan))])
def jv(v: Any, x: Any) -> Any:
    """Bessel function of the first kind of real order v, elementwise; x floating or complex. [DLMF 10.6]

    Raises NotDifferentiableError when a derivative by v is asked for.

    >>> jv(0.5, 1.0)
    array(0.67139671)
    """
    return special.jv(v, x)


@jv.partials
def _(out: Array, v: Array, x: Array) -> Iterator[Thunk]:
    yield _by_order("jv")
    yield lambda: (jv(v - 1, x) - jv(v + 1, x)) / 2


@pointwise(scipy="yv", samples=[*_ORDERS, call(0.5, values(0.0, -1.0, 500.0, np.nan))])
def yv(v: Any, x: Any) -> Any:
    """Bessel function of the second kind of real order v, elementwise; x floating or complex. [DLMF 10.6]

    Raises NotDifferentiableError when a derivative by v is asked for.

    >>> yv(0.5, 1.0)
    array(-0.43109887)
    """
    return special.yv(v, x)


@yv.partials
def _(out: Array, v: Array, x: Array) -> Iterator[Thunk]:
    yield _by_order("yv")
    yield lambda: (yv(v - 1, x) - yv(v + 1, x)) / 2


@pointwise(scipy="iv", samples=[*_ORDERS, call(2, normal(3)), call(0.5, values(0.0, -1.0, 900.0, np.nan))])
def iv(v: Any, x: Any) -> Any:
    """Modified Bessel function of the first kind of real order v, elementwise; x floating or complex. [DLMF 10.29]

    Raises NotDifferentiableError when a derivative by v is asked for.

    >>> iv(0.5, 1.0)
    array(0.93767489)
    """
    return special.iv(v, x)


@iv.partials
def _(out: Array, v: Array, x: Array) -> Iterator[Thunk]:
    yield _by_order("iv")
    yield lambda: (iv(v - 1, x) + iv(v + 1, x)) / 2


@pointwise(scipy="kv", samples=[*_ORDERS, call(0.5, values(0.0, -1.0, 900.0, np.nan))])
def kv(v: Any, x: Any) -> Any:
    """Modified Bessel function of the second kind of real order v, elementwise; x floating or complex. [DLMF 10.29]

    Raises NotDifferentiableError when a derivative by v is asked for.

    >>> kv(0.5, 1.0)
    array(0.4610685)
    """
    return special.kv(v, x)


@kv.partials
def _(out: Array, v: Array, x: Array) -> Iterator[Thunk]:
    yield _by_order("kv")
    yield lambda: (kv(v - 1, x) + kv(v + 1, x)) / -2


@pointwise(
    scipy="ive", types="fd", samples=[*_ORDERS, call(2, normal(3)), call(1.0, values(0.0, 900.0, np.nan))],
    rejects=[reject(DTypeError, "ive: expected floating dtypes, got int, complex128", 1, np.array([1j]))],
)  # fmt: skip
def ive(v: Any, x: Any) -> Any:
    """Scaled iv that does not overflow, exp(-abs(x)) iv(v, x), elementwise; floating only.

    Raises NotDifferentiableError when a derivative by v is asked for.

    >>> ive(0.5, 1000.0)
    array(0.01261566)
    """
    return special.ive(v, x)


@ive.partials
def _(out: Array, v: Array, x: Array) -> Iterator[Thunk]:
    yield _by_order("ive")
    yield lambda: (ive(v - 1, x) + ive(v + 1, x)) / 2 - operations.sign(x) * out


@pointwise(scipy="kve", samples=[*_ORDERS, call(1.0, values(0.0, 900.0, np.nan))])
def kve(v: Any, x: Any) -> Any:
    """Scaled kv that does not underflow, exp(x) kv(v, x), elementwise; x floating or complex.

    Raises NotDifferentiableError when a derivative by v is asked for.

    >>> kve(0.5, 1000.0)
    array(0.03963327)
    """
    return special.kve(v, x)


@kve.partials
def _(out: Array, v: Array, x: Array) -> Iterator[Thunk]:
    yield _by_order("kve")
    yield lambda: out - (kve(v - 1, x) + kve(v + 1, x)) / 2


# Of integer order, of the third kind, Struve's functions, Airy's functions --------------------------------------------

scipy_overrides["jn"] = "jv"
_INTEGERS = [call(2, positive(3, 4)), call(np.array([0, 1, 3]), positive(2, 3)), call(1, values(0.0, 500.0, np.nan))]


@pointwise(scipy="yn", samples=_INTEGERS)
def yn(n: Any, x: Any) -> Any:
    """Bessel function of the second kind of integer order n, elementwise. [DLMF 10.2]

    Raises NotDifferentiableError when a derivative by n is asked for.

    >>> yn(0, 1.0)
    array(0.08825696)
    """
    return special.yn(n, x)


@yn.partials
def _(out: Array, n: Array, x: Array) -> Iterator[Thunk]:
    yield _by_order("yn")
    yield lambda: (yn(n - 1, x) - yn(n + 1, x)) / 2


@pointwise(scipy="kn", samples=_INTEGERS)
def kn(n: Any, x: Any) -> Any:
    """Modified Bessel function of the second kind of integer order n, elementwise. [DLMF 10.25]

    Raises NotDifferentiableError when a derivative by n is asked for.

    >>> kn(0, 1.0)
    array(0.42102444)
    """
    return special.kn(n, x)


@kn.partials
def _(out: Array, n: Array, x: Array) -> Iterator[Thunk]:
    yield _by_order("kn")
    yield lambda: (kn(operations.absolute(n - 1), x) + kn(n + 1, x)) / -2


@pointwise(scipy="hankel1", types="FD", samples=[call(1.5, positive(3)), call(0.5, points(1.0 + 2.0j, -1.0 + 0.5j))])
def hankel1(v: Any, z: Any) -> Any:
    """Hankel function of the first kind of real order v, elementwise; always complex. [DLMF 10.2]

    Raises NotDifferentiableError when a derivative by v is asked for.

    >>> hankel1(0.5, 1.0)
    array(0.67139671-0.43109887j)
    """
    return special.hankel1(np.real(v), z)


@hankel1.partials
def _(out: Array, v: Array, z: Array) -> Iterator[Thunk]:
    yield _by_order("hankel1")
    yield lambda: (hankel1(v - 1, z) - hankel1(v + 1, z)) / 2


@pointwise(scipy="hankel2", types="FD", samples=[call(1.5, positive(3)), call(0.5, points(1.0 + 2.0j, -1.0 - 0.5j))])
def hankel2(v: Any, z: Any) -> Any:
    """Hankel function of the second kind of real order v, elementwise; always complex. [DLMF 10.2]

    Raises NotDifferentiableError when a derivative by v is asked for.

    >>> hankel2(0.5, 1.0)
    array(0.67139671+0.43109887j)
    """
    return special.hankel2(np.real(v), z)


@hankel2.partials
def _(out: Array, v: Array, z: Array) -> Iterator[Thunk]:
    yield _by_order("hankel2")
    yield lambda: (hankel2(v - 1, z) - hankel2(v + 1, z)) / 2
