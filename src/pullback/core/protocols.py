"""NumPy's protocols: what happens when a NumPy function is called on an Array."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.operations import operations, override
from pullback.core.refused import OTHERWISE, instead_of
from pullback.dtypes import is_number
from pullback.errors import (
    ArgumentError,
    DTypeError,
    IndexingError,
    NotDifferentiableError,
    PullbackError,
    ShapeError,
    is_numpys,
    is_own,
)

if TYPE_CHECKING:
    from pullback.core.array import Array

_WITHOUT_DERIVATIVE = frozenset(
    {
        np.array2string, np.array_repr, np.array_str,
        np.einsum_path, np.may_share_memory,
        np.min_scalar_type, np.save, np.savetxt, np.savez,
        np.savez_compressed, np.shares_memory,
    }
)  # fmt: skip
"""NumPy functions that give integers, booleans, dtypes, text or files: no gradient is lost by reading values."""


def reads_values(function: Any) -> bool:
    """Whether a function of NumPy's gives nothing that has a derivative, so that it may read values."""
    return function in _WITHOUT_DERIVATIVE


def is_array(x: Any) -> bool:
    """Whether x is an Array."""
    return hasattr(x, "_node")


def store(name: str, out: tuple[Any, ...], result: Any, casting: Any = "same_kind") -> Any:
    """Put the result where ``out=`` says: an Array is rebound, an ndarray would lose the gradient of a watched one."""
    results = result if isinstance(result, tuple) else (result,)
    stored = []
    for target, one in zip(out, results, strict=True):
        if target is None:
            stored.append(one)
        elif is_array(target):
            stored.append(target._rebind(f"{name}(out=)", one))
        elif not isinstance(target, np.ndarray):
            raise DTypeError(f"{name}: expected an array as out=, got {type(target).__name__}")
        elif one._node.watched:
            raise NotDifferentiableError(
                f"{name}: writing a watched result into a NumPy array would lose the gradient. "
                "Make the array an Array first (pullback.array(x)), or write x = x + y in place of x += y"
            )
        else:
            value = one._concrete(f"{name}(out=)")
            if target.shape != value.shape:
                raise ShapeError(f"{name}: expected out= of shape {value.shape}, got {target.shape}")
            if not np.can_cast(value.dtype, target.dtype, casting):
                raise DTypeError(f"{name}: cannot put {value.dtype} into out= of {target.dtype}. Use astype first")
            target[...] = value
            stored.append(target)
    return tuple(stored) if isinstance(result, tuple) else stored[0]


def array_function(function: Callable[..., Any], args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """What a NumPy function does when one of its arguments is an Array."""
    ours = override(function)
    if ours is None:
        module = getattr(function, "__module__", "numpy")
        return uncovered(f"{module}.{function.__name__}", function, args, keywords)
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
    """Call our function with NumPy's arguments; refuse by name those that it does not have.

    Where NumPy has ``out=`` an Array given there is made to point at the result.
    """
    keywords = dict(keywords)
    out = None if "out" in _keywords_of(ours) else keywords.pop("out", None)
    result = ours(*args, **known_keywords(ours.__name__, ours, keywords))
    if out is None or out is np._NoValue:
        return result
    return store(ours.__name__, out if isinstance(out, tuple) else (out,), result)


def known_keywords(name: str, ours: Callable[..., Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords that our function has; those that say no more than the default are dropped, others refused."""
    known = _keywords_of(ours)
    if _hands_on_keywords(ours):  # to a function of the user's
        known = known.union(keywords)
    refuse_keywords(name, {k: v for k, v in keywords.items() if k not in known})
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


@cache
def _hands_on_keywords(ours: Callable[..., Any]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(ours).parameters.values())


def refuse_keywords(name: str, keywords: Mapping[str, Any]) -> None:
    """Refuse keywords by name, but for those that change nothing."""
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


def uncovered(name: str, function: Callable[..., Any], args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """A function that pullback has no derivative for: NumPy's own where none is lost, refused otherwise."""
    arrays: list[Array] = [leaf for leaf in _leaves((args, keywords)) if is_array(leaf)]
    instead = instead_of(function)
    if not reads_values(function) and any(array._node.watched for array in arrays):
        raise NotDifferentiableError(f"{name}: {instead or OTHERWISE}")
    try:
        result = function(*_plain(name, args), **_plain(name, keywords))
    except PullbackError:
        raise
    except (TypeError, ValueError, IndexError) as error:
        if instead is not None:
            raise DTypeError(f"{name}: {instead}") from None
        ours = {TypeError: DTypeError, IndexError: IndexingError}.get(type(error), ArgumentError)
        raise ours(f"{name}: {error}") from None
    return _as_arrays(result)


def _as_arrays(result: Any) -> Any:
    """What NumPy returned, with Arrays for its arrays of numbers."""
    if isinstance(result, (list, tuple)):
        items = [_as_arrays(one) for one in result]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    is_array = isinstance(result, (np.ndarray, np.generic)) and is_number(result.dtype)
    return operations.asarray(result) if is_array else result


_VECTORIZE = np.vectorize.__call__.__code__


def calling_function() -> str | None:
    """Name the function of SciPy, or np.vectorize, that the user called, if it is asking for an array of NumPy."""
    frame, found = sys._getframe(1), None
    while frame is not None and (found is None or is_numpys(frame)):
        if not is_numpys(frame) and not is_own(frame):
            break
        if frame.f_code is _VECTORIZE:
            return "numpy.vectorize makes a NumPy array of its argument, as pullback.numpy.vectorize does not. That"
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
    if not is_array(tree):
        return tree
    tree._concrete(name)
    return np.asarray(tree.detach())
