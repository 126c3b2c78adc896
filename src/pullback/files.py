"""Writing files: whole or not at all."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from pullback.errors import ArgumentError

PathLike = str | os.PathLike[str]


def write_whole(path: PathLike, data: bytes) -> None:
    """Write ``data`` into a new file beside ``path`` and give it that name: nobody ever sees half a file.

    A file that is there is replaced; if anything goes wrong it stays as it was.

    Raises:
        ArgumentError: there is a directory, or a device, of that name.
        OSError: the file cannot be written.

    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "greeting.txt")
    >>> write_whole(path, b"hello")
    >>> with open(path, "rb") as file:
    ...     file.read()
    b'hello'
    """
    target = _target(path)
    temporary = _beside(target)
    try:
        with open(temporary, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        raise _about(path, error) from None


def check_writable(path: PathLike) -> None:
    """Raise what ``write_whole`` would raise for this file: to be asked before the work that would be lost."""
    temporary = _beside(_target(path))
    try:
        with open(temporary, "xb"):
            pass
    except OSError as error:
        raise _about(path, error) from None
    os.unlink(temporary)


def _about(path: PathLike, error: BaseException) -> BaseException:
    """The same error, about the file that was asked for and not the one beside it."""
    if isinstance(error, OSError) and error.errno is not None:
        return OSError(error.errno, os.strerror(error.errno), os.fspath(path))  # of the class that the number means
    return error


def _target(path: PathLike) -> str:
    target = os.path.realpath(path)  # a link stays, what it points at is written
    if os.path.exists(target) and not os.path.isfile(target):
        kind = "a directory" if os.path.isdir(target) else "not a file"
        raise ArgumentError(f"{os.fspath(path)!r} is {kind}: expected the name of a file to write")
    return target


def _beside(target: str) -> str:
    directory, name = os.path.split(target)
    return os.path.join(directory, f".{name[:100]}.{os.getpid()}.{threading.get_ident()}.part")
