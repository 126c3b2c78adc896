"""What of NumPy is refused, and what to use instead: the words that an error ends with."""

from __future__ import annotations

from typing import Any

_RECORDS = "It works on records with named fields, arrays hold numbers. Keep each field as an array, in a dict say"
_TEXT = "It works on text, arrays hold numbers. Keep text in NumPy arrays"
_DATES = "It works on dates, arrays hold numbers. Keep dates in NumPy arrays, and their differences as numbers"
_BITS = "It works on bits, which have no derivative. Give it integers or booleans, x > 0 say"

_BY_MODULE = {"numpy.lib.recfunctions": _RECORDS, "numpy.strings": _TEXT, "numpy.char": _TEXT}

_BY_NAME = {
    "busday_count": _DATES,
    "busday_offset": _DATES,
    "datetime_as_string": _DATES,
    "is_busday": _DATES,
    "isnat": _DATES,
    "packbits": _BITS,
    "unpackbits": _BITS,
    **dict.fromkeys(
        (
            "count", "endswith", "find", "index", "isalnum", "isalpha", "isdecimal", "isdigit", "islower", "isnumeric",
            "isspace", "istitle", "isupper", "rfind", "rindex", "startswith", "str_len", "_center", "_expandtabs",
            "_expandtabs_length", "_ljust", "_lstrip_chars", "_lstrip_whitespace", "_partition", "_partition_index",
            "_replace", "_rjust", "_rpartition", "_rpartition_index", "_rstrip_chars", "_rstrip_whitespace", "_slice",
            "_strip_chars", "_strip_whitespace", "_zfill",
        ),
        _TEXT,
    ),
}  # fmt: skip

OTHERWISE = (
    "pullback has no derivative for this NumPy function. "
    "Compose it of functions that it has, give a rule with custom_vjp, or use .detach() to make it a constant"
)


def instead_of(function: Any) -> str | None:
    """What to use in place of a function of NumPy that no array of numbers has a meaning for; None for others.

    >>> import numpy as np
    >>> instead_of(np.isnat)
    'It works on dates, arrays hold numbers. Keep dates in NumPy arrays, and their differences as numbers'
    """
    module = getattr(function, "__module__", None)
    return _BY_MODULE.get(module or "") or _BY_NAME.get(getattr(function, "__name__", ""))
