"""One pool of threads for loops and products.

A part with much to do is cut into tiles whose size does not depend on how many threads there are, so that the results
do not either. The thread that calls takes tiles like the others; small parts it does by itself. It waits only for those
threads that have taken a tile: one that the system lets run too late finds the part closed. Threads that have nothing
to do look for work for some hundred microseconds and then sleep. They are started at first use, end with the process,
and are started anew in a child that was forked.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import os
import threading
import time
from typing import Any

import numpy as np

from pullback.compiler.dealing import MOST, PLACES, WORDS, addresses
from pullback.errors import ArgumentError

VARIABLE = "PULLBACK_NUM_THREADS"
_WAIT = 100e-6
"""Seconds for which a thread looks for work before it sleeps."""
_lock = threading.RLock()


class _Pool:
    """The threads that run now, and how many there are to be."""

    def __init__(self) -> None:
        self.memory = _memory()
        self.wanted: int | None = None
        self.started = 1

    def ensure(self) -> int:
        """Start the threads if they are not there; return the address of the pool."""
        wanted = self.wanted if self.wanted is not None else _default()
        if self.started != wanted:
            functions, spins = _functions(), _spins()  # first: who compiles may wait for the lock
            with _lock:
                if self.started != wanted:
                    self.stop()
                    if wanted > 1:
                        self.memory[PLACES["spins"]] = spins
                        functions["start"](self.address, wanted - 1)
                    self.started = wanted
        return self.address

    @property
    def address(self) -> int:
        """Where the pool lies."""
        address: int = self.memory.ctypes.data
        return address

    def stop(self) -> None:
        """End the threads, after what they are doing."""
        with _lock:
            if self.started > 1:
                _functions()["stop"](self.address)
                self.started = 1

    def forget(self) -> None:
        """In a child that was forked: the threads are not there."""
        global _lock
        _lock = threading.RLock()  # another thread may have held it
        self.memory[:] = 0
        self.started = 1


def _memory() -> np.ndarray[Any, Any]:
    memory = np.zeros(WORDS + 8, np.int64)
    begin = -memory.ctypes.data % 64 // 8
    return memory[begin : begin + WORDS]


def _default() -> int:
    named = os.environ.get(VARIABLE, "")
    if named.isdecimal() and 1 <= int(named) <= MOST:
        return int(named)
    if named:
        raise ArgumentError(f"{VARIABLE}: expected a number from 1 to {MOST}, got {named!r}")
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, MOST)


pool = _Pool()
atexit.register(pool.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.forget)


def set_num_threads(count: int) -> None:
    """Let compiled functions use this many threads; by default as many as there are processors.

    The environment variable ``PULLBACK_NUM_THREADS`` says it for a whole process. Results are the same bit for bit
    with any number. Do not call it while a compiled function runs in another thread.

    Raises:
        ArgumentError: ``count`` is no integer from 1 to 63.

    >>> set_num_threads(1)
    """
    if isinstance(count, bool) or not hasattr(count, "__index__") or not 1 <= count <= MOST:
        raise ArgumentError(f"set_num_threads: expected an integer from 1 to {MOST}, got {count!r}")
    pool.wanted = int(count)
    pool.ensure()


def parallel_address() -> int:
    """The address of the function ``(pool, part, slots, trips, tile)`` that runs a part in tiles."""
    return addresses()["parallel"]


@functools.cache
def _spins() -> int:
    """How often to look for work before sleeping: a look takes another time on each processor."""
    pause = ctypes.CFUNCTYPE(None, ctypes.c_int64)(addresses()["pause"])
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        pause(500)
        taken.append(time.perf_counter() - start)
    return int(500 * _WAIT / max(min(taken), 1e-7))


@functools.cache
def _functions() -> dict[str, Any]:
    """What starts the threads of a pool, of which so many are to be, and what ends them."""
    found = addresses()
    return {
        "start": ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(found["start"]),
        "stop": ctypes.CFUNCTYPE(None, ctypes.c_void_p)(found["stop"]),
    }
