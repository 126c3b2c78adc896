"""Run the measurements and write them down: ``python -m benchmarks [--quick]``."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
from pathlib import Path

from benchmarks import importing, recording, training

WORKLOADS = {
    "x * x on a 64x32 float32 array": recording,
    "A training step, 64-128-10, batch 32, float32": training,
    "A fresh interpreter that imports": importing,
}
RESULTS = Path(__file__).parent / "results" / "eager.md"


def _versions() -> str:
    found = []
    for name in ("pullback", "numpy", "scipy", "torch"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of each, and write no file")
    quick = parser.parse_args().quick
    lines = [
        "# Eager operations",
        "",
        f"Python {platform.python_version()}, {_versions()}; {platform.machine()}, {os.cpu_count()} processors.",
        "Medians (and quartiles) of one call, contestants taken in turns in one run. Ratios are to the first row.",
    ]
    for title, workload in WORKLOADS.items():
        timings = workload.measure(rounds=2 if quick else 31)
        base = next(iter(timings.values())).median
        lines += ["", f"## {title}", "", "| | time | ratio |", "|---|---|---|"]
        lines += [f"| {name} | {timing} | {timing.median / base:.2f} |" for name, timing in timings.items()]
    text = "\n".join(lines) + "\n"
    print(text)
    if not quick:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
