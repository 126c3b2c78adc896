"""One pool of threads for loops and products.

A part with much to do is cut into tiles whose size does not depend on how many threads there are, so that the results
do not either. The thread that calls takes tiles like the others; small parts it does by itself. Threads that have
nothing to do look for work for some microseconds and then sleep. They are started at first use, end with the process,
and are started anew in a child that was forked.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import os
import threading
from typing import Any

import numpy as np

from pullback.compiler.emit import Code, assembled
from pullback.errors import ArgumentError

VARIABLE = "PULLBACK_NUM_THREADS"
_WORDS = 96
_MOST = 63
_lock = threading.RLock()


class _Pool:
    """The threads that run now, and how many there are to be."""

    def __init__(self) -> None:
        self.memory = _memory()
        self.wanted: int | None = None
        self.started = 1

    def ensure(self) -> int:
        """Start the threads if they are not there; return the address of the pool."""
        with _lock:
            wanted = self.wanted if self.wanted is not None else _default()
            if self.started != wanted:
                self.stop()
                if wanted > 1:
                    _function("start")(self.address, wanted - 1)
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
                _function("stop")(self.address)
                self.started = 1

    def forget(self) -> None:
        """In a child that was forked: the threads are not there."""
        global _lock
        _lock = threading.RLock()  # another thread may have held it
        self.memory[:] = 0
        self.started = 1


def _memory() -> np.ndarray[Any, Any]:
    memory = np.zeros(_WORDS + 8, np.int64)
    begin = -memory.ctypes.data % 64 // 8
    return memory[begin : begin + _WORDS]


def _default() -> int:
    named = os.environ.get(VARIABLE)
    if named:
        try:
            return _checked(int(named))
        except ValueError:
            raise ArgumentError(f"{VARIABLE}: expected a number from 1 to {_MOST}, got {named!r}") from None
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, _MOST)


def _checked(count: int) -> int:
    if not 1 <= count <= _MOST:
        raise ValueError
    return count


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
    if isinstance(count, bool) or not hasattr(count, "__index__") or not 1 <= count <= _MOST:
        raise ArgumentError(f"set_num_threads: expected an integer from 1 to {_MOST}, got {count!r}")
    pool.wanted = int(count)
    pool.ensure()


def parallel_address() -> int:
    """The address of the function ``(pool, part, slots, trips, tile)`` that runs a part in tiles."""
    return _code().addresses["parallel"]


@functools.cache
def _code() -> Code:
    return Code(assembled(_TEXT), ["parallel", "start", "stop"])


@functools.cache
def _function(name: str) -> Any:
    arguments = [ctypes.c_void_p, ctypes.c_int64] if name == "start" else [ctypes.c_void_p]
    return ctypes.CFUNCTYPE(None, *arguments)(_code().addresses[name])


# Words of the pool: 0 part, 1 slots, 2 trips, 3 tile, 4 next, 5 running, 6 generation, 7 workers, 8 stop, 9 sleepers,
# 10 busy, 11 ready; from 16 on a mutex, from 24 on a condition, from 32 on the names of threads.
_TEXT = """
define private void @take(ptr %pool) {
begin:
  %part = load ptr, ptr %pool
  %slots.at = getelementptr i64, ptr %pool, i64 1
  %slots = load ptr, ptr %slots.at
  %trips.at = getelementptr i64, ptr %pool, i64 2
  %trips = load i64, ptr %trips.at
  %tile.at = getelementptr i64, ptr %pool, i64 3
  %tile = load i64, ptr %tile.at
  %next.at = getelementptr i64, ptr %pool, i64 4
  br label %loop
loop:
  %first = atomicrmw add ptr %next.at, i64 %tile monotonic
  %some = icmp slt i64 %first, %trips
  br i1 %some, label %work, label %done
work:
  %last = add i64 %first, %tile
  %over = icmp sgt i64 %last, %trips
  %end = select i1 %over, i64 %trips, i64 %last
  call void %part(ptr %slots, i64 %first, i64 %end)
  br label %loop
done:
  ret void
}

define void @parallel(ptr %pool, ptr %part, ptr %slots, i64 %trips, i64 %tile) {
begin:
  %workers.at = getelementptr i64, ptr %pool, i64 7
  %workers = load atomic i64, ptr %workers.at acquire, align 8
  %busy.at = getelementptr i64, ptr %pool, i64 10
  %some = icmp sgt i64 %workers, 0
  br i1 %some, label %try, label %alone
try:
  %exchanged = cmpxchg ptr %busy.at, i64 0, i64 1 acquire monotonic
  %mine = extractvalue {i64, i1} %exchanged, 1
  br i1 %mine, label %share, label %alone
alone:
  %first = phi i64 [0, %begin], [0, %try], [%end, %alone]
  %last = add i64 %first, %tile
  %over = icmp sgt i64 %last, %trips
  %end = select i1 %over, i64 %trips, i64 %last
  call void %part(ptr %slots, i64 %first, i64 %end)
  %more = icmp slt i64 %end, %trips
  br i1 %more, label %alone, label %out
share:
  store ptr %part, ptr %pool
  %slots.at = getelementptr i64, ptr %pool, i64 1
  store ptr %slots, ptr %slots.at
  %trips.at = getelementptr i64, ptr %pool, i64 2
  store i64 %trips, ptr %trips.at
  %tile.at = getelementptr i64, ptr %pool, i64 3
  store i64 %tile, ptr %tile.at
  %next.at = getelementptr i64, ptr %pool, i64 4
  store atomic i64 0, ptr %next.at monotonic, align 8
  %running.at = getelementptr i64, ptr %pool, i64 5
  store atomic i64 %workers, ptr %running.at monotonic, align 8
  %generation.at = getelementptr i64, ptr %pool, i64 6
  %generation = atomicrmw add ptr %generation.at, i64 1 seq_cst
  %sleepers.at = getelementptr i64, ptr %pool, i64 9
  %sleepers = load atomic i64, ptr %sleepers.at seq_cst, align 8
  %asleep = icmp sgt i64 %sleepers, 0
  br i1 %asleep, label %wake, label %take
wake:
  call void @wake(ptr %pool)
  br label %take
take:
  call void @take(ptr %pool)
  br label %wait
wait:
  %running = load atomic i64, ptr %running.at acquire, align 8
  %finished = icmp eq i64 %running, 0
  br i1 %finished, label %free, label %yield
yield:
  %ignored = call i32 @sched_yield()
  br label %wait
free:
  store atomic i64 0, ptr %busy.at release, align 8
  br label %out
out:
  ret void
}

define private void @wake(ptr %pool) {
  %mutex = getelementptr i64, ptr %pool, i64 16
  %condition = getelementptr i64, ptr %pool, i64 24
  %a = call i32 @pthread_mutex_lock(ptr %mutex)
  %b = call i32 @pthread_cond_broadcast(ptr %condition)
  %c = call i32 @pthread_mutex_unlock(ptr %mutex)
  ret void
}

define private ptr @work(ptr %pool) {
begin:
  %running.at = getelementptr i64, ptr %pool, i64 5
  %generation.at = getelementptr i64, ptr %pool, i64 6
  %stop.at = getelementptr i64, ptr %pool, i64 8
  %sleepers.at = getelementptr i64, ptr %pool, i64 9
  %ready.at = getelementptr i64, ptr %pool, i64 11
  %mutex = getelementptr i64, ptr %pool, i64 16
  %condition = getelementptr i64, ptr %pool, i64 24
  %before = load atomic i64, ptr %generation.at acquire, align 8
  %registered = atomicrmw add ptr %ready.at, i64 1 release
  br label %look
look:
  %seen = phi i64 [%before, %begin], [%now, %busy]
  br label %spin
spin:
  %count = phi i64 [0, %look], [%counted, %spin.again]
  %found = load atomic i64, ptr %generation.at acquire, align 8
  %new = icmp ne i64 %found, %seen
  br i1 %new, label %awake, label %spin.on
spin.on:
  %counted = add i64 %count, 1
  %enough = icmp sgt i64 %counted, 20000
  br i1 %enough, label %sleep, label %spin.again
spin.again:
  br label %spin
sleep:
  %a = call i32 @pthread_mutex_lock(ptr %mutex)
  %b = atomicrmw add ptr %sleepers.at, i64 1 seq_cst
  br label %check
check:
  %current = load atomic i64, ptr %generation.at seq_cst, align 8
  %changed = icmp ne i64 %current, %seen
  %ending = load atomic i64, ptr %stop.at seq_cst, align 8
  %ends = icmp ne i64 %ending, 0
  %up = or i1 %changed, %ends
  br i1 %up, label %rise, label %doze
doze:
  %c = call i32 @pthread_cond_wait(ptr %condition, ptr %mutex)
  br label %check
rise:
  %d = atomicrmw sub ptr %sleepers.at, i64 1 seq_cst
  %e = call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %awake
awake:
  %stopped = load atomic i64, ptr %stop.at acquire, align 8
  %over = icmp ne i64 %stopped, 0
  br i1 %over, label %finish, label %busy
busy:
  %now = load atomic i64, ptr %generation.at acquire, align 8
  call void @take(ptr %pool)
  %done = atomicrmw sub ptr %running.at, i64 1 release
  br label %look
finish:
  ret ptr null
}

define void @start(ptr %pool, i64 %count) {
begin:
  %workers.at = getelementptr i64, ptr %pool, i64 7
  %stop.at = getelementptr i64, ptr %pool, i64 8
  %ready.at = getelementptr i64, ptr %pool, i64 11
  store i64 0, ptr %stop.at
  store i64 0, ptr %ready.at
  br label %loop
loop:
  %i = phi i64 [0, %begin], [%next, %started]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %one, label %wait
one:
  %place = add i64 %i, 32
  %thread = getelementptr i64, ptr %pool, i64 %place
  %failed = call i32 @pthread_create(ptr %thread, ptr null, ptr @work, ptr %pool)
  %good = icmp eq i32 %failed, 0
  br i1 %good, label %started, label %wait
started:
  %next = add i64 %i, 1
  br label %loop
wait:
  %made = phi i64 [%i, %loop], [%i, %one], [%made, %yield]
  %ready = load atomic i64, ptr %ready.at acquire, align 8
  %all = icmp sge i64 %ready, %made
  br i1 %all, label %done, label %yield
yield:
  %ignored = call i32 @sched_yield()
  br label %wait
done:
  store atomic i64 %made, ptr %workers.at release, align 8
  ret void
}

define void @stop(ptr %pool) {
begin:
  %workers.at = getelementptr i64, ptr %pool, i64 7
  %busy.at = getelementptr i64, ptr %pool, i64 10
  br label %claim
claim:
  %exchanged = cmpxchg ptr %busy.at, i64 0, i64 1 acquire monotonic
  %mine = extractvalue {i64, i1} %exchanged, 1
  br i1 %mine, label %claimed, label %yield
yield:
  %ignored = call i32 @sched_yield()
  br label %claim
claimed:
  %count = load i64, ptr %workers.at
  store atomic i64 0, ptr %workers.at release, align 8
  %stop.at = getelementptr i64, ptr %pool, i64 8
  store atomic i64 1, ptr %stop.at seq_cst, align 8
  %generation.at = getelementptr i64, ptr %pool, i64 6
  %generation = atomicrmw add ptr %generation.at, i64 1 seq_cst
  call void @wake(ptr %pool)
  br label %loop
loop:
  %i = phi i64 [0, %claimed], [%next, %one]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %one, label %done
one:
  %place = add i64 %i, 32
  %thread.at = getelementptr i64, ptr %pool, i64 %place
  %thread = load i64, ptr %thread.at
  %joined = call i32 @pthread_join(i64 %thread, ptr null)
  %next = add i64 %i, 1
  br label %loop
done:
  store atomic i64 0, ptr %busy.at release, align 8
  ret void
}

declare i32 @sched_yield()
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join(i64, ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_broadcast(ptr)
"""
