"""What the strong zero costs: the workloads with it, and with a plain product in its place, in turns in one process.

``python -m benchmarks.strong_zero``
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.timing import take_turns

WORKLOADS = (
    "network_2_2_1", "mlp_64_32_10", "mlp_784_128_10", "mlp_784_1024_10", "softmax", "layer_norm", "logsumexp",
    "pointwise_chain", "textbook",
)  # fmt: skip


@contextmanager
def plain_products() -> Iterator[None]:
    """Let every derivative rule multiply plainly."""
    from pullback.core.operations import operations

    strong = operations.strong_product
    operations.strong_product = operations.multiply
    try:
        yield
    finally:
        operations.strong_product = strong


def contestants(name: str, wrap: Callable[[Any], Any]) -> dict[str, Callable[[], Any]]:
    """The workload with and without; what is compiled is compiled here, what is not multiplies plainly when called."""
    workload = importlib.import_module(f"benchmarks.workloads.{name}")
    strong = workload.pullback(wrap)
    strong()
    with plain_products():
        plain = workload.pullback(wrap)
        plain()

    def eager() -> Any:
        with plain_products():
            return plain()

    def strongly() -> Any:
        with unchanged():
            return strong()

    return {"strong zero": strongly, "plain product": eager}


@contextmanager
def unchanged() -> Iterator[None]:
    """As much work as ``plain_products`` is."""
    from pullback.core.operations import operations

    strong = operations.strong_product
    operations.strong_product = strong
    try:
        yield
    finally:
        operations.strong_product = strong


def main() -> None:
    """Print the table."""
    import pullback as pb

    print("| workload | compiled | eager |\n|---|---|---|")
    for name in WORKLOADS:
        shares = []
        for wrap in (pb.compile, lambda f: f):
            times = take_turns(contestants(name, wrap), rounds=31)
            with_it, without = (times[one].median for one in ("strong zero", "plain product"))
            shares.append(f"{without * 1e6:.1f} us, {with_it / without - 1:+.1%}")
        print(f"| {name} | {shares[0]} | {shares[1]} |", flush=True)


if __name__ == "__main__":
    main()
