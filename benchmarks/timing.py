"""Timing contestants in turns, so that drift of the machine hits all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median over rounds, and the spread between the quartiles."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median * 1e6:.2f} us ({self.low * 1e6:.2f} to {self.high * 1e6:.2f})"


def per_call(function: Callable[[], object], count: int) -> float:
    """Seconds of one call, of ``count`` of them."""
    start = time.perf_counter()
    for _ in range(count):
        function()
    return (time.perf_counter() - start) / count


def take_turns(
    contestants: Mapping[str, Callable[[], object]], rounds: int = 31, seconds: float = 0.01
) -> dict[str, Timing]:
    """Time each contestant once in every round, A B C A B C ..., and return the median of each.

    Args:
        contestants: what to call, by name; each is called once before anything is timed.
        rounds: how many times each is timed.
        seconds: about how long one timing takes.
    """
    counts = {}
    for name, function in contestants.items():
        function()
        counts[name] = max(1, int(seconds / max(per_call(function, 3), 1e-9)))
    measured: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, function in contestants.items():
            measured[name].append(per_call(function, counts[name]))
    return {name: _summary(times) for name, times in measured.items()}


def _summary(times: list[float]) -> Timing:
    if len(times) < 2:
        return Timing(times[0], times[0], times[0])
    low, _, high = statistics.quantiles(times, n=4)
    return Timing(statistics.median(times), low, high)
