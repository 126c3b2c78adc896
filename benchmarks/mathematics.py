"""What each native mathematical function costs: ``python -m benchmarks.mathematics [NAME ...]`` prints a table.

Nanoseconds for an element on one thread, in cache, beside NumPy; instructions of LLVM IR; and milliseconds of code
generation at LLVM's lowest level, beyond what an empty loop takes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.timing import Timing, take_turns
from pullback.compiler.mathematics import arity, bounds, names
from pullback.compiler.mathematics.evaluate import Evaluator

SIZE = 8192
DTYPES = {"float": np.dtype(np.float32), "double": np.dtype(np.float64)}


def _arguments(name: str, dtype: np.dtype[Any]) -> list[np.ndarray[Any, Any]]:
    random = np.random.default_rng(0)
    above, below = (1.0, 3.0) if name == "arccosh" else (0.0, 0.99)
    return [random.uniform(above, below, SIZE).astype(dtype) for _ in range(arity(name))]


def _native(evaluator: Evaluator, inputs: list[np.ndarray[Any, Any]]) -> Callable[[], object]:
    out = np.empty(SIZE, evaluator.dtype)
    pointers = [out.ctypes.data, *(one.ctypes.data for one in inputs)]
    native, keep = evaluator.native, (evaluator, out, inputs)  # its code lives as long as it does
    return lambda keep=keep: native(SIZE, *pointers)


def measure(rounds: int) -> dict[str, Timing]:
    """Return the times of the exponential of 8192 float32 numbers: native, and NumPy's."""
    inputs = _arguments("exp", DTYPES["float"])
    return take_turns({"native": _native(Evaluator("exp", "float"), inputs), "NumPy": lambda: np.exp(*inputs)}, rounds)


def _generation(name: str, element: str) -> float:
    return min(Evaluator(name, element, optimization=0).measured.milliseconds for _ in range(7))


def main() -> None:
    empty = {element: _generation("sqrt", element) for element in DTYPES}
    print("| function | dtype | error bound, ulp | ns/element | NumPy | IR instructions | generation, ms |")
    print("|---|---|---|---|---|---|---|")
    for name in sys.argv[1:] or sorted(names()):
        for element, dtype in DTYPES.items():
            evaluator = Evaluator(name, element, optimization=0)
            inputs = _arguments(name, dtype)
            contestants = {"native": _native(evaluator, inputs)}
            if hasattr(np, name):
                contestants["NumPy"] = lambda name=name, inputs=inputs: getattr(np, name)(*inputs)
            times = take_turns(contestants, rounds=15, seconds=0.002)
            per_element = [f"{times[one].low / SIZE * 1e9:.2f}" if one in times else "" for one in ("native", "NumPy")]
            generation = _generation(name, element) - empty[element]
            row = [bounds(name)[element], *per_element, evaluator.measured.instructions, f"{generation:.2f}"]
            print("|", " | ".join(map(str, [name, dtype.name, *row])), "|", flush=True)


if __name__ == "__main__":
    main()
