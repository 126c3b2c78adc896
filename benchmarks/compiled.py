"""Compiled functions beside their peers: each contestant in a process of its own, all taken in turns."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workloads import NAMES

PEERS = ("PyTorch, eager", "torch.compile", "JAX, jit")
_WORKER = Path(__file__).parent / "worker.py"


@dataclass
class Contestant:
    """One process, and what was measured of it.

    Attributes:
        name: who it is.
        first: seconds of the first run, with what is compiled at it.
        seconds: of one run, in each round.
        memory: the most that the process held, in bytes.
    """

    name: str
    process: subprocess.Popen[str]
    first: float = 0.0
    results: Any = None
    seconds: list[float] = field(default_factory=list)
    memory: int = 0
    count: int = 1

    def ask(self, count: int | None = None) -> Any:
        """Let it run so often; return what it answers, None if it is no more."""
        if count is not None:
            try:
                print(count, file=self.process.stdin, flush=True)
            except BrokenPipeError:
                return None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return float(np.median(self.seconds))


def _start(workload: str, name: str, python: str, threads: int) -> Contestant | None:
    command = [python, str(_WORKER), workload, name, str(threads)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    one = Contestant(name, process)
    answer = one.ask()
    if answer is None:
        process.wait()
        return None
    one.first, one.results = answer["first"], answer["results"]
    return one


def measure(workload: str, peers: str | None, rounds: int, seconds: float, threads: int) -> list[Contestant]:
    """Time every contestant of a workload in turns; raise AssertionError if one computes something else."""
    module = importlib.import_module(f"benchmarks.workloads.{workload}")
    names = [("pullback, compiled", sys.executable), ("pullback, eager", sys.executable)]
    if hasattr(module, "numpy"):
        names.append(("NumPy by hand", sys.executable))
    if peers is not None:
        names += [(name, peers) for name in PEERS]
    found = [_start(workload, name, python, threads) for name, python in names]
    contestants = [one for one in found if one is not None]
    try:
        _compare(workload, contestants)
        for one in contestants:
            for _ in range(2):  # the second time it is warm
                once = one.ask(one.count)["seconds"]
                one.count = max(1, int(seconds / once))
        for _ in range(rounds):
            for one in contestants:
                answer = one.ask(one.count)
                one.seconds.append(answer["seconds"])
                one.memory = answer["memory"]
    finally:
        for one in contestants:
            assert one.process.stdin is not None
            one.process.stdin.close()
            one.process.wait()
    return contestants


def _compare(workload: str, contestants: list[Contestant]) -> None:
    first = contestants[0]
    for one in contestants[1:]:
        for ours, theirs in zip(first.results, one.results, strict=True):
            np.testing.assert_allclose(
                ours, theirs, rtol=2e-3, atol=1e-2, err_msg=f"{workload}: {first.name} and {one.name}"
            )


def limits() -> dict[str, float]:
    """What the machine does at most, measured now: a product of matrices, and a copy."""
    a = np.ones((1024, 1024), np.float32)
    big = np.ones(10**7, np.float32)
    target = np.empty_like(big)

    def best(function: Any, count: int = 5) -> float:
        times = []
        for _ in range(count):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        return min(times)

    return {
        "GEMM, GFLOP/s": 2 * 1024**3 / best(lambda: a @ a) / 1e9,
        "copy, GB/s": 2 * big.nbytes / best(lambda: np.copyto(target, big)) / 1e9,
    }


def table(measured: dict[str, list[Contestant]]) -> list[str]:
    """The results as lines of Markdown."""
    lines: list[str] = []
    ratios = []
    for workload, contestants in measured.items():
        ours, *others = contestants
        title = importlib.import_module(f"benchmarks.workloads.{workload}").TITLE
        lines += ["", f"### {title}", "", "| | one run, us | quartiles | times ours | first run, ms | memory, MB |"]
        lines.append("|---|---:|---:|---:|---:|---:|")
        for one in contestants:
            low, high = np.quantile(one.seconds, [0.25, 0.75]) * 1e6
            lines.append(
                f"| {one.name} | {one.median * 1e6:,.2f} | {low:,.2f} to {high:,.2f} | {one.median / ours.median:.2f} "
                f"| {one.first * 1e3:,.0f} | {one.memory / 1e6:,.0f} |"
            )
        peers = [one.median for one in others if one.name in PEERS]
        if peers:
            ratios.append(min(peers) / ours.median)
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        lines += ["", f"Geometric mean of the best peer's time over ours: {mean:.2f}, over {len(ratios)} workloads."]
    return lines


def run(peers: str | None, quick: bool, threads: int, only: list[str] | None) -> tuple[list[str], dict[str, Any]]:
    """Measure all workloads; return lines of Markdown and the same as data."""
    chosen = [name for name in NAMES if only is None or name in only]
    rounds, seconds = (2, 0.0) if quick else (15, 0.05)
    before = limits()
    measured = {name: measure(name, peers, rounds, seconds, threads) for name in chosen}
    physical = {name: max(one, before[name]) for name, one in limits().items()}
    words = ", ".join(f"{name} {value:,.0f}" for name, value in physical.items())
    lines = ["## Compiled functions", "", f"{threads} threads. Limits of the machine in this run: {words}."]
    data = {
        "limits": physical,
        "workloads": {
            name: {one.name: {"seconds": one.seconds, "first": one.first, "memory": one.memory} for one in contestants}
            for name, contestants in measured.items()
        },
    }
    return [*lines, *table(measured)], data
