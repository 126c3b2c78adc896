"""What ``import pullback`` costs beside ``import numpy``, each in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.timing import Timing, take_turns


def measure(rounds: int) -> dict[str, Timing]:
    """Return the time of a whole interpreter that imports nothing, NumPy, or pullback."""

    def run(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True)

    return take_turns(
        {
            "import numpy": lambda: run("import numpy"),
            "import pullback": lambda: run("import pullback"),
        },
        max(rounds // 2, 1),
        seconds=0,
    )
