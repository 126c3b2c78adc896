"""What ``import pullback`` costs beside ``import numpy``, each in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.timing import Timing, take_turns


def measure(rounds: int) -> dict[str, Timing]:
    """Return the time of an import: that of a whole interpreter less that of one which imports nothing."""

    def run(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True)

    whole = take_turns(
        {name: lambda name=name: run(name) for name in ("pass", "import numpy", "import pullback")},
        rounds,
        seconds=0,
    )
    empty = whole.pop("pass").median
    return {name: Timing(one.median - empty, one.low - empty, one.high - empty) for name, one in whole.items()}
