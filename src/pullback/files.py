"""Files: read, and written whole or not at all. All that goes wrong is a FileError."""

from __future__ import annotations

import errno
import os
import stat
import threading
from contextlib import suppress

from pullback.errors import ArgumentError, FileError

PathLike = str | os.PathLike[str]

_HINTS = {
    errno.ENOENT: "Make the directory first",
    errno.ENOTDIR: "Make the directory first",
    errno.ENOSPC: "Make room on the disk",
    errno.EDQUOT: "Make room on the disk",
    errno.ENAMETOOLONG: "Choose a shorter name",
}


def write_whole(path: PathLike, data: bytes) -> None:
    """Write ``data`` into a new file beside ``path`` and give it that name: nobody ever sees half a file.

    A file that is there is replaced, and who may read it stays the same; if anything goes wrong it stays as it was. Of
    a link, what it points at is replaced.

    Raises:
        FileError: the file cannot be written.
        ArgumentError: ``path`` is no path.

    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "greeting.txt")
    >>> write_whole(path, b"hello")
    >>> read_whole(path)
    b'hello'
    """
    target = _target(path)
    temporary = _beside(target)
    try:
        with open(temporary, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise _unwritable(path, error) from None
        raise


def check_writable(path: PathLike) -> None:
    """Raise what ``write_whole`` would raise for this file: to be asked before the work that would be lost."""
    temporary = _beside(_target(path))
    try:
        with open(temporary, "xb"):
            pass
    except OSError as error:
        raise _unwritable(path, error) from None
    os.unlink(temporary)


def read_whole(path: PathLike) -> bytes:
    """Return what a file holds.

    Raises:
        FileError: the file cannot be read.
        ArgumentError: ``path`` is no path.
    """
    return _read(path, -1)


def check_readable(path: PathLike) -> None:
    """Raise what ``read_whole`` would raise for this file."""
    _read(path, 0)


def _read(path: PathLike, size: int) -> bytes:
    name = path_name(path)
    try:
        with open(name, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):  # it may have no end
                raise OSError("it is a device")
            return stream.read(size)
    except (OSError, ValueError) as error:  # ValueError: a null byte
        raise _error("read", name, error, "Check the name, and that you may read it") from None


def path_name(path: PathLike) -> str:
    """Return a path as a string; raise ArgumentError for what is none."""
    try:
        return os.fsdecode(path)
    except TypeError:
        raise ArgumentError(f"expected a path, got {type(path).__name__}") from None


def _error(what: str, name: str, error: Exception, hint: str) -> FileError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    found = FileError(f"cannot {what} {name!r}: {reason}. {hint}")
    found.errno = getattr(error, "errno", None)
    return found


def _unwritable(path: PathLike, error: Exception) -> FileError:
    hint = _HINTS.get(getattr(error, "errno", None) or 0, "Choose a name and a place that can be written")
    return _error("write", path_name(path), error, hint)


def _target(path: PathLike) -> str:
    name = path_name(path)
    try:
        target = os.path.realpath(name)  # a link stays, what it points at is written
        regular = stat.S_ISREG(os.stat(target).st_mode)
    except FileNotFoundError:
        regular = True
    except (OSError, ValueError) as error:  # ValueError: a null byte
        raise _unwritable(path, error) from None
    if not regular:
        kind = "a directory" if os.path.isdir(target) else "not a file"
        raise FileError(f"cannot write {name!r}: it is {kind}. Give the name of a file to write")
    return target


def _beside(target: str) -> str:
    directory, name = os.path.split(target)
    return os.path.join(directory, f".{name[:100]}.{os.getpid()}.{threading.get_ident()}.part")
