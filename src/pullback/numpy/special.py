"""SciPy's special functions over Array, by SciPy's names and with its signatures; in short ``pullback.special``.

>>> import pullback as pb
>>> pb.special.gammaln(100.0)
array(359.13420537)
>>> pb.grad(pb.special.erf)(0.0)  # 2/√π
1.1283791670955126

Beside them, by their own names, every pointwise operation that neither NumPy nor SciPy has, such as ``relu``.

The ufuncs of ``scipy.special`` itself can be called on an Array as well, as NumPy's can. Its functions written in
Python (``logsumexp``, ``softmax``, ``log_softmax``, ``polygamma``) cannot: they make NumPy arrays of what they are
given, which is refused for a watched array, by name. Call those of this module in their place.

A function of SciPy's whose derivative is not known here raises UnsupportedError when it is asked for.
"""

from __future__ import annotations

from typing import Any

from pullback.core.array import Array as _Array
from pullback.core.families import Pointwise as _Pointwise
from pullback.core.operations import operations as _operations
from pullback.core.operations import overrides as _overrides
from pullback.core.operations import primitives as _primitives
from pullback.core.operations import scipy_overrides as _scipy_overrides
from pullback.core.scipy import special as _scipy
from pullback.errors import UnsupportedError
from pullback.ops.softmax import log_softmax as _log_softmax
from pullback.ops.softmax import softmax as _softmax

_operations.load_all()


def softmax(x: Any, axis: Any = None) -> _Array:
    """Return ``exp(x) / sum(exp(x))`` along ``axis`` (None: over all elements), without overflow.

    >>> softmax([[0.0, 0.0], [0.0, 0.0]])
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    return _softmax(x, axis)


def log_softmax(x: Any, axis: Any = None) -> _Array:
    """Return the logarithm of ``softmax`` along ``axis`` (None: over all elements).

    >>> log_softmax([0.0, 50.0])
    array([-5.00000000e+01, -1.92874985e-22])
    """
    return _log_softmax(x, axis)


def _is_here(name: str) -> bool:
    """Whether this is a public pointwise operation that NumPy has no counterpart of."""
    one = _primitives.get(name)
    if not isinstance(one, _Pointwise) or not one.public:
        return False
    return one.scipy is not None or not any(ours is one for ours in _overrides.values())


def __getattr__(name: str) -> Any:
    ours = None if name.startswith("_") else _scipy_overrides.get(name, name if _is_here(name) else None)
    if ours is not None:
        return getattr(_operations, ours)
    if name.startswith("_") or not hasattr(_scipy, name):
        raise UnsupportedError(f"pullback.special has no {name!r}")
    raise UnsupportedError(
        f"pullback.special has no {name!r}: no derivative of SciPy's function is known here. "
        f"Call scipy.special.{name} on values (.detach() gives them), or give a rule with custom_vjp"
    )


def __dir__() -> list[str]:
    scipys = {name for name in _scipy_overrides if not name.startswith("_")}
    return sorted({"log_softmax", "softmax"} | scipys | set(filter(_is_here, _primitives)))
