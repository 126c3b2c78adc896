"""NumPy's protocols: what happens when a NumPy function is called on an Array."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.operations import operations, override, overrides, scipy_overrides
from pullback.dtypes import is_number
from pullback.errors import ArgumentError, DTypeError, NotDifferentiableError, is_numpys, is_own

if TYPE_CHECKING:
    from pullback.core.array import Array

_REDUCTIONS = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
    "logaddexp": "logsumexp",
}
_ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}
_WITHOUT_DERIVATIVE = frozenset(
    {
        np.array2string, np.array_equiv, np.array_repr, np.array_str, np.can_cast, np.common_type,
        np.diag_indices_from, np.einsum_path, np.iscomplexobj, np.isrealobj, np.ix_, np.may_share_memory,
        np.min_scalar_type, np.nanargmax, np.nanargmin, np.result_type, np.save, np.savetxt, np.savez,
        np.savez_compressed, np.shares_memory, np.tril_indices_from, np.triu_indices_from,
    }
)  # fmt: skip
"""NumPy functions that give integers, booleans, dtypes, text or files: no gradient is lost by reading values."""

_UPDATES = ("add", "subtract", "multiply", "divide", "power", "maximum", "minimum")


def _is_array(x: Any) -> bool:
    return hasattr(x, "_node")


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
    name = ufunc.__name__
    keywords = dict(keywords)
    out = keywords.pop("out", None)
    if method == "__call__":
        ours = _override(ufunc)
        if ours is None:
            result = _uncovered(name, ufunc, inputs, keywords)
        else:
            result = _call_ufunc(ufunc, ours, inputs, keywords, out) if keywords else ours(*inputs)
    elif method == "reduce" and name in _REDUCTIONS:
        keywords.setdefault("axis", 0)  # ufunc.reduce goes over the first axis where sum goes over all
        result = call_override(getattr(operations, _REDUCTIONS[name]), inputs, keywords)
    elif method == "accumulate" and name in _ACCUMULATIONS:
        keywords.setdefault("axis", 0)
        result = call_override(getattr(operations, _ACCUMULATIONS[name]), inputs, keywords)
    elif method == "at" and name in _UPDATES:
        result = operations.update_in_place(name, *inputs)
    elif method == "outer" and (ours := _override(ufunc)) is not None:
        _refuse_keywords(f"{name}.outer", keywords)
        left, right = (operations.asarray(x) for x in inputs)
        result = ours(left.reshape(left.shape + (1,) * right.ndim), right)
    else:
        result = _uncovered(f"{name}.{method}", getattr(ufunc, method), inputs, keywords)
    return result if out is None else _store(name, out, result)


def _call_ufunc(
    ufunc: np.ufunc,
    ours: Callable[..., Any],
    inputs: Sequence[Any],
    keywords: dict[str, Any],
    out: tuple[Any, ...] | None,
) -> Any:
    """Call what takes the place of a ufunc with its keywords: ``dtype=``, ``where=`` beside ``out=``, and our own."""
    name = ufunc.__name__
    dtype, where = keywords.pop("dtype", None), keywords.pop("where", True)
    keywords = _known(name, ours, keywords)
    if dtype is not None:
        inputs = _brought_to(ufunc, inputs, dtype)
    if where is True:
        return ours(*inputs, **keywords)
    if out is None or any(target is None for target in out):
        raise ArgumentError(
            f"{name}: the keyword where= is supported beside out= only, which says what stands elsewhere"
        )
    with np.errstate(all="ignore"):  # the operands may be what they like where the mask does not hold
        result = ours(*inputs, **keywords)
    results = result if isinstance(result, tuple) else (result,)
    chosen = tuple(operations.where(where, one, target) for one, target in zip(results, out, strict=True))
    return chosen if isinstance(result, tuple) else chosen[0]


def _brought_to(ufunc: np.ufunc, inputs: Sequence[Any], dtype: Any) -> list[Any]:
    """The operands converted to what the ufunc computes in where its results are to have this dtype."""
    types = [type(x) if type(x) in (int, float, complex) else operations.asarray(x).dtype for x in inputs]
    wanted = (*[None] * ufunc.nin, *[np.dtype(dtype)] * ufunc.nout)
    try:
        resolved = ufunc.resolve_dtypes((*types, *[None] * ufunc.nout), signature=wanted)
    except TypeError:
        listed = ", ".join(getattr(one, "name", None) or one.__name__ for one in types)
        raise DTypeError(f"{ufunc.__name__}: cannot give {np.dtype(dtype)} for {listed}. Use astype") from None
    return [operations.astype(x, one) for x, one in zip(inputs, resolved, strict=False)]


def _store(name: str, out: tuple[Any, ...], result: Any) -> Any:
    """Put the result where ``out=`` says: an Array is rebound, an ndarray would lose the gradient of a watched one."""
    results = result if isinstance(result, tuple) else (result,)
    stored = []
    for target, one in zip(out, results, strict=True):
        if target is None:
            stored.append(one)
        elif _is_array(target):
            stored.append(target._rebind(f"{name}(out=)", one))
        elif one._node.watched:
            raise NotDifferentiableError(
                f"{name}: writing a watched result into a NumPy array would lose the gradient. "
                "Make the array an Array first (pullback.array(x)), or write x = x + y in place of x += y"
            )
        else:
            target[...] = one._node.value
            stored.append(target)
    return tuple(stored) if isinstance(result, tuple) else stored[0]


def array_function(function: Callable[..., Any], args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """What a NumPy function does when one of its arguments is an Array."""
    ours = override(function)
    if ours is None:
        module = getattr(function, "__module__", "numpy")
        return _uncovered(f"{module}.{function.__name__}", function, args, keywords)
    limit = _positional_limit(ours)
    if len(args) > limit:  # what is positional in NumPy, such as out, may be a keyword here
        names = _parameters_of(function)[limit : len(args)]
        if len(names) == len(args) - limit:
            args, keywords = args[:limit], {**dict(zip(names, args[limit:], strict=True)), **keywords}
    return call_override(ours, args, keywords)


@cache
def _parameters_of(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(function).parameters)
    except ValueError:  # written in C, without a signature
        return ()


def call_override(ours: Callable[..., Any], args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """Call our function with NumPy's arguments; refuse by name those that it does not have."""
    keywords = dict(keywords)
    if "out" not in _keywords_of(ours):
        out = keywords.pop("out", None)
        if out is not None and not (isinstance(out, tuple) and all(one is None for one in out)):
            raise ArgumentError(
                f"{ours.__name__}: out= is not supported, arrays are never written to. Assign the result"
            )
    return ours(*args, **_known(ours.__name__, ours, keywords))


def _known(name: str, ours: Callable[..., Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords that our function has; those that say no more than the default are dropped, others refused."""
    known = _keywords_of(ours)
    _refuse_keywords(name, {k: v for k, v in keywords.items() if k not in known})
    return {k: v for k, v in keywords.items() if k in known and v is not np._NoValue}


@cache
def _positional_limit(ours: Callable[..., Any]) -> int:
    """How many positional arguments our function takes."""
    parameters = inspect.signature(ours).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return sys.maxsize
    return len([p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY)])


@cache
def _keywords_of(ours: Callable[..., Any]) -> frozenset[str]:
    parameters = inspect.signature(ours).parameters.values()
    return frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))


def _refuse_keywords(name: str, keywords: Mapping[str, Any]) -> None:
    for keyword, value in keywords.items():
        if not _says_nothing(keyword, value):
            raise ArgumentError(f"{name}: the keyword {keyword}= is not supported on pullback arrays")


def _says_nothing(keyword: str, value: Any) -> bool:
    """Whether NumPy passes a value by itself, or it says the default, or what an Array does not show."""
    if value is None or value is np._NoValue:
        return True
    if keyword in ("where", "subok") and isinstance(value, bool):
        return value or keyword == "subok"  # there are no subclasses
    words = {"casting": ("same_kind",), "order": ("K", "C", "F", "A")}.get(keyword, ())  # nor an order in memory
    return isinstance(value, str) and value in words


def _uncovered(name: str, function: Callable[..., Any], args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """A function that pullback has no derivative for: NumPy's own where none is lost, refused otherwise."""
    arrays: list[Array] = [leaf for leaf in _leaves((args, keywords)) if _is_array(leaf)]
    if function not in _WITHOUT_DERIVATIVE and any(array._node.watched for array in arrays):
        raise NotDifferentiableError(
            f"{name}: pullback has no derivative for this NumPy function. "
            "Compose it of functions that it has, give a rule with custom_vjp, or use .detach() to make it a constant"
        )
    return _as_arrays(function(*_plain(name, args), **_plain(name, keywords)))


def _as_arrays(result: Any) -> Any:
    """What NumPy returned, with Arrays for its arrays of numbers."""
    if isinstance(result, (list, tuple)):
        items = [_as_arrays(one) for one in result]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    is_array = isinstance(result, (np.ndarray, np.generic)) and is_number(result.dtype)
    return operations.asarray(result) if is_array else result


def calling_function() -> str | None:
    """Name the function of SciPy that the user called, if one is asking for an array of NumPy."""
    frame, found = sys._getframe(1), None
    while frame is not None and (found is None or is_numpys(frame)):
        if not is_numpys(frame) and not is_own(frame):
            break
        if frame.f_globals["__name__"].startswith("scipy.") and frame.f_code.co_name in frame.f_globals:
            public = [part for part in frame.f_globals["__name__"].split(".") if not part.startswith("_")]
            found = f"{'.'.join(public)}.{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]  # the stack ends with None
    return found and f"{found} makes a NumPy array of its argument. That"


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in _leaves(item)]
    if isinstance(tree, Mapping):
        return [leaf for item in tree.values() for leaf in _leaves(item)]
    return [tree]


def _plain(name: str, tree: Any) -> Any:
    """Replace the arrays by their NumPy values, which are not to be written to."""
    if type(tree) in (list, tuple):
        return type(tree)(_plain(name, item) for item in tree)
    if isinstance(tree, Mapping):
        return {key: _plain(name, item) for key, item in tree.items()}
    if not _is_array(tree):
        return tree
    tree._concrete(name)
    return np.asarray(tree.detach())
