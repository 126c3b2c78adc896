"""Elements that lie some steps apart, read into vectors and written from them.

Where the step is small whole vectors are read, and what is wanted of them is put together: that is faster than to read
elements one by one.
"""

from __future__ import annotations

from pullback.compiler.instructions import Writer, first_lanes
from pullback.compiler.words import suffix, vector

SMALL = 4
"""Steps up to this one are small."""


def load(w: Writer, kind: str, size: int, at: str, step: int, count: int) -> str:
    """The first ``count`` elements that are a step apart, as a vector of as many lanes as are written now.

    Args:
        w: what writes.
        kind: the LLVM type of an element in memory.
        size: its bytes.
        at: where the first element is.
        step: from one to the next, in elements.
        count: how many there are; what the other lanes hold says nothing.
    """
    if step == 1 or w.lanes == 1:
        return w.load_some(kind, at, size, count)
    if 1 < step <= SMALL:
        return _picked(w, kind, size, at, step, count)
    return gather(w, kind, size, _places(w, kind, at, step), count)


def gather(w: Writer, kind: str, size: int, places: str, count: int) -> str:
    """What lies at the first ``count`` of some places, as a vector; the other arguments as for ``load``."""
    type, mask, pointers = vector(kind, w.lanes), f"<{w.lanes} x i1>", f"<{w.lanes} x ptr>"
    name = f"llvm.masked.gather.{suffix(kind, w.lanes)}.v{w.lanes}p0"
    called = w.module.intrinsic(name, type, [pointers, mask, type])
    return w.result(
        f"call {type} {called}({pointers} align {size} {places}, "
        f"{mask} {first_lanes(w.lanes, count)}, {type} zeroinitializer)"
    )


def store(w: Writer, kind: str, size: int, value: str, to: str, step: int, count: int) -> None:
    """Write the first ``count`` lanes of a vector, a step apart; arguments as for ``load``."""
    type, mask = vector(kind, w.lanes), f"<{w.lanes} x i1>"
    if count >= w.lanes and (step == 1 or w.lanes == 1):
        w.write(f"store {type} {value}, ptr {to}, align {size}")
        return
    if step > SMALL or step < 1:
        pointers = f"<{w.lanes} x ptr>"
        name = f"llvm.masked.scatter.{suffix(kind, w.lanes)}.v{w.lanes}p0"
        called = w.module.intrinsic(name, "void", [type, pointers, mask])
        place = f"{pointers} align {size} {_places(w, kind, to, step)}"
        w.write(f"call void {called}({type} {value}, {place}, {mask} {first_lanes(w.lanes, count)})")
        return
    called = w.module.intrinsic(f"llvm.masked.store.{suffix(kind, w.lanes)}.p0", "void", [type, "ptr", mask])
    for part in range(step):
        places = range(part * w.lanes, (part + 1) * w.lanes)
        wanted = [place % step == 0 and place // step < count for place in places]
        if not any(wanted):
            continue
        spread = value if step == 1 else _shuffled(w, type, value, "poison", [place // step for place in places])
        chosen = f"<{', '.join(f'i1 {int(one)}' for one in wanted)}>"
        place = f"ptr align {size} {w.moved(to, str(places[0]), size)}"
        w.write(f"call void {called}({type} {spread}, {place}, {mask} {chosen})")


def _picked(w: Writer, kind: str, size: int, at: str, step: int, count: int) -> str:
    """Every ``step``-th of the elements of some vectors."""
    lanes, type, last = w.lanes, w.type(kind), (count - 1) * step
    found = "poison"
    for part in range(step):
        begin = part * lanes
        if last < begin:
            break
        whole = w.load_some(kind, w.moved(at, str(begin), size), size, last + 1 - begin)
        # What has been found so far stays in its lanes; what this vector holds goes to the lanes after them.
        order = [lane if lane * step < begin else lanes + min(lane * step - begin, lanes - 1) for lane in range(lanes)]
        found = _shuffled(w, type, found, whole, order)
    return found


def _shuffled(w: Writer, type: str, x: str, y: str, order: list[int]) -> str:
    places = ", ".join(f"i32 {place}" for place in order)
    return w.value(f"shufflevector {type} {x}, {type} {y}, <{len(order)} x i32> <{places}>")


def _places(w: Writer, kind: str, at: str, step: int) -> str:
    indices = ", ".join(f"i64 {i * step}" for i in range(w.lanes))
    return w.value(f"getelementptr {kind}, ptr {at}, <{w.lanes} x i64> <{indices}>")
