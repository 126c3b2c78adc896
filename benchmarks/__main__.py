"""Run the measurements and write them down: ``python -m benchmarks``, see ``--help``."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

from benchmarks import compiled, importing, mathematics, memory, recording, training

WORKLOADS = {
    "x * x on a 64x32 float32 array": recording,
    "A training step, 64-128-10, batch 32, float32": training,
    "A fresh interpreter that imports": importing,
    "exp of 8192 float32 numbers": mathematics,
}
RESULTS = Path(__file__).parent / "results"


_VERSIONS = """
import importlib.metadata, sys
for name in sys.argv[1:]:
    try:
        print(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        continue
"""


def _versions(python: str, *names: str) -> list[str]:
    run = subprocess.run([python, "-c", _VERSIONS, *names], check=True, capture_output=True, text=True)
    return run.stdout.splitlines()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def _machine(peers: str | None = None) -> str:
    versions = _versions(sys.executable, "pullback", "numpy", "scipy", "llvmlite")
    versions += _versions(peers, "torch", "jax") if peers is not None else []
    processor = ", ".join(one for one in (platform.machine(), _processor(), f"{os.cpu_count()} processors") if one)
    return f"Python {platform.python_version()}, {', '.join(versions)}; {platform.system()}, {processor}."


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
    parser.add_argument("--only", metavar="WORKLOAD", action="append", help="compiled functions, this workload only")
    chosen = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    if not chosen.compiled and not chosen.only:
        text = _eager(chosen.quick)
        print(text)
        if not chosen.quick:
            (RESULTS / "eager.md").write_text(text, encoding="utf-8")
    machine = _machine(chosen.peers)
    if not compiled.run(chosen.peers, chosen.quick, chosen.threads, chosen.only, machine, RESULTS):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
