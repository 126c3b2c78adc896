"""The first half of the entry in machine code: whether a call is as it is expected to be.

Nothing has happened yet where it is not, and the answer is the object that stands for a miss.
"""

from __future__ import annotations

TEXT = """define ptr @entry(ptr %self, ptr %args, i64 %count) {
begin:
  %table.at = getelementptr i64, ptr %self, i64 2
  %table = load ptr, ptr %table.at
  %given.many = TABLE given.count
  %as.many = icmp eq i64 %count, %given.many
  br i1 %as.many, label %copy, label %miss

copy:
  %slots.count = TABLE slots.count
  %template = TABLE template
  %objects.many = TABLE made.count
  %slots = alloca ptr, i64 %slots.count
  %objects.count = add i64 %objects.many, 1
  %objects = alloca ptr, i64 %objects.count
  %numbers = alloca double, i64 %objects.count
  %slots.bytes = mul i64 %slots.count, 8
  call void @llvm.memcpy.p0.p0.i64(ptr %slots, ptr %template, i64 %slots.bytes, i1 false)
  %guards.count = TABLE guards.count
  %guards = TABLE guards
  br label %guard.loop

guard.loop:
  %g = phi i64 [0, %copy], [%g.next, %guard.passed]
  %g.more = icmp slt i64 %g, %guards.count
  br i1 %g.more, label %guard, label %look.begin
guard:
  %g.word = shl i64 %g, 1
  %g.at = getelementptr i64, ptr %guards, i64 %g.word
  %g.address = load ptr, ptr %g.at
  %g.wanted.at = getelementptr i64, ptr %g.at, i64 1
  %g.wanted = load i64, ptr %g.wanted.at
  %g.found = load i64, ptr %g.address
  %g.same = icmp eq i64 %g.found, %g.wanted
  br i1 %g.same, label %guard.passed, label %miss
guard.passed:
  %g.next = add i64 %g, 1
  br label %guard.loop

look.begin:
  %lookups.count = TABLE lookups.count
  %lookups = TABLE lookups
  br label %look.loop
look.loop:
  %l = phi i64 [0, %look.begin], [%l.next, %look.passed]
  %l.more = icmp slt i64 %l, %lookups.count
  br i1 %l.more, label %look, label %given.begin
look:
  %l.word = mul i64 %l, 3
  %l.at = getelementptr ptr, ptr %lookups, i64 %l.word
  %l.holder = load ptr, ptr %l.at
  %l.key.at = getelementptr ptr, ptr %l.at, i64 1
  %l.key = load ptr, ptr %l.key.at
  %l.wanted.at = getelementptr ptr, ptr %l.at, i64 2
  %l.wanted = load ptr, ptr %l.wanted.at
  %look.up = TABLE look.up
  %l.found = call ptr %look.up(ptr %l.holder, ptr %l.key)
  %l.same = icmp eq ptr %l.found, %l.wanted
  br i1 %l.same, label %look.passed, label %miss
look.passed:
  %l.next = add i64 %l, 1
  br label %look.loop

given.begin:
  %given.count = TABLE given.count
  %given = TABLE given
  br label %given.loop
given.loop:
  %i = phi i64 [0, %given.begin], [%i.next, %given.passed]
  %i.more = icmp slt i64 %i, %given.count
  br i1 %i.more, label %given.one, label %made.begin
given.one:
  %i.word = mul i64 %i, 13
  %i.at = getelementptr i64, ptr %given, i64 %i.word
  %i.kind = load i64, ptr %i.at
  %i.same.at = getelementptr i64, ptr %i.at, i64 1
  %i.same = load ptr, ptr %i.same.at
  %i.axes.at = getelementptr i64, ptr %i.at, i64 2
  %i.axes = load i64, ptr %i.axes.at
  %i.slot.at = getelementptr i64, ptr %i.at, i64 3
  %i.slot = load i64, ptr %i.slot.at
  %i.place = getelementptr ptr, ptr %slots, i64 %i.slot
  %object.at = getelementptr ptr, ptr %args, i64 %i
  %object = load ptr, ptr %object.at
  %type.at = getelementptr i64, ptr %object, i64 1
  %type = load ptr, ptr %type.at
  switch i64 %i.kind, label %given.same [i64 1, label %given.array
                                         i64 2, label %given.scalar]
given.same:
  %is.same = icmp eq ptr %object, %i.same
  br i1 %is.same, label %given.passed, label %miss
given.scalar:
  %is.scalar = icmp eq ptr %type, %i.same
  %scalar.at = getelementptr i64, ptr %object, i64 2
  store ptr %scalar.at, ptr %i.place
  br i1 %is.scalar, label %given.passed, label %miss
given.array:
  %array.type = TABLE array.type
  %is.array = icmp eq ptr %type, %array.type
  br i1 %is.array, label %given.layout, label %miss
given.layout:
  %axes.at = getelementptr i64, ptr %object, i64 3
  %axes.short = load i32, ptr %axes.at
  %axes = sext i32 %axes.short to i64
  %axes.same = icmp eq i64 %axes, %i.axes
  %dtype.at = getelementptr i64, ptr %object, i64 7
  %dtype = load ptr, ptr %dtype.at
  %dtype.same = icmp eq ptr %dtype, %i.same
  %flags.at = getelementptr i64, ptr %object, i64 8
  %flags = load i32, ptr %flags.at
  %flags.kept = and i32 %flags, 257
  %flags.good = icmp eq i32 %flags.kept, 257
  %good.1 = and i1 %axes.same, %dtype.same
  %good.2 = and i1 %good.1, %flags.good
  br i1 %good.2, label %axis.begin, label %miss
axis.begin:
  %lengths.at = getelementptr i64, ptr %object, i64 4
  %lengths = load ptr, ptr %lengths.at
  br label %axis.loop
axis.loop:
  %a = phi i64 [0, %axis.begin], [%a.next, %axis.passed]
  %a.more = icmp slt i64 %a, %i.axes
  br i1 %a.more, label %axis, label %given.data
axis:
  %a.word = add i64 %a, 4
  %a.wanted.at = getelementptr i64, ptr %i.at, i64 %a.word
  %a.wanted = load i64, ptr %a.wanted.at
  %a.found.at = getelementptr i64, ptr %lengths, i64 %a
  %a.found = load i64, ptr %a.found.at
  %a.same = icmp eq i64 %a.found, %a.wanted
  br i1 %a.same, label %axis.passed, label %miss
axis.passed:
  %a.next = add i64 %a, 1
  br label %axis.loop
given.data:
  %data.at = getelementptr i64, ptr %object, i64 2
  %data = load ptr, ptr %data.at
  store ptr %data, ptr %i.place
  br label %given.passed
given.passed:
  %i.next = add i64 %i, 1
  br label %given.loop
"""
