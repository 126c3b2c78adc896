"""The rectifier and the logistic functions: what stands between the layers of a network and in its loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import operations
from pullback.core.primitive import Thunk
from pullback.core.sample import booleans, call, distinct, normal, points, reject, uniform, values
from pullback.core.scipy import special
from pullback.errors import DTypeError, ShapeError

_EDGES = values(0.0, -0.0, 90.0, -90.0, 800.0, -800.0, np.inf, -np.inf, np.nan)


@pointwise(
    types=np.floor,
    selects=True,
    samples=[distinct(3, 4), distinct(0, 2), values(0.0, -0.0, np.inf, -np.inf, np.nan)],
    rejects=[
        reject(DTypeError, "relu: expected boolean, integer or floating dtypes, got complex128", np.array([1j])),
        reject(DTypeError, "relu: expected an array or a number, got str", "a"),
    ],
)
def relu(x: Any) -> Any:
    """The larger of x and 0, elementwise; any real dtype. The derivative at 0 is 0.

    >>> relu([-1.0, 0.0, 2.0])
    array([0., 0., 2.])
    """
    return np.maximum(x, np.zeros((), x.dtype))


@relu.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: operations.astype(out > 0, x.dtype)  # what is positive after it was so before: x need not be kept


@pointwise(
    scipy="expit",
    types="dfeg",
    finite_partials=True,
    samples=[normal(3, 4), normal(), normal(0, 2), points(-30.0, 30.0), _EDGES],
    rejects=[reject(DTypeError, "sigmoid: expected floating dtypes, got complex128", np.array([1j]))],
)
def sigmoid(x: Any) -> Any:
    """Logistic function 1 / (1 + exp(-x)), elementwise, without overflow; half precision stays half.

    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    if x.dtype == np.float16:  # exp(-x) overflows where the result still has digits
        return sigmoid.evaluate(x.astype(np.float32)).astype(np.float16)
    with np.errstate(over="ignore", under="ignore"):
        return 1 / (1 + np.exp(-x))


@sigmoid.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: out * (1 - out)


@pointwise(
    scipy="logit", types="dfg", samples=[uniform(0.05, 0.95, 3, 4), values(0.0, 1.0, -1.0, 2.0, np.nan)],
    rejects=[reject(DTypeError, "logit: expected floating dtypes, got complex128", np.array([1j]))],
)  # fmt: skip
def logit(x: Any) -> Any:
    """Inverse of sigmoid, log(x / (1 - x)), elementwise; ±inf at 0 and 1, NaN outside of these.

    >>> logit([0.5, 1.0])
    array([ 0., inf])
    """
    return special.logit(x)


@logit.composed
def _(x: Array) -> Array:
    twice = 2 * (x - 0.5)  # exact near 1/2, where log(x / (1 - x)) loses digits
    near = operations.log1p(twice) - operations.log1p(-twice)
    result: Array = operations.where(abs(twice) < 0.5, near, operations.log(x / (1 - x)))
    return result


@logit.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 1 / (x * (1 - x))


@pointwise(types="efdg", finite_partials=True, samples=[normal(3, 4), points(-30.0, 30.0), _EDGES])
def softplus(x: Any) -> Any:
    """Smooth form of relu, log(1 + exp(x)), elementwise, without overflow and exact in both tails.

    >>> softplus([-1000.0, 0.0, 1000.0])
    array([0.00000000e+00, 6.93147181e-01, 1.00000000e+03])
    """
    return np.maximum(x, np.zeros((), x.dtype)) + np.log1p(np.exp(-np.fabs(x)))


@softplus.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: sigmoid(x)


@pointwise(
    scipy="log_expit", types="dfeg", finite_partials=True, samples=[normal(3, 4), points(-30.0, 30.0), _EDGES],
    rejects=[reject(DTypeError, "log_sigmoid: expected floating dtypes, got complex128", np.array([1j]))],
)  # fmt: skip
def log_sigmoid(x: Any) -> Any:
    """Logarithm of sigmoid, elementwise, exact also where sigmoid underflows or rounds to 1.

    >>> log_sigmoid([-1000.0, 50.0])
    array([-1.00000000e+03, -1.92874985e-22])
    """
    return np.minimum(x, np.zeros((), x.dtype)) - np.log1p(np.exp(-np.fabs(x)))


@log_sigmoid.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: sigmoid(-x)


@pointwise(
    types=np.logaddexp,
    finite_partials=True,
    samples=[
        call(normal(3, 4), uniform(0.0, 1.0, 3, 4)),
        call(points(-40.0, 40.0), points(1.0, 0.0)),
        call(values(np.inf, -np.inf, 800.0, -800.0, np.nan, 3.0), values(1.0, 0.0, 1.0, 0.0, 0.0, np.nan)),
        call(normal(4), booleans(4)),
    ],
    rejects=[reject(ShapeError, "logistic_loss: expected shapes that broadcast together", normal(3), normal(4))],
)
def logistic_loss(z: Any, y: Any) -> Any:
    """Binary cross-entropy of a logit z and a label y between 0 and 1, elementwise.

    That is -(y log sigmoid(z) + (1 - y) log(1 - sigmoid(z))), exact in both tails, also the tiny loss of a confident
    right answer. The derivative by z is sigmoid(z) - y.

    >>> logistic_loss([-1000.0, 0.0, 50.0], [1.0, 1.0, 1.0])
    array([1.00000000e+03, 6.93147181e-01, 1.92874985e-22])
    """
    magnitude = np.fabs(z)
    missed = np.where(z > 0, 1 - y, y)  # the share of the label that lies on the other side
    with np.errstate(invalid="ignore"):  # 0 * inf: an infinite logit of the right sign costs nothing
        return np.where(missed == 0, 0, missed * magnitude) + np.log1p(np.exp(-magnitude))


@logistic_loss.partials
def _(out: Array, z: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: sigmoid(z) - y
    yield lambda: -z
