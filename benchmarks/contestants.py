"""Contestants: each a process of its own that runs one workload when it is asked to, with a limit of time."""

from __future__ import annotations

import importlib
import json
import os
import select
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OURS, EAGER, BY_HAND = "pullback, compiled", "pullback, eager", "NumPy by hand"
PEERS = ("PyTorch, eager", "torch.compile", "JAX, jit")
COMPILING = (OURS, "torch.compile", "JAX, jit")
"""Who keeps compiled code on disk."""
PATIENCE = 120
"""Seconds within which a contestant must answer, its imports and its compiling included."""
_WORKER = Path(__file__).parent / "worker.py"


class NoAnswerError(Exception):
    """A contestant that ended, or took too long."""


@dataclass
class Contestant:
    """One process, and what was measured of it.

    Attributes:
        name: who it is.
        cold: seconds of the first run ever, with what is compiled at it.
        cached: the same in a new process that finds the compiled code on disk; None where there is none.
        results: what it computed in its first runs.
        seconds: of one run, in each round.
        memory: the most bytes that it needed, beyond those of its libraries.
        count: how many runs one round takes.
    """

    name: str
    process: subprocess.Popen[str]
    errors: Any
    cold: float = 0.0
    cached: float | None = None
    results: Any = None
    seconds: list[float] = field(default_factory=list)
    memory: int = 0
    count: int = 1

    @classmethod
    def start(cls, workload: str, name: str, python: str, threads: int, cache: str) -> Contestant:
        """Start the process; return when it has done its first runs. Raises NoAnswerError."""
        errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # open as long as the process
        command = [python, str(_WORKER), workload, name, str(threads), cache]
        pipe = subprocess.PIPE
        environment = {**os.environ}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its bytecode: so has what is not
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, text=True, env=environment)
        one = cls(name, process, errors)
        answer = one._answer()
        one.cold, one.results = answer["first"], answer["results"]
        return one

    def run(self) -> float:
        """Let it run ``count`` times; return the seconds of each. Raises NoAnswerError."""
        print(self.count, file=self.process.stdin, flush=True)
        answer = self._answer()
        self.memory = answer["memory"]
        return float(answer["seconds"])

    def _answer(self) -> Any:
        stdout = self.process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], PATIENCE)
        line = stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        self.end()
        self.errors.seek(0)
        last = [one.strip() for one in self.errors if one.strip()][-1:]
        raise NoAnswerError(f"no answer in {PATIENCE} s" if not ready else "".join(last) or "it ended without a word")

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


def names(workload: str, peers: str | None) -> list[tuple[str, str]]:
    """Who takes part in a workload, each with its interpreter."""
    found = [(OURS, sys.executable), (EAGER, sys.executable)]
    if hasattr(importlib.import_module(f"benchmarks.workloads.{workload}"), "numpy"):
        found.append((BY_HAND, sys.executable))
    return found + ([(name, peers) for name in PEERS] if peers is not None else [])


def start(workload: str, name: str, python: str, threads: int, twice: bool) -> Contestant:
    """Start a contestant with an empty cache on disk and, if ``twice``, once more with the cache that this filled."""
    with tempfile.TemporaryDirectory() as cache:
        first = Contestant.start(workload, name, python, threads, cache)
        if not twice or name not in COMPILING:
            return first
        first.end()
        second = Contestant.start(workload, name, python, threads, cache)
        second.cold, second.cached = first.cold, second.cold
        return second
