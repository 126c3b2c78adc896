"""The results of compiled functions as Markdown: one table over all, and one for each workload."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.contestants import BY_HAND, EAGER, OURS, PEERS
from benchmarks.limits import COPY, GEMM32, GEMM64

Measured = Mapping[str, Any]
_COLUMNS = (OURS, EAGER, BY_HAND, *PEERS)
_NONE = "-"


def duration(seconds: float) -> str:
    """Seconds with three digits, in the unit that suits them."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= factor or unit == "µs":
            value = seconds / factor
            return f"{value:.{max(0, 2 - int(math.log10(max(value, 1))))}f} {unit}"
    raise AssertionError


def _median(measured: Measured, name: str) -> float | None:
    found = measured["contestants"].get(name)
    return None if found is None or "failed" in found else float(np.median(found["seconds"]))


def best_peer(measured: Measured) -> float | None:
    """The time of the fastest peer over ours, None where no peer was measured."""
    peers = [one for one in (_median(measured, name) for name in PEERS) if one is not None]
    ours = _median(measured, OURS)
    return min(peers) / ours if peers and ours else None


def _share(measured: Measured) -> str:
    ours, floor = _median(measured, OURS), measured["floor"]
    return f"{floor / ours:.0%}" if floor and ours else _NONE


def document(known: Mapping[str, Measured]) -> list[str]:
    """The whole page."""
    lines = ["# Compiled functions", ""]
    for machine in dict.fromkeys(one["machine"] for one in known.values()):
        rows = [name for name, one in known.items() if one["machine"] == machine]
        lines.append(machine if len(rows) == len(known) else f"{', '.join(rows)}: {machine}")
    lines += [
        "",
        "Medians of one run, contestants taken in turns, each in a process of its own; their results were compared",
        "before. *Best peer* is the time of the fastest of PyTorch, torch.compile and JAX over that of the compiled",
        "function: above 1 it is faster than all of them. *Of limit* is the least time that this machine needs, by its",
        "speed of matrix products or of copying as measured in the same run, over the time that the compiled function",
        "takes; where neither bounds the work there is none.",
        "",
        "| | compiled | eager | NumPy by hand | PyTorch | torch.compile | JAX | best peer | of limit |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in known.values():
        times = [_median(one, name) for name in _COLUMNS]
        words = [_NONE if time is None else duration(time) for time in times]
        ratio = best_peer(one)
        lines.append(
            f"| {one['title']} | {' | '.join(words)} | {_NONE if ratio is None else f'{ratio:.2f}'} | {_share(one)} |"
        )
    ratios = [ratio for ratio in map(best_peer, known.values()) if ratio is not None]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        lines += ["", f"Geometric mean of *best peer*: {mean:.2f}, over {len(ratios)} workloads."]
    lines += [
        "",
        "Below, *first run* is with compiling, the compiler itself being loaded; *from cache* the same in a new",
        "process that finds the compiled code on disk; *memory* the most that it needed beyond its libraries.",
    ]
    for one in known.values():
        lines += ["", *detail(one)]
    return lines


def detail(measured: Measured) -> list[str]:
    """A workload by itself."""
    lines = [f"### {measured['title']}", ""]
    if measured["limits"]:
        gemm32, gemm64, copy = (measured["limits"][one] / 1e9 for one in (GEMM32, GEMM64, COPY))
        lines += [
            f"{measured['threads']} threads. In this run: products {gemm32:,.0f} GFLOP/s in float32 and {gemm64:,.0f} "
            f"in float64, copying {copy:,.0f} GB/s.",
            "",
        ]
    lines += [
        "| | one run | quartiles | times ours | first run | from cache | memory |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    ours = _median(measured, OURS)
    for name, one in measured["contestants"].items():
        if "failed" in one:
            lines.append(f"| {name} | {one['failed']} | | | | | |")
            continue
        low, middle, high = np.quantile(one["seconds"], [0.25, 0.5, 0.75])
        cached = _NONE if one["cached"] is None else duration(one["cached"])
        lines.append(
            f"| {name} | {duration(middle)} | {duration(low)} to {duration(high)} | {middle / ours:.2f} "
            f"| {duration(one['cold'])} | {cached} | {one['memory'] / 1e6:,.0f} MB |"
        )
    return lines
