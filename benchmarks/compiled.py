"""Compiled functions beside their peers: each contestant in a process of its own, all taken in turns."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import contestants, tables
from benchmarks.contestants import OURS, Contestant, NoAnswerError
from benchmarks.limits import COPY, GEMM32, GEMM64
from benchmarks.workloads import NAMES, Work

ROUNDS, LEAST_ROUNDS = 15, 5
TURN = 0.05
"""Seconds that one turn of a contestant takes, or one run where that takes longer."""
BUDGET = 30.0
"""Seconds after which no further round of a workload is begun, once there are a few."""


def _say(text: str) -> None:
    print(text, flush=True)


def measure(workload: str, peers: str | None, threads: int, quick: bool) -> dict[str, Any]:
    """Time every contestant of a workload in turns; raise AssertionError if one computes something else."""
    running: list[Contestant] = []
    failed: dict[str, str] = {}
    limits = None if quick else _limits(threads)
    try:
        for name, python in contestants.names(workload, peers):
            try:
                running.append(contestants.start(workload, name, python, threads, twice=not quick))
                _say(f"  {name}: first run {tables.duration(running[-1].cold)}")
            except NoAnswerError as reason:
                if python == sys.executable:
                    raise
                failed[name] = str(reason)
                _say(f"  {name}: {reason}")
        _compare(workload, running)
        _take_turns(running, quick)
    finally:
        for one in running:
            one.end()
    if limits is not None:
        limits = {name: max(value, limits[name]) for name, value in _limits(threads).items()}
    measured: dict[str, Any] = {
        one.name: {"seconds": one.seconds, "cold": one.cold, "cached": one.cached, "memory": one.memory}
        for one in running
    }
    order = [name for name, _ in contestants.names(workload, peers)]
    measured |= {name: {"failed": reason} for name, reason in failed.items()}
    module = importlib.import_module(f"benchmarks.workloads.{workload}")
    return {
        "title": module.TITLE,
        "threads": threads,
        "limits": limits,
        "floor": _floor(getattr(module, "WORK", Work()), limits),
        "contestants": {name: measured[name] for name in order},
    }


def _take_turns(running: list[Contestant], quick: bool) -> None:
    for one in running:
        for _ in range(1 if quick else 2):  # the second time it is warm
            once = one.run()
            one.count = 1 if quick else max(1, int(TURN / once))
    began = time.perf_counter()
    for number in range(1 if quick else ROUNDS):
        if number >= LEAST_ROUNDS and time.perf_counter() - began > BUDGET:
            break
        for one in running:
            time.sleep(0 if quick else 0.02)  # the threads of the one before stop waiting for work
            one.seconds.append(one.run())


def _compare(workload: str, running: list[Contestant]) -> None:
    first = running[0]
    assert first.name == OURS
    for one in running[1:]:
        for ours, theirs in zip(first.results, one.results, strict=True):
            np.testing.assert_allclose(
                ours, theirs, rtol=2e-3, atol=1e-2, err_msg=f"{workload}: {first.name} and {one.name}"
            )


def _limits(threads: int) -> dict[str, float]:
    script = Path(__file__).parent / "limits.py"
    run = subprocess.run([sys.executable, str(script), str(threads)], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(run.stdout)
    return found


def _floor(work: Work, limits: dict[str, float] | None) -> float | None:
    """The least seconds that this machine needs, None where nothing is known of it."""
    if limits is None or not (work.flops or work.bytes):
        return None
    gemm = limits[GEMM32 if work.dtype == "float32" else GEMM64]
    return max(work.flops / gemm, work.bytes / limits[COPY])


def run(peers: str | None, quick: bool, threads: int, only: list[str] | None, machine: str, results: Path) -> bool:
    """Measure the workloads, and write each one down when it is measured; return whether all went well.

    Rows of ``results/compiled.json`` and ``.md`` that are not measured now stay as they are.
    """
    if unknown := set(only or ()) - set(NAMES):
        raise SystemExit(f"no workload {', '.join(sorted(unknown))}. There are: {', '.join(NAMES)}")
    path = results / "compiled.json"
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["workloads"] if path.exists() else {}
    good = True
    for name in NAMES:
        if only is not None and name not in only:
            continue
        _say(f"{name} ...")
        try:
            measured = {"machine": machine, **measure(name, peers, threads, quick)}
        except (AssertionError, NoAnswerError) as error:
            _say(f"  NOT MEASURED: {error}")
            good = False
            continue
        _say("\n".join(tables.detail(measured)))
        known = {one: measured if one == name else known[one] for one in NAMES if one == name or one in known}
        if not quick:
            path.write_text(json.dumps({"workloads": known}, indent=1) + "\n", encoding="utf-8")
            path.with_suffix(".md").write_text("\n".join(tables.document(known)) + "\n", encoding="utf-8")
    return good
