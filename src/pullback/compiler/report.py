"""What a program consists of, and how long its parts take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from pullback.compiler.lowered import HostCall, Lowered
from pullback.compiler.program import Program


@dataclass(frozen=True)
class PartReport:
    """One part of a program.

    Attributes:
        kind: "kernel" (one loop nest), "product" (a product of matrices, and what is done to its tiles), "convolution"
            (the same for one of these, or an adjoint of it), "loop", "branch" or "call" (of bodies, whose parts follow)
            or "host call" (of NumPy).
        operations: what is computed, with the dtype and shape of each.
        nbytes: the size of the arrays that it reads and writes; 0 for a call of the host.
        flops: floating-point operations of a product; 0 for what is not counted.
        seconds: how long it took in one run, None if it was not measured.
        depth: how many loops and branches it is in; its bytes and operations are those of one step.
    """

    kind: str
    operations: tuple[str, ...]
    nbytes: int
    flops: int
    seconds: float | None = None
    depth: int = 0


@dataclass(frozen=True)
class Report:
    """A program: its parts in the order in which they run, and its memory. Prints as a table.

    Attributes:
        name: of the function.
        parts: kernels, products, and calls of the host.
        memory: bytes that are planned for what lives only while the program runs.
        in_place: how many arrays of state are updated where they are.
        runs: how many runs were measured.
    """

    name: str
    parts: tuple[PartReport, ...]
    memory: int
    in_place: int
    runs: int = 0

    def count(self, kind: str) -> int:
        """How many parts are of a kind."""
        return sum(part.kind == kind for part in self.parts)

    def __str__(self) -> str:
        kinds = [kind for kind in _KINDS if kind in _ALWAYS or self.count(kind)]
        counts = ", ".join(f"{self.count(kind)} {_plural(kind) if self.count(kind) != 1 else kind}" for kind in kinds)
        state = f", {self.in_place} arrays updated in place" if self.in_place else ""
        lines = [f"{self.name}: {counts}; {self.memory:,} bytes of memory{state}"]
        for part in self.parts:
            time = "" if not self.runs else " " * 15 if part.seconds is None else f"{part.seconds * 1e6:10.1f} us  "
            work = f"{part.flops / 1e6:,.1f} MFLOP" if part.flops else f"{part.nbytes / 1e3:,.1f} kB"
            shown = ", ".join(part.operations[-3:])
            more = f"{len(part.operations) - 3} more, " if len(part.operations) > 3 else ""
            kind = f"{'  ' * part.depth}{part.kind}"
            lines.append(f"  {time}{kind:<12}{work:>14}  {more}{shown}")
        return "\n".join(lines)


_KINDS = ("kernel", "product", "convolution", "loop", "branch", "call", "host call")
_ALWAYS = ("kernel", "product", "host call")


def _plural(kind: str) -> str:
    return f"{kind}es" if kind == "branch" else f"{kind}s"


def report(name: str, lowered: Lowered, spent: Sequence[float] = (), runs: int = 0) -> Report:
    """Describe a program; with the time spent in each part in so many runs, where parts are separate."""
    native = iter(lowered.parts)
    parts: list[PartReport] = []
    for i, one in enumerate(lowered.sequence):
        seconds = spent[i] / max(runs, 1) if spent else None
        if isinstance(one, HostCall):
            parts.append(PartReport("host call", (f"{one.node.primitive.name} {one.node.aval}",), 0, 0, seconds))
            continue
        for _ in range(lowered.steps[i]):
            part = next(native)
            parts.append(
                PartReport(part.kind, part.nodes, part.nbytes, part.flops, None if part.depth else seconds, part.depth)
            )
    return Report(name, tuple(parts), lowered.arena_size, len(lowered.in_place), runs)


class Profile:
    """The times of compiled functions that ran inside ``with pullback.profile() as p``.

    Attributes:
        reports: one for each program that ran, in the order of their first runs.
    """

    def __init__(self) -> None:
        self._programs: dict[Program, tuple[str, int]] = {}
        self._before: dict[Program, list[float]] = {}

    def add(self, name: str, program: Program) -> None:
        """Count one run, which is about to begin, of a program whose parts are separate."""
        self._programs[program] = (name, self._programs.get(program, (name, 0))[1] + 1)
        self._before.setdefault(program, list(program.seconds or ()))

    @property
    def reports(self) -> list[Report]:
        """One report for each program that ran."""
        found = []
        for one, (name, runs) in self._programs.items():
            spent = [now - before for now, before in zip(one.seconds or (), self._before[one], strict=True)]
            found.append(report(name, one.lowered, spent, runs))
        return found

    def __enter__(self) -> Profile:
        profiles.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        profiles.remove(self)

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.reports)) or "no compiled function ran"


profiles: list[Profile] = []
"""Those that are measuring now."""


def profile() -> Profile:
    """Measure how long each part of compiled functions takes, inside ``with pullback.profile() as p``; print(p) then.

    Parts run one by one meanwhile, so the whole takes somewhat longer than usual.

    >>> import numpy as np
    >>> import pullback as pb
    >>> f = pb.compile(lambda x: np.sin(x).sum())
    >>> with profile() as p:
    ...     _ = f(np.ones(1000))
    >>> [part.kind for part in p.reports[0].parts]
    ['kernel']
    """
    return Profile()
