"""Run the measurements and write them down: ``python -m benchmarks``, see ``--help``."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
from pathlib import Path

from benchmarks import compiled, importing, mathematics, memory, recording, training

WORKLOADS = {
    "x * x on a 64x32 float32 array": recording,
    "A training step, 64-128-10, batch 32, float32": training,
    "A fresh interpreter that imports": importing,
    "exp of 8192 float32 numbers": mathematics,
}
RESULTS = Path(__file__).parent / "results"


def _versions() -> str:
    found = []
    for name in ("pullback", "numpy", "scipy", "torch"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


def _machine() -> str:
    return f"Python {platform.python_version()}, {_versions()}; {platform.machine()}, {os.cpu_count()} processors."


def _eager(quick: bool) -> str:
    lines = [
        "# Eager operations",
        "",
        _machine(),
        "Medians (and quartiles) of one call, contestants taken in turns in one run. Ratios are to the first row.",
    ]
    for title, workload in WORKLOADS.items():
        timings = workload.measure(rounds=2 if quick else 31)
        base = next(iter(timings.values())).median
        lines += ["", f"## {title}", "", "| | time | ratio |", "|---|---|---|"]
        lines += [f"| {name} | {timing} | {timing.median / base:.2f} |" for name, timing in timings.items()]
    lines += ["", *memory.report()]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of each, and write no file")
    parser.add_argument("--compiled", action="store_true", help="compiled functions only")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter that has what peers.txt lists")
    parser.add_argument("--threads", type=int, default=2, help="for every contestant")
    parser.add_argument("--only", metavar="WORKLOAD", action="append", help="some of the workloads of workloads/")
    chosen = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    if not chosen.compiled:
        text = _eager(chosen.quick)
        print(text)
        if not chosen.quick:
            (RESULTS / "eager.md").write_text(text, encoding="utf-8")
    lines, data = compiled.run(chosen.peers, chosen.quick, chosen.threads, chosen.only)
    text = "\n".join(["# Compiled functions", "", _machine(), *lines[1:]]) + "\n"
    print(text)
    if not chosen.quick:
        (RESULTS / "compiled.md").write_text(text, encoding="utf-8")
        document = {"machine": _machine(), **data}
        (RESULTS / "compiled.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
