"""Weights in files: safetensors, which holds arrays and words and can run nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.errors import ArgumentError, DTypeError, FormatError
from pullback.files import PathLike, check_readable, path_name, read_whole, write_whole

_DTYPES = frozenset({"float16", "float32", "float64", "complex64", "bool"}) | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


def save_weights(path: PathLike, tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> None:
    """Write arrays by name into the file ``path``, in the safetensors format: whole, or, after an error, not at all.

    Args:
        path: the file; one that is there is replaced.
        tensors: NumPy arrays or Arrays by name, as ``Module.state_dict`` gives them.
        metadata: words to go along, see ``load_metadata``.

    Raises:
        DTypeError: what is not an array, or has a dtype that the format does not know.
        FileError: the file cannot be written.

    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> save_weights(path, {"w": np.arange(3.0)})
    >>> load_weights(path)
    {'w': array([0., 1., 2.])}
    """
    from safetensors.numpy import save

    if not isinstance(tensors, Mapping):
        raise DTypeError(f"save_weights: expected a mapping of names to arrays, got {type(tensors).__name__}")
    arrays = {_name(name): _array(name, value) for name, value in tensors.items()}
    if "__metadata__" in arrays:
        raise ArgumentError("save_weights: '__metadata__' is the format's own word. Give the array another name")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise DTypeError(f"save_weights: expected metadata to be a mapping of words, got {type(metadata).__name__}")
    words = {_name(key): _name(value) for key, value in (metadata or {}).items()}
    write_whole(path, _in_order(save(arrays, words or None)))


def _in_order(data: bytes) -> bytes:
    """The same file with its words sorted: safetensors writes them in an order that differs from run to run."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the arrays behind it begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + data[start:]


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise DTypeError(f"save_weights: expected names and metadata to be strings, got {type(name).__name__}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ArgumentError(f"save_weights: expected names and metadata that are text, got {name!r}") from None
    return name


def _array(name: str, value: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(value.detach() if isinstance(value, Array) else value)
    if array.dtype.name not in _DTYPES:
        raise DTypeError(f"save_weights: {name}: safetensors files hold no {array.dtype}. Convert it with astype")
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")


def load_weights(path: PathLike) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays by name that a safetensors file holds, as ``Module.load_state_dict`` takes them.

    Raises:
        FormatError: the file is no safetensors file, or was cut short.
        FileError: it cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = read_whole(path)
    try:
        return {name: np.array(array) for name, array in load(data).items()}
    except (SafetensorError, KeyError, ValueError) as error:  # KeyError: a dtype that NumPy does not have
        raise _no_weights(path, error) from None


def load_metadata(path: PathLike) -> dict[str, str]:
    """Return the words that ``save_weights`` was given to go along; errors as for ``load_weights``.

    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> save_weights(path, {}, {"classes": "cat dog"})
    >>> load_metadata(path)
    {'classes': 'cat dog'}
    """
    from safetensors import SafetensorError, safe_open

    check_readable(path)
    try:
        with safe_open(path, framework="np") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise _no_weights(path, error) from None


def _no_weights(path: PathLike, error: Exception) -> FormatError:
    return FormatError(
        f"{os.path.basename(path_name(path))}: expected a safetensors file, got something else ({error})"
    )
