"""NumPy's protocol of ufuncs: what they, and their methods, do when an operand is an Array."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pullback.core.operations import operations, override, overrides, scipy_overrides
from pullback.core.protocols import call_override, is_array, known_keywords, refuse_keywords, store, uncovered
from pullback.errors import ArgumentError, DTypeError

_REDUCTIONS = {
    "add": "sum",
    "fmax": "nanmax",
    "fmin": "nanmin",
    "logaddexp": "logsumexp",
    "logical_and": "all",
    "logical_or": "any",
    "maximum": "max",
    "minimum": "min",
    "multiply": "prod",
}
_ACCUMULATIONS = {
    "add": "cumsum",
    "logaddexp": "logcumsumexp",
    "maximum": "cummax",
    "minimum": "cummin",
    "multiply": "cumprod",
}
"""Those of which there is an operation; others go step by step."""


def _override(ufunc: np.ufunc) -> Callable[..., Any] | None:
    """The operation that takes the place of a ufunc of NumPy or SciPy."""
    ours = override(ufunc)
    if ours is None and ufunc.__name__ in scipy_overrides:
        special = sys.modules.get("scipy.special")  # loaded, if this is one of its ufuncs
        for module in (special, getattr(special, "_ufuncs", None)):
            if getattr(module, ufunc.__name__, None) is ufunc:
                ours = overrides[ufunc] = getattr(operations, scipy_overrides[ufunc.__name__])
    return ours


def array_ufunc(ufunc: np.ufunc, method: str, inputs: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """What ``ufunc`` (or one of its methods) does when one of its operands is an Array."""
    ours = _override(ufunc)
    if method == "__call__":
        if ours is not None and not keywords:
            return ours(*inputs)
        return _call(ufunc, ours, inputs, dict(keywords))
    name = f"{ufunc.__name__}.{method}"
    if ours is None or (method != "at" and not _needs_us(ufunc, inputs)):
        return uncovered(name, getattr(ufunc, method), inputs, keywords)
    keywords = dict(keywords)
    out = keywords.pop("out", None)
    result = _METHODS[method](name, ufunc, ours, inputs, keywords)
    return result if out is None else store(name, out, result)


# Calls ----------------------------------------------------------------------------------------------------------------


def _call(ufunc: np.ufunc, ours: Callable[..., Any] | None, inputs: Sequence[Any], keywords: dict[str, Any]) -> Any:
    name = ufunc.__name__
    if ours is None:
        return uncovered(name, ufunc, inputs, keywords)
    out = keywords.pop("out", None)
    mask = keywords.pop("where", True)
    if mask is not True and out is None:
        raise ArgumentError(
            f"{name}: the keyword where= is supported beside out= only, which says what stands elsewhere"
        )
    casting = keywords.pop("casting", "same_kind")
    given = {key: keywords.pop(key) for key in ("dtype", "signature", "sig") if key in keywords}
    if casting != "same_kind" or any(one is not None for one in given.values()):
        inputs = _cast(ufunc, inputs, casting, **given)
    keywords = known_keywords(name, ours, keywords)
    if out is None:
        return ours(*inputs, **keywords)
    if mask is True:
        result = ours(*inputs, **keywords)
    else:
        with np.errstate(all="ignore"):  # NumPy computes nothing where the mask does not hold
            result = _masked(ours(*inputs, **keywords), mask, out)
    return store(name, out, result, casting)


def _cast(
    ufunc: np.ufunc, inputs: Sequence[Any], casting: Any, dtype: Any = None, signature: Any = None, sig: Any = None
) -> list[Any]:
    """The operands in the dtypes in which NumPy computes for these keywords, if it permits the conversions."""
    name = ufunc.__name__
    if signature is None:
        signature = sig
    if dtype is not None:
        if signature is not None:
            raise ArgumentError(f"{name}: expected dtype= or signature=, got both")
        signature = (*[None] * ufunc.nin, *[dtype] * ufunc.nout)
    elif isinstance(signature, str) and "->" in signature:
        signature = tuple(signature.replace("->", ""))
    operands = [one if type(one) in (int, float, complex) else operations.asarray(one) for one in inputs]
    types = [one.dtype if is_array(one) else type(one) for one in operands]
    try:
        words: Any = {} if signature is None else {"signature": tuple(one and np.dtype(one) for one in signature)}
        found = ufunc.resolve_dtypes((*types, *[None] * ufunc.nout), casting=casting, **words)
    except ValueError as error:
        raise ArgumentError(f"{name}: {error}") from None
    except TypeError:
        listed = ", ".join(getattr(one, "name", None) or one.__name__ for one in types)
        wanted = np.dtype(dtype) if dtype is not None else f"{signature} (casting={casting!r})"
        raise DTypeError(f"{name}: cannot give {wanted} for {listed}. Use astype") from None
    return [operations.astype(one, to) for one, to in zip(operands, found[: ufunc.nin], strict=True)]


def _masked(result: Any, mask: Any, out: tuple[Any, ...]) -> Any:
    """What ``out`` is to hold: the result where the mask holds, what it held elsewhere."""

    def kept(one: Any, target: Any) -> Any:
        if target is None:
            raise ArgumentError("where=: expected out= for every result, which says what stands elsewhere")
        return operations.where(mask, one, target)

    if not isinstance(result, tuple):
        return kept(result, out[0])
    return tuple(kept(one, target) for one, target in zip(result, out, strict=True))


# Methods --------------------------------------------------------------------------------------------------------------


def _needs_us(ufunc: np.ufunc, inputs: Sequence[Any]) -> bool:
    """Whether a gradient may be lost, or a value is not known. Where neither is the case NumPy's own loops do."""
    if ufunc.__name__ in _REDUCTIONS or ufunc.__name__ in _ACCUMULATIONS:
        return True
    # Floating numbers take one way whether they are watched or not. (NumPy's power.reduce and arctan2.reduce are wrong
    # along the last axis on some processors.)
    return any(one.dtype.kind in "fc" or one._node.value is None for one in inputs if is_array(one))


def _reduce(name: str, ufunc: np.ufunc, ours: Any, inputs: Sequence[Any], keywords: dict[str, Any]) -> Any:
    keywords.setdefault("axis", 0)  # ufunc.reduce goes over the first axis where sum goes over all
    if keywords["axis"] in (0, -1) and not np.ndim(inputs[0]):
        keywords["axis"] = ()  # a number is its own sum, as NumPy has it
    if ufunc.__name__ in _REDUCTIONS:
        return call_override(getattr(operations, _REDUCTIONS[ufunc.__name__]), inputs, keywords)
    return operations.ufunc_reduce(ufunc, ours, *inputs, **known_keywords(name, operations.ufunc_reduce, keywords))


def _accumulate(name: str, ufunc: np.ufunc, ours: Any, inputs: Sequence[Any], keywords: dict[str, Any]) -> Any:
    keywords.setdefault("axis", 0)
    if ufunc.__name__ in _ACCUMULATIONS:
        return call_override(getattr(operations, _ACCUMULATIONS[ufunc.__name__]), inputs, keywords)
    step_by_step = operations.ufunc_accumulate
    return step_by_step(ufunc, ours, *inputs, **known_keywords(name, step_by_step, keywords))


def _reduceat(name: str, ufunc: np.ufunc, ours: Any, inputs: Sequence[Any], keywords: dict[str, Any]) -> Any:
    def reduction(x: Any, **options: Any) -> Any:
        return _reduce(name, ufunc, ours, (x,), options)

    segments = operations.ufunc_reduceat
    return segments(ufunc, reduction, *inputs, **known_keywords(name, segments, keywords))


def _outer(name: str, ufunc: np.ufunc, ours: Any, inputs: Sequence[Any], keywords: dict[str, Any]) -> Any:
    left, right = (operations.asarray(one) for one in inputs)
    return _call(ufunc, ours, (left.reshape(left.shape + (1,) * right.ndim), right), keywords)


def _at(name: str, ufunc: np.ufunc, ours: Any, inputs: Sequence[Any], keywords: dict[str, Any]) -> None:
    refuse_keywords(name, keywords)
    if ufunc.nout > 1 or ufunc.signature is not None:
        raise ArgumentError(f"{name}: expected a ufunc of one or two numbers that gives one")
    operations.update_in_place(ufunc.__name__, ours, *inputs)


_METHODS: dict[str, Callable[..., Any]] = {
    "accumulate": _accumulate,
    "at": _at,
    "outer": _outer,
    "reduce": _reduce,
    "reduceat": _reduceat,
}
