"""How threads share a part: the machine code that deals its tiles out, waits for work, starts and ends.

Each thread has a share of the tiles, the same one every time, so that it finds in its cache what it left there; it
takes those of the others when its own are done. The words of a part are written by the thread that has made the pool
busy, while the gate is closed and nobody is behind it.
"""

from __future__ import annotations

import sys

from pullback.compiler.blocking import SCRATCH
from pullback.compiler.machine import lasting, waiting_hint

WORDS = 112 + 64 * 8
"""Of 64 bits, that a pool is made of."""
MOST = 63
"""Threads."""
_OPEN = 1 << 32
PLACES = {
    "slots": 1, "trips": 2, "tile": 3, "tiles": 4, "shares": 5, "processor": 6, "gate": 8, "generation": 16,
    "workers": 24, "stop": 25, "sleepers": 26, "busy": 27, "ready": 28, "mutex": 32, "condition": 40, "threads": 48,
    "spins": 29, "next": 112,
}  # fmt: skip
"""Words of the pool, of which 0 is the part; what different threads write lies in different lines of the cache.

The gate counts the threads that are at the part, and has the bit of ``_OPEN`` as long as others may come.
"""


def addresses() -> dict[str, int]:
    """The addresses of the functions, each of which takes the address of a pool first."""
    return lasting("threads", ["parallel", "start", "stop", "pause"], _text)


def _text() -> str:
    declared, called = waiting_hint()
    moves = sys.platform == "linux"
    text = _TEXT.replace("MAKE_WAY", _MAKE_WAY if moves else _STAY)
    text = text.replace("PROCESSOR", "sched_getcpu" if moves else "nowhere")
    text = text.replace("HINT", called).replace("OPEN", str(_OPEN)).replace("SCRATCH", str(SCRATCH + 64)) + declared
    for name, place in PLACES.items():
        text = text.replace(f"%{name}.at = WORD", f"%{name}.at = getelementptr i64, ptr %pool, i64 {place}")
    return text


_TEXT = """
define private void @take(ptr %pool, ptr %scratch, i64 %me) {
begin:
  %part = load ptr, ptr %pool
  %slots.at = WORD
  %slots = load ptr, ptr %slots.at
  %trips.at = WORD
  %trips = load i64, ptr %trips.at
  %tile.at = WORD
  %tile = load i64, ptr %tile.at
  %tiles.at = WORD
  %tiles = load i64, ptr %tiles.at
  %shares.at = WORD
  %shares = load i64, ptr %shares.at
  %next.at = WORD
  br label %share
share:
  %turn = phi i64 [0, %begin], [%turn.next, %through]
  %sum = add i64 %me, %turn
  %whose = urem i64 %sum, %shares
  %place = mul i64 %whose, 8
  %counter = getelementptr i64, ptr %next.at, i64 %place
  %first.scaled = mul i64 %whose, %tiles
  %first = udiv i64 %first.scaled, %shares
  %last.scaled = add i64 %first.scaled, %tiles
  %last = udiv i64 %last.scaled, %shares
  br label %loop
loop:
  %taken = atomicrmw add ptr %counter, i64 1 monotonic
  %number = add i64 %first, %taken
  %some = icmp slt i64 %number, %last
  br i1 %some, label %work, label %through
work:
  %begins = mul i64 %number, %tile
  %ends = add i64 %begins, %tile
  %over = icmp sgt i64 %ends, %trips
  %end = select i1 %over, i64 %trips, i64 %ends
  call void %part(ptr %slots, i64 %begins, i64 %end, ptr %scratch)
  br label %loop
through:
  %turn.next = add i64 %turn, 1
  %more = icmp slt i64 %turn.next, %shares
  br i1 %more, label %share, label %done
done:
  ret void
}

define void @parallel(ptr %pool, ptr %part, ptr %slots, i64 %trips, i64 %tile) {
begin:
  %workers.at = WORD
  %workers = load atomic i64, ptr %workers.at acquire, align 8
  %busy.at = WORD
  %some = icmp sgt i64 %workers, 0
  br i1 %some, label %try, label %alone
try:
  %exchanged = cmpxchg ptr %busy.at, i64 0, i64 1 acquire monotonic
  %mine = extractvalue {i64, i1} %exchanged, 1
  br i1 %mine, label %share, label %alone
alone:
  call void %part(ptr %slots, i64 0, i64 %trips, ptr null)
  ret void
share:
  store ptr %part, ptr %pool
  %slots.at = WORD
  store ptr %slots, ptr %slots.at
  %trips.at = WORD
  store i64 %trips, ptr %trips.at
  %tile.at = WORD
  store i64 %tile, ptr %tile.at
  %rounded = add i64 %trips, %tile
  %rounded.down = sub i64 %rounded, 1
  %tiles = udiv i64 %rounded.down, %tile
  %tiles.at = WORD
  store i64 %tiles, ptr %tiles.at
  %shares = add i64 %workers, 1
  %shares.at = WORD
  store i64 %shares, ptr %shares.at
  %next.at = WORD
  br label %reset
reset:
  %whose = phi i64 [0, %share], [%whose.next, %reset]
  %place = mul i64 %whose, 8
  %counter = getelementptr i64, ptr %next.at, i64 %place
  store atomic i64 0, ptr %counter monotonic, align 8
  %whose.next = add i64 %whose, 1
  %more = icmp slt i64 %whose.next, %shares
  br i1 %more, label %reset, label %publish
publish:
  %processor.at = WORD
  %processor = call i32 @PROCESSOR()
  store atomic i32 %processor, ptr %processor.at monotonic, align 8
  %gate.at = WORD
  store atomic i64 OPEN, ptr %gate.at release, align 8
  %generation.at = WORD
  %generation = atomicrmw add ptr %generation.at, i64 1 seq_cst
  %sleepers.at = WORD
  %sleepers = load atomic i64, ptr %sleepers.at seq_cst, align 8
  %asleep = icmp sgt i64 %sleepers, 0
  br i1 %asleep, label %wake, label %take
wake:
  call void @wake(ptr %pool)
  br label %take
take:
  call void @take(ptr %pool, ptr null, i64 0)
  %open = atomicrmw sub ptr %gate.at, i64 OPEN seq_cst
  br label %wait
wait:
  %count = phi i64 [0, %take], [%counted, %again]
  %inside = load atomic i64, ptr %gate.at acquire, align 8
  %finished = icmp eq i64 %inside, 0
  br i1 %finished, label %free, label %look
look:
  HINT
  %counted = add i64 %count, 1
  %long = icmp sgt i64 %counted, 100
  br i1 %long, label %yield, label %again
yield:
  %ignored = call i32 @sched_yield()
  br label %again
again:
  br label %wait
free:
  store atomic i64 0, ptr %busy.at release, align 8
  ret void
}

define private void @wake(ptr %pool) {
  %mutex.at = WORD
  %condition.at = WORD
  %a = call i32 @pthread_mutex_lock(ptr %mutex.at)
  %b = call i32 @pthread_cond_broadcast(ptr %condition.at)
  %c = call i32 @pthread_mutex_unlock(ptr %mutex.at)
  ret void
}

define private ptr @work(ptr %pool) {
begin:
  %gate.at = WORD
  %generation.at = WORD
  %stop.at = WORD
  %sleepers.at = WORD
  %ready.at = WORD
  %mutex.at = WORD
  %condition.at = WORD
  %before = load atomic i64, ptr %generation.at acquire, align 8
  %memory = call ptr @malloc(i64 SCRATCH)
  %none = icmp eq ptr %memory, null
  %address = ptrtoint ptr %memory to i64
  %after = add i64 %address, 63
  %line = and i64 %after, -64
  %scratch = inttoptr i64 %line to ptr
  %spins.at = WORD
  %spins = load i64, ptr %spins.at
  %registered = atomicrmw add ptr %ready.at, i64 1 release
  %me = add i64 %registered, 1
  br i1 %none, label %finish, label %look
look:
  %seen = phi i64 [%before, %begin], [%now, %enter], [%now, %inside]
  br label %spin
spin:
  %count = phi i64 [0, %look], [%counted, %spin.on]
  %found = load atomic i64, ptr %generation.at acquire, align 8
  %new = icmp ne i64 %found, %seen
  br i1 %new, label %awake, label %spin.more
spin.more:
  %counted = add i64 %count, 1
  %enough = icmp sgt i64 %counted, %spins
  br i1 %enough, label %sleep, label %spin.on
spin.on:
  HINT
  br label %spin
sleep:
  %a = call i32 @pthread_mutex_lock(ptr %mutex.at)
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
  %c = call i32 @pthread_cond_wait(ptr %condition.at, ptr %mutex.at)
  br label %check
rise:
  %d = atomicrmw sub ptr %sleepers.at, i64 1 seq_cst
  %e = call i32 @pthread_mutex_unlock(ptr %mutex.at)
  call void @make.way(ptr %pool)
  br label %awake
awake:
  %now = load atomic i64, ptr %generation.at acquire, align 8
  %stopped = load atomic i64, ptr %stop.at acquire, align 8
  %over = icmp ne i64 %stopped, 0
  br i1 %over, label %finish, label %enter
enter:
  %gate = load atomic i64, ptr %gate.at acquire, align 8
  %open = icmp sge i64 %gate, OPEN
  br i1 %open, label %try, label %look
try:
  %one.more = add i64 %gate, 1
  %exchanged = cmpxchg ptr %gate.at, i64 %gate, i64 %one.more acquire monotonic
  %entered = extractvalue {i64, i1} %exchanged, 1
  br i1 %entered, label %inside, label %enter
inside:
  call void @take(ptr %pool, ptr %scratch, i64 %me)
  %left = atomicrmw sub ptr %gate.at, i64 1 release
  br label %look
finish:
  call void @free(ptr %memory)
  ret ptr null
}

define void @pause(i64 %times) {
begin:
  br label %loop
loop:
  %i = phi i64 [0, %begin], [%next, %loop]
  HINT
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %times
  br i1 %more, label %loop, label %done
done:
  ret void
}

define void @start(ptr %pool, i64 %count) {
begin:
  %workers.at = WORD
  %stop.at = WORD
  %ready.at = WORD
  %threads.at = WORD
  store i64 0, ptr %stop.at
  store i64 0, ptr %ready.at
  br label %loop
loop:
  %i = phi i64 [0, %begin], [%next, %started]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %one, label %wait
one:
  %thread = getelementptr i64, ptr %threads.at, i64 %i
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
  %workers.at = WORD
  %busy.at = WORD
  %stop.at = WORD
  %generation.at = WORD
  %threads.at = WORD
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
  store atomic i64 1, ptr %stop.at seq_cst, align 8
  %generation = atomicrmw add ptr %generation.at, i64 1 seq_cst
  call void @wake(ptr %pool)
  br label %loop
loop:
  %i = phi i64 [0, %claimed], [%next, %one]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %one, label %done
one:
  %thread.at = getelementptr i64, ptr %threads.at, i64 %i
  %thread = load i64, ptr %thread.at
  %joined = call i32 @pthread_join(i64 %thread, ptr null)
  %next = add i64 %i, 1
  br label %loop
done:
  store atomic i64 0, ptr %busy.at release, align 8
  ret void
}

MAKE_WAY

declare ptr @malloc(i64)
declare void @free(ptr)
declare i32 @sched_yield()
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join(i64, ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_broadcast(ptr)
"""

# A thread may be woken on the processor of the one that woke it, though that goes on and another would be free. It
# then goes elsewhere: the processor is excluded from those that it may run on, for as long as it takes to move.
_MAKE_WAY = """
define private void @make.way(ptr %pool) {
begin:
  %processor.at = WORD
  %there = load atomic i32, ptr %processor.at monotonic, align 8
  %here = call i32 @sched_getcpu()
  %same = icmp eq i32 %here, %there
  %known = icmp ult i32 %here, 1024
  %move = and i1 %same, %known
  br i1 %move, label %ask, label %out
ask:
  %all = alloca i1024, align 8
  %others = alloca i1024, align 8
  store i1024 0, ptr %all
  %size = call i32 @sched_getaffinity(i32 0, i64 128, ptr %all)
  %failed = icmp slt i32 %size, 0
  br i1 %failed, label %out, label %exclude
exclude:
  %word = lshr i32 %here, 6
  %bit = and i32 %here, 63
  %bit.long = zext i32 %bit to i64
  %one = shl i64 1, %bit.long
  %kept = xor i64 %one, -1
  %set = load i1024, ptr %all
  store i1024 %set, ptr %others
  %place = getelementptr i64, ptr %others, i32 %word
  %before = load i64, ptr %place
  %after = and i64 %before, %kept
  store i64 %after, ptr %place
  %a = call i32 @sched_setaffinity(i32 0, i64 128, ptr %others)
  %b = call i32 @sched_setaffinity(i32 0, i64 128, ptr %all)
  br label %out
out:
  ret void
}

declare i32 @sched_getcpu()
declare i32 @sched_getaffinity(i32, i64, ptr)
declare i32 @sched_setaffinity(i32, i64, ptr)
"""
_STAY = """
define private i32 @nowhere() {
  ret i32 0
}

define private void @make.way(ptr %pool) {
  ret void
}
"""
