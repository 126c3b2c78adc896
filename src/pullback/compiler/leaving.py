"""The second half of the entry in machine code: what is made for results, the run, and what becomes of both.

Where something fails everything that was made is dropped: there is an error, or the call goes the long way round.
"""

from __future__ import annotations

TEXT = """made.begin:
  %made.count = TABLE made.count
  %made = TABLE made
  br label %made.loop
made.loop:
  %m = phi i64 [0, %made.begin], [%m.next, %made.passed]
  %m.more = icmp slt i64 %m, %made.count
  br i1 %m.more, label %made.one, label %run
made.one:
  %m.word = mul i64 %m, 13
  %m.at = getelementptr i64, ptr %made, i64 %m.word
  %m.kind = load i64, ptr %m.at
  %m.number.at = getelementptr i64, ptr %m.at, i64 1
  %m.number.word = load i64, ptr %m.number.at
  %m.number = trunc i64 %m.number.word to i32
  %m.axes.at = getelementptr i64, ptr %m.at, i64 2
  %m.axes.word = load i64, ptr %m.axes.at
  %m.axes = trunc i64 %m.axes.word to i32
  %m.slot.at = getelementptr i64, ptr %m.at, i64 3
  %m.slot = load i64, ptr %m.slot.at
  %m.lengths = getelementptr i64, ptr %m.at, i64 4
  %m.place = getelementptr ptr, ptr %slots, i64 %m.slot
  %m.object.at = getelementptr ptr, ptr %objects, i64 %m
  %m.is.array = icmp eq i64 %m.kind, 1
  br i1 %m.is.array, label %made.array, label %made.float
made.float:
  %m.double = getelementptr double, ptr %numbers, i64 %m
  store ptr null, ptr %m.object.at
  store ptr %m.double, ptr %m.place
  br label %made.passed
made.array:
  %m.bytes.at = getelementptr i64, ptr %m.at, i64 12
  %m.bytes = load i64, ptr %m.bytes.at
  %large.bytes = TABLE large.bytes
  %m.is.large = icmp uge i64 %m.bytes, %large.bytes
  br i1 %m.is.large, label %made.large, label %made.small
made.large:
  %new.large = TABLE new.large
  %blocks = TABLE blocks
  %m.with.blocks = call ptr %new.large(ptr %blocks, i32 %m.axes, ptr %m.lengths, i32 %m.number, i64 %m.bytes)
  br label %made.new
made.small:
  %new.array = TABLE new.array
  %type.of.numpy = TABLE array.type
  %m.of.numpy = call ptr %new.array(ptr %type.of.numpy, i32 %m.axes, ptr %m.lengths, i32 %m.number, ptr null, ptr null,
                                    i32 0, i32 0, ptr null)
  br label %made.new
made.new:
  %m.object = phi ptr [%m.with.blocks, %made.large], [%m.of.numpy, %made.small]
  store ptr %m.object, ptr %m.object.at
  %m.none = icmp eq ptr %m.object, null
  br i1 %m.none, label %drop.begin, label %made.data
made.data:
  %m.data.at = getelementptr i64, ptr %m.object, i64 2
  %m.data = load ptr, ptr %m.data.at
  store ptr %m.data, ptr %m.place
  br label %made.passed
made.passed:
  %m.next = add i64 %m, 1
  br label %made.loop

run:
  %arena.word = TABLE arena.word
  %arena = atomicrmw xchg ptr %arena.word, ptr null seq_cst
  %busy = icmp eq ptr %arena, null
  br i1 %busy, label %drop.begin, label %begin.run
begin.run:
  %arena.slot = TABLE arena.slot
  %arena.place = getelementptr ptr, ptr %slots, i64 %arena.slot
  store ptr %arena, ptr %arena.place
  %function = TABLE function
  %release.word = TABLE release.word
  %release = icmp ne i64 %release.word, 0
  br i1 %release, label %keep.begin, label %run.held
run.held:
  call void %function(ptr %slots)
  br label %ran
keep.begin:
  %state.count = TABLE state.count
  %state = TABLE state
  br label %keep.loop
keep.loop:
  %k = phi i64 [0, %keep.begin], [%k.next, %keep]
  %k.more = icmp slt i64 %k, %state.count
  br i1 %k.more, label %keep, label %run.free
keep:
  %k.at = getelementptr ptr, ptr %state, i64 %k
  %k.object = load ptr, ptr %k.at
  %remember.state = TABLE remember
  call void %remember.state(ptr %k.object)
  %k.next = add i64 %k, 1
  br label %keep.loop
run.free:
  %save = TABLE save
  %thread = call ptr %save()
  call void %function(ptr %slots)
  %restore = TABLE restore
  call void %restore(ptr %thread)
  br label %let.go.loop
let.go.loop:
  %e = phi i64 [0, %run.free], [%e.next, %let.go]
  %e.more = icmp slt i64 %e, %state.count
  br i1 %e.more, label %let.go, label %ran
let.go:
  %e.at = getelementptr ptr, ptr %state, i64 %e
  %e.object = load ptr, ptr %e.at
  %forget.state = TABLE forget
  call void %forget.state(ptr %e.object)
  %e.next = add i64 %e, 1
  br label %let.go.loop
ran:
  %checks.count = TABLE checks.count
  %checks = TABLE checks
  store atomic ptr %arena, ptr %arena.word seq_cst, align 8
  br label %check.loop
check.loop:
  %c = phi i64 [0, %ran], [%c.next, %check.passed]
  %c.more = icmp slt i64 %c, %checks.count
  br i1 %c.more, label %check, label %results
check:
  %c.at = getelementptr i8, ptr %checks, i64 %c
  %c.found = load i8, ptr %c.at
  %c.good = icmp ne i8 %c.found, 0
  br i1 %c.good, label %check.passed, label %drop.begin
check.passed:
  %c.next = add i64 %c, 1
  br label %check.loop

results:
  %mode = TABLE mode
  switch i64 %mode, label %results.several [i64 0, label %results.none
                                            i64 1, label %results.single]
results.none:
  %none = TABLE none
  %remember.none = TABLE remember
  call void %remember.none(ptr %none)
  ret ptr %none
results.single:
  br label %finish
results.several:
  %new.tuple = TABLE new.tuple
  %tuple = call ptr %new.tuple(i64 %made.count)
  %tuple.failed = icmp eq ptr %tuple, null
  br i1 %tuple.failed, label %drop.begin, label %finish
finish:
  %into = phi ptr [null, %results.single], [%tuple, %results.several]
  br label %finish.loop
finish.loop:
  %f = phi i64 [0, %finish], [%f.next, %finish.stored]
  %f.more = icmp slt i64 %f, %made.count
  br i1 %f.more, label %finish.one, label %finish.done
finish.one:
  %f.object.at = getelementptr ptr, ptr %objects, i64 %f
  %f.object = load ptr, ptr %f.object.at
  %f.is.float = icmp eq ptr %f.object, null
  br i1 %f.is.float, label %finish.float, label %finish.array
finish.float:
  %f.double.at = getelementptr double, ptr %numbers, i64 %f
  %f.double = load double, ptr %f.double.at
  %new.float = TABLE new.float
  %f.number = call ptr %new.float(double %f.double)
  br label %finish.converted
finish.array:
  %return.array = TABLE return.array
  %f.returned = call ptr %return.array(ptr %f.object)
  br label %finish.converted
finish.converted:
  %f.result = phi ptr [%f.number, %finish.float], [%f.returned, %finish.array]
  %f.alone = icmp eq ptr %into, null
  br i1 %f.alone, label %finish.alone, label %finish.tuple
finish.alone:
  ret ptr %f.result
finish.tuple:
  %f.failed = icmp eq ptr %f.result, null
  br i1 %f.failed, label %finish.failed, label %finish.item
finish.failed:
  %forget.into = TABLE forget
  call void %forget.into(ptr %into)
  ret ptr null
finish.item:
  %set.item = TABLE set.item
  %f.set = call i32 %set.item(ptr %into, i64 %f, ptr %f.result)
  br label %finish.stored
finish.stored:
  %f.next = add i64 %f, 1
  br label %finish.loop
finish.done:
  ret ptr %into

drop.begin:
  %stop = phi i64 [%m, %made.new], [%made.count, %run], [%made.count, %check], [%made.count, %results.several]
  %failed = phi i1 [true, %made.new], [false, %run], [false, %check], [true, %results.several]
  br label %drop.loop
drop.loop:
  %d = phi i64 [0, %drop.begin], [%d.next, %drop.next]
  %d.more = icmp slt i64 %d, %stop
  br i1 %d.more, label %drop.one, label %drop.done
drop.one:
  %d.at = getelementptr ptr, ptr %objects, i64 %d
  %d.object = load ptr, ptr %d.at
  %d.none = icmp eq ptr %d.object, null
  br i1 %d.none, label %drop.next, label %drop.object
drop.object:
  %forget = TABLE forget
  call void %forget(ptr %d.object)
  br label %drop.next
drop.next:
  %d.next = add i64 %d, 1
  br label %drop.loop
drop.done:
  br i1 %failed, label %error, label %miss
error:
  ret ptr null

miss:
  %miss.object = TABLE miss.object
  %remember = TABLE remember
  call void %remember(ptr %miss.object)
  ret ptr %miss.object
}

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""
