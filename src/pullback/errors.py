"""The exceptions that pullback raises, each also the Python exception that users would catch.

PullbackError
├── ShapeError (ValueError)              shapes that do not fit an operation
├── IndexingError (IndexError)           an index out of range, or of a kind that does not index
├── DTypeError (TypeError)               a dtype, type or number of arguments that an operation does not take
├── NotDifferentiableError (TypeError)   what would lose a gradient, or has none
├── ConcretizationError (TypeError)      a value is needed where a function is only being traced
├── GraphError (ValueError)              a graph, expression or name that is not valid
├── ArgumentError (ValueError)           an argument or option out of its range
├── UnsupportedError (AttributeError)    a name of NumPy's that pullback does not have
├── FormatError (ValueError)             a file that is not what it should be
├── LinAlgError (numpy.linalg.LinAlgError) a matrix that a function of linear algebra is not defined for
├── GradientError (AssertionError)       a derivative that finite differences contradict
├── FileError (OSError)                  a file that cannot be read or written
└── NonFiniteError (FloatingPointError)  a number that became inf or NaN where that ends the work

Every message ends with the line of the user's code that led to it.
"""

from __future__ import annotations

import linecache
import os
import sys
from types import FrameType
from typing import Any

import numpy as np

operation_names: dict[Any, str] = {}
"""The name of each public operation, by its code: a message names what the user called, not what that is made of."""

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def is_numpys(frame: FrameType) -> bool:
    """Whether this is code of NumPy or SciPy."""
    return frame.f_globals.get("__name__", "").partition(".")[0] in ("numpy", "scipy")


def is_own(frame: FrameType) -> bool:
    """Whether this is code of pullback."""
    return frame.f_code.co_filename.startswith(_PACKAGE)


def user_line() -> str | None:
    """Return ``file:line`` of the innermost caller outside this package, or None when there is none.

    NumPy and SciPy are passed over as well: they call on behalf of the user.
    """
    frame = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if not (filename.startswith((_PACKAGE, "<frozen")) or is_numpys(frame)):
            if filename.startswith("<") and not linecache.getline(filename, frame.f_lineno):
                return None
            return f"{os.path.basename(filename)}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]  # the stack ends with None
    return None


def _user_operation() -> str | None:
    """Return the name of the public operation that the user's code called, if the innermost call of it is one."""
    name = None
    frame = sys._getframe(2)
    while frame is not None and is_own(frame):
        name = operation_names.get(frame.f_code, name)
        frame = frame.f_back  # type: ignore[assignment]  # the stack ends with None
    return name


class PullbackError(Exception):
    """Base of all errors of pullback; the message names the operation that was called, and the user's line.

    Attributes:
        reason: the message without that line.

    >>> import pullback as pb
    >>> try:
    ...     pb.array([1.0, 2.0]) + pb.array([1.0, 2.0, 3.0])
    ... except pb.errors.PullbackError as error:
    ...     print(type(error).__name__)
    ShapeError
    """

    def __init__(self, message: str) -> None:
        head, colon, rest = message.partition(": ")
        if colon and " " not in head:
            message = f"{_user_operation() or head}: {rest}"
        self.reason = message
        line = user_line()
        if line is not None:
            message = f"{message.rstrip('.')}. At {line}."
        super().__init__(message)


class ShapeError(PullbackError, ValueError):
    """Shapes that do not fit an operation."""


class IndexingError(PullbackError, IndexError):
    """An index that is out of range, that does not fit the array, or that is no index (a float, say)."""


class DTypeError(PullbackError, TypeError):
    """A dtype, a type of argument, or a number of arguments, that an operation does not take."""


class NotDifferentiableError(PullbackError, TypeError):
    """Something that would silently lose a gradient, or that has none.

    Raised by ``np.asarray(x)`` and ``float(x)`` on a watched array, by a NumPy function that pullback does not
    cover, and by a derivative asked of an integer or boolean input.
    """


class ConcretizationError(PullbackError, TypeError):
    """A value is needed, but the function is being traced: its arrays have a shape and a dtype, no value."""


class GraphError(PullbackError, ValueError):
    """A graph that is not well formed, an expression that does not parse, or a name that a graph does not have."""


class ArgumentError(PullbackError, ValueError):
    """An argument or option that is out of its range, of the wrong kind, or refused by name."""


class UnsupportedError(PullbackError, AttributeError):
    """A name that NumPy has and pullback does not; the message says what to use in its place."""


class LinAlgError(PullbackError, np.linalg.LinAlgError):
    """A matrix that a function of linear algebra is not defined for: singular, not positive definite, holding NaN."""


class FormatError(PullbackError, ValueError):
    """A file or text that is not in the format that was expected."""


class FileError(PullbackError, OSError):
    """A file that cannot be read or written; ``errno`` is the system's number for why, None where it gave none."""


class NonFiniteError(PullbackError, FloatingPointError):
    """A number that became inf or NaN where the work cannot go on with it: the loss of a network, say."""


class GradientError(PullbackError, AssertionError):
    """A derivative that does not agree with finite differences."""
