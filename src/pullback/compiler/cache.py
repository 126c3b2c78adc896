"""Object code on disk: what was compiled once for this processor need not be compiled again.

Entries are named by a digest of what they were made from: the graph (or text), the processor, and the versions of this
package and of LLVM. An entry is used only if it is the user's own, nobody else may write to it, and its checksum fits;
any other is as if it were not there. It is written beside its place and then moved there, so that a process that is
killed leaves no half entry.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import llvmlite
import numpy as np

from pullback.core.aval import Aval
from pullback.core.graph import Graph
from pullback.core.terminals import CONSTANT

VARIABLE = "PULLBACK_CACHE_DIR"
"""The environment variable that names the directory; empty for no cache."""
_MAGIC = b"pullback object code 1\n"
_MOST = 4096
"""Entries that are kept, about; when there are more, the quarter that was used longest ago goes."""
_LATELY = 3600
"""Seconds after which it is noted anew that an entry was used."""
_SUFFIX = ".object"
_OURS = re.compile(rf"[0-9a-f]{{64}}{re.escape(_SUFFIX)}|\.[0-9a-f]{{64}}(\.[0-9]+){{2}}")
"""Names of entries, and of those that are being written: whatever else is in the directory is the user's."""


def directory() -> Path | None:
    """Where entries are: ``PULLBACK_CACHE_DIR``, else below the user's directory for caches; None for no cache."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named).expanduser() if named else None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "pullback" if os.path.isabs(base) else None


def digest(*parts: bytes) -> str:
    """The name of the entry for what these parts say."""
    found = hashlib.sha256(_versions())
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()


@functools.cache
def _versions() -> bytes:
    """Everything else that code depends on."""
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    sources = []
    folders = [os.path.join(package, folder) for folder in ("compiler", "core", "ops", "transforms", "control")]
    while folders:
        with os.scandir(folders.pop()) as found:
            for one in found:
                if one.is_dir():
                    folders.append(one.path)
                elif one.name.endswith(".py"):
                    status = one.stat()
                    sources.append((one.path.removeprefix(package), status.st_size, status.st_mtime_ns))
    return repr((sorted(sources), llvmlite.__version__, np.__version__)).encode()


def load(name: str) -> bytes | None:
    """Return what is stored under a name, None if there is nothing that may be used."""
    folder = directory()
    if folder is None or not _is_ours(folder):
        return None
    try:
        handle = os.open(folder / f"{name}{_SUFFIX}", os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or not _is_safe(status):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as stream:
        if time.time() - status.st_mtime > _LATELY:
            with contextlib.suppress(OSError):
                os.utime(stream.fileno())  # used just now
        found = stream.read()
    start = len(_MAGIC) + 32
    if not found.startswith(_MAGIC) or found[len(_MAGIC) : start] != _checksum(name, found[start:]):
        return None
    return found[start:]


def store(name: str, data: bytes) -> None:
    """Store data under a name; where that cannot be done nothing is."""
    folder = directory()
    if folder is None:
        return
    temporary = folder / f".{name}.{os.getpid()}.{threading.get_ident()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(folder):
            return
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(_MAGIC + _checksum(name, data) + data)
        os.replace(temporary, folder / f"{name}{_SUFFIX}")
        if name.startswith("00"):  # one in 256, as it takes long to look at all
            _limit(folder)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _checksum(name: str, data: bytes) -> bytes:
    """What tells data under this name from what was harmed, and from another entry that was given this name."""
    return hashlib.sha256(name.encode() + data).digest()


def _is_ours(folder: Path) -> bool:
    try:
        return _is_safe(os.stat(folder))
    except OSError:
        return False


def _is_safe(status: os.stat_result) -> bool:
    """Whether a file is the user's own, and nobody else may write to it."""
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        yield from (one for one in found if _OURS.fullmatch(one.name))


def _limit(folder: Path) -> None:
    entries = list(_entries(folder))
    if len(entries) > _MOST:
        for one in sorted(entries, key=lambda entry: entry.stat().st_mtime)[: _MOST // 4]:
            with contextlib.suppress(OSError):
                os.unlink(one.path)


@dataclass(frozen=True)
class Usage:
    """What the cache holds.

    Attributes:
        directory: where; None if there is no cache.
        entries: how many.
        nbytes: their size.
    """

    directory: Path | None
    entries: int
    nbytes: int


def usage() -> Usage:
    """What the cache holds."""
    folder = directory()
    sizes = []
    for one in _entries(folder) if folder is not None else ():
        with contextlib.suppress(OSError):
            sizes.append(one.stat().st_size)
    return Usage(folder, len(sizes), sum(sizes))


def clear() -> Usage:
    """Remove every entry; return what is gone."""
    before = usage()
    for one in list(_entries(before.directory)) if before.directory is not None else ():
        with contextlib.suppress(OSError):
            os.unlink(one.path)
    after = usage()
    return Usage(before.directory, before.entries - after.entries, before.nbytes - after.nbytes)


# What an entry holds --------------------------------------------------------------------------------------------------


def pack(description: Any, blobs: Sequence[bytes]) -> bytes:
    """Put a description (of what JSON has) and pieces of bytes together."""
    head = json.dumps([description, [len(blob) for blob in blobs]]).encode()
    return b"".join([len(head).to_bytes(8, "little"), head, *blobs])


def unpack(data: bytes) -> tuple[Any, list[bytes]]:
    """Take apart what ``pack`` put together."""
    length = int.from_bytes(data[:8], "little")
    description, sizes = json.loads(data[8 : 8 + length])
    blobs, place = [], 8 + length
    for size in sizes:
        blobs.append(data[place : place + size])
        place += size
    return description, blobs


def fingerprint(graph: Graph) -> bytes | None:
    """What a graph computes, as bytes: equal for equal graphs. None where a parameter of a node has no such form."""
    places = {node: i for i, node in enumerate(graph.nodes)}
    avals: dict[Any, str] = {}
    told: list[bytes] = []
    try:
        for node in graph.nodes:
            aval = avals.get(node.aval)
            if aval is None:
                several = (node.aval,) if isinstance(node.aval, Aval) else node.aval
                aval = avals[node.aval] = repr([(one.shape, one.dtype.str) for one in several])
            params = _written(sorted(node.params.items())) if node.params else None
            sources = [places[source] for source in node.inputs]
            told.append(f"{node.primitive.name} {sources} {params!r} {aval}\n".encode())
            if node.primitive is CONSTANT:
                value = np.asarray(node.value)
                scalar = value.size > 1 and not any(value.strides)
                told += [bytes([scalar]), (value[(0,) * value.ndim] if scalar else value).tobytes()]
    except _NoFormError:
        return None
    ends = [[places[node] for node in nodes] for nodes in (graph.inputs, graph.outputs)]
    return hashlib.sha256(b"".join([*told, repr(ends).encode()])).digest()


class _NoFormError(Exception):
    """A value that cannot be told from another one by what it prints."""


class _Text(str):
    """What stands for a value whose own ``repr`` does not say all."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


_PRINTED = frozenset({type(None), bool, int, float, str})


def _written(value: Any) -> Any:
    """Something whose ``repr`` says all that there is to a value."""
    kind = type(value)
    if kind in _PRINTED:
        return value
    if kind in (tuple, list):
        return kind([_written(one) for one in value])
    if isinstance(value, np.dtype):
        return _Text(f"<{value.str}>")
    if isinstance(value, Graph):  # that a node holds
        held = fingerprint(value)
        if held is not None:
            return _Text(f"<{value!r} {held.hex()}>")
    elif isinstance(value, tuple) or (is_dataclass(value) and not isinstance(value, type)):
        parts = value if isinstance(value, tuple) else [getattr(value, one.name) for one in fields(value)]
        return _Text(f"<{kind.__qualname__} {_written(list(parts))!r}>")
    raise _NoFormError
